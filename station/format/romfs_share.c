/* Finds files with equal contents. */
#include "format/romfs_build_inner.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

/* Below this a pointer to the contents takes as much as they do. */
#define MIN_SHARED 16u

struct candidate {
	struct romfs_entry *file;
	size_t order; /* in which the files are written */
	uint32_t crc32;
};

struct candidates {
	struct candidate *all; /* owned */
	size_t count, capacity;
};

static bool add(struct candidates *c, struct romfs_entry *file, struct err *e)
{
	if (c->count == c->capacity) {
		size_t capacity = c->capacity ? c->capacity * 2 : 256;
		struct candidate *grown = realloc(c->all, capacity * sizeof *grown);
		if (!grown)
			return err_set(e, CODE_NO_MEMORY, "no memory for %zu files", capacity);
		c->all = grown;
		c->capacity = capacity;
	}
	c->all[c->count] = (struct candidate){ file, c->count, crc32_of(span_of(file->data, file->size)) };
	c->count++;
	return true;
}

/* Recursion ends where the tree does; the writer refuses deep ones. */
static bool gather(struct candidates *c, struct romfs_entry *dir, struct err *e)
{
	for (size_t i = 0; i < dir->count; i++) {
		struct romfs_entry *entry = dir->children[i];
		entry->same = NULL;
		if (entry->type == ROMFS_DIR ? !gather(c, entry, e) : entry->size >= MIN_SHARED && !add(c, entry, e))
			return false;
	}
	return true;
}

static int by_contents(const struct candidate *a, const struct candidate *b)
{
	if (a->file->size != b->file->size)
		return a->file->size < b->file->size ? -1 : 1;
	if (a->crc32 != b->crc32)
		return a->crc32 < b->crc32 ? -1 : 1;
	return memcmp(a->file->data, b->file->data, a->file->size);
}

static int by_contents_then_order(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;
	int order = by_contents(a, b);
	return order ? order : (a->order > b->order) - (a->order < b->order);
}

bool romfs_share(struct romfs_entry *root, const struct board *b, struct err *e)
{
	struct candidates c = { .all = NULL };
	bool done = gather(&c, root, e);
	if (done && c.count)
		qsort(c.all, c.count, sizeof *c.all, by_contents_then_order);
	for (size_t i = 1, first = 0; done && i < c.count; i++) {
		struct romfs_entry *holder = c.all[first].file, *file = c.all[i].file;
		if (by_contents(&c.all[first], &c.all[i])) {
			first = i;
			continue;
		}
		file->same = holder;
		uint32_t mine = romfs_entry_align(file, b), held = romfs_entry_align(holder, b);
		holder->align = mine > held ? mine : held;
	}
	free(c.all);
	return done;
}
