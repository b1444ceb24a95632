/* SHA-256: the schedule is kept as 16 words that move along. */
#include "sha256.h"

static const uint32_t constants[64] = { 0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1,
	0x923F82A4, 0xAB1C5ED5, 0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7,
	0xC19BF174, 0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
	0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967, 0x27B70A85,
	0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85, 0xA2BFE8A1, 0xA81A664B,
	0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070, 0x19A4C116, 0x1E376C08, 0x2748774C,
	0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3, 0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208,
	0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2 };

static inline uint32_t turn(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static inline uint32_t word(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The schedule's word for round i; w holds the sixteen before it. */
static inline uint32_t schedule(uint32_t *w, unsigned i)
{
	uint32_t a = w[(i + 1) & 15], b = w[(i + 14) & 15];
	uint32_t s0 = turn(a, 7) ^ turn(a, 18) ^ a >> 3, s1 = turn(b, 17) ^ turn(b, 19) ^ b >> 10;
	return w[i & 15] += s0 + w[(i + 9) & 15] + s1;
}

/* A round that leaves its eight words where they are: the next one is called with them turned by one. */
#define ROUND(a, b, c, d, e, f, g, h, word, constant)                                                                  \
	do {                                                                                                           \
		(h) += (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((g) ^ ((e) & ((f) ^ (g)))) + (constant) + (word);   \
		(d) += (h);                                                                                            \
		(h) += (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + (((a) & (b)) | ((c) & ((a) | (b))));                 \
	} while (0)

#define EIGHT_ROUNDS(next)                                                                                             \
	do {                                                                                                           \
		ROUND(a, b, c, d, e, f, g, h, next(0), constants[i]);                                                  \
		ROUND(h, a, b, c, d, e, f, g, next(1), constants[i + 1]);                                              \
		ROUND(g, h, a, b, c, d, e, f, next(2), constants[i + 2]);                                              \
		ROUND(f, g, h, a, b, c, d, e, next(3), constants[i + 3]);                                              \
		ROUND(e, f, g, h, a, b, c, d, next(4), constants[i + 4]);                                              \
		ROUND(d, e, f, g, h, a, b, c, next(5), constants[i + 5]);                                              \
		ROUND(c, d, e, f, g, h, a, b, next(6), constants[i + 6]);                                              \
		ROUND(b, c, d, e, f, g, h, a, next(7), constants[i + 7]);                                              \
	} while (0)
#define FROM_BLOCK(n) (w[i + (n)] = word(block + 4 * (i + (n))))
#define SCHEDULED(n)  schedule(w, i + (n))

static void compress(uint32_t hash[8], const uint8_t *block)
{
	uint32_t w[16], a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4], f = hash[5], g = hash[6],
			h = hash[7];
	unsigned i = 0;
	for (; i < 16; i += 8)
		EIGHT_ROUNDS(FROM_BLOCK);
	for (; i < 64; i += 8)
		EIGHT_ROUNDS(SCHEDULED);
	hash[0] += a;
	hash[1] += b;
	hash[2] += c;
	hash[3] += d;
	hash[4] += e;
	hash[5] += f;
	hash[6] += g;
	hash[7] += h;
}

void agent_sha256_begin(struct agent_sha256 *s)
{
	static const uint32_t start[8] = { 0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C,
		0x1F83D9AB, 0x5BE0CD19 };
	for (unsigned i = 0; i < 8; i++)
		s->hash[i] = start[i];
	s->bits[0] = s->bits[1] = s->used = 0;
}

static void put(struct agent_sha256 *s, uint8_t byte)
{
	s->block[s->used++] = byte;
	if (s->used == sizeof s->block) {
		compress(s->hash, s->block);
		s->used = 0;
	}
}

void agent_sha256_add(struct agent_sha256 *s, const uint8_t *data, uint32_t size)
{
	uint32_t low = s->bits[1] + (size << 3);
	s->bits[0] += (size >> 29) + (low < s->bits[1]);
	s->bits[1] = low;
	for (; size && s->used; size--)
		put(s, *data++);
	for (; size >= sizeof s->block; size -= (uint32_t)sizeof s->block, data += sizeof s->block)
		compress(s->hash, data);
	while (size--)
		put(s, *data++);
}

void agent_sha256_end(struct agent_sha256 *s)
{
	uint32_t high = s->bits[0], low = s->bits[1];
	put(s, 0x80);
	while (s->used != 56)
		put(s, 0);
	for (int shift = 24; shift >= 0; shift -= 8)
		put(s, (uint8_t)(high >> shift));
	for (int shift = 24; shift >= 0; shift -= 8)
		put(s, (uint8_t)(low >> shift));
}
