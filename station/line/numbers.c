/* Chooses numbers.  The loop alone reserves them: what another slot was given is known here before it is on disk. */
#include "line/numbers.h"

#include "os/clock.h"

#include <stdio.h>
#include <string.h>

static char *number_of(struct attempt *a, enum number_kind kind)
{
	return kind == NUMBER_SERIAL ? a->serial : a->mac;
}

/* Is it another slot's, that has a place on the line? */
static bool promised(const struct slot *s, enum number_kind kind, const char *value)
{
	for (unsigned i = 0; i < s->line->slot_count; i++) {
		struct slot *o = s->line->slots[i];
		if (o != s && o->reserved && !strcmp(number_of(o->attempt, kind), value))
			return true;
	}
	return false;
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
	if (!journal_free_numbers(s->line->reader, kind, take_free, &c, e))
		return false;
	memcpy(number_of(s->attempt, kind), c.value, sizeof c.value);
	s->attempt->source[kind] = "pool";
	return c.value[0] || err_set(e, CODE_NUMBERS_EXHAUSTED, "no %s of the pool is free", number_kind_name(kind));
}

/* One that somebody else chose. */
static bool from_outside(struct slot *s, enum number_kind kind, const char *value, const char *source, struct err *e)
{
	bool fits;
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
	if (*meant && strcmp(meant, has) != 0)
		return err_set(
		    e, CODE_NUMBER_TAKEN, "the unit has the %s %s, not %s", number_kind_name(kind), has, meant);
	snprintf(number_of(s->attempt, kind), NUMBER_SIZE, "%.*s", NUMBER_SIZE - 1, has);
	return true;
}

static enum admission choose(
    struct slot *s, enum number_kind kind, enum conf_numbers how, const char *has, bool *fresh, struct err *e)
{
	const char *scanned = kind == NUMBER_SERIAL ? s->scanned : "", *given = given_by_mes(s, kind);
	const char *meant = *scanned ? scanned : how == NUMBERS_MES ? given : "";
	number_of(s->attempt, kind)[0] = '\0';
	*fresh = false;
	if (*has)
		return keeps(s, kind, has, meant, e) ? ADMIT_YES : ADMIT_NO;
	if (how == NUMBERS_OFF && !*scanned)
		return ADMIT_YES;
	*fresh = true;
	if (*meant)
		return from_outside(s, kind, meant, *scanned ? "scan" : "mes", e) ? ADMIT_YES : ADMIT_NO;
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
	enum admission answer = choose(s, NUMBER_SERIAL, o->serials, unit->serial, &a->new_serial, e);
	return answer == ADMIT_YES ? choose(s, NUMBER_MAC, o->macs, unit->mac, &a->new_mac, e) : answer;
}

enum admission numbers_choose(struct slot *s, struct err *e)
{
	const struct line_options *o = &s->line->o;
	struct attempt *a = s->attempt;
	struct journal_unit unit;
	bool gives = !a->deploy && (o->serials != NUMBERS_OFF || o->macs != NUMBERS_OFF || s->scanned[0]);
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

static bool serial_valid(const char *serial, struct err *e)
{
	size_t size = strlen(serial);
	for (const char *c = serial; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			size = 0;
	return (size >= 1 && size < NUMBER_SIZE) ||
	       err_set(e, CODE_BAD_REQUEST, "a serial has 1 to %d bytes and no control characters", NUMBER_SIZE - 1);
}

bool slot_scan(struct slot *s, const char *serial, const struct who *who, struct err *e)
{
	if (serial && !serial_valid(serial, e))
		return false;
	if (s->attempt && s->reserved)
		return err_set(e, CODE_CONFLICT, "slot %u is at work", s->number);
	snprintf(s->scanned, sizeof s->scanned, "%s", serial ? serial : "");
	slot_publish(s);
	if (serial && s->state == US_ASKING && s->result.code == CODE_SERIAL_MISSING)
		return slot_retry(s, who, e);
	return true;
}

bool line_scanned(struct line *l, const char *serial, struct err *e)
{
	if (serial && !serial_valid(serial, e))
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
