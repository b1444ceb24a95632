/* Attempts without an end: those that a crash left, and those whose end the disk did not take.  Each gets its one end
 * as soon as rows can be written again; nothing is resumed. */
#include "line/line_state.h"

#include "format/json.h"
#include "journal/kinds.h"
#include "os/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* At a time; there are as many rounds as it takes. */
#define ROUND (4 * LINE_MAX_SLOTS)

static bool write_end(
    struct line *l, const struct journal_attempt *a, enum code code, const char *message, struct err *e)
{
	char id[LINE_ID_SIZE];
	snprintf(id, sizeof id, "%lld", (long long)a->id);
	struct cJSON *body = json_new_object();
	json_add_string(body, "attempt", id);
	json_add_string(body, "verdict", verdict_name(code_verdict(code)));
	json_add_bool(body, "refused", false);
	json_add_string(body, "code", code_name(code));
	json_add_string(body, "message", message);
	json_add_string(body, "action", code_action(code));
	json_add_integer(body, "retries", 0);
	json_add_null(body, "proof");
	json_add_array(body, "regions");
	return journal_write(l->o.journal, KIND_ATTEMPT_ENDED, body, e) != 0;
}

static bool end_stopped(struct line *l, const struct journal_attempt *a, struct err *e)
{
	char message[96];
	if (*a->step)
		snprintf(message, sizeof message, "the station stopped after the step '%s'%s", a->step,
		    a->writing ? ", while it was writing or later" : "");
	else
		snprintf(message, sizeof message, "the station stopped before its first step was on disk");
	return write_end(l, a, CODE_STATION_STOPPED, message, e);
}

static bool end_lost(struct line *l, const struct journal_attempt *a, struct err *e)
{
	char message[96];
	snprintf(message, sizeof message, "its end could not be written; the last step on disk is '%s'", a->step);
	return write_end(l, a, CODE_JOURNAL_FAILED, message, e);
}

/* Copies, since rows may not be written while a query runs over them. */
struct unfinished {
	struct journal_attempt *items;
	unsigned count;
};

static void note_unfinished(void *context, const struct journal_attempt *a)
{
	struct unfinished *u = context;
	if (u->count < ROUND)
		u->items[u->count++] = *a;
}

static bool list_unfinished(struct line *l, struct unfinished *u, struct err *e)
{
	*u = (struct unfinished){ calloc(ROUND, sizeof *u->items), 0 };
	if (!u->items)
		return err_set(e, CODE_NO_MEMORY, "no memory for the unfinished attempts");
	return journal_unfinished(l->reader, note_unfinished, u, e);
}

/* The camera of an unfinished attempt is not started again by itself: it waits for a person, or for a new plug. */
static void show_stopped(struct line *l, const struct journal_attempt *a)
{
	struct slot *s = slot_of_path(l, a->path);
	if (!s)
		return;
	const struct board *board = boards_find(l->o.boards, a->board);
	attempt_destroy(s->attempt); /* of an older attempt at the same place */
	s->attempt =
	    board ? attempt_create(board, &s->device, s->nested ? &s->nest : NULL, l->o.state_dir, &s->progress) : NULL;
	if (s->attempt) { /* only to be shown */
		snprintf(s->attempt->id, sizeof s->attempt->id, "%lld", (long long)a->id);
		if (a->batch)
			snprintf(s->attempt->batch, sizeof s->attempt->batch, "%lld", (long long)a->batch);
		snprintf(s->shown_uid, sizeof s->shown_uid, "%.*s", UID_TEXT_SIZE - 1, a->uid);
	}
	err_set(&s->result, CODE_STATION_STOPPED, "the station stopped while it worked on this camera");
	s->verdict = VERDICT_ERROR;
	slot_event(s, UE_ERR);
	s->stopped_here = true;
}

bool leftovers_end_last_run(struct line *l, struct err *e)
{
	struct unfinished u;
	unsigned total = 0;
	bool ok = true;
	do {
		ok = list_unfinished(l, &u, e);
		for (unsigned i = 0; ok && i < u.count; i++) {
			ok = end_stopped(l, &u.items[i], e);
			if (ok)
				show_stopped(l, &u.items[i]);
		}
		total += u.count;
		free(u.items);
	} while (ok && u.count == ROUND);
	if (ok && total)
		log_warn("%u attempts of the last run were unfinished; they are ERROR station-stopped now", total);
	return ok;
}

static bool is_running(const struct line *l, int64_t attempt)
{
	for (unsigned i = 0; i < l->slot_count; i++) {
		const struct slot *s = l->slots[i];
		if (unit_busy(s->state) && s->attempt && strtoll(s->attempt->id, NULL, 10) == attempt)
			return true;
	}
	return false;
}

/* Rows can be written again: what a slot shows as unrecorded is recorded as such. */
bool leftovers_end_lost(struct line *l, struct err *e)
{
	struct unfinished u;
	bool ok = list_unfinished(l, &u, e);
	for (unsigned i = 0; ok && i < u.count; i++)
		if (!is_running(l, u.items[i].id))
			ok = end_lost(l, &u.items[i], e);
	free(u.items);
	return ok;
}
