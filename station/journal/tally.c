/* Counts attempts as they go by. */
#include "journal/tally.h"

#include "journal/tally_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool no_memory(struct err *e)
{
	return err_set(e, CODE_NO_MEMORY, "no memory for the figures");
}

/* Room for one item more; *room is doubled. */
static bool grow(void **items, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return true;
	size_t wanted = *room ? 2 * *room : 64;
	void *grown = reallocarray(*items, wanted, size);
	if (!grown)
		return false;
	*items = grown;
	*room = wanted;
	return true;
}

#define GROW(list, count, room) grow((void **)&(list), count, &(room), sizeof *(list))

static bool add_number(struct numbers *n, int64_t value)
{
	if (!GROW(n->items, n->count, n->room))
		return false;
	n->items[n->count++] = value < 0 ? 0 : value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
	return true;
}

bool tally_create(int64_t slot, struct tally **out, struct err *e)
{
	*out = calloc(1, sizeof **out);
	if (!*out)
		return no_memory(e);
	(*out)->only = slot;
	return true;
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	for (int64_t i = 0; i < t->slot_room; i++)
		free(t->slots[i].speeds.items);
	for (unsigned i = 0; i < t->step_count; i++)
		free(t->steps[i].items);
	free(t->units);
	free(t->table);
	free(t->names);
	free(t->slots);
	free(t->hours);
	free(t->codes);
	free(t->failures);
	free(t->cycles.items);
	free(t);
}

/* --- units, by a table of their UIDs ------------------------------------------------------------------------------ */

/* FNV-1a: what is in a journal was admitted by its form, so nobody chooses UIDs that collide. */
static uint64_t hash_of(const char *text)
{
	uint64_t hash = 14695981039346656037u;
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 1099511628211u;
	return hash ^ hash >> 32;
}

static bool rehash(struct tally *t)
{
	size_t size = t->table_size ? 2 * t->table_size : 256;
	uint32_t *table = calloc(size, sizeof *table);
	if (!table)
		return false;
	for (size_t i = 0; i < t->unit_count; i++) {
		size_t at = t->units[i].hash & (size - 1);
		while (table[at])
			at = (at + 1) & (size - 1);
		table[at] = (uint32_t)i + 1;
	}
	free(t->table);
	t->table = table;
	t->table_size = size;
	return true;
}

static bool add_name(struct tally *t, const char *uid, uint32_t *name)
{
	size_t size = strlen(uid) + 1;
	while (t->names_room - t->names_size < size)
		if (!GROW(t->names, t->names_room, t->names_room))
			return false;
	memcpy(t->names + t->names_size, uid, size);
	*name = (uint32_t)t->names_size;
	t->names_size += size;
	return true;
}

/* Its number; a new one when it was never seen.  -1: no memory. */
static int64_t unit_of(struct tally *t, const char *uid)
{
	uint64_t hash = hash_of(uid);
	if (2 * (t->unit_count + 1) > t->table_size && !rehash(t))
		return -1;
	size_t at = hash & (t->table_size - 1);
	for (; t->table[at]; at = (at + 1) & (t->table_size - 1)) {
		const struct tally_unit *u = &t->units[t->table[at] - 1];
		if (u->hash == hash && !strcmp(t->names + u->name, uid))
			return t->table[at] - 1;
	}
	struct tally_unit fresh = { .hash = hash };
	if (!GROW(t->units, t->unit_count, t->unit_room) || !add_name(t, uid, &fresh.name))
		return -1;
	t->units[t->unit_count++] = fresh;
	t->table[at] = (uint32_t)t->unit_count;
	return (int64_t)t->unit_count - 1;
}

static void note_slot(int16_t slots[2], int64_t slot)
{
	for (int i = 0; i < 2; i++) {
		if (slots[i] == slot)
			return;
		if (!slots[i]) {
			slots[i] = (int16_t)slot;
			return;
		}
	}
}

static bool elsewhere(const int16_t slots[2], int32_t here)
{
	return (slots[0] && slots[0] != here) || slots[1];
}

/* PASS or FAIL of a unit.  Also of slots that were not asked for: that is what "elsewhere" means. */
static bool add_verdict(struct tally *t, const struct tally_row *row, bool counted)
{
	bool passed = row->verdict == VERDICT_PASS;
	int64_t number = unit_of(t, row->uid);
	if (number < 0)
		return false;
	struct tally_unit *u = &t->units[number];
	note_slot(passed ? u->passed_in : u->failed_in, row->slot);
	if (!counted)
		return true;
	if (!u->first)
		u->first = (uint8_t)row->verdict;
	u->last = (uint8_t)row->verdict;
	u->verdicts = u->verdicts < UINT8_MAX ? (uint8_t)(u->verdicts + 1) : UINT8_MAX;
	if (passed)
		return true;
	if (!GROW(t->failures, t->failure_count, t->failure_room))
		return false;
	t->failures[t->failure_count++] = (struct tally_failure){ (uint32_t)number, (int32_t)row->slot };
	return true;
}

/* --- slots, hours, codes ------------------------------------------------------------------------------------------ */

static struct tally_slot *slot_of(struct tally *t, int64_t slot)
{
	if (slot >= t->slot_room) {
		int64_t room = slot + 1 > 64 ? slot + 1 : 64;
		struct tally_slot *grown = reallocarray(t->slots, (size_t)room, sizeof *grown);
		if (!grown)
			return NULL;
		memset(grown + t->slot_room, 0, (size_t)(room - t->slot_room) * sizeof *grown);
		t->slots = grown;
		t->slot_room = room;
	}
	t->slots[slot].seen = true;
	return &t->slots[slot];
}

static bool add_slot(struct tally *t, const struct tally_row *row)
{
	struct tally_slot *s = slot_of(t, row->slot);
	if (!s)
		return false;
	s->pass += row->verdict == VERDICT_PASS;
	s->fail += row->verdict == VERDICT_FAIL;
	s->error += row->verdict == VERDICT_ERROR && !row->refused;
	s->aborted += row->verdict == VERDICT_ABORTED;
	s->refused += row->refused;
	s->retries += row->retries;
	s->pass_ms += row->verdict == VERDICT_PASS ? row->ended - row->started : 0;
	return true;
}

/* Attempts end nearly in the order of their ids, so the search begins at the newest hour. */
static bool add_hour(struct tally *t, const struct tally_row *row)
{
	int64_t hour = row->ended / 3600000;
	size_t at = t->hour_count;
	while (at && t->hours[at - 1].hour > hour)
		at--;
	if (!at || t->hours[at - 1].hour != hour) {
		if (!GROW(t->hours, t->hour_count, t->hour_room))
			return false;
		memmove(&t->hours[at + 1], &t->hours[at], (t->hour_count - at) * sizeof *t->hours);
		t->hours[at++] = (struct tally_hour){ .hour = hour };
		t->hour_count++;
	}
	t->hours[at - 1].pass += row->verdict == VERDICT_PASS;
	t->hours[at - 1].fail += row->verdict == VERDICT_FAIL;
	return true;
}

/* There are some sixty codes. */
static bool add_code(struct tally *t, const struct tally_row *row)
{
	size_t i = 0;
	while (i < t->code_count && strcmp(t->codes[i].code, row->code) != 0)
		i++;
	if (i == t->code_count) {
		if (!GROW(t->codes, t->code_count, t->code_room))
			return false;
		t->codes[i] = (struct tally_code){ .count = 0 };
		snprintf(t->codes[i].code, sizeof t->codes[i].code, "%s", row->code);
		t->code_count++;
	}
	t->codes[i].verdict = row->verdict;
	t->codes[i].count++;
	t->codes[i].refused += row->refused;
	return true;
}

/* --- the row ------------------------------------------------------------------------------------------------------ */

static void count(struct tally *t, const struct tally_row *row)
{
	t->attempts++;
	t->pass += row->verdict == VERDICT_PASS;
	t->fail += row->verdict == VERDICT_FAIL;
	t->error += row->verdict == VERDICT_ERROR && !row->refused;
	t->aborted += row->verdict == VERDICT_ABORTED;
	t->refused += row->refused;
}

static bool add_pass(struct tally *t, const struct tally_row *row)
{
	size_t at = (size_t)(t->passes++ % TALLY_STEPS);
	t->newest[at] = row->id;
	t->newest_slots[at] = (int32_t)row->slot;
	return add_number(&t->cycles, row->ended - row->started);
}

bool tally_add(struct tally *t, const struct tally_row *row, struct err *e)
{
	bool counted = !t->only || row->slot == t->only;
	bool judged = row->verdict == VERDICT_PASS || row->verdict == VERDICT_FAIL;
	if (row->slot < 1 || row->slot > TALLY_MAX_SLOT)
		return err_set(e, CODE_JOURNAL_FAILED, "attempt %lld is of no slot", (long long)row->id);
	if (judged && !add_verdict(t, row, counted))
		return no_memory(e);
	if (!counted)
		return true;
	/* a unit that was only refused, or only met trouble of the station, was here all the same */
	if (!judged && *row->uid && unit_of(t, row->uid) < 0)
		return no_memory(e);
	count(t, row);
	return (add_slot(t, row) && add_code(t, row) && (!judged || add_hour(t, row)) &&
		   (row->verdict != VERDICT_PASS || add_pass(t, row))) ||
	       no_memory(e);
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

size_t tally_passes(struct tally *t, const int64_t **ids, const int32_t **slots)
{
	size_t n = t->passes < TALLY_STEPS ? (size_t)t->passes : TALLY_STEPS;
	size_t from = t->passes < TALLY_STEPS ? 0 : (size_t)(t->passes % TALLY_STEPS);
	for (size_t i = 0; i < n; i++) {
		t->ordered[i] = t->newest[(from + i) % TALLY_STEPS];
		t->ordered_slots[i] = t->newest_slots[(from + i) % TALLY_STEPS];
	}
	*ids = t->ordered;
	*slots = t->ordered_slots;
	return n;
}

bool tally_step(struct tally *t, const char *step, int32_t slot, int64_t ms, int64_t bytes, struct err *e)
{
	unsigned i = 0;
	while (i < t->step_count && strcmp(t->step_names[i], step) != 0)
		i++;
	if (i == t->step_count) {
		if (i == STEP_NAMES)
			return true; /* a journal of another program; what it calls so is not ours to show */
		snprintf(t->step_names[i], sizeof *t->step_names, "%s", step);
		t->step_count++;
	}
	if (!add_number(&t->steps[i], ms))
		return no_memory(e);
	if (strcmp(step, "read-back") != 0 || bytes <= 0 || ms <= 0)
		return true;
	struct tally_slot *s = slot_of(t, slot);
	return (s && add_number(&s->speeds, bytes / ms)) || no_memory(e);
}

/* --- the unit or the slot ----------------------------------------------------------------------------------------- */

static int by_unit(const void *a, const void *b)
{
	const struct tally_failure *x = a, *y = b;
	if (x->unit != y->unit)
		return x->unit < y->unit ? -1 : 1;
	return (x->slot > y->slot) - (x->slot < y->slot);
}

static bool passed_in(const struct tally_unit *u, int32_t slot)
{
	return u->passed_in[0] == slot || u->passed_in[1] == slot;
}

void tally_follow(struct tally *t)
{
	if (t->failure_count)
		qsort(t->failures, t->failure_count, sizeof *t->failures, by_unit);
	for (size_t i = 0; i < t->failure_count; i++) {
		const struct tally_failure *f = &t->failures[i];
		if (i && f->unit == f[-1].unit && f->slot == f[-1].slot)
			continue; /* a unit counts once in a slot */
		const struct tally_unit *u = &t->units[f->unit];
		struct tally_slot *s = &t->slots[f->slot];
		if (elsewhere(u->passed_in, f->slot))
			s->passed_elsewhere++;
		else if (elsewhere(u->failed_in, f->slot))
			s->failed_elsewhere++;
		else if (passed_in(u, f->slot))
			s->passed_here++;
		else
			s->only_here++;
	}
}
