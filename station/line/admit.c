/* Admission: may the identified camera in this slot be programmed with the open batch's recipe, or a person's?  Nothing
 * has been erased yet, and nothing is when the answer is no. */
#include "line/line_state.h"

#include "os/clock.h"

#include <stdlib.h>
#include <string.h>

static bool alone(const struct slot *s, struct err *e)
{
	for (unsigned i = 0; i < s->line->slot_count; i++) {
		const struct slot *o = s->line->slots[i];
		if (o != s && slot_holds(o, s->attempt->uid))
			return err_set(e, CODE_DUPLICATE_UID, "slot %u holds a camera with the same number %s",
			    o->number, s->attempt->uid);
	}
	return true;
}

static bool bootloader_known(const struct slot *s, struct err *e)
{
	const struct board *b = s->attempt->board;
	uint16_t bcd = s->attempt->who.bcd;
	/* over SWD nobody speaks to it */
	if (s->attempt->link.ops == &transport_swd || bcd == b->bcd_old || bcd >= 0x0101)
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
	const struct line_options *o = &s->line->o;
	if (!shift_allows(s->line->reader, o->challenge, journal_station_time(o->journal), e))
		return false;
	struct batch *b = batch_for_board(s->line, s->attempt->board->id);
	if (!b)
		return err_set(e, CODE_NO_BATCH, "no batch is open for %s", s->attempt->board->id);
	if (!b->recipe)
		return err_set(e, CODE_NO_BATCH, "the recipe of batch %s is no longer here", b->view.id);
	if (b->recipe->trouble.code != CODE_OK)
		return err_set(e, b->recipe->trouble.code, "batch %s: %s", b->view.id, b->recipe->trouble.msg);
	if (b->view.state == BATCH_HELD)
		return err_set(e, b->view.reason[0] ? CODE_TOO_MANY_EQUAL : CODE_BATCH_HELD, "batch %s is held%s%s",
		    b->view.id, b->view.reason[0] ? ": " : " by a person", b->view.reason);
	/* the camera was probed for this batch's recipe; a batch closed and opened in that instant is another one */
	if (!s->attempt->recipe || strcmp(s->attempt->batch, b->view.id) != 0)
		return err_set(e, CODE_NO_BATCH, "the batch changed while the camera was probed");
	*out = b;
	return true;
}

/* Places that other slots hold and the journal does not count yet; `counted` asks it about one of their units. */
static bool places_held(const struct slot *s, bool (*same)(const struct attempt *, const struct attempt *),
    bool (*counted)(const struct slot *, bool *, struct err *), int64_t *out, struct err *e)
{
	*out = 0;
	for (unsigned i = 0; i < s->line->slot_count; i++) {
		const struct slot *o = s->line->slots[i];
		bool among;
		if (o == s || !o->reserved || !same(o->attempt, s->attempt))
			continue;
		if (!counted(o, &among, e))
			return false;
		*out += !among;
	}
	return true;
}

static bool same_recipe(const struct attempt *a, const struct attempt *b)
{
	return !strcmp(a->recipe->sha256_text, b->recipe->sha256_text);
}

static bool same_batch(const struct attempt *a, const struct attempt *b)
{
	return !strcmp(a->batch, b->batch);
}

static bool counted_in_recipe(const struct slot *s, bool *among, struct err *e)
{
	int64_t units;
	return journal_recipe_units(
	    s->line->reader, s->attempt->recipe->sha256_text, s->attempt->uid, &units, among, e);
}

static bool counted_in_batch(const struct slot *s, bool *among, struct err *e)
{
	int64_t units;
	return journal_batch_units(
	    s->line->reader, strtoll(s->attempt->batch, NULL, 10), s->attempt->uid, &units, among, e);
}

bool recipe_not_revoked(struct line *l, const char *sha256, struct err *e)
{
	struct journal_recipe known;
	if (!journal_recipe(l->reader, sha256, &known, e))
		return false;
	if (known.revoked)
		return err_set(e, CODE_RECIPE_REVOKED, "the recipe was revoked on this station");
	return !known.known || !strcmp(known.state, "active") ||
	       err_set(e, CODE_RECIPE_INACTIVE, "the recipe is %s", known.state);
}

static bool recipe_ready(const struct slot *s, const struct stored_recipe *stored, struct err *e)
{
	const struct recipe *r = &stored->recipe;
	struct journal_reader *reader = s->line->reader;
	struct recipe_use use = { .now_ms = journal_station_time(s->line->o.journal) };
	if (!journal_recipe_units(
		reader, stored->sha256_text, s->attempt->uid, &use.units_used, &use.unit_counted, e) ||
	    !journal_max_rollback(reader, r->board, r->name, &use.rollback_seen, e))
		return false;
	int64_t held;
	if (!places_held(s, same_recipe, counted_in_recipe, &held, e))
		return false;
	use.units_used += held;
	return recipe_not_revoked(s->line, stored->sha256_text, e) &&
	       recipe_store_in_force(s->line->o.store, stored, use.now_ms, e) && recipe_within_limits(r, &use, e);
}

static bool room_in_batch(const struct slot *s, const struct batch *b, struct err *e)
{
	int64_t passed, held, id = strtoll(b->view.id, NULL, 10);
	bool among;
	if (!journal_batch_units(s->line->reader, id, s->attempt->uid, &passed, &among, e) ||
	    !places_held(s, same_batch, counted_in_batch, &held, e))
		return false;
	if (among || passed + held < b->view.quantity)
		return true;
	return err_set(e, CODE_BATCH_COMPLETE, "batch %s has its %lld units", b->view.id, (long long)b->view.quantity);
}

static enum admission judge_unit(struct slot *s, const struct batch *b, struct err *e)
{
	struct journal_unit unit;
	if (!journal_unit(s->line->reader, s->attempt->uid, &unit, e))
		return ADMIT_NO;
	s->attempt->delta = unit.unfinished ? DELTA_NO : s->line->o.delta;
	if (!unit.passed || strcmp(unit.passed_recipe, b->view.recipe) != 0 ||
	    s->line->o.already_passed == PASSED_ALLOW || (s->line->o.already_passed == PASSED_ASK && s->attempt->asked))
		return ADMIT_YES;
	err_set(e, CODE_ALREADY_PASSED, "it passed with this recipe in batch %lld", (long long)unit.passed_batch);
	return s->line->o.already_passed == PASSED_ASK ? ADMIT_ASK : ADMIT_NO;
}

bool deploy_allowed(struct line *l, const struct stored_recipe *recipe, struct err *e)
{
	if (recipe->trouble.code != CODE_OK)
		return err_set(e, recipe->trouble.code, "%s", recipe->trouble.msg);
	return station_ready(l, e) && recipe_not_revoked(l, recipe->sha256_text, e) &&
	       recipe_store_in_force(l->o.store, recipe, journal_station_time(l->o.journal), e);
}

/* The recipe's own limits hold here too; batches and what has passed have no say. */
static enum admission admit_deploy(struct slot *s, struct err *e)
{
	struct journal_unit unit;
	if (!bootloader_known(s, e) || !alone(s, e) || !deploy_allowed(s->line, s->attempt->recipe, e) ||
	    !recipe_ready(s, s->attempt->recipe, e) || !journal_unit(s->line->reader, s->attempt->uid, &unit, e))
		return ADMIT_NO;
	if (s->attempt->challenge && !challenge_has(s->line->o.challenge, s->attempt->uid, unit.serial)) {
		err_set(e, CODE_NOT_CHALLENGE, "%s is none of the shift's challenge units", s->attempt->uid);
		return ADMIT_NO;
	}
	s->attempt->delta = unit.unfinished ? DELTA_NO : s->line->o.delta;
	return ADMIT_YES;
}

enum admission admit(struct slot *s, struct err *e)
{
	struct batch *b = NULL;
	if (s->attempt->deploy)
		return admit_deploy(s, e);
	if (!bootloader_known(s, e) || !alone(s, e) || !station_ready(s->line, e) || !batch_ready(s, &b, e) ||
	    !recipe_ready(s, b->recipe, e))
		return ADMIT_NO;
	enum admission answer = judge_unit(s, b, e);
	if (answer == ADMIT_YES && !room_in_batch(s, b, e))
		return ADMIT_NO;
	return answer;
}
