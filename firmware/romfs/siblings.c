/* No name twice in one directory, without memory that grows.
 *
 * A directory sorted by bytes is done in one pass over its records: each name is above the one before.  Otherwise
 * each pass sorts the next TABLE names into a table on the stack and runs every later name through it by halving, so
 * n names cost n * n / (2 * TABLE) records read: 20000 names 0.8 million, some hundredths of a second on a station.
 * Names cannot be chosen to make the table slow, as they could with hashes.  What remains quadratic is cut off by the
 * caller's budget: an image that would use it up is refused, never waited for. */
#include <string.h>

#include "record.h"

#define TABLE 256u /* 2 KiB of stack */

struct name {
	uint32_t start, size;
};

struct scan {
	const struct romfs *fs;
	uint32_t *budget;
	uint32_t pos, end;
	uint32_t record; /* of the name found last */
};

static int compare(const struct romfs *fs, const struct name *a, const struct name *b)
{
	uint32_t shorter = a->size < b->size ? a->size : b->size;
	int order = memcmp(romfs_at(fs, a->start, a->size), romfs_at(fs, b->start, b->size), shorter);
	return order ? order : (a->size > b->size) - (a->size < b->size);
}

/* Pays for what was looked at; false when the budget does not cover it. */
static int spend(uint32_t *budget, uint32_t bytes)
{
	uint32_t price = bytes > UINT32_MAX - 32 ? UINT32_MAX : bytes + 32;
	if (price > *budget)
		return 0;
	*budget -= price;
	return 1;
}

/* The next file or directory.  CORRUPT stands for an empty budget: the records themselves are known to be sound. */
static enum romfs_status next_name(struct scan *s, struct name *name)
{
	while (s->pos < s->end) {
		struct romfs_record record;
		struct romfs_node node;
		s->record = s->pos;
		if (romfs_read_record(s->fs, s->pos, s->end, &record) != ROMFS_RULE_NONE)
			return ROMFS_CORRUPT;
		s->pos = record.end;
		uint32_t looked_at = record.body - record.start;
		int named = record.kind == ROMFS_KIND_FILE || record.kind == ROMFS_KIND_DIR;
		if (named) {
			if (romfs_read_name(s->fs, &record, &node) != ROMFS_RULE_NONE)
				return ROMFS_CORRUPT;
			*name = (struct name){ node.name, node.name_size };
			looked_at = node.data - record.start;
		}
		if (s->budget && !spend(s->budget, looked_at))
			return ROMFS_CORRUPT;
		if (named)
			return ROMFS_OK;
	}
	return ROMFS_END;
}

static int is_sorted(const struct romfs *fs, const struct romfs_node *dir)
{
	struct scan s = { fs, NULL, dir->data, dir->data + dir->data_size, 0 };
	struct name last, name;
	if (next_name(&s, &last) != ROMFS_OK)
		return 1;
	while (next_name(&s, &name) == ROMFS_OK) {
		if (compare(fs, &last, &name) >= 0)
			return 0;
		last = name;
	}
	return 1;
}

/* Where the name stands or belongs in the sorted table; *found tells which. */
static unsigned place(
    const struct romfs *fs, const struct name *table, unsigned count, const struct name *name, int *found)
{
	unsigned low = 0, high = count;
	while (low < high) {
		unsigned middle = (low + high) / 2;
		int order = compare(fs, name, &table[middle]);
		if (!order) {
			*found = 1;
			return middle;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	*found = 0;
	return low;
}

/* One pass: fills the table from s->pos on, then compares all later names with it.  s ends where the next pass
 * begins.  OK: another pass is needed, END: all done. */
static enum romfs_status pass(struct scan *s, struct romfs_fault *fault)
{
	struct name table[TABLE], name;
	unsigned count = 0;
	uint32_t next_pass = s->end;
	enum romfs_status status;
	while ((status = next_name(s, &name)) == ROMFS_OK) {
		int found;
		unsigned at = place(s->fs, table, count, &name, &found);
		if (found) {
			*fault = (struct romfs_fault){ ROMFS_RULE_DUPLICATE, s->record };
			return ROMFS_CORRUPT;
		}
		if (count == TABLE)
			continue;
		for (unsigned i = count; i > at; i--)
			table[i] = table[i - 1];
		table[at] = name;
		if (++count == TABLE)
			next_pass = s->pos;
	}
	if (status == ROMFS_CORRUPT) {
		*fault = (struct romfs_fault){ ROMFS_RULE_TOO_MANY, s->record };
		return ROMFS_CORRUPT;
	}
	s->pos = next_pass;
	return next_pass < s->end ? ROMFS_OK : ROMFS_END;
}

enum romfs_status romfs_check_siblings(
    const struct romfs *fs, const struct romfs_node *dir, uint32_t *budget, struct romfs_fault *fault)
{
	if (is_sorted(fs, dir))
		return ROMFS_OK;
	struct scan s = { fs, budget, dir->data, dir->data + dir->data_size, 0 };
	enum romfs_status status;
	do
		status = pass(&s, fault);
	while (status == ROMFS_OK);
	return status == ROMFS_END ? ROMFS_OK : status;
}
