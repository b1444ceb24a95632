/* What the recipe tests share: keys and signatures made with libsodium in minisign's form, and growing byte strings. */
#ifndef TESTS_UNIT_SIGNING_H
#define TESTS_UNIT_SIGNING_H

#include "format/minisig.h"
#include "format/recipe.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_key {
	uint8_t id[MINISIG_KEY_ID_SIZE];
	uint8_t public_key[crypto_sign_PUBLICKEYBYTES], secret_key[crypto_sign_SECRETKEYBYTES];
};

/* The same number gives the same key; its id starts with the number's byte. */
static inline struct test_key test_key(uint8_t number)
{
	struct test_key k;
	uint8_t seed[crypto_sign_SEEDBYTES];
	memset(seed, number, sizeof seed);
	memset(k.id, number, sizeof k.id);
	if (sodium_init() < 0 || crypto_sign_seed_keypair(k.public_key, k.secret_key, seed))
		abort();
	return k;
}

static inline void test_base64(char *out, size_t size, const uint8_t *data, size_t data_size)
{
	sodium_bin2base64(out, size, data, data_size, sodium_base64_VARIANT_ORIGINAL);
}

/* A .pub file's text. */
static inline void test_key_text(const struct test_key *k, char out[256])
{
	uint8_t blob[42] = { 'E', 'd' };
	char id[MINISIG_ID_TEXT_SIZE], text[64];
	memcpy(blob + 2, k->id, sizeof k->id);
	memcpy(blob + 10, k->public_key, sizeof k->public_key);
	minisig_id_text(k->id, id);
	test_base64(text, sizeof text, blob, sizeof blob);
	snprintf(out, 256, "untrusted comment: minisign public key %s\n%s\n", id, text);
}

/* The four lines over a BLAKE2b-512 hash; algorithm 'D' is the prehashed form.  Returns the size. */
static inline size_t test_sign_hash(
    const struct test_key *k, const uint8_t hash[64], char algorithm, const char *comment, char out[MINISIG_MAX_FILE])
{
	uint8_t blob[74] = { 'E', (uint8_t)algorithm }, whole[64 + MINISIG_MAX_COMMENT], global[64];
	char first[128], last[128];
	size_t size = strlen(comment);
	memcpy(blob + 2, k->id, sizeof k->id);
	crypto_sign_detached(blob + 10, NULL, hash, 64, k->secret_key);
	memcpy(whole, blob + 10, 64);
	memcpy(whole + 64, comment, size);
	crypto_sign_detached(global, NULL, whole, 64 + size, k->secret_key);
	test_base64(first, sizeof first, blob, sizeof blob);
	test_base64(last, sizeof last, global, sizeof global);
	return (size_t)snprintf(
	    out, MINISIG_MAX_FILE, MINISIG_FIRST_LINE "\n%s\ntrusted comment: %s\n%s\n", first, comment, last);
}

static inline size_t test_sign(
    const struct test_key *k, struct span data, const char *comment, char out[MINISIG_MAX_FILE])
{
	uint8_t hash[64];
	crypto_generichash(hash, sizeof hash, data.data, data.size, NULL, 0);
	return test_sign_hash(k, hash, 'D', comment, out);
}

/* Growing bytes; the owner frees data. */
struct bytes {
	uint8_t *data;
	size_t size;
};

static inline void bytes_add(struct bytes *b, const void *data, size_t size)
{
	b->data = realloc(b->data, b->size + size + 1);
	if (!b->data)
		abort();
	if (size)
		memcpy(b->data + b->size, data, size);
	b->size += size;
}

static inline void bytes_byte(struct bytes *b, unsigned byte)
{
	uint8_t value = (uint8_t)byte;
	bytes_add(b, &value, 1);
}

/* A varuint of exactly width bytes; width 0: minimal. */
static inline void bytes_varuint(struct bytes *b, uint32_t value, unsigned width)
{
	if (!width)
		for (width = 1; width < 5 && value >> 7 * width; width++)
			;
	for (unsigned i = width; i--;)
		bytes_byte(b, (i * 7 < 32 ? value >> 7 * i & 0x7f : 0) | (i ? 0x80 : 0));
}

static inline void bytes_record(struct bytes *b, unsigned kind, const void *payload, size_t size)
{
	bytes_varuint(b, kind, 0);
	bytes_varuint(b, (uint32_t)size, 0);
	bytes_add(b, payload, size);
}

/* name, then children or data, as the payload of a directory (4) or file (5) record. */
static inline void bytes_named(struct bytes *b, unsigned kind, const char *name, const void *inside, size_t size)
{
	struct bytes payload = { NULL, 0 };
	bytes_varuint(&payload, (uint32_t)strlen(name), 0);
	bytes_add(&payload, name, strlen(name));
	if (kind == 5)
		bytes_record(&payload, 2, inside, size);
	else
		bytes_add(&payload, inside, size);
	bytes_record(b, kind, payload.data, payload.size);
	free(payload.data);
}

/* The image around records, with a length of `width` bytes. */
static inline struct bytes bytes_image(const struct bytes *records, unsigned width)
{
	struct bytes image = { NULL, 0 };
	bytes_add(&image, "\xd2\xcd\x31", 3);
	bytes_varuint(&image, (uint32_t)records->size, width);
	bytes_add(&image, records->data, records->size);
	return image;
}

#endif
