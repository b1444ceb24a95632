/* minisign files: the public key and the four-line signature, canonical forms only.  Pure; libsodium verifies.
 *
 * Format: https://jedisct1.github.io/minisign/ ("Signature format", "Public key format").  A signature is accepted only
 * in the prehashed form `ED` (over the BLAKE2b-512 of the file), which stock minisign 0.11 writes; the old form `Ed` is
 * recognised and refused.  The second, global signature covers the first one and the trusted comment. */
#ifndef STATION_FORMAT_MINISIG_H
#define STATION_FORMAT_MINISIG_H

#include "base/err.h"
#include "base/span.h"

#define MINISIG_KEY_ID_SIZE  8
#define MINISIG_HASH_SIZE    64 /* BLAKE2b-512 */
#define MINISIG_MAX_COMMENT  1024
#define MINISIG_FIRST_LINE   "untrusted comment: signature from minisign secret key"
#define MINISIG_MAX_FILE     8192
#define MINISIG_ID_TEXT_SIZE 17

struct minisig_key {
	uint8_t id[MINISIG_KEY_ID_SIZE];
	uint8_t key[32];
};

struct minisig {
	bool legacy; /* algorithm "Ed": not prehashed */
	uint8_t id[MINISIG_KEY_ID_SIZE];
	uint8_t signature[64], global[64];
	struct span comment; /* the trusted comment's bytes; borrowed from the text */
};

/* A .pub file: an untrusted comment line and one base64 line, or the base64 line alone.  trust-invalid. */
bool minisig_parse_key(struct span text, struct minisig_key *out, struct err *e);
/* The four lines as a recipe carries them (strict): recipe-not-canonical, or signature-bad for an algorithm that
 * minisign does not have.  A legacy signature parses; only minisig_verify refuses it. */
bool minisig_parse(struct span text, struct minisig *out, struct err *e);
/* Any .minisig file as minisign writes it (any untrusted comment, LF or CR LF, last line end optional), rewritten to
 * the strict form into out.  Returns its size; 0 on error: signature-bad, signature-legacy. */
size_t minisig_normalise(struct span text, uint8_t out[MINISIG_MAX_FILE], struct err *e);
/* hash: BLAKE2b-512 of the signed bytes.  signature-legacy, signature-bad. */
bool minisig_verify(
    const struct minisig *sig, const struct minisig_key *key, const uint8_t hash[MINISIG_HASH_SIZE], struct err *e);
/* minisign prints a key id as 16 upper-case hex digits of the little-endian number; so do we. */
void minisig_id_text(const uint8_t id[MINISIG_KEY_ID_SIZE], char out[MINISIG_ID_TEXT_SIZE]);

#endif
