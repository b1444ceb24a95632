/* Admission: may the identified camera in this slot be programmed with the open batch's recipe?  Nothing has been
 * erased yet, and nothing is when the answer is no. */
#include "line/line_state.h"

#include "os/clock.h"

#include <stdlib.h>
#include <string.h>

static bool alone(const struct slot *s, struct err *e)
{
	for (unsigned i = 0; i < s->line->slot_count; i++) {
		const struct slot *o = s->line->slots[i];
		bool present = o->device.path[0] || unit_busy(o->state);
		if (o != s && present && o->attempt && !strcmp(o->attempt->uid, s->attempt->uid) &&
		    (unit_busy(o->state) || o->seen_arrival == o->device.arrival))
			return err_set(e, CODE_DUPLICATE_UID, "slot %u holds a camera with the same number %s",
			    o->number, s->attempt->uid);
	}
	return true;
}

static bool bootloader_known(const struct slot *s, struct err *e)
{
	const struct board *b = s->attempt->board;
	uint16_t bcd = s->attempt->who.bcd;
	if (bcd == b->bcd_old || bcd >= 0x0101)
		return true;
	return err_set(e, CODE_OLD_BOOTLOADER, "its bootloader reports version %04x", (unsigned)bcd);
}

static bool station_ready(const struct line *l, struct err *e)
{
	if (l->held != CODE_OK)
		return err_set(e, l->held == CODE_CLOCK_BEHIND ? l->held : CODE_STATION_HELD, "the station is held: %s",
		    code_sentence(l->held));
	int64_t lag = journal_clock_lag(l->o.journal);
	if (lag > CLOCK_LAG_MS)
		return err_set(e, CODE_CLOCK_BEHIND, "the clock is %lld s behind the journal", (long long)(lag / 1000));
	return true;
}

static bool batch_ready(const struct slot *s, struct batch **out, struct err *e)
{
	struct batch *b = batch_for_board(s->line, s->attempt->board->id);
	if (!b)
		return err_set(e, CODE_NO_BATCH, "no batch is open for %s", s->attempt->board->id);
	if (b->view.state == BATCH_HELD)
		return err_set(e, CODE_TOO_MANY_EQUAL, "batch %s is held: %s", b->view.id, b->view.reason);
	/* the camera was identified for this batch: its recipe's partitions were probed */
	if (!s->attempt->recipe || strcmp(s->attempt->batch, b->view.id) != 0)
		return err_set(e, CODE_NO_BATCH, "the batch changed while the camera was identified");
	*out = b;
	return true;
}

/* Units that hold a reservation: admitted with this recipe, not yet counted by the journal. */
static int64_t reserved_units(const struct slot *s, const char *recipe)
{
	int64_t n = 0;
	for (unsigned i = 0; i < s->line->slot_count; i++) {
		const struct slot *o = s->line->slots[i];
		n += o != s && (o->state == US_IDENTIFIED || o->state == US_ADMITTED || o->state == US_COMPARED) &&
		     o->attempt->recipe && !strcmp(o->attempt->recipe->sha256_text, recipe);
	}
	return n;
}

static bool recipe_ready(const struct slot *s, const struct batch *b, struct err *e)
{
	const struct recipe *r = &b->recipe->recipe;
	struct journal_reader *reader = s->line->reader;
	struct recipe_use use = { .now_ms = journal_station_time(s->line->o.journal) };
	if (!journal_recipe_units(reader, b->view.recipe, s->attempt->uid, &use.units_used, &use.unit_counted, e) ||
	    !journal_max_rollback(reader, r->board, r->name, &use.rollback_seen, e))
		return false;
	if (!use.unit_counted)
		use.units_used += reserved_units(s, b->view.recipe);
	return recipe_store_in_force(s->line->o.store, b->recipe, use.now_ms, e) && recipe_within_limits(r, &use, e);
}

static bool room_in_batch(const struct slot *s, const struct batch *b, struct err *e)
{
	int64_t passed;
	bool among;
	int64_t id = strtoll(b->view.id, NULL, 10);
	if (!journal_batch_units(s->line->reader, id, s->attempt->uid, &passed, &among, e))
		return false;
	if (among || passed + batch_running(s->line, b, s) < b->view.quantity)
		return true;
	return err_set(e, CODE_BATCH_COMPLETE, "batch %s has its %lld units", b->view.id, (long long)b->view.quantity);
}

static enum admission judge_unit(struct slot *s, const struct batch *b, struct err *e)
{
	struct journal_unit unit;
	if (!journal_unit(s->line->reader, s->attempt->uid, &unit, e))
		return ADMIT_NO;
	s->attempt->delta = unit.unfinished ? DELTA_NO : s->line->o.delta;
	if (!unit.passed || strcmp(unit.passed_recipe, b->view.recipe) != 0 || s->attempt->asked ||
	    s->line->o.already_passed == PASSED_ALLOW)
		return ADMIT_YES;
	err_set(e, CODE_ALREADY_PASSED, "it passed with this recipe in batch %lld", (long long)unit.passed_batch);
	return s->line->o.already_passed == PASSED_ASK ? ADMIT_ASK : ADMIT_NO;
}

enum admission admit(struct slot *s, struct err *e)
{
	struct batch *b = NULL;
	if (!bootloader_known(s, e) || !alone(s, e) || !station_ready(s->line, e) || !batch_ready(s, &b, e) ||
	    !recipe_ready(s, b, e))
		return ADMIT_NO;
	enum admission answer = judge_unit(s, b, e);
	if (answer == ADMIT_YES && !room_in_batch(s, b, e))
		return ADMIT_NO;
	return answer;
}
