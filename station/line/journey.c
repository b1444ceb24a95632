/* The journey of the unit in one slot: what each state starts, and what each result means.  Runs on the loop thread;
 * the table of unit.c decides where an event leads, this file what is done there. */
#include "line/line_state.h"

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

static bool boots(const struct slot *s)
{
	return s->device_board && s->device_boots;
}

static void lost(struct slot *s, const struct err *why);
static void confirm_arrival(struct slot *s);

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
	m.ok = action->run(action->attempt, &m.err);
	struct mailbox *box = action->slot->line->box;
	free(action);
	mailbox_post(box, &m);
}

static void start_action(struct slot *s, bool (*run)(struct attempt *, struct err *))
{
	struct action *action = calloc(1, sizeof *action);
	s->action = ++s->line->actions;
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
		lost(s, &why);
	else
		slot_trouble(s, &why);
}

/* --- what each state starts -------------------------------------------------------------------------------------- */

static void begin_plugged(struct slot *s)
{
	struct line *l = s->line;
	s->waiting_return = false;
	if (!s->attempt) {
		s->attempt = attempt_create(s->device_board, &s->device, l->o.state_dir, &s->progress);
		if (!s->attempt) {
			log_error("slot %u: no memory for an attempt", s->number);
			s->state = US_EMPTY;
			return;
		}
	}
	s->attempt->link.id = s->device;
	s->seen_arrival = s->device.arrival;
	s->device_new = false;
	start_action(s, act_identify);
}

static void begin_identified(struct slot *s)
{
	if (s->attempt->admitted) {
		slot_event(s, UE_DONE); /* a retry within the attempt */
		return;
	}
	step_begin(s->attempt, STEP_ADMITTED);
	struct batch *b = batch_for_board(s->line, s->attempt->board->id);
	if (b && b->recipe)
		attempt_bind(s->attempt, stored_recipe_hold(b->recipe), b->view.id, b->view.order);
	start_action(s, act_probe);
}

static void decide(struct slot *s)
{
	struct err why = ERR_INIT;
	switch (admit(s, &why)) {
	case ADMIT_YES:
		s->reserved = true;
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
		if (s->device_new)
			confirm_arrival(s);
		return;
	}
	s->attempt->proof = "bootloader";
	step_begin(s->attempt, STEP_CONFIRMED);
	step_end(s->attempt, STEP_CONFIRMED, CODE_OK);
	slot_event(s, UE_DONE);
}

static void release_and_end(struct slot *s)
{
	if (s->attempt->refused && s->attempt->latched && boots(s))
		start_action(s, act_release); /* the row is written when it has left, or would not */
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

/* A slot at rest lets go of the camera and takes up one that came meanwhile. */
static void begin_rest(struct slot *s)
{
	s->deadline = 0;
	s->reserved = false;
	if (s->attempt)
		attempt_close_link(s->attempt);
	if (s->device_new && boots(s) && s->state != US_ASKING) {
		s->device_new = false;
		slot_event(s, UE_BOOT);
	}
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
		start_action(s, duties[s->state].run);
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
static void forget_attempt(struct slot *s, bool asked)
{
	attempt_destroy(s->attempt);
	s->attempt = NULL;
	s->abort_wanted = false;
	s->verdict = VERDICT_NONE;
	s->result = (struct err)ERR_INIT;
	if (asked)
		s->attempt = attempt_create(s->device_board, &s->device, s->line->o.state_dir, &s->progress);
	if (s->attempt)
		s->attempt->asked = true;
}

void slot_event(struct slot *s, enum unit_event event)
{
	if (!unit_handles(s->state, event))
		return;
	enum unit_state from = s->state, to = unit_next(from, event);
	log_debug(
	    "slot %u: %s -%s-> %s", s->number, unit_state_name(from), unit_event_name(event), unit_state_name(to));
	if (!unit_busy(from) && to == US_PLUGGED)
		forget_attempt(s, event == UE_RETRY);
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
	       !s->abort_wanted && s->line->stops < 2 && !s->waiting_return;
}

/* The camera is still there: at once.  It is gone: as soon as it is back, for a short while. */
static void try_again(struct slot *s, const struct err *why)
{
	s->attempt->trouble = *why;
	attempt_close_link(s->attempt);
	if (boots(s)) {
		s->attempt->tries++;
		slot_event(s, UE_AGAIN);
		return;
	}
	s->waiting_return = true;
	s->deadline = clock_mono_ms() + COMEBACK_MS;
}

void slot_trouble(struct slot *s, const struct err *why)
{
	if (may_retry(s, why)) {
		try_again(s, why);
		return;
	}
	s->waiting_return = false;
	s->result = *why;
	if (why->code == CODE_UID_MALFORMED || why->code == CODE_WRONG_BOARD)
		s->attempt->refused = !s->attempt->admitted;
	s->failed_step = duties[s->state].step;
	if (duties[s->state].has_step && s->attempt->steps[s->failed_step].begun) {
		step_end(s->attempt, s->failed_step, why->code);
		if (s->attempt->id[0])
			row_step(s, s->failed_step);
	}
	log_warn("slot %u: %s: %s", s->number, code_name(why->code), why->msg);
	slot_event(s, why->code == CODE_ABORTED ? UE_ABORT : UE_TROUBLE);
}

/* --- results ----------------------------------------------------------------------------------------------------- */

static void stop_by_person(struct slot *s)
{
	struct err why = ERR_INIT;
	err_set(&why, CODE_ABORTED, "stopped by a person");
	slot_trouble(s, &why);
}

void slot_action_ended(struct slot *s, const struct message *m)
{
	s->working = false;
	if (m->action != s->action)
		return;
	s->deadline = 0;
	if (s->state == US_ENDING) { /* the camera was released, or would not go */
		if (!m->ok)
			log_warn("slot %u: the refused camera was not released: %s", s->number, m->err.msg);
		row_refused(s);
		s->deadline = clock_mono_ms() + JOURNAL_MS;
		return;
	}
	if (!m->ok) {
		slot_trouble(s, &m->err);
		return;
	}
	if (s->state == US_IDENTIFIED && !s->abort_wanted) {
		decide(s);
		return;
	}
	if (s->attempt->id[0] && duties[s->state].has_step)
		row_step(s, duties[s->state].step);
	if (s->abort_wanted && s->state != US_RESTARTED)
		stop_by_person(s);
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

static void lost(struct slot *s, const struct err *why)
{
	err_set(&s->result, CODE_JOURNAL_FAILED, "%s", why->msg);
	s->verdict = VERDICT_ERROR;
	log_error("slot %u: DO NOT SHIP: the result is not on disk: %s", s->number, why->msg);
	line_hold(s->line, CODE_JOURNAL_FAILED, why->msg);
	slot_event(s, UE_LOST);
}

static void started_on_disk(struct slot *s, int64_t seq)
{
	snprintf(s->attempt->id, sizeof s->attempt->id, "%lld", (long long)seq);
	if (s->state == US_ENDING) {
		row_ended(s);
		return;
	}
	s->attempt->admitted = true;
	step_end(s->attempt, STEP_ADMITTED, CODE_OK);
	row_step(s, STEP_IDENTIFIED);
	row_step(s, STEP_ADMITTED);
	if (s->abort_wanted)
		stop_by_person(s);
	else
		slot_event(s, UE_DONE);
}

void slot_row_done(struct slot *s, const struct message *m)
{
	/* a row of an attempt that is no longer shown, or that was given up as lost */
	if (!s->attempt || m->action != s->action || !unit_busy(s->state))
		return;
	if (!m->ok) {
		if (s->state == US_COMPARED) { /* nothing is erased yet: an error like others */
			struct err why = ERR_INIT;
			err_set(&why, CODE_JOURNAL_FAILED, "%s", m->err.msg);
			slot_trouble(s, &why);
		} else {
			lost(s, &m->err);
		}
		return;
	}
	switch (m->row) {
	case ROW_STARTED:
		started_on_disk(s, m->seq);
		break;
	case ROW_WRITING:
		if (s->state == US_COMPARED)
			start_action(s, act_write);
		break;
	case ROW_REFUSED:
		snprintf(s->attempt->id, sizeof s->attempt->id, "%lld", (long long)m->seq);
		s->verdict = VERDICT_ERROR;
		slot_event(s, UE_REFUSED);
		break;
	case ROW_ENDED:
		s->verdict = code_verdict(s->result.code);
		batch_count_verdict(s->line, s);
		slot_event(s, event_of_verdict(s));
		break;
	}
}

/* --- the camera comes and goes ----------------------------------------------------------------------------------- */

static void confirm_arrival(struct slot *s)
{
	const struct attempt *a = s->attempt;
	struct err why = ERR_INIT;
	if (s->device_boots) {
		/* back in its bootloader: give it the time to go on to its firmware, no more */
		int64_t at = clock_mono_ms() + a->board->enumerate_window_ms + a->board->latch_window_ms +
			     2 * (int64_t)a->board->boot_ms + 1000;
		s->deadline = at < s->deadline ? at : s->deadline;
		return;
	}
	if (s->device_board != a->board) {
		err_set(&why, CODE_WRONG_FIRMWARE, "it came back as %s",
		    s->device_board ? s->device_board->id : "an unknown device");
		slot_trouble(s, &why);
		return;
	}
	s->attempt->link.id = s->device;
	start_action(s, act_confirm);
}

static void came_back(struct slot *s)
{
	if (s->device_boots) {
		s->attempt->tries++;
		s->waiting_return = false;
		slot_event(s, UE_AGAIN);
		return;
	}
	struct err why = s->attempt->trouble;
	if (!s->attempt->wrote)
		err_set(&why, CODE_LEFT_EARLY, "it went on to its firmware before it was programmed");
	slot_trouble(s, &why);
}

static void arrived(struct slot *s)
{
	s->device_new = true;
	if (s->waiting_return)
		came_back(s);
	else if (s->state == US_RESTARTED && !s->working)
		confirm_arrival(s);
	else if (s->stopped_here)
		s->stopped_here = false; /* it was there all the time: it waits for a person or a new plug */
	else if (!unit_busy(s->state) && s->device_boots && s->enabled && !s->line->stops)
		slot_event(s, UE_BOOT);
	else if (!unit_busy(s->state) && !s->device_boots)
		slot_event(s, UE_RUN);
	if (s->state != US_RESTARTED && !s->device_boots)
		stray_look(s);
	slot_publish(s);
}

void slot_device(struct slot *s, const struct usb_watch_event *event)
{
	if (!event->arrived) {
		if (s->device.arrival != event->id.arrival)
			return; /* the end of an older arrival */
		s->device = (struct usb_id){ .path = "" };
		s->device_board = NULL;
		s->device_new = false;
		slot_event(s, UE_LEFT);
		slot_publish(s);
		return;
	}
	const struct board *boot = boards_by_dfu(s->line->o.boards, event->id.vid, event->id.pid);
	const struct board *run = boards_by_run(s->line->o.boards, event->id.vid, event->id.pid);
	s->device = event->id;
	s->device_board = boot ? boot : run;
	s->device_boots = boot != NULL;
	arrived(s);
}

/* --- time, and people -------------------------------------------------------------------------------------------- */

/* No answer: is it the camera, or did its whole hub go?  Other cameras of the hub tell. */
static bool hub_is_dead(const struct slot *s)
{
	const char *dot = strrchr(s->path, '.');
	size_t prefix = dot ? (size_t)(dot - s->path) + 1 : 0;
	unsigned others = 0, alive = 0;
	for (unsigned i = 0; prefix && i < s->line->slot_count; i++) {
		const struct slot *o = s->line->slots[i];
		if (o == s || strncmp(o->path, s->path, prefix) != 0 || strchr(o->path + prefix, '.'))
			continue;
		others += unit_busy(o->state) || o->device.path[0];
		alive += o->device.path[0] != '\0';
	}
	return others > 0 && alive == 0;
}

void slot_deadline(struct slot *s)
{
	struct err why = ERR_INIT;
	s->deadline = 0;
	if (s->waiting_return) {
		why = s->attempt->trouble;
	} else if (s->working) {
		atomic_store(&s->attempt->cancel, true);
		err_set(&s->attempt->trouble, CODE_USB_TIMEOUT, "the step took too long");
		return; /* the action's own result ends it */
	} else if (s->state == US_RESTARTED) {
		if (hub_is_dead(s))
			err_set(&why, CODE_USB_GONE, "its whole hub left the bus");
		else
			err_set(&why, CODE_NO_RETURN, "it did not come back within %u s",
			    (unsigned)(s->attempt->board->return_ms / 1000));
	} else {
		err_set(&why, CODE_JOURNAL_FAILED, "the journal did not answer within %d s", JOURNAL_MS / 1000);
		if (s->state == US_CONFIRMED || s->state == US_ENDING || s->state == US_IDENTIFIED) {
			lost(s, &why);
			return;
		}
	}
	slot_trouble(s, &why);
}

bool slot_retry(struct slot *s, struct err *e)
{
	if (!unit_handles(s->state, UE_RETRY))
		return err_set(e, CODE_CONFLICT, "slot %u is %s", s->number, unit_state_name(s->state));
	if (!s->enabled)
		return err_set(e, CODE_CONFLICT, "slot %u is disabled", s->number);
	if (!boots(s))
		return err_set(e, CODE_REPLUG_NEEDED, "the camera in slot %u is not in its bootloader", s->number);
	slot_event(s, UE_RETRY);
	return true;
}

bool slot_abort(struct slot *s, struct err *e)
{
	if (!unit_handles(s->state, UE_ABORT))
		return err_set(e, CODE_CONFLICT, "slot %u is %s", s->number, unit_state_name(s->state));
	s->abort_wanted = true;
	if (s->working)
		atomic_store(&s->attempt->cancel, true);
	else if (s->state != US_IDENTIFIED) /* there the start row is under way; its commit ends it */
		stop_by_person(s);
	return true;
}

void slot_publish(struct slot *s)
{
	struct line *l = s->line;
	const struct attempt *a = s->attempt;
	pthread_mutex_lock(&l->public_lock);
	struct slot_view *v = &l->views[s->number - 1];
	*v = (struct slot_view){ .slot = s->number,
		.enabled = s->enabled,
		.state = s->state,
		.step = duties[s->state].has_step && unit_busy(s->state) ? step_name(duties[s->state].step) : "",
		.verdict = s->verdict,
		.code = s->result.code,
		.since = s->since };
	memcpy(v->name, s->name, sizeof v->name);
	memcpy(v->path, s->path, sizeof v->path);
	memcpy(v->message, s->result.msg, sizeof v->message);
	if (a) {
		memcpy(v->uid, a->uid, sizeof v->uid);
		memcpy(v->attempt, a->id, sizeof v->attempt);
		memcpy(v->batch, a->batch, sizeof v->batch);
		memcpy(v->board, a->board->id, sizeof v->board);
	}
	pthread_mutex_unlock(&l->public_lock);
}
