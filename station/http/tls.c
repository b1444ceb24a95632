/* Reads and checks the certificate and its key. */
#include "http/tls.h"

#include "base/span.h"
#include "os/file.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool read_text(const char *path, char **out, struct err *e)
{
	uint8_t *data = NULL;
	size_t size;
	if (!file_read(path, TLS_FILE_MAX, &data, &size, e))
		return false;
	char *text = malloc(size + 1);
	if (text) {
		memcpy(text, data, size);
		text[size] = '\0';
	}
	sodium_memzero(data, size);
	free(data);
	*out = text;
	return text || err_set(e, CODE_NO_MEMORY, "no memory for %.150s", path);
}

static bool key_is_private(const char *path, struct err *e)
{
	struct stat st;
	if (stat(path, &st))
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot look at %.150s", path);
	return !(st.st_mode & 07) || err_set(e, CODE_CONFIG_INVALID, "tls_key: everybody may read %.150s", path);
}

/* A key with a passphrase is refused rather than asked for at a terminal. */
static int no_passphrase(char *out, int size, int writing, void *context)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

static bool fit_together(const struct tls_files *f, const char *cert_path, const char *key_path, struct err *e)
{
	BIO *cert_text = BIO_new_mem_buf(f->cert, -1), *key_text = BIO_new_mem_buf(f->key, -1);
	X509 *cert = cert_text ? PEM_read_bio_X509(cert_text, NULL, no_passphrase, NULL) : NULL;
	EVP_PKEY *key = key_text ? PEM_read_bio_PrivateKey(key_text, NULL, no_passphrase, NULL) : NULL;
	bool good = false;
	if (!cert)
		err_set(e, CODE_CONFIG_INVALID, "tls_cert: %.150s is no PEM certificate", cert_path);
	else if (!key)
		err_set(e, CODE_CONFIG_INVALID, "tls_key: %.150s is no PEM key without a passphrase", key_path);
	else
		good = X509_check_private_key(cert, key) == 1 ||
		       err_set(e, CODE_CONFIG_INVALID, "tls_key: %.150s is not the key of the certificate", key_path);
	X509_free(cert);
	EVP_PKEY_free(key);
	BIO_free(cert_text);
	BIO_free(key_text);
	return good;
}

bool tls_load(const char *cert, const char *key, struct tls_files *out, struct err *e)
{
	*out = (struct tls_files){ NULL, NULL };
	if (!*cert != !*key)
		return err_set(e, CODE_CONFIG_INVALID, "tls_cert and tls_key need each other");
	if (read_text(cert, &out->cert, e) && key_is_private(key, e) && read_text(key, &out->key, e) &&
	    fit_together(out, cert, key, e))
		return true;
	tls_clear(out);
	return false;
}

void tls_clear(struct tls_files *files)
{
	if (files->key)
		sodium_memzero(files->key, strlen(files->key));
	free(files->key);
	free(files->cert);
	*files = (struct tls_files){ NULL, NULL };
}
