/* LZ4 block: sequences of a token, literals, an offset of two bytes and a match; the last sequence has literals only
 * (lz4 doc/lz4_Block_format.md). */
#include "lz4.h"

#define SHORTEST_MATCH 4u

struct reader {
	const uint8_t *at, *end;
};

/* A nibble of the token, and while that or a byte says "and more", the next byte; -1 behind the input, or where the sum
 * passes `most`. */
static int32_t length(struct reader *r, uint32_t nibble, uint32_t most)
{
	uint32_t sum = nibble;
	if (nibble == 15) {
		uint8_t more;
		do {
			if (r->at == r->end)
				return -1;
			more = *r->at++;
			sum += more;
			if (sum > most)
				return -1;
		} while (more == 255);
	}
	return sum > most ? -1 : (int32_t)sum;
}

/* Words where both lie on words; a byte at a time elsewhere. */
static void copy(uint8_t *to, const uint8_t *from, uint32_t size)
{
	if ((((uintptr_t)to | (uintptr_t)from) & 3) == 0) {
		for (; size >= 4; size -= 4, to += 4, from += 4)
			*(uint32_t *)(void *)to = *(const uint32_t *)(const void *)from;
	}
	while (size--)
		*to++ = *from++;
}

/* A match may overlap what it makes: from the front, byte by byte, unless it lies a word or more back. */
static void repeat(uint8_t *to, uint32_t back, uint32_t size)
{
	const uint8_t *from = to - back;
	if (back >= 4) {
		copy(to, from, size);
		return;
	}
	while (size--)
		*to++ = *from++;
}

int32_t agent_lz4(const uint8_t *from, uint32_t size, uint8_t *to, uint32_t capacity)
{
	struct reader r = { from, from + size };
	uint32_t made = 0;
	if (capacity > INT32_MAX)
		return -1;
	while (r.at != r.end) {
		uint32_t token = *r.at++;
		int32_t literals = length(&r, token >> 4, capacity - made);
		if (literals < 0 || literals > r.end - r.at)
			return -1;
		copy(to + made, r.at, (uint32_t)literals);
		made += (uint32_t)literals;
		r.at += literals;
		if (r.at == r.end)
			return (int32_t)made;
		if (r.end - r.at < 2)
			return -1;
		uint32_t back = r.at[0] | (uint32_t)r.at[1] << 8;
		r.at += 2;
		if (back == 0 || back > made || capacity - made < SHORTEST_MATCH)
			return -1;
		int32_t match = length(&r, token & 15, capacity - made - SHORTEST_MATCH);
		if (match < 0)
			return -1;
		repeat(to + made, back, (uint32_t)match + SHORTEST_MATCH);
		made += (uint32_t)match + SHORTEST_MATCH;
	}
	return -1;
}
