/* Devices that are plugged in and belong to no slot: somebody will ask why "nothing happens". */
#include "line/line_state.h"

#include <stdio.h>
#include <string.h>

static unsigned place_of(const struct line *l, const char *path)
{
	unsigned i = 0;
	while (i < l->stranger_count && strcmp(l->strangers[i].path, path) != 0)
		i++;
	return i;
}

void stranger_event(struct line *l, const struct usb_watch_event *event, bool board)
{
	const struct usb_id *id = &event->id;
	pthread_mutex_lock(&l->public_lock);
	unsigned at = place_of(l, id->path);
	if (event->arrived && at < LINE_MAX_STRANGERS) {
		struct stranger *s = &l->strangers[at];
		snprintf(s->path, sizeof s->path, "%s", id->path);
		s->vid = id->vid;
		s->pid = id->pid;
		s->board = board;
		l->stranger_count += at == l->stranger_count;
	} else if (!event->arrived && at < l->stranger_count) {
		l->stranger_count--;
		memmove(&l->strangers[at], &l->strangers[at + 1], (l->stranger_count - at) * sizeof l->strangers[0]);
	}
	pthread_mutex_unlock(&l->public_lock);
}

unsigned line_strangers(struct line *l, struct stranger *out, unsigned max)
{
	pthread_mutex_lock(&l->public_lock);
	unsigned count = l->stranger_count;
	memcpy(out, l->strangers, (count < max ? count : max) * sizeof *out);
	pthread_mutex_unlock(&l->public_lock);
	return count;
}
