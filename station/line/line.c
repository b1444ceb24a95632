/* The loop: takes messages, keeps deadlines, ends when it is told to and every slot rests. */
#include "line/line_state.h"

#include "format/json.h"
#include "journal/kinds.h"
#include "line/inbox.h"
#include "os/clock.h"
#include "os/log.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How often the inbox is looked at, and the longest sleep. */
#define TICK_MS 1000

/* --- life --------------------------------------------------------------------------------------------------------- */

bool line_create(const struct line_options *o, struct line **out, struct err *e)
{
	struct line *l = calloc(1, sizeof *l);
	if (!l)
		return err_set(e, CODE_NO_MEMORY, "no memory for the line");
	l->o = *o;
	pthread_mutex_init(&l->public_lock, NULL);
	if (!mailbox_create(&l->box, sizeof(struct message), e) ||
	    !journal_reader_open(o->journal_path, &l->reader, e) || !slots_load(l, e) || !batches_restore(l, e) ||
	    !leftovers_end_last_run(l, e) || !holds_restore(l, e)) {
		line_destroy(l);
		return false;
	}
	*out = l;
	return true;
}

void line_destroy(struct line *l)
{
	if (!l)
		return;
	for (unsigned i = 0; i < l->slot_count; i++)
		slot_destroy(l->slots[i]);
	for (unsigned i = 0; i < LINE_MAX_BATCHES; i++)
		stored_recipe_drop(l->batches[i].recipe);
	journal_reader_close(l->reader);
	mailbox_destroy(l->box);
	pthread_mutex_destroy(&l->public_lock);
	free(l);
}

/* What could not be recorded is worse than a clock that will be set right: it takes the other's place and stays until
 * a person has looked. */
void line_hold(struct line *l, enum code code, const char *message)
{
	if (l->held == code || l->held == CODE_JOURNAL_FAILED)
		return;
	l->held = code;
	struct cJSON *body = json_new_object();
	json_add_string(body, "code", code_name(code));
	json_add_string(body, "message", message);
	json_add_null(body, "by");
	journal_append(l->o.journal, KIND_STATION_HELD, body, NULL, NULL);
	batches_publish(l);
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

static void usb_event(struct line *l, const struct usb_watch_event *event)
{
	char text[160];
	const struct usb_id *id = &event->id;
	bool known = boards_by_dfu(l->o.boards, id->vid, id->pid) || boards_by_run(l->o.boards, id->vid, id->pid);
	struct slot *s = NULL;
	/* a device that matches no board gets no slot; where a slot is, it still counts as present */
	for (unsigned i = 0; i < l->slot_count; i++)
		if (!strcmp(l->slots[i]->path, id->path))
			s = l->slots[i];
	if (!s && known && event->arrived)
		s = slot_of_path(l, id->path);
	if (!s && known && event->arrived && l->fixed_slots) {
		snprintf(text, sizeof text, "a camera at %s, which is no slot of the line file", id->path);
		row_event(l, CODE_OK, text, 0, id->path);
	}
	if (!known && event->arrived) {
		snprintf(text, sizeof text, "an unknown device %04x:%04x at %s", id->vid, id->pid, id->path);
		row_event(l, CODE_OK, text, s ? s->number : 0, id->path);
	}
	if (!event->arrived || !known || !s)
		stranger_event(l, event, known);
	if (s)
		slot_device(s, event);
}

static void stop_requested(struct line *l)
{
	l->stops++;
	log_info(l->stops == 1 ? "stopping: running attempts finish first" : "stopping: running attempts are aborted");
	for (unsigned i = 0; i < l->slot_count; i++) {
		slot_stop_look(l->slots[i]);
		atomic_store(&l->slots[i]->look_cancel, true);
	}
	for (unsigned i = 0; l->stops > 1 && i < l->slot_count; i++)
		slot_abort(l->slots[i], NULL, NULL);
}

static void dispatch(struct line *l, const struct message *m)
{
	switch (m->kind) {
	case MSG_USB:
		usb_event(l, &m->usb);
		break;
	case MSG_PRESENT:
		for (unsigned i = 0; i < l->slot_count; i++)
			l->slots[i]->stopped_here = l->slots[i]->stopped_here && l->slots[i]->nested;
		break;
	case MSG_ACTION:
		slot_action_ended(m->slot, m);
		break;
	case MSG_ROW:
		slot_row_done(m->slot, m);
		break;
	case MSG_STRAY:
		stray_found(m->slot, m);
		break;
	case MSG_LOOKED:
		slot_looked(m->slot);
		break;
	case MSG_NEST:
		nest_looked(m->slot, m);
		break;
	case MSG_CALL:
		call_serve(l, m->call);
		break;
	case MSG_STOP:
		stop_requested(l);
		break;
	}
}

static int64_t nearest_deadline(const struct line *l, int64_t now, int64_t tick)
{
	int64_t at = nests_due(l, tick);
	for (unsigned i = 0; i < l->slot_count; i++)
		if (l->slots[i]->deadline && l->slots[i]->deadline < at)
			at = l->slots[i]->deadline;
	return at > now ? at - now : 0;
}

static void meet_deadlines(struct line *l)
{
	int64_t now = clock_mono_ms();
	for (unsigned i = 0; i < l->slot_count; i++)
		if (l->slots[i]->deadline && l->slots[i]->deadline <= now)
			slot_deadline(l->slots[i]);
}

static bool resting(const struct line *l)
{
	for (unsigned i = 0; i < l->slot_count; i++)
		if (unit_busy(l->slots[i]->state) || l->slots[i]->look)
			return false;
	return true;
}

static void clock_is_right(struct line *l)
{
	struct cJSON *body = json_new_object();
	json_add_null(body, "by");
	l->held = CODE_OK;
	journal_append(l->o.journal, KIND_STATION_RESUMED, body, NULL, NULL);
}

/* A clock that fell behind the journal stops the line; once it is right again, so is the line. */
static void look_at_clock(struct line *l)
{
	bool behind = journal_clock_lag(l->o.journal) > CLOCK_LAG_MS;
	if (behind)
		line_hold(l, CODE_CLOCK_BEHIND, code_sentence(CODE_CLOCK_BEHIND));
	else if (l->held == CODE_CLOCK_BEHIND)
		clock_is_right(l);
}

static void tick(struct line *l)
{
	look_at_clock(l);
	if (!l->stops && !l->o.bench)
		inbox_scan(l->o.store, l->o.journal, l->o.approvals);
	batches_publish(l);
}

/* No call may wait for a loop that has ended, no worker hold a camera. */
static void close_line(struct line *l)
{
	struct message m;
	pthread_mutex_lock(&l->public_lock);
	l->closed = true;
	pthread_mutex_unlock(&l->public_lock);
	for (unsigned i = 0; i < l->slot_count; i++) {
		worker_destroy(l->slots[i]->worker);
		l->slots[i]->worker = NULL;
	}
	while (mailbox_take(l->box, &m))
		if (m.kind == MSG_CALL)
			call_refuse(m.call);
}

void line_run(struct line *l)
{
	struct message m;
	int64_t next_tick = 0;
	while (!l->stops || !resting(l)) {
		int64_t now = clock_mono_ms();
		if (now >= next_tick) {
			tick(l);
			next_tick = now + TICK_MS;
		}
		struct pollfd p = { .fd = mailbox_fd(l->box), .events = POLLIN };
		poll(&p, 1, (int)nearest_deadline(l, clock_mono_ms(), next_tick));
		while (mailbox_take(l->box, &m))
			dispatch(l, &m);
		meet_deadlines(l);
		nests_look(l);
	}
	close_line(l);
}

void line_stop(struct line *l)
{
	struct message m = { .kind = MSG_STOP };
	mailbox_post(l->box, &m);
}

void line_usb_event(void *line, const struct usb_watch_event *event)
{
	struct line *l = line;
	struct message m = { .kind = MSG_USB, .usb = *event };
	mailbox_post(l->box, &m);
}

void line_usb_started(struct line *l)
{
	struct message m = { .kind = MSG_PRESENT };
	mailbox_post(l->box, &m);
}

/* --- copies for other threads ------------------------------------------------------------------------------------- */

unsigned line_slots(struct line *l, struct slot_view *out, unsigned max)
{
	pthread_mutex_lock(&l->public_lock);
	unsigned count = l->view_count;
	for (unsigned i = 0; i < count && i < max; i++) {
		out[i] = l->views[i];
		out[i].done_bytes = atomic_load(&l->progress[i]->done);
		out[i].total_bytes = atomic_load(&l->progress[i]->total);
	}
	pthread_mutex_unlock(&l->public_lock);
	return count;
}

const struct board *line_board(const struct line *l, const char *id)
{
	return boards_find(l->o.boards, id);
}

const struct board_set *line_boards(const struct line *l)
{
	return l->o.boards;
}

unsigned line_batches(struct line *l, struct batch_view *out, unsigned max)
{
	pthread_mutex_lock(&l->public_lock);
	unsigned count = l->batch_view_count;
	memcpy(out, l->batch_views, (count < max ? count : max) * sizeof *out);
	pthread_mutex_unlock(&l->public_lock);
	return count;
}

enum code line_held(struct line *l)
{
	pthread_mutex_lock(&l->public_lock);
	enum code held = l->held_view;
	pthread_mutex_unlock(&l->public_lock);
	return held;
}
