/* OpenMV's own layout (openmv tools/mkromfs.py), for images that must equal what its builder makes. */
#include "format/romfs_build_inner.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_SIZE    16u /* magic, 0x80 up to here, length */
#define FILE_HEAD_SIZE 8u  /* kind, 0x80 up to here, length */

static bool can_hold(const struct romfs_entry *f, struct err *e)
{
	if (f->type == ROMFS_DIR)
		return err_set(e, CODE_NAME_INVALID, "'%.80s' is a directory; OpenMV's layout has none", f->name);
	for (size_t i = 0; i < f->name_size; i++)
		if ((uint8_t)f->name[i] >= 0x80)
			return err_set(e, CODE_NAME_INVALID, "'%.80s' is not ASCII, as OpenMV's layout wants", f->name);
	return romfs_name_ok((const uint8_t *)f->name, f->name_size) ||
	       err_set(e, CODE_NAME_INVALID, "'%.80s' cannot be a name in an image", f->name);
}

static bool put_file(struct romfs_bytes *out, const struct romfs_entry *f, uint32_t align, struct err *e)
{
	size_t name_width = romfs_varuint_size((uint32_t)f->name_size);
	size_t width = romfs_varuint_size((uint32_t)f->size);
	size_t start = out->size + FILE_HEAD_SIZE + name_width + f->name_size + 1 + width;
	width += (align - start % align) % align;
	size_t length = name_width + f->name_size + 1 + width + f->size;
	if (!romfs_reserve(out, FILE_HEAD_SIZE + length, e))
		return false;
	romfs_put_byte(out, ROMFS_WRITE_FILE);
	romfs_put_varuint(out, (uint32_t)length, FILE_HEAD_SIZE - 1);
	romfs_put_varuint(out, (uint32_t)f->name_size, name_width);
	romfs_put(out, f->name, f->name_size);
	romfs_put_byte(out, ROMFS_WRITE_VERBATIM);
	romfs_put_varuint(out, (uint32_t)f->size, width);
	romfs_put(out, f->data, f->size);
	return true;
}

static bool put_all(struct romfs_bytes *out, const struct romfs_entry *root, const struct board *b, struct err *e)
{
	static const uint8_t magic[] = { 0xD2, 0xCD, 0x31 };
	if (!romfs_reserve(out, HEADER_SIZE, e))
		return false;
	romfs_put(out, magic, sizeof magic);
	romfs_put_varuint(out, 0, HEADER_SIZE - sizeof magic);
	for (size_t i = 0; i < root->count; i++) {
		const struct romfs_entry *f = root->children[i];
		if (!can_hold(f, e) || !put_file(out, f, romfs_entry_align(f, b), e))
			return false;
	}
	romfs_set_varuint(out->bytes + sizeof magic, (uint32_t)(out->size - HEADER_SIZE), HEADER_SIZE - sizeof magic);
	return true;
}

bool romfs_build_openmv(struct romfs_entry *root, const struct board *b, const struct partition *p, uint8_t **image,
    size_t *size, struct err *e)
{
	struct romfs_bytes out = { .limit = p->size };
	if (!romfs_entry_sort(root, e) || !put_all(&out, root, b, e)) {
		free(out.bytes);
		if (e && e->code == CODE_PAYLOAD_TOO_BIG)
			err_prefix(e, "partition %s of %s", p->name, b->id);
		return false;
	}
	*image = out.bytes;
	*size = out.size;
	return true;
}
