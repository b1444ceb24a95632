/* Nests: slots with a debug probe.  USB says when a camera comes; a probe has to be asked.  A slot at rest is looked at
 * by its own worker, now and then, without halting what runs there; what changes is an arrival or a departure.  A slot
 * that works is left alone. */
#include "line/line_state.h"

#include "os/clock.h"
#include "os/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool nest_load(struct slot *s, const struct line_place *place, struct err *e)
{
	const struct line_probe *p = &place->probe;
	if (!p->there)
		return true;
	s->nested = true;
	s->has_usb = place->has_usb;
	s->nest = (struct swd_place){ *p, s->line->o.openocd, s->line->o.swd_stock };
	s->nest_board = boards_find(s->line->o.boards, p->board);
	if (!s->nest_board || !s->nest_board->swd.there)
		return err_set(
		    e, CODE_CONFIG_INVALID, "slot %u: %.40s is no board that is reached over SWD", s->number, p->board);
	return !s->nest_board->swd.hybrid || s->has_usb ||
	       err_set(e, CODE_CONFIG_INVALID, "slot %u: %s needs its own USB path too: its flash is reached over DFU",
		   s->number, s->nest_board->id);
}

struct job {
	struct slot *slot; /* its line's mailbox, its place and its cancel are touched */
};

static void run_look(void *argument)
{
	struct job *job = argument;
	struct slot *s = job->slot;
	struct message m = { .kind = MSG_NEST, .slot = s, .err = ERR_INIT };
	struct swd_seen seen;
	free(job);
	m.ok = swd_look(&s->nest, s->nest_board, &s->look_cancel, &seen, &m.err);
	snprintf(m.serial, sizeof m.serial, "%s", seen.uid);
	mailbox_post(s->line->box, &m);
}

static bool to_be_looked_at(const struct slot *s)
{
	return s->nested && !s->looking && !s->look && !s->line->stops && !unit_busy(s->state);
}

void nests_look(struct line *l)
{
	int64_t now = clock_mono_ms();
	struct slot *next = NULL;
	if (now < l->nest_free_at)
		return;
	for (unsigned i = 0; i < l->slot_count; i++) {
		struct slot *s = l->slots[i];
		if (to_be_looked_at(s) && s->next_look <= now && (!next || s->next_look < next->next_look))
			next = s;
	}
	struct job *job = next ? malloc(sizeof *job) : NULL;
	if (!job)
		return;
	job->slot = next;
	l->nest_free_at = now + NEST_SPACING_MS;
	next->next_look = now + NEST_LOOK_MS;
	next->looking = worker_run(next->worker, run_look, job);
	if (!next->looking)
		free(job);
}

int64_t nests_due(const struct line *l, int64_t later)
{
	int64_t due = later;
	for (unsigned i = 0; i < l->slot_count; i++) {
		const struct slot *s = l->slots[i];
		int64_t at = s->next_look > l->nest_free_at ? s->next_look : l->nest_free_at;
		if (to_be_looked_at(s) && at < due)
			due = at;
	}
	return due;
}

/* A probe's own trouble says nothing of the camera; it is told once, and once more when it is over. */
static void tell_trouble(struct slot *s, const struct message *m)
{
	char text[300];
	bool none = m->ok || m->err.code == CODE_TARGET_MISSING || m->err.code == CODE_ABORTED;
	enum code code = none ? CODE_OK : m->err.code;
	if (code == s->nest_trouble)
		return;
	s->nest_trouble = code;
	snprintf(text, sizeof text, "slot %u: %s", s->number, none ? "its debug probe answers again" : m->err.msg);
	log_warn("%s", text);
	row_event(s->line, code, text, s->number, s->path);
}

void nest_looked(struct slot *s, const struct message *m)
{
	s->looking = false;
	s->next_look = clock_mono_ms() + NEST_LOOK_MS;
	if (unit_busy(s->state) || s->look)
		return; /* it was begun before that */
	tell_trouble(s, m);
	bool here = s->device.path[0] != 0;
	bool gone = m->err.code == CODE_TARGET_MISSING;
	bool another = m->ok && here && m->serial[0] && s->nest_uid[0] && strcmp(m->serial, s->nest_uid) != 0;
	if (!m->ok && !gone)
		return;
	if (gone && !here)
		s->stopped_here = false; /* the camera of the last run's attempt is not there any more */
	snprintf(s->nest_uid, sizeof s->nest_uid, "%.24s", m->ok ? m->serial : "");
	if (here && (gone || another))
		slot_target(s, false);
	if (m->ok && (!here || another))
		slot_target(s, true);
}
