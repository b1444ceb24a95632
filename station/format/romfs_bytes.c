/* The buffer that images are written into. */
#include "format/romfs_bytes.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

bool romfs_reserve(struct romfs_bytes *b, size_t more, struct err *e)
{
	if (more > b->limit - b->size)
		return err_set(e, CODE_PAYLOAD_TOO_BIG, "the image would be larger than %zu bytes", b->limit);
	if (more <= b->capacity - b->size)
		return true;
	size_t capacity = b->capacity < 4096 ? 4096 : b->capacity;
	while (capacity < b->size + more)
		capacity *= 2;
	uint8_t *grown = realloc(b->bytes, capacity);
	if (!grown)
		return err_set(e, CODE_NO_MEMORY, "no memory for an image of %zu bytes", capacity);
	b->bytes = grown;
	b->capacity = capacity;
	return true;
}

void romfs_expect(struct romfs_bytes *b, size_t about)
{
	if (about > b->limit)
		about = b->limit;
	if (b->bytes || about < HUGE_PAGE || about > SIZE_MAX - HUGE_PAGE)
		return;
	size_t capacity = (about + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	b->bytes = aligned_alloc(HUGE_PAGE, capacity);
	b->capacity = b->bytes ? capacity : 0;
	if (b->bytes)
		madvise(b->bytes, capacity, MADV_HUGEPAGE); /* a hint: small pages do as well */
}

void romfs_put(struct romfs_bytes *b, const void *data, size_t size)
{
	if (size)
		memcpy(b->bytes + b->size, data, size);
	b->size += size;
}

void romfs_put_byte(struct romfs_bytes *b, uint8_t byte)
{
	b->bytes[b->size++] = byte;
}

void romfs_fill(struct romfs_bytes *b, int byte, size_t size)
{
	memset(b->bytes + b->size, byte, size);
	b->size += size;
}

void romfs_set_varuint(uint8_t *at, uint32_t value, size_t width)
{
	for (size_t i = width; i-- > 0; value >>= 7)
		at[i] = (uint8_t)((value & 0x7F) | (i + 1 < width ? 0x80 : 0));
}

size_t romfs_varuint_size(uint32_t value)
{
	size_t n = 1;
	while (value >>= 7)
		n++;
	return n;
}

void romfs_put_varuint(struct romfs_bytes *b, uint32_t value, size_t width)
{
	romfs_set_varuint(b->bytes + b->size, value, width);
	b->size += width;
}

void romfs_put_padding(struct romfs_bytes *b, uint32_t size)
{
	size_t width = size < 1 + ROMFS_LENGTH_SIZE ? size - 1 : ROMFS_LENGTH_SIZE;
	uint32_t payload = size - 1 - (uint32_t)width;
	romfs_put_byte(b, ROMFS_WRITE_PADDING);
	romfs_put_varuint(b, payload, width);
	romfs_fill(b, 0xFF, payload);
}
