/* What the camera's own core says of its flash: which units differ, digests, what its mount driver finds. */
#include "transport/swd_inner.h"

#include <stdlib.h>
#include <string.h>

static struct swd_agent *agent_of(const struct link *l)
{
	return ((const struct swd_link *)l->priv)->agent;
}

static void mark(uint8_t *differ, bool *any, uint32_t unit)
{
	differ[unit / 8] |= (uint8_t)(1u << unit % 8);
	*any = true;
}

/* --- which units differ ------------------------------------------------------------------------------------------- */

/* The CRC of what a unit must hold, as far as it is compared. */
static bool wanted_crc(const struct region *r, uint32_t unit, uint32_t *crc, struct err *e)
{
	uint32_t size = region_unit_bytes(r, unit);
	uint8_t *bytes = malloc(size ? size : 1);
	if (!bytes)
		return err_set(e, CODE_NO_MEMORY, "no memory for a unit");
	region_expect(r, partition_unit(r->partition, unit).offset, bytes, size);
	*crc = crc32_of(span_of(bytes, size));
	free(bytes);
	return true;
}

/* One unit by its digest: where the image ends in its middle. */
static bool part_differs(
    struct link *l, const struct region *r, uint32_t unit, uint8_t *differ, bool *any, struct err *e)
{
	struct digest digest;
	uint32_t want, at = swd_offset(l, r->partition) + partition_unit(r->partition, unit).offset;
	if (!wanted_crc(r, unit, &want, e) ||
	    !swd_agent_digest(agent_of(l), r->partition->medium, at, region_unit_bytes(r, unit), &digest, e))
		return false;
	if (digest.crc32 != want)
		mark(differ, any, unit);
	return true;
}

/* A run of whole units of one size by a table of CRCs. */
static bool run_differs(
    struct link *l, const struct region *r, uint32_t first, uint32_t count, uint8_t *differ, bool *any, struct err *e)
{
	struct unit u = partition_unit(r->partition, first);
	struct agent_unit *table = calloc(count, sizeof *table);
	uint32_t at = swd_offset(l, r->partition) + u.offset, want = 0;
	bool good = table ? swd_agent_table(agent_of(l), r->partition->medium, at, u.size, count, table, e)
			  : err_set(e, CODE_NO_MEMORY, "no memory for a table of units");
	for (uint32_t i = 0; good && i < count; i++) {
		good = wanted_crc(r, first + i, &want, e);
		if (table[i].flags & AGENT_UNIT_UNREADABLE || table[i].crc32 != want)
			mark(differ, any, first + i);
		if (table[i].flags & AGENT_UNIT_BLANK)
			swd_flash_is_blank(l, r->partition->medium, at + i * u.size, u.size);
	}
	free(table);
	return good;
}

/* Whole units of one size from `first` on; 0: it is one that the image ends in. */
static uint32_t whole_units(const struct region *r, uint32_t first)
{
	uint32_t units = region_unit_count(r), size = partition_unit(r->partition, first).size, count = 0;
	while (first + count < units && partition_unit(r->partition, first + count).size == size &&
	       region_unit_bytes(r, first + count) == size)
		count++;
	return count;
}

/* Without an agent: by reading, unit by unit. */
struct reading {
	const struct region *region;
	uint32_t start; /* of the partition in its medium */
	bool differs;
};

static bool take(void *context, uint32_t offset, struct span data, struct err *e)
{
	struct reading *r = context;
	(void)e;
	r->differs = !region_equals(r->region, offset - r->start, data);
	return !r->differs;
}

static bool read_differs(struct link *l, const struct region *r, uint8_t *differ, bool *any, struct err *e)
{
	struct reading reading = { r, swd_offset(l, r->partition), false };
	for (uint32_t u = 0; u < region_unit_count(r); u++) {
		uint32_t at = reading.start + partition_unit(r->partition, u).offset;
		reading.differs = false;
		bool read = swd_flash_read(l, r->partition->medium, at, region_unit_bytes(r, u), take, &reading, e);
		if (!read && !reading.differs)
			return false;
		if (reading.differs)
			mark(differ, any, u);
	}
	return true;
}

bool swd_compare(struct link *l, const struct region *r, uint8_t *differ, bool *any, struct err *e)
{
	uint32_t units = region_unit_count(r), count;
	*any = false;
	if (!swd_prepare(l, e))
		return false;
	if (!agent_of(l))
		return read_differs(l, r, differ, any, e);
	for (uint32_t u = 0; u < units; u += count ? count : 1) {
		count = whole_units(r, u);
		if (count ? !run_differs(l, r, u, count, differ, any, e) : !part_differs(l, r, u, differ, any, e))
			return false;
	}
	return true;
}

/* --- what it finds ------------------------------------------------------------------------------------------------ */

static bool mounts(struct link *l, const struct region *r, struct camera_report *out, struct err *e)
{
	struct agent_mounted m = { 0 };
	const struct partition *p = r->partition;
	bool good = swd_agent_mount(agent_of(l), p->medium, swd_offset(l, p), (uint32_t)r->image.size, &m, e) &&
		    agent_mounted_equals(&m, r->image, (uint32_t)p->mapped, e);
	out->mounted = good;
	out->files = m.files;
	out->entries = m.entries;
	agent_mounted_clear(&m);
	return good;
}

bool swd_report(struct link *l, const struct region *r, struct camera_report *out, struct err *e)
{
	*out = (struct camera_report){ .there = false };
	if (!swd_prepare(l, e))
		return false;
	if (!agent_of(l))
		return true;
	out->there = true;
	if (!swd_agent_digest(agent_of(l), r->partition->medium, swd_offset(l, r->partition), (uint32_t)r->image.size,
		&out->digest, e))
		return false;
	if (out->digest.crc32 != r->crc32 || memcmp(out->digest.sha256, r->sha256, SHA256_SIZE) != 0)
		return err_set(e, CODE_FLASH_MISMATCH, "the camera's core finds other bytes in %s", r->partition->name);
	return !r->romfs || mounts(l, r, out, e);
}

bool swd_knows_itself(struct link *l, bool *answers, struct err *e)
{
	if (!swd_prepare(l, e))
		return false;
	*answers = agent_of(l) != NULL;
	return true;
}
