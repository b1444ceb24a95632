/* The bounded mount: one pass over the structure, a stack of end offsets, and a budget that every byte is paid from
 * before it is read.  Time does not depend on what the bytes are. */
#include "record.h"

#define RECORD_PRICE 32u

struct pass {
	const struct romfs *fs;
	uint32_t *budget;
	uint32_t pos;
	uint32_t end[ROMFS_MAX_DEPTH + 1]; /* of the directories around pos, the root's first */
	unsigned depth;
};

/* A varuint below `end`, no longer than the budget; false when it is none. */
static int take(struct pass *p, uint32_t end, uint32_t *value)
{
	uint32_t start = p->pos;
	uint32_t stop = end - start < *p->budget ? end : start + *p->budget;
	enum romfs_rule rule = romfs_read_varuint(p->fs, &p->pos, stop, value);
	*p->budget -= rule == ROMFS_RULE_NONE ? p->pos - start : stop - start;
	return rule == ROMFS_RULE_NONE;
}

/* A record's kind and length; p->pos is its body then. */
static int take_record(struct pass *p, uint32_t end, struct romfs_record *record)
{
	uint32_t length;
	if (*p->budget < RECORD_PRICE)
		return 0;
	*p->budget -= RECORD_PRICE;
	record->start = p->pos;
	if (!take(p, end, &record->kind) || record->kind == ROMFS_KIND_UNUSED || !take(p, end, &length) ||
	    length > end - p->pos)
		return 0;
	record->body = p->pos;
	record->end = p->pos + length;
	return 1;
}

/* Has the file's record, from p->pos to `end`, sound data? */
static int has_data(struct pass *p, uint32_t end)
{
	uint32_t payload = p->fs->end - p->fs->begin, size, offset;
	struct romfs_record record;
	while (p->pos < end) {
		if (!take_record(p, end, &record))
			return 0;
		if (record.kind == ROMFS_KIND_VERBATIM)
			return 1;
		if (record.kind == ROMFS_KIND_INDIRECT)
			return take(p, record.end, &size) && take(p, record.end, &offset) && offset <= payload &&
			       size <= payload - offset;
		p->pos = record.end;
	}
	return 0;
}

/* One record of the innermost directory; false when it is not sound. */
static int step(struct pass *p)
{
	struct romfs_record record;
	uint32_t name_size;
	if (!take_record(p, p->end[p->depth], &record))
		return 0;
	if (record.kind != ROMFS_KIND_FILE && record.kind != ROMFS_KIND_DIR) {
		p->pos = record.end;
		return 1;
	}
	if (!take(p, record.end, &name_size) || name_size > record.end - p->pos)
		return 0;
	p->pos += name_size;
	if (record.kind == ROMFS_KIND_FILE) {
		int sound = has_data(p, record.end);
		p->pos = record.end;
		return sound;
	}
	if (p->depth == ROMFS_MAX_DEPTH)
		return 0;
	p->end[++p->depth] = record.end;
	return 1;
}

/* Does the header's length varuint, behind the magic, end within the budget?  romfs_mount judges it. */
static int header_fits(const uint8_t *image, size_t size, uint32_t *budget)
{
	size_t left = size - 3;
	uint32_t most = left < *budget ? (uint32_t)left : *budget, n = 0;
	while (n < most && image[3 + n] & 0x80u)
		n++;
	*budget -= n < most ? n + 1 : n;
	return n < most;
}

enum romfs_status romfs_mount_within(struct romfs *fs, const void *image, size_t size, uint32_t *budget)
{
	/* foreign flash first: four bytes are enough to see that it is none of ours */
	enum romfs_status status = romfs_mount(fs, image, size < 4 ? size : 4);
	if (status == ROMFS_NOT_ROMFS)
		return status;
	if (!header_fits(image, size, budget))
		return ROMFS_CORRUPT;
	status = romfs_mount(fs, image, size);
	if (status != ROMFS_OK)
		return status;
	struct pass p;
	p.fs = fs;
	p.budget = budget;
	p.pos = fs->begin;
	p.end[0] = fs->end;
	p.depth = 0;
	for (;;) {
		while (p.pos == p.end[p.depth])
			if (p.depth-- == 0)
				return ROMFS_OK;
		if (!step(&p))
			return ROMFS_CORRUPT;
	}
}
