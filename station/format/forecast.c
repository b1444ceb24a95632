/* One camera's programming as a list of transfers and flash work, and the seconds in it. */
#include "format/forecast.h"

#include <stdlib.h>
#include <string.h>

#include "format/wire.h"

#define STATUS_BYTES   6u
#define STRING_BYTES   64u /* of a string descriptor, about; one packet */
#define COMMAND_BYTES  5u  /* of a DfuSe command with an address */
#define COMMANDS_BYTES 3u  /* what DfuSe's UPLOAD of block 0 gives */
#define BEYOND_BYTES   4u  /* what UPLOAD gives behind the end of a partition */
#define NS_PER_MS      1e6
#define NS_PER_SECOND  1e9

struct teller {
	const struct forecast_work *work;
	struct forecast_unit *out;
	enum forecast_phase phase;
	struct err *e;
};

/* A transfer and the flash work behind it; erase and program in ns. */
static bool leg(struct teller *t, uint32_t bytes, double erase, double program)
{
	struct forecast_unit *u = t->out;
	if (u->leg_count == u->leg_capacity) {
		uint32_t capacity = u->leg_capacity ? 2 * u->leg_capacity : 1024;
		struct forecast_leg *legs = reallocarray(u->legs, capacity, sizeof *legs);
		if (!legs)
			return err_set(t->e, CODE_NO_MEMORY, "no memory for a forecast");
		u->legs = legs;
		u->leg_capacity = capacity;
	}
	double wire = wire_transfer_ns(t->work->board->speed, bytes);
	u->legs[u->leg_count++] = (struct forecast_leg){ wire, erase + program };
	u->wire += wire / NS_PER_SECOND;
	u->erase += erase / NS_PER_SECOND;
	u->program += program / NS_PER_SECOND;
	u->phases[t->phase] += (wire + erase + program) / NS_PER_SECOND;
	return true;
}

static bool ask(struct teller *t, uint32_t bytes)
{
	return leg(t, bytes, 0, 0);
}

/* SET_INTERFACE, DETACH, a DNLOAD of nothing. */
static bool tell(struct teller *t)
{
	return leg(t, 0, 0, 0);
}

/* A DNLOAD whose work the camera does behind it, and the two GETSTATUS that begin it and tell its end. */
static bool order(struct teller *t, uint32_t bytes, double erase, double program)
{
	return ask(t, bytes) && leg(t, STATUS_BYTES, erase, program) && ask(t, STATUS_BYTES);
}

static bool dfuse(const struct teller *t)
{
	return t->work->board->dialect == DIALECT_DFUSE;
}

/* To a partition: SET_INTERFACE; DfuSe then also needs dfuIDLE, and the address pointer in front of a read. */
static bool select_partition(struct teller *t, bool reads)
{
	if (!tell(t) || (dfuse(t) && !tell(t)))
		return false;
	return !dfuse(t) || !reads || (order(t, COMMAND_BYTES, 0, 0) && tell(t));
}

static bool upload(struct teller *t, uint32_t bytes)
{
	for (uint32_t at = 0; at < bytes; at += DFU_BLOCK)
		if (!ask(t, DFU_BLOCK))
			return false;
	return true;
}

/* ---- identified, admitted ---- */

/* The first UPLOAD latches; then the serial and a name for each alternate; the bootloader is hashed; the partitions'
 * sizes are probed at their ends. */
static bool identify(struct teller *t)
{
	const struct board *b = t->work->board;
	const struct partition *boot = NULL;
	if (!ask(t, dfuse(t) ? COMMANDS_BYTES : DFU_BLOCK) || !ask(t, STRING_BYTES))
		return false;
	for (unsigned i = 0; i < (dfuse(t) ? b->alternate_count : b->partition_count); i++)
		if (!ask(t, STRING_BYTES))
			return false;
	for (unsigned i = 0; i < b->partition_count; i++)
		if (b->partitions[i].role == ROLE_BOOTLOADER && b->partitions[i].readable)
			boot = &b->partitions[i];
	if (boot && (!select_partition(t, true) || !upload(t, boot->size)))
		return false;
	for (unsigned i = 0; i < t->work->count && !dfuse(t); i++)
		if (!tell(t) || !ask(t, DFU_BLOCK) || !ask(t, BEYOND_BYTES))
			return false;
	return true;
}

/* ---- compared ---- */

/* `count` of `units` differ, spread evenly; all of them, or none, at the ends. */
static bool differs(uint64_t unit, uint64_t units, uint64_t count)
{
	return (unit + 1) * count / units > unit * count / units;
}

static uint32_t changed_units(const struct forecast_work *w, uint32_t units)
{
	uint32_t count = (uint32_t)(w->changed * units);
	return count < w->changed * units ? count + 1 : count;
}

/* A unit that differs shows it in its first block. */
static bool compare_region(struct teller *t, unsigned region, uint8_t *bits)
{
	const struct forecast_work *w = t->work;
	const struct region *r = &w->regions[region];
	uint32_t units = region_unit_count(r), count = changed_units(w, units), in_a_row = 0;
	bool selected = false;
	for (uint32_t u = 0; u < units; u++) {
		bool skip = !w->compare || (w->give_up && in_a_row >= w->give_up);
		bool other = skip || differs(u, units, count);
		in_a_row = other ? in_a_row + 1 : 0;
		if (!skip && !selected && !select_partition(t, true))
			return false;
		if (!skip && !upload(t, other ? 1 : region_unit_bytes(r, u)))
			return false;
		selected = !dfuse(t) || !other; /* a read that is broken off leaves DfuSe anywhere */
		if (other)
			bits[u / 8] = (uint8_t)(bits[u / 8] | 1u << u % 8);
	}
	return true;
}

/* ---- written ---- */

static double erase_ns(const struct board *b, const struct partition *p, uint32_t offset)
{
	uint64_t start = 0;
	for (unsigned i = 0; board_medium(b, p)->erases && i < p->run_count; i++) {
		const struct erase_run *run = &p->runs[i];
		uint64_t length = (uint64_t)run->size * run->count;
		if (offset < start + length) {
			uint32_t each = run->size < DFU_BLOCK ? DFU_BLOCK / run->size : 1;
			bool starts = (offset - start) % run->size == 0;
			return starts ? each * board_erase_ms(b, run->size) * NS_PER_MS : 0;
		}
		start += length;
	}
	return 0;
}

/* DfuSe is told to erase, which it does by itself nowhere, and the address after that. */
static bool write_step(struct teller *t, const struct plan_step *s)
{
	const struct board *b = t->work->board;
	const struct partition *p = t->work->regions[s->region].partition;
	const struct medium *m = board_medium(b, p);
	if (s->op == PLAN_MANIFEST)
		return tell(t) && ask(t, STATUS_BYTES);
	uint32_t operations = (DFU_BLOCK + m->program_bytes - 1) / m->program_bytes;
	double erase = erase_ns(b, p, s->block * DFU_BLOCK), program = operations * (m->program_us * 1e3);
	t->out->blocks++;
	if (dfuse(t) && erase > 0) {
		uint32_t sectors = partition_unit(p, partition_unit_at(p, s->block * DFU_BLOCK)).size / p->sector;
		for (uint32_t i = 0; i < sectors; i++)
			if (!order(t, COMMAND_BYTES, board_erase_ms(b, p->sector) * NS_PER_MS, 0))
				return false;
		if (!order(t, COMMAND_BYTES, 0, 0))
			return false;
		erase = 0;
	}
	return order(t, DFU_BLOCK, erase, program);
}

static bool write_plan(struct teller *t, const struct plan *plan)
{
	for (uint32_t i = 0; i < plan->count; i++) {
		bool arrives = !i || plan->steps[i].region != plan->steps[i - 1].region;
		if ((arrives && !select_partition(t, false)) || !write_step(t, &plan->steps[i]))
			return false;
	}
	return true;
}

static bool read_back(struct teller *t)
{
	for (unsigned i = 0; i < t->work->count; i++) {
		const struct region *r = &t->work->regions[i];
		if (!select_partition(t, true))
			return false;
		for (uint32_t u = 0; u < region_unit_count(r); u++)
			if (!upload(t, region_unit_bytes(r, u)))
				return false;
	}
	return true;
}

static bool restart(struct teller *t)
{
	double boot = t->work->board->boot_ms * NS_PER_MS;
	if (!leg(t, 0, 0, 0))
		return false;
	t->out->legs[t->out->leg_count - 1].busy_ns = boot;
	t->out->restart = boot / NS_PER_SECOND;
	t->out->phases[FORECAST_RESTART] += t->out->restart;
	return true;
}

/* ---- all of it ---- */

static bool with_bits(struct teller *t, uint8_t **bits)
{
	const struct forecast_work *w = t->work;
	struct plan plan = { NULL, 0, 0, 0, 0 };
	t->phase = FORECAST_COMPARE;
	for (unsigned i = 0; i < w->count; i++)
		if (!compare_region(t, i, bits[i]))
			return false;
	if (!plan_make(w->board, w->regions, w->count, (const uint8_t *const *)bits, &plan, t->e))
		return false;
	t->out->units_written = plan.units_written;
	t->out->units_skipped = plan.units_skipped;
	t->phase = FORECAST_WRITE;
	bool ok = write_plan(t, &plan);
	/* where nothing was written, the compare pass was the read-back */
	bool again = plan.count || !w->compare;
	plan_clear(&plan);
	t->phase = FORECAST_READ_BACK;
	return ok && (!again || read_back(t));
}

bool forecast_unit(const struct forecast_work *work, struct forecast_unit *out, struct err *e)
{
	struct teller t = { work, out, FORECAST_IDENTIFY, e };
	uint8_t **bits = calloc(work->count + 1, sizeof *bits);
	bool ok = bits || err_set(e, CODE_NO_MEMORY, "no memory for a forecast");
	memset(out, 0, sizeof *out);
	for (unsigned i = 0; ok && i < work->count; i++) {
		bits[i] = calloc(region_unit_count(&work->regions[i]) / 8 + 1, 1);
		ok = bits[i] || err_set(e, CODE_NO_MEMORY, "no memory for a forecast");
	}
	ok = ok && identify(&t) && with_bits(&t, bits);
	t.phase = FORECAST_RESTART;
	ok = ok && restart(&t);
	for (unsigned i = 0; bits && i < work->count; i++)
		free(bits[i]);
	free(bits);
	for (unsigned i = 0; i < FORECAST_PHASES; i++)
		out->total += out->phases[i];
	return ok;
}

void forecast_clear(struct forecast_unit *u)
{
	free(u->legs);
	memset(u, 0, sizeof *u);
}
