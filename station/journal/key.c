/* The station's signing key and its two PEM files.
 *
 * An Ed25519 key in DER is a constant prefix and 32 bytes (RFC 8410 sections 7 and 4), so no ASN.1 is needed. */
#include "journal/key.h"

#include "os/file.h"

#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX_MAX   16
#define KEY_FILE_MAX 4096

struct pem_form {
	const char *label;
	size_t prefix_size;
	uint8_t prefix[PREFIX_MAX];
};

static const struct pem_form private_form = { "PRIVATE KEY", 16,
	{ 0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20 } };
static const struct pem_form public_form = { "PUBLIC KEY", 12,
	{ 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 } };

bool base64_read(struct span text, uint8_t *out, size_t size)
{
	size_t got = 0;
	const char *end = NULL;
	return text.size == BASE64_SIZE(size) &&
	       sodium_base642bin(out, size, (const char *)text.data, text.size, NULL, &got, &end,
		   sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       got == size && end == (const char *)text.data + text.size;
}

void base64_print(const uint8_t *data, size_t size, char *out)
{
	sodium_bin2base64(out, BASE64_SIZE(size) + 1, data, size, sodium_base64_VARIANT_ORIGINAL);
}

static void pem_print(const struct pem_form *form, const uint8_t key[32], char *out, size_t size)
{
	uint8_t der[PREFIX_MAX + 32];
	char line[BASE64_SIZE(sizeof der) + 1];
	memcpy(der, form->prefix, form->prefix_size);
	memcpy(der + form->prefix_size, key, 32);
	base64_print(der, form->prefix_size + 32, line);
	snprintf(out, size, "-----BEGIN %s-----\n%s\n-----END %s-----\n", form->label, line, form->label);
	sodium_memzero(der, sizeof der);
	sodium_memzero(line, sizeof line);
}

static bool pem_read(const struct pem_form *form, const char *text, uint8_t key[32])
{
	uint8_t der[PREFIX_MAX + 32];
	char begin[48], end[48];
	size_t want = BASE64_SIZE(form->prefix_size + 32);
	int n = snprintf(begin, sizeof begin, "-----BEGIN %s-----\n", form->label);
	snprintf(end, sizeof end, "\n-----END %s-----", form->label);
	if (strncmp(text, begin, (size_t)n) != 0 || strlen(text + n) < want ||
	    strncmp(text + n + want, end, strlen(end)))
		return false;
	bool ok = base64_read(span_of(text + n, want), der, form->prefix_size + 32) &&
		  !memcmp(der, form->prefix, form->prefix_size);
	if (ok)
		memcpy(key, der + form->prefix_size, 32);
	sodium_memzero(der, sizeof der);
	return ok;
}

static bool create_key(const char *path, struct station_key *key, struct err *e)
{
	uint8_t seed[SIGNING_SEED_SIZE];
	char pem[256], public_path[PATH_MAX];
	if (snprintf(public_path, sizeof public_path, "%s.pub", path) >= (int)sizeof public_path)
		return err_set(e, CODE_JOURNAL_FAILED, "the path of the station key is too long");
	randombytes_buf(seed, sizeof seed);
	crypto_sign_seed_keypair(key->public, key->secret, seed);
	pem_print(&public_form, key->public, pem, sizeof pem);
	bool ok = file_write_atomic(public_path, span_of(pem, strlen(pem)), 0644, e);
	pem_print(&private_form, seed, pem, sizeof pem);
	ok = ok && file_write_atomic(path, span_of(pem, strlen(pem)), 0600, e);
	sodium_memzero(seed, sizeof seed);
	sodium_memzero(pem, sizeof pem);
	return ok || err_prefix(e, "cannot make the station key");
}

static bool read_key(const char *path, struct station_key *key, struct err *e)
{
	AUTO_FREE uint8_t *text = NULL;
	size_t size = 0;
	uint8_t seed[SIGNING_SEED_SIZE];
	if (!file_read(path, KEY_FILE_MAX, &text, &size, e))
		return err_set(e, CODE_JOURNAL_FAILED, "the station key %s cannot be read", path);
	bool ok = pem_read(&private_form, (const char *)text, seed);
	sodium_memzero(text, size);
	if (!ok)
		return err_set(e, CODE_JOURNAL_FAILED, "%s is no Ed25519 private key in PEM", path);
	crypto_sign_seed_keypair(key->public, key->secret, seed);
	sodium_memzero(seed, sizeof seed);
	return true;
}

bool station_key_load(const char *path, bool create, struct station_key *out, struct err *e)
{
	struct stat st;
	if (sodium_init() < 0)
		return err_set(e, CODE_INTERNAL, "libsodium does not start");
	if (stat(path, &st) != 0) {
		if (create)
			return create_key(path, out, e);
		return err_set(e, CODE_JOURNAL_FAILED,
		    "the station key %s is missing, but the journal was begun with one; put it back", path);
	}
	if (st.st_mode & 077)
		return err_set(e, CODE_JOURNAL_FAILED, "others may read the station key %s; chmod 600 it", path);
	return read_key(path, out, e);
}

void station_key_clear(struct station_key *key)
{
	sodium_memzero(key, sizeof *key);
}

void station_key_sign(const struct station_key *key, struct span text, uint8_t signature[SIGNATURE_SIZE])
{
	crypto_sign_detached(signature, NULL, text.data, text.size, key->secret);
}

bool public_key_read(const char *path, uint8_t public[PUBLIC_KEY_SIZE], struct err *e)
{
	AUTO_FREE uint8_t *text = NULL;
	size_t size = 0;
	if (!file_read(path, KEY_FILE_MAX, &text, &size, e))
		return false;
	size_t line = strcspn((const char *)text, "\r\n");
	if (pem_read(&public_form, (const char *)text, public) ||
	    base64_read(span_of(text, line), public, PUBLIC_KEY_SIZE))
		return true;
	return err_set(e, CODE_FILE_FAILED, "%s is no Ed25519 public key", path);
}

bool signature_valid(const uint8_t public[PUBLIC_KEY_SIZE], struct span text, const uint8_t signature[SIGNATURE_SIZE])
{
	return crypto_sign_verify_detached(signature, text.data, text.size, public) == 0;
}
