/* What a slot's worker does to a camera: identify, compare, write, read back, restart. */
#include "line/readback.h"

#include "os/clock.h"

#include <stdlib.h>
#include <string.h>

static bool over_swd(const struct attempt *a)
{
	return a->link.ops == &transport_swd;
}

static bool open_and_identify(struct attempt *a, struct err *e)
{
	attempt_close_link(a);
	a->link_open = true; /* also half open: close accepts that */
	if (!a->link.ops->open(&a->link, e) || !a->link.ops->identify(&a->link, &a->who, e))
		return false;
	a->latched = !over_swd(a); /* over SWD nothing was halted yet, and there are no alternates to ask for */
	if (!over_swd(a) && !board_alternates_fit(a->board, a->who.alts, a->who.alt_count))
		return err_set(e, CODE_WRONG_BOARD, "its partitions are not those of %s", a->board->id);
	if (!a->who.uid[0])
		return err_set(e, CODE_UID_MALFORMED, "its %s '%.40s' is not in the form of %s",
		    over_swd(a) ? "number" : "serial", a->who.usb_serial, a->board->id);
	return true;
}

static bool hash_bytes(void *context, uint32_t offset, struct span data, struct err *e)
{
	(void)offset;
	return digest_add(context, data, e);
}

/* Which bootloader wrote this unit is part of its record. */
static bool hash_bootloader(struct attempt *a, struct err *e)
{
	struct digest_run run = { 0, NULL };
	struct digest digest;
	const struct partition *p = NULL;
	for (unsigned i = 0; i < a->board->partition_count; i++)
		if (a->board->partitions[i].role == ROLE_BOOTLOADER && a->board->partitions[i].readable)
			p = &a->board->partitions[i];
	if (!p || a->has_bootloader)
		return true;
	if (!digest_begin(&run, e))
		return false;
	if (!a->link.ops->read(&a->link, p, 0, p->size, hash_bytes, &run, e)) {
		digest_abandon(&run);
		return false;
	}
	if (!digest_finish(&run, &digest, e))
		return false;
	memcpy(a->bootloader, digest.sha256, SHA256_SIZE);
	a->has_bootloader = true;
	return true;
}

bool act_identify(struct attempt *a, struct err *e)
{
	step_begin(a, STEP_IDENTIFIED);
	if (!open_and_identify(a, e))
		return false;
	if (a->uid[0] && strcmp(a->uid, a->who.uid) != 0)
		return err_set(e, over_swd(a) ? CODE_SWD_LOST : CODE_USB_GONE,
		    "another camera (%s) took the place of %s", a->who.uid, a->uid);
	if (!a->uid[0]) /* others read it from then on */
		memcpy(a->uid, a->who.uid, sizeof a->uid);
	step_end(a, STEP_IDENTIFIED, CODE_OK);
	return true;
}

bool act_probe(struct attempt *a, struct err *e)
{
	for (unsigned i = 0; i < a->region_count; i++)
		if (!a->link.ops->probe(&a->link, a->bound[i].partition, e))
			return false;
	/* last: another board under these numbers shows by its sizes, and has another bootloader partition too */
	return hash_bootloader(a, e);
}

static uint64_t all_bytes(const struct attempt *a)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < a->region_count; i++)
		for (uint32_t u = 0; u < region_unit_count(&a->bound[i]); u++)
			sum += region_unit_bytes(&a->bound[i], u);
	return sum;
}

/* Without comparing, every unit counts as different. */
static bool assume_all_differ(struct attempt *a, struct err *e)
{
	for (unsigned i = 0; i < a->region_count; i++) {
		struct region_result *r = &a->regions[i];
		size_t size = region_unit_count(&a->bound[i]) / 8 + 1;
		free(r->differ);
		*r = (struct region_result){ .differ = malloc(size), .any_differ = true };
		if (!r->differ)
			return err_set(e, CODE_NO_MEMORY, "no memory for a bitmap of units");
		memset(r->differ, 0xff, size);
	}
	return true;
}

static bool nothing_differs(const struct attempt *a)
{
	for (unsigned i = 0; i < a->region_count; i++)
		if (a->regions[i].any_differ)
			return false;
	return true;
}

bool attempt_differs(const struct attempt *a)
{
	return !nothing_differs(a);
}

/* The camera's core says what differs; nothing was read back by that. */
static bool ask_what_differs(struct attempt *a, struct err *e)
{
	for (unsigned i = 0; i < a->region_count; i++) {
		struct region_result *r = &a->regions[i];
		free(r->differ);
		*r = (struct region_result){ .differ = calloc(region_unit_count(&a->bound[i]) / 8 + 1, 1) };
		if (!r->differ)
			return err_set(e, CODE_NO_MEMORY, "no memory for a bitmap of units");
		if (!a->link.ops->compare(&a->link, &a->bound[i], r->differ, &r->any_differ, e))
			return false;
	}
	return true;
}

bool act_compare(struct attempt *a, struct err *e)
{
	bool complete;
	step_begin(a, STEP_COMPARED);
	if (a->delta == DELTA_NO) {
		step_end(a, STEP_COMPARED, CODE_OK);
		return assume_all_differ(a, e);
	}
	if (a->link.ops->compare) {
		if (!ask_what_differs(a, e))
			return false;
		step_end(a, STEP_COMPARED, CODE_OK);
		return true;
	}
	atomic_store(&a->progress->total, all_bytes(a));
	for (unsigned i = 0; i < a->region_count; i++)
		if (!readback_region(a, i, true, a->delta == DELTA_AUTO ? PLAN_GIVE_UP : 0, &complete, e))
			return false;
	a->steps[STEP_COMPARED].bytes = atomic_load(&a->progress->done);
	step_end(a, STEP_COMPARED, CODE_OK);
	return true;
}

static void progress(void *context, uint64_t bytes)
{
	struct attempt *a = context;
	atomic_store(&a->progress->done, bytes);
}

static bool send_plan(struct attempt *a, const struct plan *plan, uint32_t *done, struct err *e)
{
	atomic_store(&a->progress->total, (uint64_t)plan->count * DFU_BLOCK);
	a->wrote = a->wrote || plan->count > 0;
	bool sent = a->link.ops->write(&a->link, a->bound, plan->steps, plan->count, done, progress, a, e);
	for (uint32_t i = 0; i < *done; i++)
		a->steps[STEP_WRITTEN].bytes += plan->steps[i].op == PLAN_WRITE ? DFU_BLOCK : 0;
	return sent;
}

/* Notes the unit whose block the camera could not write; false when it could not before, or too many could not. */
static bool first_error_there(struct attempt *a, const struct plan_step *step)
{
	const struct partition *p = a->bound[step->region].partition;
	uint32_t unit = partition_unit_at(p, step->block * DFU_BLOCK);
	for (unsigned i = 0; i < a->flash_errors; i++)
		if (a->bad[i].region == step->region && a->bad[i].unit == unit)
			return false;
	if (a->flash_errors == ATTEMPT_BAD_UNITS)
		return false;
	a->bad[a->flash_errors++] = (struct bad_unit){ step->region, unit };
	return true;
}

/* Writes what differs.  A flash error is the camera's word; it gets the whole plan again, since its bootloader has lost
 * its place, until the same unit fails twice. */
static bool write_differing(struct attempt *a, struct err *e)
{
	const uint8_t *differ[RECIPE_MAX_REGIONS] = { NULL };
	struct plan plan = { 0 };
	uint32_t done = 0;
	for (unsigned i = 0; i < a->region_count; i++)
		differ[i] = a->regions[i].differ;
	if (!plan_make(a->board, a->bound, a->region_count, differ, &plan, e))
		return false;
	a->steps[STEP_WRITTEN].units = plan.units_written;
	a->steps[STEP_WRITTEN].skipped = plan.units_skipped;
	bool sent = plan.count == 0 || send_plan(a, &plan, &done, e);
	while (!sent && e->code == CODE_FLASH_ERROR && done < plan.count && first_error_there(a, &plan.steps[done]))
		sent = open_and_identify(a, e) && send_plan(a, &plan, &done, e);
	plan_clear(&plan);
	return sent;
}

bool act_write(struct attempt *a, struct err *e)
{
	step_begin(a, STEP_WRITTEN);
	if (!write_differing(a, e))
		return false;
	step_end(a, STEP_WRITTEN, CODE_OK);
	return true;
}

static bool read_all(struct attempt *a, struct err *e)
{
	bool complete;
	atomic_store(&a->progress->done, 0);
	atomic_store(&a->progress->total, all_bytes(a));
	for (unsigned i = 0; i < a->region_count; i++)
		if (!readback_region(a, i, false, 0, &complete, e))
			return false;
	a->steps[STEP_READ_BACK].bytes += atomic_load(&a->progress->done);
	return true;
}

/* The camera's core is there to be asked. */
static bool core_answers(struct attempt *a, bool *answers, struct err *e)
{
	*answers = false;
	if (a->readback == READBACK_FULL || !a->link.ops->knows_itself)
		return true;
	return a->link.ops->knows_itself(&a->link, answers, e);
}

/* What the flash holds after the last write: every byte over the wire, or what the camera's core says and a sample. */
static bool look_back(struct attempt *a, struct err *e)
{
	bool core;
	if (!core_answers(a, &core, e))
		return false;
	if (!core)
		return read_all(a, e);
	if (!ask_what_differs(a, e))
		return false;
	atomic_store(&a->progress->done, 0);
	for (unsigned i = 0; a->readback == READBACK_SAMPLED && i < a->region_count; i++)
		if (!readback_sample(a, i, e))
			return false;
	a->steps[STEP_READ_BACK].bytes += atomic_load(&a->progress->done);
	return true;
}

/* If any unit of a region differs, its unit 0 is rewritten too: the region must not mount meanwhile. */
bool act_read_back(struct attempt *a, struct err *e)
{
	step_begin(a, STEP_READ_BACK);
	/* nothing was written: the compare pass has read every byte, and nothing has changed since */
	bool fresh = !a->wrote && nothing_differs(a) && !a->link.ops->compare;
	if (!fresh && !look_back(a, e))
		return false;
	if (!nothing_differs(a)) {
		if (!write_differing(a, e) || !look_back(a, e))
			return false;
		if (!nothing_differs(a))
			return err_set(e, CODE_FLASH_MISMATCH, "the flash does not hold what was written twice");
	}
	step_end(a, STEP_READ_BACK, CODE_OK);
	return true;
}

bool act_restart(struct attempt *a, struct err *e)
{
	step_begin(a, STEP_RESTARTED);
	if (a->recipe->recipe.after_run && !a->link.ops->leave(&a->link, e))
		return false;
	attempt_close_link(a);
	a->latched = !a->recipe->recipe.after_run && !over_swd(a);
	step_end(a, STEP_RESTARTED, CODE_OK);
	return true;
}

bool act_confirm(struct attempt *a, struct err *e)
{
	if (!usb_read_serial(&a->link.id, a->run_serial, e))
		return false;
	if (!board_run_serial_fits(a->board, a->uid, a->run_serial))
		return err_set(e, CODE_WRONG_PATH, "another camera (serial %.40s) came up in its place", a->run_serial);
	a->proof = a->board->run_serial_rule == RUN_SERIAL_ANY ? "run" : "run-serial";
	step_end(a, STEP_CONFIRMED, CODE_OK);
	return true;
}

bool act_confirm_core(struct attempt *a, struct err *e)
{
	if (!a->link.ops->confirm(&a->link, a->board->return_ms, e))
		return false;
	a->proof = "core";
	step_end(a, STEP_CONFIRMED, CODE_OK);
	return true;
}

bool act_seek(struct attempt *a, struct err *e)
{
	struct swd_seen seen;
	return swd_look(a->link.swd, a->board, a->link.cancel, &seen, e) &&
	       err_set(e, a->trouble.code, "%s", a->trouble.msg);
}

bool act_release(struct attempt *a, struct err *e)
{
	if (!a->latched)
		return true;
	if (!a->link_open) {
		a->link_open = true;
		if (!a->link.ops->open(&a->link, e))
			return false;
	}
	bool left = a->link.ops->leave(&a->link, e);
	attempt_close_link(a);
	a->latched = !left;
	return left;
}
