/* The tree of entries, and its way into an image: siblings sorted, each file aligned by its board's table. */
#include "format/romfs_build.h"
#include "format/romfs_build_inner.h"

#include <stdlib.h>
#include <string.h>

struct romfs_entry *romfs_entry_new_root(void)
{
	struct romfs_entry *root = calloc(1, sizeof *root);
	if (root)
		root->type = ROMFS_DIR;
	return root;
}

static bool make_room(struct romfs_entry *dir)
{
	if (dir->count < dir->capacity)
		return true;
	size_t capacity = dir->capacity ? dir->capacity * 2 : 8;
	struct romfs_entry **grown = realloc(dir->children, capacity * sizeof *grown);
	if (!grown)
		return false;
	dir->children = grown;
	dir->capacity = capacity;
	return true;
}

struct romfs_entry *romfs_entry_add(struct romfs_entry *dir, const char *name, size_t name_size, enum romfs_type type)
{
	struct romfs_entry *entry = make_room(dir) ? calloc(1, sizeof *entry) : NULL;
	if (!entry)
		return NULL;
	entry->name = malloc(name_size + 1);
	if (!entry->name) {
		free(entry);
		return NULL;
	}
	memcpy(entry->name, name, name_size);
	entry->name[name_size] = 0;
	entry->name_size = name_size;
	entry->type = type;
	dir->children[dir->count++] = entry;
	return entry;
}

void romfs_entry_free(struct romfs_entry *entry)
{
	if (!entry)
		return;
	for (size_t i = 0; i < entry->count; i++)
		romfs_entry_free(entry->children[i]);
	free(entry->children);
	free(entry->data);
	free(entry->name);
	free(entry);
}

static int by_bytes(const void *left, const void *right)
{
	const struct romfs_entry *a = *(struct romfs_entry *const *)left, *b = *(struct romfs_entry *const *)right;
	size_t shorter = a->name_size < b->name_size ? a->name_size : b->name_size;
	int order = memcmp(a->name, b->name, shorter);
	return order ? order : (a->name_size > b->name_size) - (a->name_size < b->name_size);
}

bool romfs_entry_sort(struct romfs_entry *dir, struct err *e)
{
	if (dir->count)
		qsort(dir->children, dir->count, sizeof *dir->children, by_bytes);
	for (size_t i = 1; i < dir->count; i++)
		if (!by_bytes(&dir->children[i - 1], &dir->children[i]))
			return err_set(
			    e, CODE_NAME_INVALID, "'%.80s' occurs twice in one directory", dir->children[i]->name);
	for (size_t i = 0; i < dir->count; i++)
		if (!romfs_entry_sort(dir->children[i], e))
			return false;
	return true;
}

uint32_t romfs_entry_align(const struct romfs_entry *file, const struct board *b)
{
	return file->align ? file->align : board_alignment(b, file->name, NULL);
}

static bool write_file(struct romfs_writer *w, struct romfs_entry *f, const struct board *b, struct err *e)
{
	if (f->same)
		return romfs_writer_file_at(w, f->name, f->name_size, f->size, f->same->at, e);
	if (!romfs_writer_file(w, f->name, f->name_size, span_of(f->data, f->size), romfs_entry_align(f, b), e))
		return false;
	f->at = w->data_at;
	return true;
}

/* Writes what is in the directory.  Recursion ends at ROMFS_MAX_DEPTH, where dir_open refuses. */
static bool write_dir(struct romfs_writer *w, struct romfs_entry *dir, const struct board *b, struct err *e)
{
	for (size_t i = 0; i < dir->count; i++) {
		struct romfs_entry *c = dir->children[i];
		bool ok;
		if (c->type == ROMFS_DIR)
			ok = romfs_writer_dir_open(w, c->name, c->name_size, e) && write_dir(w, c, b, e) &&
			     romfs_writer_dir_close(w, e);
		else
			ok = write_file(w, c, b, e);
		if (!ok)
			return false;
	}
	return true;
}

/* What the entries below will take, roughly: contents that are shared once, and heads with some padding. */
static size_t expected_size(const struct romfs_entry *dir)
{
	size_t sum = 0;
	for (size_t i = 0; i < dir->count; i++) {
		const struct romfs_entry *c = dir->children[i];
		sum += 2 * ROMFS_LENGTH_SIZE + c->name_size + 32;
		sum += c->type == ROMFS_DIR ? expected_size(c) : c->same ? 0 : c->size;
	}
	return sum;
}

uint32_t romfs_commit_unit(const struct partition *p)
{
	return partition_unit_count(p) > 1 ? partition_unit(p, 0).size : 0;
}

bool romfs_build(struct romfs_entry *root, const struct board *b, const struct partition *p, enum romfs_commit commit,
    uint8_t **image, size_t *size, struct err *e)
{
	struct romfs_writer_options options = { .limit = p->size };
	if (commit == ROMFS_COMMIT_AUTO)
		options.commit_unit = romfs_commit_unit(p);
	struct romfs_writer w;
	w = (struct romfs_writer){ .depth = 0 };
	bool ready = romfs_entry_sort(root, e) && romfs_share(root, b, e);
	if (ready)
		options.expected = options.commit_unit + expected_size(root);
	if (ready && romfs_writer_begin(&w, &options, e) && write_dir(&w, root, b, e) &&
	    romfs_writer_finish(&w, image, size, e))
		return true;
	romfs_writer_abandon(&w);
	if (e && e->code == CODE_PAYLOAD_TOO_BIG)
		err_prefix(e, "partition %s of %s", p->name, b->id);
	return false;
}
