/* Chooses numbers.  The loop alone reserves them: what another slot was given is known here before it is on disk. */
#include "line/numbers.h"

#include "os/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *number_of(struct attempt *a, enum number_kind kind)
{
	return kind == NUMBER_SERIAL ? a->serial : a->mac;
}

bool numbers_promised(const struct line *l, const struct slot *but, enum number_kind kind, const char *value)
{
	for (unsigned i = 0; i < l->slot_count; i++) {
		struct slot *o = l->slots[i];
		if (o != but && o->reserved && !strcmp(number_of(o->attempt, kind), value))
			return true;
	}
	return false;
}

static bool promised(const struct slot *s, enum number_kind kind, const char *value)
{
	return numbers_promised(s->line, s, kind, value);
}

/* The batch on whose list the unit's serial has to be; 0: none asks for that. */
static int64_t list_of(const struct slot *s)
{
	const struct batch *b = s->attempt->deploy ? NULL : batch_by_id(s->line, s->attempt->batch);
	return b && b->listed ? strtoll(b->view.id, NULL, 10) : 0;
}

struct choosing {
	const struct slot *slot;
	enum number_kind kind;
	char value[NUMBER_SIZE];
};

static bool take_free(void *context, const char *value)
{
	struct choosing *c = context;
	if (strlen(value) >= sizeof c->value || promised(c->slot, c->kind, value))
		return true;
	snprintf(c->value, sizeof c->value, "%s", value);
	return false;
}

static bool from_pool(struct slot *s, enum number_kind kind, struct err *e)
{
	struct choosing c = { .slot = s, .kind = kind };
	struct journal_reader *r = s->line->reader;
	int64_t list = kind == NUMBER_SERIAL ? list_of(s) : 0;
	if (list ? !journal_listed_serials(r, list, take_free, &c, e)
		 : !journal_free_numbers(r, kind, take_free, &c, e))
		return false;
	memcpy(number_of(s->attempt, kind), c.value, sizeof c.value);
	s->attempt->source[kind] = "pool";
	if (c.value[0])
		return true;
	return list ? err_set(e, CODE_NUMBERS_EXHAUSTED, "no serial on the list of batch %lld is free", (long long)list)
		    : err_set(e, CODE_NUMBERS_EXHAUSTED, "no %s of the pool is free", number_kind_name(kind));
}

/* A batch with a list takes what is on it, any other what is on none.  has: the unit has it already, and keeps it
 * wherever there is no list. */
static bool list_allows(const struct slot *s, const char *serial, bool has, struct err *e)
{
	int64_t list = list_of(s), on;
	if (!journal_serial_list(s->line->reader, serial, &on, e))
		return false;
	if (list && on != list)
		return err_set(e, CODE_SERIAL_NOT_LISTED, "%s %s is not on the list of batch %lld",
		    has ? "the unit's serial" : "the serial", serial, (long long)list);
	return list || !on || has ||
	       err_set(e, CODE_NUMBER_TAKEN, "the serial %s is on the list of batch %lld", serial, (long long)on);
}

/* One that somebody else chose. */
static bool from_outside(struct slot *s, enum number_kind kind, const char *value, const char *source, struct err *e)
{
	bool fits;
	if (kind == NUMBER_SERIAL && !list_allows(s, value, false, e))
		return false;
	if (!journal_number_fits(s->line->reader, kind, value, s->attempt->uid, &fits, e))
		return false;
	if (!fits || promised(s, kind, value))
		return err_set(
		    e, CODE_NUMBER_TAKEN, "the %s %s is void or another unit's", number_kind_name(kind), value);
	snprintf(number_of(s->attempt, kind), NUMBER_SIZE, "%s", value);
	s->attempt->source[kind] = source;
	return true;
}

static const char *given_by_mes(const struct slot *s, enum number_kind kind)
{
	return kind == NUMBER_SERIAL ? s->attempt->permit.serial : s->attempt->permit.mac;
}

/* What the unit has already stays; a different one that is meant for it shows a mistake. */
static bool keeps(struct slot *s, enum number_kind kind, const char *has, const char *meant, struct err *e)
{
	if (kind == NUMBER_SERIAL && !list_allows(s, has, true, e))
		return false;
	if (*meant && strcmp(meant, has) != 0)
		return err_set(
		    e, CODE_NUMBER_TAKEN, "the unit has the %s %s, not %s", number_kind_name(kind), has, meant);
	snprintf(number_of(s->attempt, kind), NUMBER_SIZE, "%.*s", NUMBER_SIZE - 1, has);
	return true;
}

/* So does what an attempt that did not pass may have written into it. */
static bool takes_back(struct slot *s, enum number_kind kind, const char *kept, const char *meant, struct err *e)
{
	if (*meant && strcmp(meant, kept) != 0)
		return err_set(e, CODE_NUMBER_TAKEN,
		    "the %s %s may stand in the unit, since it was written: void it first", number_kind_name(kind),
		    kept);
	s->attempt->source[kind] = "pool";
	return keeps(s, kind, kept, meant, e);
}

static enum admission choose(
    struct slot *s, enum number_kind kind, enum conf_numbers how, const char *has, bool *fresh, struct err *e)
{
	const char *scanned = kind == NUMBER_SERIAL ? s->scanned : "", *given = given_by_mes(s, kind);
	const char *meant = *scanned ? scanned : how == NUMBERS_MES ? given : "";
	char kept[129];
	number_of(s->attempt, kind)[0] = '\0';
	*fresh = false;
	if (*has)
		return keeps(s, kind, has, meant, e) ? ADMIT_YES : ADMIT_NO;
	if (!journal_kept_number(s->line->reader, kind, s->attempt->uid, kept, e))
		return ADMIT_NO;
	*fresh = *kept || how != NUMBERS_OFF || *scanned;
	if (*kept)
		return takes_back(s, kind, kept, meant, e) ? ADMIT_YES : ADMIT_NO;
	if (!*fresh)
		return ADMIT_YES;
	if (*meant && from_outside(s, kind, meant, *scanned ? "scan" : "mes", e))
		return ADMIT_YES;
	if (*scanned && e->code == CODE_SERIAL_NOT_LISTED) {
		s->scanned[0] = '\0'; /* who scanned it is there, and scans another one */
		return ADMIT_ASK;
	}
	if (*meant)
		return ADMIT_NO;
	if (how == NUMBERS_POOL)
		return from_pool(s, kind, e) ? ADMIT_YES : ADMIT_NO;
	err_set(e, CODE_SERIAL_MISSING, how == NUMBERS_MES ? "the MES gave no %s" : "no %s was scanned for it",
	    number_kind_name(kind));
	return how == NUMBERS_SCAN ? ADMIT_ASK : ADMIT_NO;
}

static enum admission choose_both(struct slot *s, const struct journal_unit *unit, struct err *e)
{
	const struct line_options *o = &s->line->o;
	struct attempt *a = s->attempt;
	/* a list gives serials by itself where nobody else chooses them */
	enum conf_numbers serials = o->serials == NUMBERS_OFF && list_of(s) ? NUMBERS_POOL : o->serials;
	enum admission answer = choose(s, NUMBER_SERIAL, serials, unit->serial, &a->new_serial, e);
	return answer == ADMIT_YES ? choose(s, NUMBER_MAC, o->macs, unit->mac, &a->new_mac, e) : answer;
}

enum admission numbers_choose(struct slot *s, struct err *e)
{
	const struct line_options *o = &s->line->o;
	struct attempt *a = s->attempt;
	struct journal_unit unit;
	bool gives = !a->deploy && (o->serials != NUMBERS_OFF || o->macs != NUMBERS_OFF || s->scanned[0] || list_of(s));
	if (!gives && !a->recipe->recipe.per_unit)
		return ADMIT_YES;
	if (!journal_unit(s->line->reader, a->uid, &unit, e))
		return ADMIT_NO;
	enum admission answer = gives ? choose_both(s, &unit, e) : ADMIT_YES;
	if (!gives) { /* what it has is written once more */
		snprintf(a->serial, sizeof a->serial, "%.*s", NUMBER_SIZE - 1, unit.serial);
		snprintf(a->mac, sizeof a->mac, "%.*s", NUMBER_SIZE - 1, unit.mac);
	}
	return answer != ADMIT_YES || attempt_fill(a, e) ? answer : ADMIT_NO;
}

/* --- scanning ----------------------------------------------------------------------------------------------------- */

bool slot_scan(struct slot *s, const char *serial, const struct who *who, struct err *e)
{
	if (serial && !number_valid(serial, e))
		return false;
	if (s->attempt && s->reserved)
		return err_set(e, CODE_CONFLICT, "slot %u is at work", s->number);
	snprintf(s->scanned, sizeof s->scanned, "%s", serial ? serial : "");
	slot_publish(s);
	if (serial && s->state == US_ASKING &&
	    (s->result.code == CODE_SERIAL_MISSING || s->result.code == CODE_SERIAL_NOT_LISTED))
		return slot_retry(s, who, e);
	return true;
}

bool line_scanned(struct line *l, const char *serial, struct err *e)
{
	if (serial && !number_valid(serial, e))
		return false;
	snprintf(l->scanned, sizeof l->scanned, "%s", serial ? serial : "");
	l->scanned_until = clock_mono_ms() + LINE_SCAN_MS;
	return true;
}

void slot_take_scan(struct slot *s)
{
	struct line *l = s->line;
	if (!l->scanned[0] || s->scanned[0])
		return;
	if (clock_mono_ms() < l->scanned_until)
		memcpy(s->scanned, l->scanned, sizeof s->scanned);
	l->scanned[0] = '\0';
}
