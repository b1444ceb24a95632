/* An image into the editor's tree.  The image is known to be sound: nothing here can fail but for memory. */
#include "format/romfs_edit_inner.h"

#include <stdlib.h>
#include <string.h>

#include "format/romfs_bytes.h"
#include "record.h"

/* What a padding record at the very end may have for the image's even size; it is made anew. */
#define MAX_EVENING 3u

struct reader {
	struct romfs_edit *edit;
	const struct romfs *fs;
	struct edit_node **pointers; /* owned: files whose contents are elsewhere; delta is their offset for now */
	size_t pointer_count, pointer_capacity;
	struct err *e;
};

static struct span bytes_at(const struct reader *r, uint32_t from, uint32_t to)
{
	return span_of(r->fs->image + from, to - from);
}

static uint32_t align_at(uint32_t offset)
{
	uint32_t align = 1;
	while (align < ROMFS_MAX_ALIGN && !(offset & align))
		align *= 2;
	return align;
}

/* Bytes of the length's varuint: what stands between the kind and the body. */
static unsigned length_width(const struct reader *r, const struct romfs_record *record)
{
	uint32_t pos = record->start, kind;
	romfs_read_varuint(r->fs, &pos, record->end, &kind);
	return record->body - pos;
}

static bool hold(struct reader *r, struct edit_node *node, uint32_t from, uint32_t to)
{
	struct edit_blob *blob = edit_blob_new(r->edit, bytes_at(r, from, to), r->e);
	if (!blob)
		return false;
	blob->has_old = true;
	blob->old = from;
	blob->holder = node;
	node->blob = blob;
	node->size = to - from;
	node->had = align_at(from);
	return true;
}

static bool note_pointer(struct reader *r, struct edit_node *file)
{
	if (r->pointer_count == r->pointer_capacity) {
		size_t capacity = r->pointer_capacity ? r->pointer_capacity * 2 : 64;
		struct edit_node **grown = realloc(r->pointers, capacity * sizeof(struct edit_node *));
		if (!grown)
			return err_set(r->e, CODE_NO_MEMORY, "no memory for %zu files", capacity);
		r->pointers = grown;
		r->pointer_capacity = capacity;
	}
	r->pointers[r->pointer_count++] = file;
	return true;
}

static bool point(struct reader *r, struct edit_node *file, const struct romfs_record *record)
{
	uint32_t pos = record->body, offset = 0;
	romfs_read_varuint(r->fs, &pos, record->end, &file->size);
	romfs_read_varuint(r->fs, &pos, record->end, &offset);
	if (!file->size)
		return hold(r, file, record->end, record->end);
	file->delta = r->fs->begin + offset;
	file->had = align_at(file->delta);
	return note_pointer(r, file);
}

static bool read_file(struct reader *r, struct edit_node *file, uint32_t pos, uint32_t end)
{
	struct romfs_record record = { 0 };
	for (uint32_t from = pos; pos < end; pos = record.end) {
		if (romfs_read_record(r->fs, pos, end, &record) != ROMFS_RULE_NONE)
			break;
		if (record.kind != ROMFS_KIND_VERBATIM && record.kind != ROMFS_KIND_INDIRECT)
			continue;
		file->before = bytes_at(r, from, record.start);
		file->after = bytes_at(r, record.end, end);
		return record.kind == ROMFS_KIND_VERBATIM ? hold(r, file, record.body, record.end)
							  : point(r, file, &record);
	}
	return err_set(r->e, CODE_INTERNAL, "a checked image has a file without data");
}

static bool read_dir(struct reader *r, struct edit_node *dir, uint32_t pos, uint32_t end);

static bool read_entry(struct reader *r, struct edit_node *dir, const struct romfs_record *record)
{
	struct romfs_node entry;
	if (romfs_read_name(r->fs, record, &entry) != ROMFS_RULE_NONE)
		return err_set(r->e, CODE_INTERNAL, "a checked image has a bad name");
	enum edit_kind kind = entry.type == ROMFS_DIR ? EDIT_DIR : EDIT_FILE;
	struct edit_node *node = edit_node_new(kind, (const char *)r->fs->image + entry.name, entry.name_size, r->e);
	if (!node)
		return false;
	node->width = length_width(r, record);
	edit_link(dir, dir->last, node);
	return kind == EDIT_DIR ? read_dir(r, node, entry.data, record->end)
				: read_file(r, node, entry.data, record->end);
}

static bool read_other(struct reader *r, struct edit_node *dir, const struct romfs_record *record)
{
	bool evening = dir == &r->edit->root && record->end == r->fs->end && record->kind == ROMFS_WRITE_PADDING &&
		       record->end - record->start <= MAX_EVENING;
	if (evening)
		return true;
	bool pool = record->kind == ROMFS_KIND_VERBATIM;
	struct edit_node *node = edit_node_new(pool ? EDIT_POOL : EDIT_RAW, NULL, 0, r->e);
	if (!node)
		return false;
	node->raw = bytes_at(r, record->start, record->end);
	edit_link(dir, dir->last, node);
	return !pool || hold(r, node, record->body, record->end);
}

/* Recursion ends at ROMFS_MAX_DEPTH, which the check has held. */
static bool read_dir(struct reader *r, struct edit_node *dir, uint32_t pos, uint32_t end)
{
	struct romfs_record record;
	for (; pos < end; pos = record.end) {
		if (romfs_read_record(r->fs, pos, end, &record) != ROMFS_RULE_NONE)
			return err_set(r->e, CODE_INTERNAL, "a checked image has a bad record");
		bool named = record.kind == ROMFS_KIND_DIR || record.kind == ROMFS_KIND_FILE;
		if (!(named ? read_entry(r, dir, &record) : read_other(r, dir, &record)))
			return false;
	}
	return true;
}

/* The blob among the first `count`, which stand in the order of their offsets, that covers the file's contents. */
static struct edit_blob *find_blob(const struct romfs_edit *edit, size_t count, const struct edit_node *file)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (edit->blobs[middle]->old <= file->delta)
			low = middle + 1;
		else
			high = middle;
	}
	struct edit_blob *blob = low ? edit->blobs[low - 1] : NULL;
	if (!blob || file->delta - blob->old > blob->bytes.size ||
	    file->size > blob->bytes.size - (file->delta - blob->old))
		return NULL;
	return blob;
}

static void use(struct edit_node *file, struct edit_blob *blob)
{
	file->blob = blob;
	file->delta -= blob->old;
	blob->served = true;
}

static int by_offset(const void *left, const void *right)
{
	const struct edit_node *a = *(struct edit_node *const *)left, *b = *(struct edit_node *const *)right;
	return (a->delta > b->delta) - (a->delta < b->delta);
}

/* Contents that lie across records, or in none: each overlapping run of them becomes one blob. */
static bool keep_strays(struct reader *r, size_t count)
{
	struct edit_node **strays = r->pointers;
	if (count)
		qsort(strays, count, sizeof *strays, by_offset);
	for (size_t i = 0; i < count;) {
		uint32_t from = strays[i]->delta, to = from;
		size_t n = i;
		for (; n < count && (n == i || strays[n]->delta < to); n++)
			if (strays[n]->delta + strays[n]->size > to)
				to = strays[n]->delta + strays[n]->size;
		struct edit_blob *blob = edit_blob_new(r->edit, bytes_at(r, from, to), r->e);
		if (!blob)
			return false;
		blob->has_old = true;
		blob->old = from;
		for (; i < n; i++)
			use(strays[i], blob);
	}
	return true;
}

static bool resolve(struct reader *r)
{
	size_t strays = 0, known = r->edit->blob_count;
	for (size_t i = 0; i < r->pointer_count; i++) {
		struct edit_blob *blob = find_blob(r->edit, known, r->pointers[i]);
		if (blob)
			use(r->pointers[i], blob);
		else
			r->pointers[strays++] = r->pointers[i];
	}
	return keep_strays(r, strays);
}

bool edit_read(struct romfs_edit *edit, const struct romfs *fs, struct err *e)
{
	struct reader r = { .edit = edit, .fs = fs, .e = e };
	edit->root.kind = EDIT_DIR;
	edit->header_width = fs->begin - 3;
	bool done = read_dir(&r, &edit->root, fs->begin, fs->end) && resolve(&r);
	free(r.pointers);
	return done;
}
