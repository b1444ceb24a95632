/* The journey of the unit in one slot: what each state starts, and what each result means.  Runs on the loop thread;
 * the table of unit.c decides where an event leads, this file what is done there. */
#include "line/line_state.h"
#include "line/numbers.h"

#include "os/clock.h"
#include "os/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What runs in a state: an action of the worker and the step that it completes. */
static const struct {
	bool (*run)(struct attempt *a, struct err *e);
	enum step step;
	bool has_step;
} duties[US_COUNT] = {
	[US_PLUGGED] = { act_identify, STEP_IDENTIFIED, true },
	[US_IDENTIFIED] = { act_probe, STEP_ADMITTED, true },
	[US_ADMITTED] = { act_compare, STEP_COMPARED, true },
	[US_COMPARED] = { act_write, STEP_WRITTEN, true },
	[US_WRITTEN] = { act_read_back, STEP_READ_BACK, true },
	[US_READ_BACK] = { act_prove, STEP_PROVED, true },
	[US_PROVED] = { act_restart, STEP_RESTARTED, true },
	[US_RESTARTED] = { act_confirm, STEP_CONFIRMED, true },
};

bool slot_step(const struct slot *s, enum step *out)
{
	*out = duties[s->state].step;
	return duties[s->state].has_step;
}

/* --- the worker's side ------------------------------------------------------------------------------------------- */

struct action {
	struct slot *slot; /* only its attempt and line are touched on the worker */
	struct attempt *attempt;
	bool (*run)(struct attempt *a, struct err *e);
	uint64_t number;
};

static void run_action(void *argument)
{
	struct action *action = argument;
	struct message m = { .kind = MSG_ACTION, .slot = action->slot, .action = action->number, .err = ERR_INIT };
	log_context(action->slot->number, action->attempt->id);
	m.ok = action->run(action->attempt, &m.err);
	log_context(0, "");
	struct mailbox *box = action->slot->line->box;
	free(action);
	mailbox_post(box, &m);
}

void slot_begin_action(struct slot *s, bool (*run)(struct attempt *, struct err *))
{
	struct action *action = calloc(1, sizeof *action);
	s->action = ++s->line->actions;
	s->overdue = false;
	atomic_store(&s->attempt->cancel, s->abort_wanted);
	if (action) {
		*action = (struct action){ s, s->attempt, run, s->action };
		s->working = worker_run(s->worker, run_action, action);
	}
	if (s->working) {
		s->deadline = clock_mono_ms() + ACTION_MS;
		return;
	}
	free(action);
	struct err why = ERR_INIT;
	err_set(&why, CODE_NO_MEMORY, "cannot start the next step");
	if (s->state == US_ENDING)
		slot_lost(s, &why);
	else
		slot_trouble(s, &why);
}

/* --- what each state starts -------------------------------------------------------------------------------------- */

/* What a person wants written is bound before the camera is known. */
static void take_order(struct slot *s)
{
	if (!s->order)
		return;
	s->attempt->deploy = true;
	s->attempt->challenge = s->order_challenge;
	attempt_bind(s->attempt, s->order, "", "");
	s->order = NULL;
}

/* NULL: no memory. */
static struct attempt *slot_attempt(struct slot *s)
{
	struct attempt *a = attempt_create(
	    s->device_board, &s->device, s->nested ? &s->nest : NULL, s->line->o.state_dir, &s->progress);
	if (!a)
		return NULL;
	a->slot = s->number;
	a->permits = s->line->o.permits;
	a->readback = s->nested ? s->line->o.swd_readback : READBACK_FULL;
	return a;
}

static void begin_plugged(struct slot *s)
{
	s->waiting_return = false;
	if (!s->attempt) {
		s->attempt = slot_attempt(s);
		if (!s->attempt) {
			slot_log(s, LOG_ERR, "no memory for an attempt");
			stored_recipe_drop(s->order); /* it was for this camera, not for the next */
			s->order = NULL;
			s->state = US_EMPTY;
			return;
		}
		take_order(s);
	}
	s->attempt->link.id = s->device;
	s->device_new = s->usb_new = false;
	slot_begin_action(s, act_identify);
}

static void begin_identified(struct slot *s)
{
	if (s->attempt->admitted) {
		slot_event(s, UE_DONE); /* a retry within the attempt */
		return;
	}
	step_begin(s->attempt, STEP_ADMITTED);
	struct batch *b = s->attempt->deploy ? NULL : batch_for_board(s->line, s->attempt->board->id);
	if (b)
		batch_refresh(s->line, b);
	if (b && b->recipe && b->recipe->trouble.code == CODE_OK)
		attempt_bind(s->attempt, stored_recipe_hold(b->recipe), b->view.id, b->view.order);
	slot_begin_action(s, act_probe);
}

/* A person's order is nobody else's to allow.  When the answer is there, all is judged once more: it took a while. */
static bool asks_mes(const struct slot *s)
{
	return s->attempt->permits && !s->attempt->deploy && s->attempt->permit.how == PERMIT_NONE;
}

static enum admission may_begin(struct slot *s, struct err *e)
{
	enum admission answer = admit(s, e);
	return answer == ADMIT_YES && !asks_mes(s) ? numbers_choose(s, e) : answer;
}

static void decide(struct slot *s)
{
	struct err why = ERR_INIT;
	switch (may_begin(s, &why)) {
	case ADMIT_YES:
		s->reserved = true; /* while the MES is asked too */
		if (asks_mes(s)) {
			slot_begin_action(s, act_permit);
			break;
		}
		s->scanned[0] = '\0';
		row_started(s);
		s->deadline = clock_mono_ms() + JOURNAL_MS;
		break;
	case ADMIT_ASK:
		s->result = why;
		attempt_close_link(s->attempt);
		slot_event(s, UE_ASK);
		break;
	case ADMIT_NO:
		s->attempt->refused = true;
		slot_trouble(s, &why);
		break;
	}
}

static void begin_compared(struct slot *s)
{
	/* a deploy of what is there already leaves the unit as it was */
	if (s->attempt->deploy && !attempt_differs(s->attempt)) {
		slot_begin_action(s, act_write);
		return;
	}
	/* on disk before the first erase: after a crash this unit counts as touched */
	row_writing(s);
	s->deadline = clock_mono_ms() + JOURNAL_MS;
}

static void begin_restarted(struct slot *s)
{
	if (s->attempt->recipe->recipe.after_run) {
		step_begin(s->attempt, STEP_CONFIRMED);
		s->deadline = clock_mono_ms() + s->attempt->board->return_ms;
		/* it may be back already: then its arrival came while the worker was still leaving */
		if (!s->has_usb)
			slot_begin_action(s, act_confirm_core);
		else if (s->nested ? s->usb_new : s->device_new)
			slot_confirm_arrival(s);
		return;
	}
	s->attempt->proof = "bootloader";
	step_begin(s->attempt, STEP_CONFIRMED);
	step_end(s->attempt, STEP_CONFIRMED, CODE_OK);
	row_step(s, STEP_CONFIRMED);
	slot_event(s, UE_DONE);
}

static void release_and_end(struct slot *s)
{
	/* one that has no firmware to go to would come back, and be refused, for ever */
	if (s->attempt->refused && s->attempt->latched && slot_boots(s) && !s->back_at_once)
		slot_begin_action(s, act_release); /* the row is written when it has left, or would not */
	else if (s->attempt->refused)
		row_refused(s);
	else if (!s->attempt->id[0])
		row_started(s); /* trouble before admission: the start row comes now, the end right behind it */
	else
		row_ended(s);
	if (!s->working)
		s->deadline = clock_mono_ms() + JOURNAL_MS;
}

static void begin_ending(struct slot *s)
{
	attempt_close_link(s->attempt);
	release_and_end(s);
}

/* A slot at rest lets go of the camera and of what was read from it, and takes up one that came meanwhile. */
static void begin_rest(struct slot *s)
{
	s->deadline = 0;
	s->reserved = false;
	s->ended_at = s->state == US_PASSED ? 0 : s->verdict != VERDICT_NONE ? clock_mono_ms() : s->ended_at;
	if (s->attempt) {
		attempt_close_link(s->attempt);
		attempt_close_spool(s->attempt);
	}
	if (s->device_new && slot_may_start(s) && s->state != US_ASKING)
		slot_take_up(s);
}

static void enter(struct slot *s)
{
	switch (s->state) {
	case US_PLUGGED:
		begin_plugged(s);
		break;
	case US_IDENTIFIED:
		begin_identified(s);
		break;
	case US_COMPARED:
		begin_compared(s);
		break;
	case US_RESTARTED:
		begin_restarted(s);
		break;
	case US_CONFIRMED:
		s->result = (struct err)ERR_INIT;
		row_ended(s);
		s->deadline = clock_mono_ms() + JOURNAL_MS;
		break;
	case US_ENDING:
		begin_ending(s);
		break;
	case US_ADMITTED:
	case US_WRITTEN:
	case US_READ_BACK:
	case US_PROVED:
		slot_begin_action(s, duties[s->state].run);
		break;
	case US_EMPTY:
	case US_PASSED:
	case US_FAILED:
	case US_ERROR:
	case US_ABORTED:
	case US_REFUSED:
	case US_ASKING:
	case US_RUNNING:
	case US_UNRECORDED:
	case US_COUNT:
		begin_rest(s);
		break;
	}
}

/* A new camera, or a person, starts over: what is known of the last attempt goes. */
static void forget_attempt(struct slot *s, bool again, bool asked)
{
	if (again && s->attempt && s->attempt->deploy) {
		s->order = stored_recipe_hold(s->attempt->recipe);
		s->order_challenge = s->attempt->challenge;
	}
	attempt_destroy(s->attempt);
	s->attempt = NULL;
	s->abort_wanted = false;
	s->shown_uid[0] = '\0';
	s->verdict = VERDICT_NONE;
	s->result = (struct err)ERR_INIT;
	if (again)
		s->attempt = slot_attempt(s);
	if (s->attempt) {
		s->attempt->asked = asked;
		take_order(s);
	}
}

/* A slot without a verdict to show, and one with a new camera, knows nothing of the last attempt.  A retry answers the
 * question of a slot that asks, and of no other. */
static void turn_page(struct slot *s, enum unit_state from, enum unit_state to, enum unit_event event)
{
	bool asked = event == UE_RETRY && (from == US_ASKING || (s->attempt && s->attempt->asked));
	if (unit_busy(from) || (to != US_PLUGGED && to != US_EMPTY && to != US_RUNNING))
		return;
	if (to == US_PLUGGED)
		s->uid[0] = '\0';
	forget_attempt(s, event == UE_RETRY, asked);
}

void slot_event(struct slot *s, enum unit_event event)
{
	if (!unit_handles(s->state, event))
		return;
	enum unit_state from = s->state, to = unit_next(from, event);
	slot_log(s, LOG_DBG, "%s -%s-> %s", unit_state_name(from), unit_event_name(event), unit_state_name(to));
	if (unit_busy(from) && !unit_busy(to))
		slot_log(s, LOG_INFO, "%s: %s", unit_state_name(to), code_name(s->result.code));
	turn_page(s, from, to, event);
	s->state = to;
	s->since = clock_wall_ms();
	s->deadline = 0;
	slot_publish(s);
	enter(s);
	slot_publish(s);
}

/* --- trouble ----------------------------------------------------------------------------------------------------- */

static bool may_retry(const struct slot *s, const struct err *why)
{
	const struct attempt *a = s->attempt;
	return code_retryable(why->code) && unit_handles(s->state, UE_AGAIN) && a->tries < s->line->o.retries &&
	       !s->abort_wanted && s->line->stops < 2;
}

/* Soon, if the camera is still there then: a device that is being pulled fails in many ways before it is seen to leave.
 * If it is gone, as soon as it is back, for a short while. */
static void try_again(struct slot *s, const struct err *why)
{
	struct attempt *a = s->attempt;
	const struct step_record *proved = &a->steps[STEP_PROVED];
	a->trouble = *why;
	/* what was cut in mid-write is not compared but written; what was proved is safe */
	if (a->wrote && !(proved->ended && proved->outcome == CODE_OK))
		a->delta = DELTA_NO;
	attempt_close_link(a);
	s->waiting_return = true;
	if (s->device.path[0] && s->device.arrival != a->link.id.arrival)
		slot_came_back(s);
	else if (s->device.path[0] && why->code != CODE_USB_GONE)
		s->deadline = clock_mono_ms() + SETTLE_MS;
	else
		slot_await(s);
}

/* It is back and could not be asked: once more, now or when it comes again. */
static bool confirm_again(struct slot *s, const struct err *why)
{
	if (s->state != US_RESTARTED || !code_retryable(why->code) || s->attempt->tries >= s->line->o.retries)
		return false;
	const struct usb_id *there = s->nested ? &s->usb : &s->device;
	s->attempt->tries++;
	s->deadline = clock_mono_ms() + s->attempt->board->return_ms;
	if (!s->has_usb)
		slot_begin_action(s, act_confirm_core);
	else if (there->path[0] && (why->code != CODE_USB_GONE || there->arrival != s->attempt->link.id.arrival))
		slot_confirm_arrival(s);
	return true;
}

void slot_trouble(struct slot *s, const struct err *why)
{
	if (confirm_again(s, why))
		return;
	if (may_retry(s, why))
		try_again(s, why);
	else
		slot_give_up(s, why);
}

void slot_give_up(struct slot *s, const struct err *why)
{
	s->waiting_return = false;
	s->result = *why;
	if (why->code == CODE_UID_MALFORMED || why->code == CODE_WRONG_BOARD || why->code == CODE_MES_REFUSED ||
	    why->code == CODE_MES_SILENT)
		s->attempt->refused = !s->attempt->admitted;
	s->failed_step = duties[s->state].step;
	if (duties[s->state].has_step && s->attempt->steps[s->failed_step].begun) {
		step_end(s->attempt, s->failed_step, why->code);
		if (s->attempt->id[0])
			row_step(s, s->failed_step);
	}
	slot_log(s, LOG_WARN, "%s: %s", code_name(why->code), why->msg);
	slot_event(s, why->code == CODE_ABORTED ? UE_ABORT : UE_TROUBLE);
}

/* --- results ----------------------------------------------------------------------------------------------------- */

void slot_stop(struct slot *s)
{
	struct err why = ERR_INIT;
	err_set(&why, CODE_ABORTED, "stopped by a person");
	slot_trouble(s, &why);
}

/* The camera was told to leave its bootloader: the number that it has stays known while it is away. */
static void let_go(struct slot *s)
{
	s->away_until = clock_mono_ms() + s->attempt->board->return_ms;
}

static void released(struct slot *s, const struct message *m)
{
	if (m->ok)
		let_go(s);
	else
		slot_log(s, LOG_WARN, "the refused camera was not released: %s", m->err.msg);
	row_refused(s);
	s->deadline = clock_mono_ms() + JOURNAL_MS;
}

/* Why an action really failed: it may have been told to. */
static void action_failed(struct slot *s, const struct message *m)
{
	struct err why = m->err;
	if (s->abort_wanted && code_verdict(why.code) != VERDICT_FAIL)
		err_set(&why, CODE_ABORTED, "stopped by a person");
	else if (s->overdue && why.code == CODE_ABORTED)
		err_set(&why, CODE_USB_TIMEOUT, "the step took too long");
	slot_trouble(s, &why);
}

void slot_action_ended(struct slot *s, const struct message *m)
{
	s->working = false;
	if (m->action != s->action)
		return;
	s->deadline = 0;
	if (s->state == US_ENDING) {
		released(s, m);
		return;
	}
	if (s->state == US_PLUGGED) {
		memcpy(s->uid, s->attempt->uid, sizeof s->uid);
		memcpy(s->shown_uid, s->attempt->uid, sizeof s->shown_uid);
	}
	if (s->state == US_PROVED && m->ok && s->attempt->recipe->recipe.after_run)
		let_go(s);
	if (!m->ok) {
		action_failed(s, m);
		return;
	}
	if (s->state == US_IDENTIFIED && !s->abort_wanted) {
		decide(s);
		return;
	}
	if (s->attempt->holed) {
		struct err why = ERR_INIT;
		err_set(&why, CODE_JOURNAL_FAILED, "a step of this attempt is not on disk");
		slot_give_up(s, &why);
		return;
	}
	if (s->attempt->id[0] && duties[s->state].has_step)
		row_step(s, duties[s->state].step);
	if (s->abort_wanted && s->state != US_RESTARTED)
		slot_stop(s);
	else
		slot_event(s, UE_DONE);
}

static enum unit_event event_of_verdict(const struct slot *s)
{
	if (s->attempt->refused)
		return UE_REFUSED;
	static const enum unit_event events[] = {
		[VERDICT_NONE] = UE_ERR,
		[VERDICT_PASS] = UE_PASS,
		[VERDICT_FAIL] = UE_FAIL,
		[VERDICT_ERROR] = UE_ERR,
		[VERDICT_ABORTED] = UE_ABORTED,
	};
	return events[s->verdict];
}

void slot_lost(struct slot *s, const struct err *why)
{
	err_set(&s->result, CODE_JOURNAL_FAILED, "%s", why->msg);
	s->verdict = VERDICT_ERROR;
	slot_log(s, LOG_ERR, "DO NOT SHIP: the result is not on disk: %s", why->msg);
	line_hold(s->line, CODE_JOURNAL_FAILED, why->msg);
	slot_event(s, UE_LOST);
}

static void started_on_disk(struct slot *s, int64_t seq)
{
	snprintf(s->attempt->id, sizeof s->attempt->id, "%lld", (long long)seq);
	if (s->state == US_ENDING) {
		for (unsigned i = 0; i <= STEP_ADMITTED; i++)
			if (s->attempt->steps[i].ended)
				row_step(s, (enum step)i);
		row_ended(s);
		return;
	}
	s->attempt->admitted = true;
	step_end(s->attempt, STEP_ADMITTED, CODE_OK);
	row_step(s, STEP_IDENTIFIED);
	row_step(s, STEP_ADMITTED);
	if (s->abort_wanted)
		slot_stop(s);
	else
		slot_event(s, UE_DONE);
}

/* Nobody waits for a step's row, but what has lost one does not pass. */
static void step_row_done(struct slot *s, const struct message *m)
{
	if (m->ok)
		return;
	line_hold(s->line, CODE_JOURNAL_FAILED, m->err.msg);
	if (s->attempt && m->attempt && strtoll(s->attempt->id, NULL, 10) == m->attempt)
		s->attempt->holed = true;
}

void slot_row_done(struct slot *s, const struct message *m)
{
	if (m->row == ROW_STEP) {
		step_row_done(s, m);
		return;
	}
	/* a row of an attempt that is no longer shown, or that was given up as lost */
	if (!s->attempt || m->action != s->action || !unit_busy(s->state))
		return;
	if (!m->ok) {
		if (s->state == US_COMPARED) { /* nothing is erased yet: an error like others */
			struct err why = ERR_INIT;
			err_set(&why, CODE_JOURNAL_FAILED, "%s", m->err.msg);
			slot_trouble(s, &why);
		} else {
			slot_lost(s, &m->err);
		}
		return;
	}
	switch (m->row) {
	case ROW_STARTED:
		started_on_disk(s, m->seq);
		break;
	case ROW_STEP:
		break;
	case ROW_WRITING:
		if (s->state == US_COMPARED)
			slot_begin_action(s, act_write);
		break;
	case ROW_REFUSED:
		snprintf(s->attempt->id, sizeof s->attempt->id, "%lld", (long long)m->seq);
		s->verdict = VERDICT_ERROR;
		slot_event(s, UE_REFUSED);
		break;
	case ROW_ENDED:
		s->verdict = code_verdict(s->result.code);
		batch_count_verdict(s->line, s);
		if (s->verdict == VERDICT_PASS && !s->attempt->deploy && s->line->o.labels)
			label_print(s->line->o.labels, strtoll(s->attempt->id, NULL, 10), NULL, NULL, NULL);
		slot_event(s, event_of_verdict(s));
		break;
	}
}
