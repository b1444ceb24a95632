/* A camera that comes up in run mode where nobody waits for it: is it the one that another slot waits for?  Its serial
 * tells; the slot's own worker reads it. */
#include "line/line_state.h"

#include "os/log.h"

#include <stdlib.h>
#include <string.h>

struct look {
	struct slot *slot; /* only its line's mailbox is touched */
	struct usb_id id;
};

static void read_serial(void *argument)
{
	struct look *look = argument;
	struct message m = { .kind = MSG_STRAY, .slot = look->slot, .err = ERR_INIT };
	struct mailbox *box = look->slot->line->box;
	m.ok = usb_read_serial(&look->id, m.serial, &m.err);
	free(look);
	mailbox_post(box, &m);
}

static bool waits_for(const struct slot *s, const struct board *b)
{
	return s->state == US_RESTARTED && !s->working && s->attempt->board == b &&
	       b->run_serial_rule != RUN_SERIAL_ANY;
}

void stray_look(struct slot *s)
{
	bool wanted = false;
	for (unsigned i = 0; i < s->line->slot_count; i++)
		wanted = wanted || waits_for(s->line->slots[i], s->device_board);
	struct look *look = wanted ? malloc(sizeof *look) : NULL;
	if (!look)
		return;
	*look = (struct look){ s, s->device };
	if (!worker_run(s->worker, read_serial, look))
		free(look);
}

void stray_found(struct slot *s, const struct message *m)
{
	struct err why = ERR_INIT;
	if (!m->ok) {
		slot_log(s, LOG_WARN, "cannot read the serial of the camera that came up: %s", m->err.msg);
		return;
	}
	for (unsigned i = 0; i < s->line->slot_count; i++) {
		struct slot *o = s->line->slots[i];
		/* a camera with the same number that was refused here runs now: it is not the other one */
		if (o == s || !waits_for(o, s->device_board) || !strcmp(s->uid, o->uid) ||
		    !board_run_serial_fits(o->attempt->board, o->uid, m->serial))
			continue;
		err_set(&why, CODE_WRONG_PATH, "it came back at %s (slot %u)", s->path, s->number);
		slot_trouble(o, &why);
	}
}
