/* Fuzz: the agent's decompressor over any bytes, beside liblz4: it never leaves its buffers, makes what liblz4 makes,
 * and accepts what liblz4 accepts. */
#include <lz4.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lz4.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of a block that liblz4 has accepted: does a match have offset 0? */
static int has_zero_offset(const uint8_t *p, const uint8_t *end)
{
	while (p < end) {
		uint32_t token = *p++, literals = token >> 4;
		if (literals == 15)
			do
				literals += *p;
			while (*p++ == 255);
		p += literals;
		if (p >= end)
			return 0;
		if (!p[0] && !p[1])
			return 1;
		p += 2;
		if ((token & 15) == 15)
			while (*p++ == 255)
				;
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > 65536)
		return 0;
	/* the first two bytes: how much room there is; both buffers end where they end, for the sanitizer to see */
	uint32_t room = data[0] | (uint32_t)data[1] << 8;
	uint8_t *in = malloc(size - 2 + 1), *out = malloc(room + 1u), *theirs = malloc(room + 1u);
	memcpy(in, data + 2, size - 2);
	in = realloc(in, size - 2 ? size - 2 : 1);
	out = realloc(out, room ? room : 1);
	int32_t ours = agent_lz4(in, (uint32_t)size - 2, out, room);
	int other = LZ4_decompress_safe((const char *)in, (char *)theirs, (int)size - 2, (int)room);
	if (ours > (int32_t)room || ours < -1)
		abort();
	if (other >= 0 && size > 2 && !has_zero_offset(in, in + size - 2) &&
	    (ours != other || memcmp(out, theirs, (size_t)other) != 0))
		abort();
	if (ours >= 0 && other >= 0 && (ours != other || memcmp(out, theirs, (size_t)other) != 0))
		abort();
	free(in);
	free(out);
	free(theirs);
	return 0;
}
