/* The write plan and what a region's bytes must be. */
#include "format/plan.h"

#include <stdlib.h>
#include <string.h>

/* Units. */

uint32_t region_unit_count(const struct region *r)
{
	if (r->tail_blank)
		return partition_unit_count(r->partition);
	return r->image.size ? partition_unit_at(r->partition, (uint32_t)r->image.size - 1) + 1 : 0;
}

uint32_t region_unit_bytes(const struct region *r, uint32_t unit)
{
	struct unit u = partition_unit(r->partition, unit);
	if (r->tail_blank || u.offset + u.size <= r->image.size)
		return u.size;
	return u.offset < r->image.size ? (uint32_t)r->image.size - u.offset : 0;
}

/* How many of the size bytes at offset are the image's; the rest is 0xFF. */
static uint32_t image_part(const struct region *r, uint32_t offset, size_t size)
{
	size_t left = offset < r->image.size ? r->image.size - offset : 0;
	return (uint32_t)(left < size ? left : size);
}

static bool is_blank(const uint8_t *data, size_t size)
{
	/* All equal to the first: each byte equals its neighbour. */
	return !size || (data[0] == 0xff && !memcmp(data, data + 1, size - 1));
}

void region_expect(const struct region *r, uint32_t offset, uint8_t *out, uint32_t size)
{
	uint32_t part = image_part(r, offset, size);
	if (part)
		memcpy(out, r->image.data + offset, part);
	memset(out + part, 0xff, size - part);
}

bool region_equals(const struct region *r, uint32_t offset, struct span read)
{
	if (!read.size)
		return true;
	uint32_t part = image_part(r, offset, read.size);
	if (part && memcmp(read.data, r->image.data + offset, part) != 0)
		return false;
	return is_blank(read.data + part, read.size - part);
}

/* Making a plan. */

struct maker {
	const struct board *board;
	const struct region *regions;
	unsigned count;
	const uint8_t *const *differ;
	unsigned visit; /* the region whose alternate the last step left selected; count: none yet */
	struct plan *plan;
	struct err *e;
};

static bool push(struct maker *m, unsigned region, enum plan_op op, enum plan_source source, uint32_t block)
{
	struct plan *p = m->plan;
	if (p->count == p->capacity) {
		uint32_t capacity = p->capacity ? 2 * p->capacity : 256;
		struct plan_step *steps = reallocarray(p->steps, capacity, sizeof *steps);
		if (!steps)
			return err_set(m->e, CODE_NO_MEMORY, "no memory for a write plan");
		p->steps = steps;
		p->capacity = capacity;
	}
	p->steps[p->count++] = (struct plan_step){ (uint16_t)region, (uint8_t)op, (uint8_t)source, block };
	m->visit = region;
	return true;
}

static const struct medium *medium_of(const struct maker *m, unsigned region)
{
	return board_medium(m->board, m->regions[region].partition);
}

/* One block.  Where the bootloader unlocks an alternate only at its block 0, a visit that starts elsewhere gets a
 * block 0 of zeros in front. */
static bool write_block(struct maker *m, unsigned region, enum plan_source source, uint32_t block)
{
	if (block && m->visit != region && medium_of(m, region)->block0_first &&
	    !push(m, region, PLAN_WRITE, PLAN_ZEROS, 0))
		return false;
	return push(m, region, PLAN_WRITE, source, block);
}

/* A unit starts at its first block, which erases it; after that, blocks that are blank anyway need no sending. */
static bool write_unit(struct maker *m, unsigned region, uint32_t index)
{
	const struct region *r = &m->regions[region];
	struct unit unit = partition_unit(r->partition, index);
	if (unit.offset >= r->image.size)
		return write_block(m, region, PLAN_ONES, unit.offset / DFU_BLOCK);
	uint32_t end = unit.offset + image_part(r, unit.offset, unit.size);
	for (uint32_t at = unit.offset; at < end; at += DFU_BLOCK) {
		bool skip = at > unit.offset && medium_of(m, region)->erases &&
			    is_blank(r->image.data + at, image_part(r, at, DFU_BLOCK));
		if (!skip && !write_block(m, region, PLAN_IMAGE, at / DFU_BLOCK))
			return false;
	}
	return true;
}

static bool unit_differs(const struct maker *m, unsigned region, uint32_t unit)
{
	const uint8_t *bits = m->differ ? m->differ[region] : NULL;
	return !bits || bits[unit / 8] >> unit % 8 & 1;
}

static bool region_differs(const struct maker *m, unsigned region)
{
	uint32_t count = region_unit_count(&m->regions[region]);
	for (uint32_t u = 0; u < count; u++)
		if (unit_differs(m, region, u))
			return true;
	return false;
}

static bool blank_first(struct maker *m, unsigned region)
{
	return write_block(m, region, PLAN_ZEROS, 0);
}

static bool later_units(struct maker *m, unsigned region)
{
	uint32_t count = region_unit_count(&m->regions[region]);
	for (uint32_t u = 1; u < count; u++)
		if (unit_differs(m, region, u) && !write_unit(m, region, u))
			return false;
	return true;
}

/* Unit 0 makes the region whole; the zero-length DNLOAD behind it returns the bootloader to dfuIDLE and locks what
 * block 0 had unlocked.  With DfuSe it would end the session. */
static bool first_unit(struct maker *m, unsigned region)
{
	return write_unit(m, region, 0) &&
	       (m->board->dialect == DIALECT_DFUSE || push(m, region, PLAN_MANIFEST, PLAN_IMAGE, 0));
}

static bool data_region(struct maker *m, unsigned region)
{
	if (region_unit_count(&m->regions[region]) > 1 && !blank_first(m, region))
		return false;
	return later_units(m, region) && first_unit(m, region);
}

/* The passes: `step` for each region that differs and has that part in the order. */
enum part { MAIN_CORE, OTHER_CORE, DATA };

static enum part part_of(const struct region *r)
{
	enum board_role role = r->partition->role;
	return role == ROLE_FIRMWARE ? MAIN_CORE : role == ROLE_COFIRMWARE ? OTHER_CORE : DATA;
}

static bool pass(struct maker *m, enum part part, bool (*step)(struct maker *, unsigned))
{
	for (unsigned i = 0; i < m->count; i++)
		if (part_of(&m->regions[i]) == part && region_differs(m, i) && !step(m, i))
			return false;
	return true;
}

static void count_units(struct maker *m)
{
	for (unsigned i = 0; i < m->count; i++) {
		uint32_t count = region_unit_count(&m->regions[i]), differing = 0;
		for (uint32_t u = 0; u < count; u++)
			differing += unit_differs(m, i, u);
		/* If any unit differs, unit 0 is written too. */
		if (differing && !unit_differs(m, i, 0))
			differing++;
		m->plan->units_written += differing;
		m->plan->units_skipped += count - differing;
	}
}

bool plan_make(const struct board *b, const struct region *regions, unsigned count, const uint8_t *const *differ,
    struct plan *out, struct err *e)
{
	struct maker m = { b, regions, count, differ, count, out, e };
	*out = (struct plan){ NULL, 0, 0, 0, 0 };
	for (unsigned i = 0; i < count; i++)
		if (regions[i].image.size > regions[i].partition->size)
			return err_set(
			    e, CODE_INTERNAL, "a region reaches beyond its partition %s", regions[i].partition->name);
	count_units(&m);
	bool made = pass(&m, MAIN_CORE, blank_first) && pass(&m, OTHER_CORE, blank_first) &&
		    pass(&m, DATA, data_region) && pass(&m, MAIN_CORE, later_units) &&
		    pass(&m, OTHER_CORE, later_units) && pass(&m, OTHER_CORE, first_unit) &&
		    pass(&m, MAIN_CORE, first_unit);
	if (!made)
		plan_clear(out);
	return made;
}

void plan_clear(struct plan *plan)
{
	free(plan->steps);
	*plan = (struct plan){ NULL, 0, 0, 0, 0 };
}

void plan_block(const struct region *regions, const struct plan_step *step, uint8_t out[DFU_BLOCK])
{
	if (step->op == PLAN_WRITE && step->source == PLAN_IMAGE)
		region_expect(&regions[step->region], step->block * DFU_BLOCK, out, DFU_BLOCK);
	else
		memset(out, step->source == PLAN_ONES ? 0xff : 0, DFU_BLOCK);
}
