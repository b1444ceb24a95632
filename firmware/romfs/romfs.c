/* Mounting, iterating and looking up: what a camera does with an image.
 *
 * These hold the structure of what they touch and nothing else, in MicroPython's own order and with its own answers
 * (micropython extmod/vfs_rom.c); romfs_check holds the whole image, names included. */
#include "romfs.h"

#include <string.h>

#include "record.h"

static enum romfs_status corrupt(struct romfs_fault *fault, enum romfs_rule rule, uint32_t offset)
{
	*fault = (struct romfs_fault){ rule, offset };
	return ROMFS_CORRUPT;
}

/* The three bytes are the kind varuint of the image record; MicroPython compares them literally. */
static enum romfs_status mount_fault(
    struct romfs *fs, const void *image, size_t size, const struct romfs_tail *tail, struct romfs_fault *fault)
{
	static const uint8_t magic[3] = { 0xD2, 0xCD, 0x31 };
	uint32_t limit = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
	uint32_t pos = sizeof magic, length;

	*fs = (struct romfs){ image, 0, 0, tail };
	*fault = (struct romfs_fault){ ROMFS_RULE_NONE, 0 };
	if (limit <= sizeof magic || memcmp(romfs_at(fs, 0, sizeof magic), magic, sizeof magic)) {
		fault->rule = ROMFS_RULE_MAGIC;
		return ROMFS_NOT_ROMFS;
	}
	enum romfs_rule rule = romfs_read_varuint(fs, &pos, limit, &length);
	if (rule != ROMFS_RULE_NONE)
		return corrupt(fault, rule, 0);
	if (length > limit - pos)
		return corrupt(fault, ROMFS_RULE_LENGTH, 0);
	fs->begin = pos;
	fs->end = pos + length;
	return ROMFS_OK;
}

enum romfs_status romfs_mount(struct romfs *fs, const void *image, size_t size)
{
	struct romfs_fault fault;
	return mount_fault(fs, image, size, NULL, &fault);
}

enum romfs_status romfs_verify_split(struct romfs *fs, const void *image, size_t size, const struct romfs_tail *tail,
    romfs_visit *visit, void *context, struct romfs_fault *fault)
{
	struct romfs_fault found;
	enum romfs_status status = mount_fault(fs, image, size, tail, &found);
	if (status == ROMFS_OK)
		status = romfs_check(fs, visit, context, &found);
	if (fault)
		*fault = found;
	return status;
}

enum romfs_status romfs_verify(
    struct romfs *fs, const void *image, size_t size, romfs_visit *visit, void *context, struct romfs_fault *fault)
{
	return romfs_verify_split(fs, image, size, NULL, visit, context, fault);
}

void romfs_root(const struct romfs *fs, struct romfs_node *root)
{
	*root = (struct romfs_node){ ROMFS_DIR, 0, 0, 0, fs->begin, fs->end - fs->begin };
}

/* An indirect record: size, then offset from the payload's start.  Bytes behind them are nobody's. */
static enum romfs_rule read_pointer(const struct romfs *fs, const struct romfs_record *record, struct romfs_node *node)
{
	uint32_t pos = record->body, size, offset, payload = fs->end - fs->begin;
	enum romfs_rule rule = romfs_read_varuint(fs, &pos, record->end, &size);
	if (rule == ROMFS_RULE_NONE)
		rule = romfs_read_varuint(fs, &pos, record->end, &offset);
	if (rule != ROMFS_RULE_NONE)
		return rule;
	if (offset > payload || size > payload - offset)
		return ROMFS_RULE_POINTER;
	node->data = fs->begin + offset;
	node->data_size = size;
	return ROMFS_RULE_NONE;
}

/* A file's contents are those of its first data record; what stands behind that is ignored.  On entry data and
 * data_size are the file's records, afterwards its contents. */
static enum romfs_status find_data(const struct romfs *fs, struct romfs_node *file, struct romfs_fault *fault)
{
	uint32_t end = file->data + file->data_size;
	struct romfs_record record;
	for (uint32_t pos = file->data; pos < end; pos = record.end) {
		enum romfs_rule rule = romfs_read_record(fs, pos, end, &record);
		if (rule != ROMFS_RULE_NONE)
			return corrupt(fault, rule, pos);
		if (record.kind == ROMFS_KIND_VERBATIM) {
			file->data = record.body;
			file->data_size = record.end - record.body;
			return ROMFS_OK;
		}
		if (record.kind == ROMFS_KIND_INDIRECT) {
			rule = read_pointer(fs, &record, file);
			return rule == ROMFS_RULE_NONE ? ROMFS_OK : corrupt(fault, rule, pos);
		}
	}
	return corrupt(fault, ROMFS_RULE_NO_DATA, file->record);
}

/* The next file or directory; a file's data are still its records. */
static enum romfs_status next_entry(const struct romfs *fs, const struct romfs_node *dir, uint32_t *cursor,
    struct romfs_node *node, struct romfs_fault *fault)
{
	uint32_t end = dir->data + dir->data_size;
	struct romfs_record record;
	while (*cursor < end) {
		enum romfs_rule rule = romfs_read_record(fs, *cursor, end, &record);
		if (rule != ROMFS_RULE_NONE)
			return corrupt(fault, rule, *cursor);
		*cursor = record.end;
		if (record.kind != ROMFS_KIND_FILE && record.kind != ROMFS_KIND_DIR)
			continue;
		rule = romfs_read_name(fs, &record, node);
		return rule == ROMFS_RULE_NONE ? ROMFS_OK : corrupt(fault, rule, record.start);
	}
	return ROMFS_END;
}

enum romfs_status romfs_next_fault(const struct romfs *fs, const struct romfs_node *dir, uint32_t *cursor,
    struct romfs_node *node, struct romfs_fault *fault)
{
	enum romfs_status status = next_entry(fs, dir, cursor, node, fault);
	if (status == ROMFS_OK && node->type == ROMFS_FILE)
		status = find_data(fs, node, fault);
	return status;
}

enum romfs_status romfs_next(
    const struct romfs *fs, const struct romfs_node *dir, uint32_t *cursor, struct romfs_node *node)
{
	struct romfs_fault fault;
	return romfs_next_fault(fs, dir, cursor, node, &fault);
}

/* Does the entry's name stand at the front of the path, up to its end or to a '/'? */
static int leads(const struct romfs *fs, const struct romfs_node *node, const char *path, size_t left)
{
	size_t n = node->name_size;
	return n <= left && !memcmp(romfs_at(fs, node->name, node->name_size), path, n) &&
	       (n == left || path[n] == '/');
}

/* Only the entry that is asked for must have sound data: a bad neighbour hides nothing in front of or behind it. */
enum romfs_status romfs_lookup(const struct romfs *fs, const char *path, struct romfs_node *node)
{
	struct romfs_fault fault;
	path += *path == '/';
	romfs_root(fs, node);
	for (size_t left = strlen(path); left;) {
		struct romfs_node dir = *node;
		uint32_t cursor = dir.data;
		enum romfs_status status;
		do
			status = next_entry(fs, &dir, &cursor, node, &fault);
		while (status == ROMFS_OK && !leads(fs, node, path, left));
		if (status != ROMFS_OK)
			return status == ROMFS_END ? ROMFS_NOT_FOUND : status;
		if (node->type == ROMFS_FILE)
			return left == node->name_size ? find_data(fs, node, &fault) : ROMFS_NOT_FOUND;
		/* the name and one '/': at least one byte of the path is used up */
		size_t used = node->name_size + (left > node->name_size);
		path += used;
		left -= used;
	}
	return ROMFS_OK;
}

const uint8_t *romfs_data(const struct romfs *fs, const struct romfs_node *file)
{
	return file->type == ROMFS_FILE ? fs->image + file->data : NULL;
}
