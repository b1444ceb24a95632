/* Holds: the same trouble too many times in a row disables the slot, and where it came from more than one slot it holds
 * the batch.  A person clears both.  What an aborted attempt, a refused camera or a stop of the station came to says
 * nothing of slot or recipe and stands in no row; nor does what a person deploys. */
#include "line/line_state.h"

#include "format/json.h"
#include "journal/kinds.h"
#include "os/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned count_equal(enum code *last, unsigned *count, enum code code)
{
	*count = code != CODE_OK && code == *last ? *count + 1 : code != CODE_OK;
	*last = code;
	return *count;
}

static void hold_slot(struct slot *s)
{
	struct cJSON *body = json_new_object();
	json_add_integer(body, "slot", s->number);
	json_add_string(body, "code", code_name(CODE_TOO_MANY_EQUAL));
	json_add_string(body, "message", code_name(s->last_code));
	journal_append(s->line->o.journal, KIND_SLOT_HELD, body, NULL, NULL);
	s->enabled = false;
	s->equal_codes = 0;
	slot_log(s, LOG_WARN, "disabled after equal trouble in a row: %s", code_name(s->last_code));
}

static void hold_batch(struct line *l, struct batch *b)
{
	struct err why = ERR_INIT, reason = { CODE_TOO_MANY_EQUAL, "" };
	b->view.state = BATCH_HELD;
	snprintf(
	    b->view.reason, sizeof b->view.reason, "%u times %s in a row", b->equal_codes, code_name(b->last_code));
	snprintf(reason.msg, sizeof reason.msg, "%s", b->view.reason);
	if (!batch_write_change(l, b, BATCH_ORDER_HOLD, &reason, NULL, &why))
		log_error("batch %s: its hold is not on disk: %s", b->view.id, why.msg);
	b->equal_codes = 0;
}

static void judge_slot(struct slot *s)
{
	unsigned limit = s->line->o.hold_after;
	if (limit && s->equal_codes >= limit && s->enabled)
		hold_slot(s);
}

static void judge_batch(struct line *l, struct batch *b)
{
	unsigned limit = l->o.hold_after;
	if (limit && b->equal_codes >= limit && b->across_slots && b->view.state == BATCH_OPEN)
		hold_batch(l, b);
}

void batch_count_verdict(struct line *l, struct slot *s)
{
	struct batch *b = batch_by_id(l, s->attempt->batch);
	enum code code = s->result.code;
	bool among;
	struct err why = ERR_INIT;
	if (code == CODE_ABORTED || s->attempt->deploy)
		return;
	count_equal(&s->last_code, &s->equal_codes, code);
	judge_slot(s);
	if (!b)
		return;
	if (!journal_batch_units(l->reader, strtoll(b->view.id, NULL, 10), NULL, &b->view.passed, &among, &why))
		log_error("batch %s: cannot count its units: %s", b->view.id, why.msg);
	unsigned equal = count_equal(&b->last_code, &b->equal_codes, code);
	b->across_slots = equal > 1 && (b->across_slots || b->last_slot != s->number);
	b->last_slot = s->number;
	judge_batch(l, b);
	batches_publish(l);
}

/* --- after a start ----------------------------------------------------------------------------------------------- */

static bool restore_slot(struct slot *s, struct err *e)
{
	struct journal_equal known;
	if (!journal_equal_codes(s->line->reader, s->number, 0, &known, e))
		return false;
	s->last_code = known.count ? code_from_name(known.code) : CODE_OK;
	s->equal_codes = s->enabled ? known.count : 0; /* who enables it again starts a new count */
	judge_slot(s);
	slot_publish(s);
	return true;
}

static bool restore_batch(struct line *l, struct batch *b, struct err *e)
{
	struct journal_equal known;
	if (!journal_equal_codes(l->reader, 0, strtoll(b->view.id, NULL, 10), &known, e))
		return false;
	b->last_code = known.count ? code_from_name(known.code) : CODE_OK;
	b->equal_codes = b->view.state == BATCH_OPEN ? known.count : 0;
	b->across_slots = known.across;
	b->last_slot = known.slot;
	judge_batch(l, b);
	return true;
}

bool holds_restore(struct line *l, struct err *e)
{
	for (unsigned i = 0; i < l->slot_count; i++)
		if (!restore_slot(l->slots[i], e))
			return false;
	for (unsigned i = 0; i < LINE_MAX_BATCHES; i++)
		if (l->batches[i].used && !restore_batch(l, &l->batches[i], e))
			return false;
	batches_publish(l);
	return true;
}
