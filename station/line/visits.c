/* Cameras come and go, and time passes: arrivals, departures and deadlines of a slot. */
#include "line/line_state.h"
#include "line/numbers.h"

#include "os/clock.h"
#include "transport/usb_scan.h"

#include <stdio.h>
#include <string.h>

/* --- taking up ---------------------------------------------------------------------------------------------------- */

/* How long this start waits. */
static int64_t pause_before(struct slot *s, int64_t now)
{
	int64_t soon = COMEBACK_MS + (int64_t)s->device_board->boot_ms;
	s->quick = s->ended_at && now - s->ended_at < soon ? s->quick + 1 : 0;
	if (s->quick < QUICK_STARTS)
		return 0;
	unsigned doubled = s->quick - QUICK_STARTS;
	return (int64_t)PAUSE_MS << (doubled < PAUSE_DOUBLINGS ? doubled : PAUSE_DOUBLINGS);
}

void slot_take_up(struct slot *s)
{
	int64_t now = clock_mono_ms(), pause = pause_before(s, now);
	if (!pause) {
		slot_event(s, UE_BOOT);
		return;
	}
	slot_log(s, LOG_WARN, "the camera came back by itself %u times in a row; the next try waits %lld s", s->quick,
	    (long long)pause / 1000);
	s->deadline = now + pause;
}

/* --- the camera comes and goes ----------------------------------------------------------------------------------- */

bool slot_boots(const struct slot *s)
{
	return s->device_board && s->device_boots;
}

bool slot_returned_boots(const struct slot *s)
{
	return s->nested ? s->usb_board && s->usb_boots : slot_boots(s);
}

bool slot_may_start(const struct slot *s)
{
	return s->enabled && !s->line->stops && !s->line->o.bench && !s->look && slot_boots(s);
}

bool slot_holds(const struct slot *s, const char *uid)
{
	bool here = s->device.path[0] || unit_busy(s->state) || clock_mono_ms() < s->away_until;
	return here && !strcmp(s->uid, uid);
}

void slot_confirm_arrival(struct slot *s)
{
	const struct attempt *a = s->attempt;
	struct err why = ERR_INIT;
	const struct board *board = s->nested ? s->usb_board : s->device_board;
	if (slot_returned_boots(s)) {
		/* back in its bootloader: give it the time to go on to its firmware, no more */
		int64_t at = clock_mono_ms() + a->board->enumerate_window_ms + a->board->latch_window_ms +
			     2 * (int64_t)a->board->boot_ms + 1000;
		s->deadline = at < s->deadline ? at : s->deadline;
		return;
	}
	if (board != a->board) {
		err_set(&why, CODE_WRONG_FIRMWARE, "it came back as %s", board ? board->id : "an unknown device");
		slot_trouble(s, &why);
		return;
	}
	s->attempt->link.id = s->nested ? s->usb : s->device;
	slot_begin_action(s, act_confirm);
}

/* Whatever the trouble looked like, it was the camera's leaving. */
void slot_await(struct slot *s)
{
	if (s->attempt->trouble.code != CODE_USB_GONE)
		err_set(&s->attempt->trouble, CODE_USB_GONE, "the camera left the bus");
	s->deadline = clock_mono_ms() + COMEBACK_MS + s->attempt->board->boot_ms;
}

void slot_came_back(struct slot *s)
{
	s->waiting_return = false;
	if (slot_boots(s)) {
		s->attempt->tries++;
		slot_event(s, UE_AGAIN);
		return;
	}
	struct err why = s->attempt->trouble;
	if (!s->attempt->wrote && s->device_board)
		err_set(&why, CODE_LEFT_EARLY, "it went on to its firmware before it was programmed");
	slot_give_up(s, &why);
}

static void arrived(struct slot *s)
{
	s->device_new = true;
	if (slot_boots(s) && !unit_busy(s->state))
		slot_take_scan(s);
	if (s->waiting_return)
		slot_came_back(s);
	else if (s->state == US_RESTARTED && !s->working)
		slot_confirm_arrival(s);
	else if (s->stopped_here)
		s->stopped_here = false; /* it was there all the time: it waits for a person or a new plug */
	else if (!unit_busy(s->state) && slot_may_start(s))
		slot_take_up(s);
	else if (!unit_busy(s->state) && s->device_board && !s->device_boots)
		slot_event(s, UE_RUN);
	if (s->state != US_RESTARTED && s->device_board && !s->device_boots)
		stray_look(s);
	slot_publish(s);
}

/* Whose number the slot remembers: a camera that was told to leave its bootloader is expected back. */
static void remember(struct slot *s, bool came)
{
	bool expected = clock_mono_ms() < s->away_until;
	if (came)
		s->back_at_once = expected && slot_boots(s);
	if (came && expected && s->device_board && !s->device_boots)
		s->away_until = 0;
	else if (!expected && !unit_busy(s->state))
		s->uid[0] = '\0';
}

static void left(struct slot *s)
{
	s->device = (struct usb_id){ .path = "" };
	s->device_board = NULL;
	s->device_new = false;
	remember(s, false);
	if (s->waiting_return)
		slot_await(s);
	if (!unit_busy(s->state))
		s->deadline = 0; /* of its pause */
	slot_event(s, UE_LEFT);
	slot_publish(s);
}

/* A nest's camera on USB: only its return counts. */
static void on_usb(struct slot *s, const struct usb_id *id, const struct board *board, bool boots)
{
	s->usb = *id;
	s->usb_board = board;
	s->usb_boots = boots;
	s->usb_new = id->path[0] != 0;
	if (s->usb_new && s->state == US_RESTARTED && !s->working)
		slot_confirm_arrival(s);
}

void slot_target(struct slot *s, bool there)
{
	if (!there) {
		left(s);
		return;
	}
	s->device = (struct usb_id){ .arrival = ++s->line->nest_arrivals };
	memcpy(s->device.path, s->path, sizeof s->device.path);
	s->device_board = s->nest_board;
	s->device_boots = true;
	remember(s, true);
	arrived(s);
}

void slot_device(struct slot *s, const struct usb_watch_event *event)
{
	static const struct usb_id nothing;
	if (!event->arrived) {
		/* not the end of an older arrival */
		if (s->nested && s->usb.arrival == event->id.arrival)
			on_usb(s, &nothing, NULL, false);
		else if (!s->nested && s->device.arrival == event->id.arrival)
			left(s);
		return;
	}
	const struct board *boot = boards_by_dfu(s->line->o.boards, event->id.vid, event->id.pid);
	const struct board *run = boards_by_run(s->line->o.boards, event->id.vid, event->id.pid);
	if (s->nested) {
		on_usb(s, &event->id, boot ? boot : run, boot != NULL);
		return;
	}
	s->device = event->id;
	s->device_board = boot ? boot : run;
	s->device_boots = boot != NULL;
	remember(s, true);
	arrived(s);
}

/* --- time -------------------------------------------------------------------------------------------------------- */

/* What the kernel says at this moment; the watcher may still be on its way. */
static bool plugged(const char *path)
{
	struct usb_seen seen;
	return usb_scan_device(USB_SCAN_ROOT, path, &seen);
}

/* It did not come back: did it fail, or did its whole hub leave?  A root hub is always there. */
static bool hub_is_gone(const struct slot *s)
{
	char hub[USB_PATH_SIZE];
	const char *dot = strrchr(s->path, '.');
	if (!dot)
		return false;
	snprintf(hub, sizeof hub, "%.*s", (int)(dot - s->path), s->path);
	return !plugged(hub);
}

static void no_return(const struct slot *s, struct err *why)
{
	unsigned seconds = (s->attempt->board->return_ms + 999) / 1000;
	if (hub_is_gone(s))
		err_set(why, CODE_USB_GONE, "its whole hub left the bus");
	else if (slot_returned_boots(s))
		err_set(why, CODE_NO_RETURN, "it %s its bootloader",
		    (s->nested ? s->usb : s->device).arrival == s->attempt->link.id.arrival ? "does not leave"
											    : "came back in");
	else
		err_set(why, CODE_NO_RETURN, "it did not come back within %u s", seconds);
}

void slot_deadline(struct slot *s)
{
	struct err why = ERR_INIT;
	s->deadline = 0;
	if (!unit_busy(s->state)) {
		if (s->device_new && slot_may_start(s))
			slot_event(s, UE_BOOT);
		return;
	}
	if (s->waiting_return && slot_boots(s) && s->attempt->trouble.code != CODE_USB_GONE) {
		if (s->nested || plugged(s->path))
			slot_came_back(s);
		else
			slot_await(s);
		return;
	}
	if (s->waiting_return) {
		why = s->attempt->trouble;
		slot_give_up(s, &why);
		return;
	}
	if (s->working) {
		s->overdue = true; /* the action's own result ends it */
		atomic_store(&s->attempt->cancel, true);
		return;
	}
	if (s->state == US_RESTARTED) {
		no_return(s, &why);
		if (s->nested && why.code == CODE_NO_RETURN) {
			s->attempt->trouble = why;
			slot_begin_action(s, act_seek);
			return;
		}
		slot_give_up(s, &why);
		return;
	}
	err_set(&why, CODE_JOURNAL_FAILED, "the journal did not answer within %d s", JOURNAL_MS / 1000);
	if (s->state == US_COMPARED)
		slot_trouble(s, &why);
	else
		slot_lost(s, &why);
}
