/* The image writer: one growing buffer, every length written once its payload stands behind it. */
#include "format/romfs_writer.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t magic[] = { 0xD2, 0xCD, 0x31 };

bool romfs_writer_begin(struct romfs_writer *w, const struct romfs_writer_options *options, struct err *e)
{
	memset(w, 0, sizeof *w);
	w->out.limit = options->limit ? options->limit : UINT32_MAX;
	uint32_t unit = options->commit_unit;
	if (unit && unit < ROMFS_HEADER_SIZE + 1 + ROMFS_LENGTH_SIZE)
		return err_set(e, CODE_INTERNAL, "a commit unit of %u bytes has no room for a header", unit);
	romfs_expect(&w->out, options->expected);
	if (!romfs_reserve(&w->out, unit ? unit : ROMFS_HEADER_SIZE, e))
		return false;
	romfs_put(&w->out, magic, sizeof magic);
	romfs_put_varuint(&w->out, 0, ROMFS_LENGTH_SIZE);
	if (unit)
		romfs_put_padding(&w->out, unit - ROMFS_HEADER_SIZE);
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
	romfs_put_byte(&w->out, kind);
	size_t length_at = w->out.size;
	romfs_put_varuint(&w->out, 0, ROMFS_LENGTH_SIZE);
	romfs_put_varuint(&w->out, (uint32_t)name_size, romfs_varuint_size((uint32_t)name_size));
	romfs_put(&w->out, name, name_size);
	return length_at;
}

static void close_length(struct romfs_writer *w, size_t length_at)
{
	romfs_set_varuint(
	    w->out.bytes + length_at, (uint32_t)(w->out.size - length_at - ROMFS_LENGTH_SIZE), ROMFS_LENGTH_SIZE);
}

bool romfs_writer_dir_open(struct romfs_writer *w, const char *name, size_t name_size, struct err *e)
{
	if (!check_name(name, name_size, e))
		return false;
	if (w->depth == ROMFS_MAX_DEPTH)
		return err_set(e, CODE_IMAGE_INVALID, "directories are more than %d levels deep", ROMFS_MAX_DEPTH);
	if (!romfs_reserve(&w->out, 1 + 2 * ROMFS_LENGTH_SIZE + name_size, e))
		return false;
	w->open[w->depth++] = put_entry(w, ROMFS_WRITE_DIR, name, name_size);
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
	if (!align || align & (align - 1) || align > ROMFS_MAX_ALIGN)
		return err_set(e, CODE_INTERNAL, "an alignment of %u bytes is not possible", align);
	size_t head = 1 + ROMFS_LENGTH_SIZE + romfs_varuint_size((uint32_t)name_size) + name_size + 1;
	size_t width = romfs_varuint_size((uint32_t)data.size);
	size_t rest = (w->out.size + head + width) % align;
	width += rest ? align - rest : 0;
	if (!romfs_reserve(&w->out, head + width + data.size, e))
		return false;
	size_t length_at = put_entry(w, ROMFS_WRITE_FILE, name, name_size);
	romfs_put_byte(&w->out, ROMFS_WRITE_VERBATIM);
	romfs_put_varuint(&w->out, (uint32_t)data.size, width);
	w->data_at = w->out.size;
	romfs_put(&w->out, data.data, data.size);
	close_length(w, length_at);
	return true;
}

bool romfs_writer_file_at(
    struct romfs_writer *w, const char *name, size_t name_size, size_t size, size_t at, struct err *e)
{
	if (!check_name(name, name_size, e))
		return false;
	if (at < ROMFS_HEADER_SIZE || at > w->out.size || size > w->out.size - at)
		return err_set(e, CODE_INTERNAL, "there are no %zu bytes at %zu yet", size, at);
	size_t size_width = romfs_varuint_size((uint32_t)size);
	uint32_t offset = (uint32_t)(at - ROMFS_HEADER_SIZE);
	size_t payload = size_width + romfs_varuint_size(offset);
	if (!romfs_reserve(&w->out, 1 + 2 * ROMFS_LENGTH_SIZE + name_size + 2 + payload, e))
		return false;
	size_t length_at = put_entry(w, ROMFS_WRITE_FILE, name, name_size);
	romfs_put_byte(&w->out, ROMFS_WRITE_INDIRECT);
	romfs_put_byte(&w->out, (uint8_t)payload);
	romfs_put_varuint(&w->out, (uint32_t)size, size_width);
	romfs_put_varuint(&w->out, offset, payload - size_width);
	close_length(w, length_at);
	return true;
}

bool romfs_writer_pad(struct romfs_writer *w, uint32_t align, struct err *e)
{
	uint32_t rest = (uint32_t)(w->out.size % align);
	if (!rest)
		return true;
	uint32_t gap = align - rest;
	if (gap < 2) /* no record is that short */
		gap += align;
	if (!romfs_reserve(&w->out, gap, e))
		return false;
	romfs_put_padding(&w->out, gap);
	return true;
}

bool romfs_writer_finish(struct romfs_writer *w, uint8_t **image, size_t *size, struct err *e)
{
	if (w->depth)
		return err_set(e, CODE_INTERNAL, "%u directories are still open in the image", w->depth);
	if (!romfs_writer_pad(w, 2, e))
		return false;
	romfs_set_varuint(w->out.bytes + sizeof magic, (uint32_t)(w->out.size - ROMFS_HEADER_SIZE), ROMFS_LENGTH_SIZE);
	*image = w->out.bytes;
	*size = w->out.size;
	w->out.bytes = NULL;
	return true;
}

void romfs_writer_abandon(struct romfs_writer *w)
{
	free(w->out.bytes);
	memset(w, 0, sizeof *w);
}
