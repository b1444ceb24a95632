/* The station's signing key: an Ed25519 key in PEM, PKCS #8 for the private half (0600) and SubjectPublicKeyInfo for
 * the public one, so that openssl reads both. */
#ifndef STATION_JOURNAL_KEY_H
#define STATION_JOURNAL_KEY_H

#include "journal/chain.h"

struct station_key {
	uint8_t secret[64]; /* as libsodium wants it: seed and public half; wiped by station_key_clear */
	uint8_t public[PUBLIC_KEY_SIZE];
};

/* Loads path.  When it is missing and create is true, makes a new one there and writes its public half to
 * path + ".pub".  journal-failed when it is missing, readable for others, or no key. */
bool station_key_load(const char *path, bool create, struct station_key *out, struct err *e);
void station_key_clear(struct station_key *key);
void station_key_sign(const struct station_key *key, struct span text, uint8_t signature[SIGNATURE_SIZE]);

/* A PEM public key, or one line of 44 base64 digits. */
bool public_key_read(const char *path, uint8_t public[PUBLIC_KEY_SIZE], struct err *e);
bool signature_valid(const uint8_t public[PUBLIC_KEY_SIZE], struct span text, const uint8_t signature[SIGNATURE_SIZE]);

/* Canonical base64 with padding; exactly size bytes. */
bool base64_read(struct span text, uint8_t *out, size_t size);
#define BASE64_SIZE(size) (((size) + 2) / 3 * 4)
#define BASE64_KEY_SIZE   (BASE64_SIZE(PUBLIC_KEY_SIZE) + 1)
/* out has BASE64_SIZE(size) + 1 bytes. */
void base64_print(const uint8_t *data, size_t size, char *out);

#endif
