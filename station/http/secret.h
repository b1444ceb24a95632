/* What people and machines prove themselves by, and how it is kept: PINs and badges as Argon2id over the text and a
 * secret of the station's key, tokens as BLAKE2b-256.  What is kept is of no use without that key. */
#ifndef STATION_HTTP_SECRET_H
#define STATION_HTTP_SECRET_H

#include "base/err.h"
#include "base/span.h"
#include "journal/journal.h"
#include "journal/people.h"

#include <stdint.h>

#define SECRET_TEXT 52 /* a token or a session's number, with its NUL: a prefix and 256 random bits */
#define SECRET_HASH 65 /* 64 hex digits and a NUL */

struct secrets {
	uint8_t pepper[32];
	uint8_t badge_salt[16];
	uint8_t derive[32], request[32];
};

void secrets_init(struct secrets *s, const struct journal *j);
/* Some 20 ms and 19 MiB each; no-memory. */
bool secret_pin(const struct secrets *s, const char *pin, char out[CREDENTIAL_SIZE], struct err *e);
/* False also with login-failed, when it is another PIN. */
bool secret_pin_fits(const struct secrets *s, const char *pin, const char *stored, struct err *e);
/* A PIN that nobody has, as it is kept: whoever has none costs as much time as who has one. */
#define SECRET_NO_PIN                                                                                                  \
	"$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
/* A badge's card may say that it is one by "OP:" in front; that is the card's word and no part of the badge. */
#define BADGE_CARD "OP:"
const char *secret_badge_text(const char *scanned);
/* The same text for the same badge, with and without that word, since a badge alone must find its person. */
bool secret_badge(const struct secrets *s, const char *badge, char out[CREDENTIAL_SIZE], struct err *e);
void secret_make(const char *prefix, char out[SECRET_TEXT]);
/* The same for the same words, and nobody's to guess without the station's key. */
void secret_derive(const struct secrets *s, const char *prefix, const char *words, char out[SECRET_TEXT]);
/* What tells two requests apart, of which the second part may be a PIN: of no use without the station's key. */
void secret_digest(const struct secrets *s, const char *first, struct span second, char out[SECRET_HASH]);
void secret_hash(const char *text, char out[SECRET_HASH]);
/* In a time that does not depend on where they differ. */
bool secret_equal(const char *a, const char *b);

#endif
