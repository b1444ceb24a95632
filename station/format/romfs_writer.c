/* The image writer: one growing buffer, every length written once its payload stands behind it. */
#include "format/romfs_writer.h"

#include <stdlib.h>
#include <string.h>

#define KIND_PADDING  1
#define KIND_VERBATIM 2
#define KIND_DIR      4
#define KIND_FILE     5
#define LENGTH_SIZE   5 /* bytes of a varuint that holds any 32-bit length */
#define MAX_ALIGN     4096u

static const uint8_t magic[] = { 0xD2, 0xCD, 0x31 };

/* Room for `more` bytes; false when the image would grow beyond its limit. */
static bool reserve(struct romfs_writer *w, size_t more, struct err *e)
{
	if (more > w->limit - w->size)
		return err_set(e, CODE_PAYLOAD_TOO_BIG, "the image would be larger than %zu bytes", w->limit);
	if (more <= w->capacity - w->size)
		return true;
	size_t capacity = w->capacity < 4096 ? 4096 : w->capacity;
	while (capacity < w->size + more)
		capacity *= 2;
	uint8_t *grown = realloc(w->bytes, capacity);
	if (!grown)
		return err_set(e, CODE_NO_MEMORY, "no memory for an image of %zu bytes", capacity);
	w->bytes = grown;
	w->capacity = capacity;
	return true;
}

static void put(struct romfs_writer *w, const void *data, size_t size)
{
	if (size)
		memcpy(w->bytes + w->size, data, size);
	w->size += size;
}

static void fill(struct romfs_writer *w, int byte, size_t size)
{
	memset(w->bytes + w->size, byte, size);
	w->size += size;
}

/* value in exactly `width` bytes; wider than needed means leading 0x80. */
static void set_varuint(uint8_t *at, uint32_t value, size_t width)
{
	for (size_t i = width; i-- > 0; value >>= 7)
		at[i] = (uint8_t)((value & 0x7F) | (i + 1 < width ? 0x80 : 0));
}

static size_t varuint_size(uint32_t value)
{
	size_t n = 1;
	while (value >>= 7)
		n++;
	return n;
}

static void put_varuint(struct romfs_writer *w, uint32_t value, size_t width)
{
	set_varuint(w->bytes + w->size, value, width);
	w->size += width;
}

static void put_kind(struct romfs_writer *w, uint8_t kind)
{
	put(w, &kind, 1);
}

/* A padding record of `size` bytes in all, at least 2; its payload is 0xFF, as erased flash is. */
static void put_padding(struct romfs_writer *w, uint32_t size)
{
	size_t width = size < 1 + LENGTH_SIZE ? size - 1 : LENGTH_SIZE;
	uint32_t payload = size - 1 - (uint32_t)width;
	put_kind(w, KIND_PADDING);
	put_varuint(w, payload, width);
	fill(w, 0xFF, payload);
}

bool romfs_writer_begin(struct romfs_writer *w, const struct romfs_writer_options *options, struct err *e)
{
	memset(w, 0, sizeof *w);
	w->limit = options->limit ? options->limit : UINT32_MAX;
	uint32_t unit = options->commit_unit;
	if (unit && unit < ROMFS_HEADER_SIZE + 1 + LENGTH_SIZE)
		return err_set(e, CODE_INTERNAL, "a commit unit of %u bytes has no room for a header", unit);
	if (!reserve(w, unit ? unit : ROMFS_HEADER_SIZE, e))
		return false;
	put(w, magic, sizeof magic);
	put_varuint(w, 0, LENGTH_SIZE);
	if (unit)
		put_padding(w, unit - ROMFS_HEADER_SIZE);
	return true;
}

static bool check_name(const char *name, size_t size, struct err *e)
{
	if (size <= UINT32_MAX && romfs_name_ok((const uint8_t *)name, size))
		return true;
	return err_set(e, CODE_NAME_INVALID, "'%.*s' cannot be a name in an image", (int)(size < 80 ? size : 80), name);
}

/* Up to the name of a file or directory: kind, length to be filled in later, name.  The caller has reserved. */
static size_t put_entry(struct romfs_writer *w, uint8_t kind, const char *name, size_t name_size)
{
	put_kind(w, kind);
	size_t length_at = w->size;
	put_varuint(w, 0, LENGTH_SIZE);
	put_varuint(w, (uint32_t)name_size, varuint_size((uint32_t)name_size));
	put(w, name, name_size);
	return length_at;
}

static void close_length(struct romfs_writer *w, size_t length_at)
{
	set_varuint(w->bytes + length_at, (uint32_t)(w->size - length_at - LENGTH_SIZE), LENGTH_SIZE);
}

bool romfs_writer_dir_open(struct romfs_writer *w, const char *name, size_t name_size, struct err *e)
{
	if (!check_name(name, name_size, e))
		return false;
	if (w->depth == ROMFS_MAX_DEPTH)
		return err_set(e, CODE_IMAGE_INVALID, "directories are more than %d levels deep", ROMFS_MAX_DEPTH);
	if (!reserve(w, 1 + 2 * LENGTH_SIZE + name_size, e))
		return false;
	w->open[w->depth++] = put_entry(w, KIND_DIR, name, name_size);
	return true;
}

bool romfs_writer_dir_close(struct romfs_writer *w, struct err *e)
{
	if (!w->depth)
		return err_set(e, CODE_INTERNAL, "no directory is open in the image");
	close_length(w, w->open[--w->depth]);
	return true;
}

bool romfs_writer_file(
    struct romfs_writer *w, const char *name, size_t name_size, struct span data, uint32_t align, struct err *e)
{
	if (!check_name(name, name_size, e))
		return false;
	if (!align || align & (align - 1) || align > MAX_ALIGN)
		return err_set(e, CODE_INTERNAL, "an alignment of %u bytes is not possible", align);
	size_t head = 1 + LENGTH_SIZE + varuint_size((uint32_t)name_size) + name_size + 1;
	size_t width = varuint_size((uint32_t)data.size);
	size_t rest = (w->size + head + width) % align;
	width += rest ? align - rest : 0;
	if (!reserve(w, head + width + data.size, e))
		return false;
	size_t length_at = put_entry(w, KIND_FILE, name, name_size);
	put_kind(w, KIND_VERBATIM);
	put_varuint(w, (uint32_t)data.size, width);
	put(w, data.data, data.size);
	close_length(w, length_at);
	return true;
}

bool romfs_writer_pad(struct romfs_writer *w, uint32_t align, struct err *e)
{
	uint32_t rest = (uint32_t)(w->size % align);
	if (!rest)
		return true;
	uint32_t gap = align - rest;
	if (gap < 2) /* no record is that short */
		gap += align;
	if (!reserve(w, gap, e))
		return false;
	put_padding(w, gap);
	return true;
}

bool romfs_writer_finish(struct romfs_writer *w, uint8_t **image, size_t *size, struct err *e)
{
	if (w->depth)
		return err_set(e, CODE_INTERNAL, "%u directories are still open in the image", w->depth);
	if (!romfs_writer_pad(w, 2, e))
		return false;
	set_varuint(w->bytes + sizeof magic, (uint32_t)(w->size - ROMFS_HEADER_SIZE), LENGTH_SIZE);
	*image = w->bytes;
	*size = w->size;
	w->bytes = NULL;
	return true;
}

void romfs_writer_abandon(struct romfs_writer *w)
{
	free(w->bytes);
	memset(w, 0, sizeof *w);
}
