/* Reading a region back, unit by unit. */
#include "line/readback.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the sink of a running read needs to know. */
struct reading {
	struct attempt *attempt;
	unsigned index;
	const struct region *region;
	struct digest_run digest;
	bool keep;         /* every byte so far was read: hash and spool it */
	bool stop;         /* end the unit at its first difference */
	bool differs;      /* the unit being read */
	struct err failed; /* the sink's own trouble: a full disk */
};

bool spool_open(struct attempt *a, struct err *e)
{
	char folder[PATH_MAX];
	if (a->spool >= 0)
		return true;
	snprintf(folder, sizeof folder, "%s/spool", a->state_dir);
	a->spool = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (a->spool < 0)
		return err_sys(e, CODE_JOURNAL_FAILED, errno, "cannot create a spool file in %s", folder);
	return true;
}

uint64_t spool_offset(const struct attempt *a, unsigned region)
{
	uint64_t at = 0;
	for (unsigned i = 0; i < region; i++)
		at += (a->bound[i].image.size + DFU_BLOCK - 1) / DFU_BLOCK * DFU_BLOCK;
	return at;
}

static bool spool_write(const struct reading *r, uint32_t offset, struct span data, struct err *e)
{
	uint64_t at = spool_offset(r->attempt, r->index) + offset;
	while (data.size) {
		ssize_t n = pwrite(r->attempt->spool, data.data, data.size, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, CODE_JOURNAL_FAILED, errno, "cannot spool what was read back");
		data = span_of(data.data + n, data.size - (size_t)n);
		at += (uint64_t)n;
	}
	return true;
}

/* Hash and spool the bytes of the image proper; what lies behind it is only compared. */
static bool keep_bytes(struct reading *r, uint32_t offset, struct span data, struct err *e)
{
	size_t length = r->region->image.size;
	if (offset >= length)
		return true;
	if (data.size > length - offset)
		data.size = length - offset;
	return digest_add(&r->digest, data, e) && spool_write(r, offset, data, e);
}

static bool take(void *context, uint32_t offset, struct span data, struct err *e)
{
	struct reading *r = context;
	if (!region_equals(r->region, offset, data))
		r->differs = true;
	atomic_fetch_add(&r->attempt->progress->done, data.size);
	if (r->differs && r->stop)
		return false;
	if (r->keep && !keep_bytes(r, offset, data, &r->failed))
		return err_set(e, r->failed.code, "%s", r->failed.msg);
	return true;
}

/* False when the camera or the spool failed; a difference that ends the reading is none of these. */
static bool read_part(struct reading *r, uint32_t offset, uint32_t size, struct err *e)
{
	struct attempt *a = r->attempt;
	bool read = a->link.ops->read(&a->link, r->region->partition, offset, size, take, r, e);
	if (!read && r->failed.code != CODE_OK)
		return false;
	return read || (r->differs && r->stop);
}

/* Flash that cannot be read holds no recipe; nothing is kept of what was not read. */
static bool unreadable(struct reading *r, const struct err *e)
{
	bool bad = e->code == CODE_FLASH_ERROR && r->failed.code == CODE_OK && r->attempt->link.ops->reads_past_bad;
	r->differs = r->differs || bad;
	r->keep = r->keep && !bad;
	return bad;
}

/* Where a difference ends the unit its first block goes alone: nearly always it shows there already, and blocks asked
 * for ahead would cross the wire for nothing. */
static bool read_unit(struct reading *r, uint32_t unit, struct err *e)
{
	struct unit u = partition_unit(r->region->partition, unit);
	uint32_t size = region_unit_bytes(r->region, unit), first = r->stop && size > DFU_BLOCK ? DFU_BLOCK : 0;
	r->differs = false;
	if (first && !read_part(r, u.offset, first, e))
		return false;
	if (r->differs && r->stop)
		return true;
	return read_part(r, u.offset + first, size - first, e);
}

static bool read_units(struct reading *r, unsigned give_up, struct err *e)
{
	struct region_result *result = &r->attempt->regions[r->index];
	uint32_t units = region_unit_count(r->region), in_a_row = 0;
	for (uint32_t u = 0; u < units; u++) {
		bool skip = give_up && in_a_row >= give_up;
		if (!skip && !read_unit(r, u, e) && !unreadable(r, e))
			return false;
		bool differs = skip || r->differs;
		in_a_row = differs ? in_a_row + 1 : 0;
		if (!differs)
			continue;
		bit_set(result->differ, u);
		result->any_differ = true;
		r->keep = r->keep && !r->stop;
	}
	return true;
}

bool readback_region(
    struct attempt *a, unsigned region, bool stop_at_difference, unsigned give_up, bool *complete, struct err *e)
{
	struct region_result *result = &a->regions[region];
	struct reading r = {
		.attempt = a, .index = region, .region = &a->bound[region], .keep = true, .stop = stop_at_difference
	};
	free(result->differ);
	*result = (struct region_result){ .differ = calloc(region_unit_count(r.region) / 8 + 1, 1) };
	if (!result->differ)
		return err_set(e, CODE_NO_MEMORY, "no memory for a bitmap of units");
	if (!spool_open(a, e) || !digest_begin(&r.digest, e))
		return false;
	if (!read_units(&r, give_up, e)) {
		digest_abandon(&r.digest);
		return false;
	}
	*complete = r.keep;
	if (!r.keep) {
		digest_abandon(&r.digest);
		return true;
	}
	result->read = true;
	return digest_finish(&r.digest, &result->digest, e);
}

bool readback_sample(struct attempt *a, unsigned region, struct err *e)
{
	struct region_result *result = &a->regions[region];
	struct reading r = { .attempt = a, .index = region, .region = &a->bound[region] };
	uint32_t units = region_unit_count(r.region);
	for (uint32_t u = 0; u < units; u++) {
		if (u % READBACK_SAMPLE && u + 1 != units)
			continue;
		if (!read_unit(&r, u, e) && !unreadable(&r, e))
			return false;
		if (r.differs) {
			bit_set(result->differ, u);
			result->any_differ = true;
		}
	}
	return true;
}
