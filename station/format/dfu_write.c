/* A write run: the steps of one visit to a partition, one exchange after another.
 *
 * OpenMV's bootloader addresses a block by wValue and erases by itself when a block starts an erase unit.  DfuSe needs
 * to be told: an erase command for each sector where a block starts an erase unit, and the address pointer wherever it
 * does not follow from the block before.  The pointer is set again after each erase, since ST's own stack moves it
 * there. Arduino's bootloader acknowledges a block before it has programmed it, so that the run ends with a pause:
 * whoever reads, or resets the camera, at once would find the last block missing. */
#include "format/dfu_inner.h"

enum { STAGE_ERASE, STAGE_POINT, STAGE_BLOCK };

void dfu_write_begin(struct dfu_run *r, enum dfu_dialect dialect, const struct partition *partition, uint32_t hold_ms,
    const struct plan_step *steps, uint32_t count)
{
	*r = (struct dfu_run){
		.kind = DFU_RUN_WRITE,
		.dialect = dialect,
		.partition = partition,
		.hold_ms = hold_ms,
		.prepared = dialect != DIALECT_DFUSE,
		.exchange = { .reached = DFU_STATE_IDLE, .finished = true },
		.write = { .steps = steps, .count = count },
	};
}

/* The sectors that make up the erase unit which starts at this block; 0: none does. */
static uint32_t sectors_at(const struct partition *p, uint32_t block)
{
	struct unit u = partition_unit(p, partition_unit_at(p, block * DFU_BLOCK));
	if (!p->run_count || u.offset != block * DFU_BLOCK)
		return 0;
	return p->sector ? u.size / p->sector : 1;
}

/* DfuSe: the next command of a step; false when only its block is left. */
static bool begin_command(struct dfu_run *r, const struct plan_step *step)
{
	struct dfu_write *w = &r->write;
	uint32_t address = (uint32_t)(r->partition->mapped + (uint64_t)step->block * DFU_BLOCK);
	if (w->stage == STAGE_ERASE && w->erased < sectors_at(r->partition, step->block)) {
		w->pointed = false;
		dfu_command_begin(r, DFUSE_ERASE, address + w->erased++ * r->partition->sector);
		return true;
	}
	if (w->stage == STAGE_ERASE)
		w->stage = STAGE_POINT;
	if (w->stage == STAGE_POINT) {
		w->stage = STAGE_BLOCK;
		if (!w->pointed || step->block < w->base) {
			w->pointed = true;
			w->base = step->block;
			dfu_command_begin(r, DFUSE_SET_ADDRESS, address);
			return true;
		}
	}
	return false;
}

static void begin_step(struct dfu_run *r)
{
	struct dfu_write *w = &r->write;
	const struct plan_step *step = &w->steps[w->acked];
	bool manifest = step->op == PLAN_MANIFEST;
	if (step->block > DFU_MAX_BLOCKS) {
		dfu_fail(r, CODE_INTERNAL, "block %u has no number in DFU", step->block);
		return;
	}
	uint32_t value = step->block;
	if (r->dialect == DIALECT_DFUSE) {
		if (!manifest && begin_command(r, step))
			return;
		value = manifest ? 0 : step->block - w->base + DFUSE_FIRST_BLOCK;
	}
	w->last = true;
	dfu_exchange_begin(r, (uint16_t)value, manifest ? 0 : DFU_BLOCK, NULL, w->acked);
}

struct dfu_action dfu_write_next(struct dfu_run *r)
{
	struct dfu_write *w = &r->write;
	if (!r->prepared) { /* DfuSe: whatever state the visit before left, back to dfuIDLE */
		r->prepared = true;
		return dfu_send(DFU_ABORT, 0, 0, DFU_PLAIN_MS);
	}
	if (dfu_exchange_state(r) != DFU_EXCHANGE_ACKED)
		return dfu_exchange_next(r);
	if (w->last) {
		w->last = false;
		w->stage = STAGE_ERASE;
		w->erased = 0;
		w->acked++;
	}
	if (w->acked == w->count && r->dialect == DIALECT_DFUSE && r->settle_ms && !w->settled) {
		w->settled = true;
		return dfu_pause(r->settle_ms);
	}
	if (w->acked == w->count)
		return dfu_act(DFU_DO_DONE);
	if (r->stop)
		dfu_fail(r, CODE_ABORTED, "stopped before block %u", w->steps[w->acked].block);
	else
		begin_step(r);
	return dfu_exchange_next(r);
}
