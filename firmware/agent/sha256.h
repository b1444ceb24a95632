/* SHA-256 (FIPS 180-4), freestanding. */
#ifndef FIRMWARE_AGENT_SHA256_H
#define FIRMWARE_AGENT_SHA256_H

#include <stdint.h>

struct agent_sha256 {
	uint32_t hash[8];
	uint32_t bits[2]; /* of the message so far: high, low */
	uint32_t used;    /* bytes in block */
	uint8_t block[64];
};

void agent_sha256_begin(struct agent_sha256 *s);
void agent_sha256_add(struct agent_sha256 *s, const uint8_t *data, uint32_t size);
/* s->hash is the digest afterwards, as words: H0 first. */
void agent_sha256_end(struct agent_sha256 *s);

#endif
