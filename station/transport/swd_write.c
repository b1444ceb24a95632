/* The steps of a write plan as changes of flash.
 *
 * Over DFU a block that starts an erase unit erases it; here the erase is said.  Blocks that follow each other in one
 * unit go as one change.  The order is the plan's, so the cut guarantee is. */
#include "transport/swd_inner.h"

#include <stdlib.h>
#include <string.h>

/* Steps that become one change. */
struct group {
	uint32_t first, count; /* steps */
	struct unit unit;
	bool erases;
};

static bool continues(const struct plan_step *steps, const struct group *g, uint32_t next, uint32_t unit_block_end)
{
	const struct plan_step *first = &steps[g->first], *s = &steps[next];
	return s->op == PLAN_WRITE && s->region == first->region && s->block == first->block + g->count &&
	       s->block < unit_block_end;
}

static struct group group_at(
    const struct link *l, const struct region *regions, const struct plan_step *steps, uint32_t count, uint32_t at)
{
	const struct plan_step *s = &steps[at];
	const struct partition *p = regions[s->region].partition;
	struct group g = { .first = at, .count = 1 };
	if (s->op != PLAN_WRITE)
		return g;
	g.unit = partition_unit(p, partition_unit_at(p, s->block * DFU_BLOCK));
	g.erases = board_medium(l->board, p)->erases && s->block * DFU_BLOCK == g.unit.offset;
	uint32_t end = (g.unit.offset + g.unit.size) / DFU_BLOCK;
	if (!board_medium(l->board, p)->erases) /* there a unit is a block, and any run of blocks will do */
		end = s->block + SWD_CHUNK / DFU_BLOCK;
	while (at + g.count < count && continues(steps, &g, at + g.count, end))
		g.count++;
	return g;
}

static bool change(struct link *l, const struct region *regions, const struct plan_step *steps, const struct group *g,
    uint8_t *bytes, struct err *e)
{
	const struct plan_step *s = &steps[g->first];
	const struct partition *p = regions[s->region].partition;
	struct swd_change c = { .medium = p->medium };
	if (s->op != PLAN_WRITE)
		return true; /* the end of a region is a matter of the bootloader's protocol */
	for (uint32_t i = 0; i < g->count; i++)
		plan_block(regions, &s[i], bytes + (size_t)i * DFU_BLOCK);
	c.offset = (uint32_t)(p->address - board_medium_extent(l->board, p->medium).base) + s->block * DFU_BLOCK;
	c.erase = g->erases ? g->unit.size : 0;
	/* 0xFF behind an erase is there already */
	if (!(g->count == 1 && s->source == PLAN_ONES && g->erases))
		c.bytes = span_of(bytes, (size_t)g->count * DFU_BLOCK);
	return swd_flash_change(l, &c, e);
}

static uint32_t largest_unit(const struct region *regions, const struct plan_step *steps, uint32_t count)
{
	uint32_t largest = SWD_CHUNK;
	for (uint32_t i = 0; i < count; i++) {
		const struct partition *p = regions[steps[i].region].partition;
		uint32_t size = partition_unit(p, partition_unit_at(p, steps[i].block * DFU_BLOCK)).size;
		largest = size > largest ? size : largest;
	}
	return largest;
}

/* Changes that were given, and how many steps each one ends. */
struct given {
	uint32_t *ends; /* owned */
	uint32_t count, before;
};

/* Steps whose bytes are in flash. */
static uint32_t steps_done(const struct link *l, const struct given *g)
{
	uint32_t changes = swd_flash_done(l) - g->before;
	if (changes > g->count)
		changes = g->count;
	return changes ? g->ends[changes - 1] : 0;
}

static bool give_all(struct link *l, const struct region *regions, const struct plan_step *steps, uint32_t count,
    struct given *given, link_progress *progress, void *context, uint8_t *bytes, struct err *e)
{
	for (uint32_t at = 0; at < count;) {
		struct group g = group_at(l, regions, steps, count, at);
		if (l->cancel && atomic_load(l->cancel))
			return err_set(e, CODE_ABORTED, "stopped by a person");
		if (!change(l, regions, steps, &g, bytes, e))
			return false;
		at += g.count;
		if (steps[g.first].op == PLAN_WRITE)
			given->ends[given->count++] = at;
		progress(context, (uint64_t)steps_done(l, given) * DFU_BLOCK);
	}
	return swd_flash_finish(l, e);
}

bool swd_write(struct link *l, const struct region *regions, const struct plan_step *steps, uint32_t count,
    uint32_t *done, link_progress *progress, void *context, struct err *e)
{
	*done = 0;
	if (!swd_prepare(l, e))
		return false;
	uint8_t *bytes = malloc(largest_unit(regions, steps, count));
	struct given given = { .ends = calloc(count + 1, sizeof(uint32_t)), .before = swd_flash_done(l) };
	bool good = (bytes && given.ends) || err_set(e, CODE_NO_MEMORY, "no memory for a unit");
	good = good && give_all(l, regions, steps, count, &given, progress, context, bytes, e);
	*done = good ? count : given.ends ? steps_done(l, &given) : 0;
	if (good)
		progress(context, (uint64_t)count * DFU_BLOCK);
	free(bytes);
	free(given.ends);
	return good;
}
