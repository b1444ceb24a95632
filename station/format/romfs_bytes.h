/* A growing buffer for an image, and the varuints in it.  What a caller puts in, it has reserved before. */
#ifndef STATION_FORMAT_ROMFS_BYTES_H
#define STATION_FORMAT_ROMFS_BYTES_H

#include "base/err.h"
#include "base/span.h"

#define ROMFS_LENGTH_SIZE 5 /* bytes of a varuint that holds any 32-bit length */
#define ROMFS_MAX_ALIGN   4096u

enum romfs_kind {
	ROMFS_WRITE_PADDING = 1,
	ROMFS_WRITE_VERBATIM = 2,
	ROMFS_WRITE_INDIRECT = 3,
	ROMFS_WRITE_DIR = 4,
	ROMFS_WRITE_FILE = 5
};

struct romfs_bytes {
	uint8_t *bytes; /* owned */
	size_t size, capacity, limit;
};

/* Room for `more` bytes; CODE_PAYLOAD_TOO_BIG when the image would grow beyond its limit. */
bool romfs_reserve(struct romfs_bytes *b, size_t more, struct err *e);
/* Room for about so many bytes at once, before anything is in it: a large buffer that grows by doubling is moved, and
 * each of its pages costs a fault.  A wrong guess does no harm, nor does a lack of memory: romfs_reserve tells. */
void romfs_expect(struct romfs_bytes *b, size_t about);
void romfs_put(struct romfs_bytes *b, const void *data, size_t size);
void romfs_put_byte(struct romfs_bytes *b, uint8_t byte);
void romfs_fill(struct romfs_bytes *b, int byte, size_t size);
/* value in exactly `width` bytes; wider than needed means leading 0x80. */
void romfs_put_varuint(struct romfs_bytes *b, uint32_t value, size_t width);
void romfs_set_varuint(uint8_t *at, uint32_t value, size_t width);
size_t romfs_varuint_size(uint32_t value);
/* A padding record of `size` bytes in all, at least 2; its payload is 0xFF, as erased flash is. */
void romfs_put_padding(struct romfs_bytes *b, uint32_t size);

#endif
