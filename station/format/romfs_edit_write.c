/* Writes the editor's tree as an image: one pass front to back, then the pointers, whose targets are known by then.
 *
 * Each length keeps the width that it had; where one does not fit any more, everything is written once again with
 * lengths that hold any size. */
#include "format/romfs_bytes.h"
#include "format/romfs_edit_inner.h"

#include <stdlib.h>
#include <string.h>

struct patch {
	size_t at; /* of the pointer's offset */
	const struct edit_node *file;
};

struct pass {
	const struct romfs_edit *edit;
	struct romfs_bytes out;
	struct patch *patches; /* owned */
	size_t patch_count, patch_capacity;
	bool wide;     /* every length has at least ROMFS_LENGTH_SIZE bytes */
	bool overflow; /* a length did not fit */
	struct err *e;
};

static unsigned width_of(const struct pass *p, unsigned width)
{
	return p->wide && width < ROMFS_LENGTH_SIZE ? ROMFS_LENGTH_SIZE : width;
}

static void close_length(struct pass *p, size_t at, unsigned width)
{
	size_t length = p->out.size - at - width;
	if (width < ROMFS_LENGTH_SIZE && romfs_varuint_size((uint32_t)length) > width)
		p->overflow = true;
	else
		romfs_set_varuint(p->out.bytes + at, (uint32_t)length, width);
}

static bool put_raw(struct pass *p, struct span raw)
{
	if (!romfs_reserve(&p->out, raw.size, p->e))
		return false;
	romfs_put(&p->out, raw.data, raw.size);
	return true;
}

/* A verbatim record, its length padded up to where the blob wants to start. */
static bool put_blob(struct pass *p, struct edit_blob *blob)
{
	uint32_t size = (uint32_t)blob->bytes.size;
	size_t width = romfs_varuint_size(size);
	width += (blob->residue - (uint32_t)(p->out.size + 1 + width)) & (blob->modulus - 1);
	if (!romfs_reserve(&p->out, 1 + width + size, p->e))
		return false;
	romfs_put_byte(&p->out, ROMFS_WRITE_VERBATIM);
	romfs_put_varuint(&p->out, size, width);
	blob->at = (uint32_t)p->out.size;
	romfs_put(&p->out, blob->bytes.data, size);
	return true;
}

static bool put_pointer(struct pass *p, const struct edit_node *file)
{
	if (p->patch_count == p->patch_capacity) {
		size_t capacity = p->patch_capacity ? p->patch_capacity * 2 : 64;
		struct patch *grown = realloc(p->patches, capacity * sizeof *grown);
		if (!grown)
			return err_set(p->e, CODE_NO_MEMORY, "no memory for %zu pointers", capacity);
		p->patches = grown;
		p->patch_capacity = capacity;
	}
	size_t width = romfs_varuint_size(file->size);
	if (!romfs_reserve(&p->out, 2 + width + ROMFS_LENGTH_SIZE, p->e))
		return false;
	romfs_put_byte(&p->out, ROMFS_WRITE_INDIRECT);
	romfs_put_byte(&p->out, (uint8_t)(width + ROMFS_LENGTH_SIZE));
	romfs_put_varuint(&p->out, file->size, width);
	p->patches[p->patch_count++] = (struct patch){ p->out.size, file };
	romfs_put_varuint(&p->out, 0, ROMFS_LENGTH_SIZE);
	return true;
}

/* Kind, length to be closed later, name.  *at: the length's place. */
static bool open_named(struct pass *p, const struct edit_node *n, size_t *at)
{
	unsigned width = width_of(p, n->width);
	size_t name_width = romfs_varuint_size((uint32_t)n->name_size);
	if (!romfs_reserve(&p->out, 1 + width + name_width + n->name_size, p->e))
		return false;
	romfs_put_byte(&p->out, n->kind == EDIT_DIR ? ROMFS_WRITE_DIR : ROMFS_WRITE_FILE);
	*at = p->out.size;
	romfs_put_varuint(&p->out, 0, width);
	romfs_put_varuint(&p->out, (uint32_t)n->name_size, name_width);
	romfs_put(&p->out, n->name, n->name_size);
	return true;
}

static bool put_file(struct pass *p, const struct edit_node *f)
{
	size_t at;
	if (!open_named(p, f, &at) || !put_raw(p, f->before) ||
	    !(f->blob->holder == f ? put_blob(p, f->blob) : put_pointer(p, f)) || !put_raw(p, f->after))
		return false;
	close_length(p, at, width_of(p, f->width));
	return true;
}

static bool put_dir(struct pass *p, const struct edit_node *dir);

static bool put_node(struct pass *p, const struct edit_node *n)
{
	size_t at;
	switch (n->kind) {
	case EDIT_DIR:
		if (!open_named(p, n, &at) || !put_dir(p, n))
			return false;
		close_length(p, at, width_of(p, n->width));
		return true;
	case EDIT_FILE:
		return put_file(p, n);
	case EDIT_POOL: /* gone with its last user; one that never had any is nobody's to drop */
		return (!n->blob->users && n->blob->served) || put_blob(p, n->blob);
	case EDIT_RAW:
	default:
		return put_raw(p, n->raw);
	}
}

/* Recursion ends at ROMFS_MAX_DEPTH. */
static bool put_dir(struct pass *p, const struct edit_node *dir)
{
	for (const struct edit_node *n = dir->first; n; n = n->next)
		if (!put_node(p, n))
			return false;
	return true;
}

static bool put_strays(struct pass *p)
{
	for (size_t i = 0; i < p->edit->blob_count; i++)
		if (p->edit->blobs[i]->users && !p->edit->blobs[i]->holder && !put_blob(p, p->edit->blobs[i]))
			return false;
	return true;
}

static bool put_image(struct pass *p)
{
	static const uint8_t magic[] = { 0xD2, 0xCD, 0x31 };
	unsigned width = width_of(p, p->edit->header_width);
	if (!romfs_reserve(&p->out, sizeof magic + width, p->e))
		return false;
	romfs_put(&p->out, magic, sizeof magic);
	romfs_put_varuint(&p->out, 0, width);
	if (!put_dir(p, &p->edit->root) || !put_strays(p))
		return false;
	if (p->out.size % 2) { /* no record is as short as one byte */
		if (!romfs_reserve(&p->out, 3, p->e))
			return false;
		romfs_put_padding(&p->out, 3);
	}
	close_length(p, sizeof magic, width);
	for (size_t i = 0; i < p->patch_count; i++) {
		const struct edit_node *file = p->patches[i].file;
		romfs_set_varuint(p->out.bytes + p->patches[i].at,
		    file->blob->at + file->delta - (uint32_t)(sizeof magic + width), ROMFS_LENGTH_SIZE);
	}
	return true;
}

bool romfs_edit_write(
    struct romfs_edit *edit, const struct board *board, uint32_t limit, uint8_t **image, size_t *size, struct err *e)
{
	struct pass p = { .edit = edit, .e = e };
	bool done = edit_place(edit, board, e);
	for (int round = 0; done && round < 2; round++) {
		p.out.limit = limit ? limit : UINT32_MAX;
		p.out.size = p.patch_count = 0;
		p.overflow = false;
		p.wide = round > 0;
		done = put_image(&p);
		if (!p.overflow)
			break;
	}
	free(p.patches);
	if (done && p.overflow)
		done = err_set(e, CODE_INTERNAL, "a length does not fit");
	if (!done) {
		free(p.out.bytes);
		return false;
	}
	*image = p.out.bytes;
	*size = p.out.size;
	return true;
}
