/* CRC-32 by slices of eight. */
#include "crc32.h"

#define SLICES 8

static uint32_t table[SLICES][256];

void agent_crc32_begin(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
		table[0][i] = crc;
	}
	for (unsigned s = 1; s < SLICES; s++)
		for (uint32_t i = 0; i < 256; i++)
			table[s][i] = table[s - 1][i] >> 8 ^ table[0][table[s - 1][i] & 0xFF];
}

static inline uint32_t one(uint32_t crc, uint8_t byte)
{
	return crc >> 8 ^ table[0][(crc ^ byte) & 0xFF];
}

static inline uint32_t four(unsigned slice, uint32_t word)
{
	return table[slice + 3][word & 0xFF] ^ table[slice + 2][word >> 8 & 0xFF] ^
	       table[slice + 1][word >> 16 & 0xFF] ^ table[slice][word >> 24];
}

/* Words are read whole and aligned: mapped flash is slow to ask. */
uint32_t agent_crc32(uint32_t crc, const uint8_t *data, uint32_t size)
{
	crc = ~crc;
	for (; size && (uintptr_t)data % 4; size--)
		crc = one(crc, *data++);
	for (; size >= 8; size -= 8, data += 8) {
		const uint32_t *words = (const void *)data;
		crc = four(4, words[0] ^ crc) ^ four(0, words[1]);
	}
	while (size--)
		crc = one(crc, *data++);
	return ~crc;
}
