/* The certificate and its key, from their files.  Checked before the server starts, so that what is wrong has a name.
 */
#ifndef STATION_HTTP_TLS_H
#define STATION_HTTP_TLS_H

#include "base/err.h"

#define TLS_FILE_MAX (256u << 10)
/* GnuTLS' words: TLS 1.2 and 1.3, forward secrecy, authenticated ciphers only. */
#define TLS_PRIORITIES                                                                                                 \
	"SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-CIPHER-ALL:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:"      \
	"-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:%SERVER_PRECEDENCE"

struct tls_files {
	char *cert, *key; /* owned; PEM */
};

/* config-invalid: no PEM, the key is not the certificate's, the key may be read by everybody; file-failed. */
bool tls_load(const char *cert, const char *key, struct tls_files *out, struct err *e);
void tls_clear(struct tls_files *files); /* wipes the key; accepts one that is all zero */

#endif
