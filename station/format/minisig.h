/* minisign files: the public key and the four-line signature, canonical forms only.  Pure; libsodium verifies.
 *
 * Format: https://jedisct1.github.io/minisign/ ("Signature format", "Public key format"). */
#ifndef STATION_FORMAT_MINISIG_H
#define STATION_FORMAT_MINISIG_H

#include "base/digest.h"

#define MINISIG_KEY_ID_SIZE  8
#define MINISIG_MAX_COMMENT  1024
#define MINISIG_FIRST_LINE   "untrusted comment: signature from minisign secret key"
#define MINISIG_MAX_FILE     8192

struct minisig_key {
	uint8_t id[MINISIG_KEY_ID_SIZE];
	uint8_t key[32];
};

struct minisig {
	bool legacy;                      /* algorithm "Ed": not prehashed */
	uint8_t id[MINISIG_KEY_ID_SIZE];
	uint8_t signature[64], global[64];
	struct span comment;              /* the trusted comment's bytes; borrowed from the text */
};

/* A .pub file: an untrusted comment line and one base64 line, or the base64 line alone. */
bool minisig_parse_key(struct span text, struct minisig_key *out, struct err *e);
/* The four lines as a recipe carries them (strict); recipe-not-canonical or signature-bad. */
bool minisig_parse(struct span text, struct minisig *out, struct err *e);
/* Any .minisig file as minisign writes it, rewritten to the strict form into out; returns its size, 0 on error. */
size_t minisig_normalise(struct span text, uint8_t out[MINISIG_MAX_FILE], struct err *e);
/* hash: BLAKE2b-512 of the signed bytes. */
bool minisig_verify(const struct minisig *sig, const struct minisig_key *key, const uint8_t hash[64], struct err *e);
/* minisign prints a key id as 16 upper-case hex digits of the little-endian number; so do we. */
void minisig_id_text(const uint8_t id[MINISIG_KEY_ID_SIZE], char out[17]);

#endif
