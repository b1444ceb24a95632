/* Reads a station's server-sent events. */
#include "ctl/follow.h"

#include "format/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FRAME_MAX (1u << 20)
#define PAUSE_S   1

struct follower {
	const struct filters *filters;
	follow_attempt *each;
	void *context;
	char last[32]; /* id of the last event; "": none yet */
	bool ever;     /* the station answered once */
	bool ended;    /* each has said so */
	char *line;    /* owned */
	size_t size, room;
	char *data; /* owned: of the event under way; NULL: none yet */
	char kind[48];
	struct err why;
};

/* --- what fits ---------------------------------------------------------------------------------------------------- */

static bool same(const struct cJSON *attempt, const char *key, const char *wanted)
{
	const struct cJSON *item = json_member(attempt, key);
	const char *text = item ? json_text(item) : NULL;
	char number[24];
	int64_t value;
	if (!text && item && json_whole(item, 0, INT64_C(1) << 53, &value)) {
		snprintf(number, sizeof number, "%lld", (long long)value);
		text = number;
	}
	return text && !strcmp(text, wanted);
}

static bool fits(const struct filters *f, const struct cJSON *attempt)
{
	for (size_t i = 0; i < FILTERS; i++)
		if (f->values[i] && !same(attempt, filters_name(i), f->values[i]))
			return false;
	return true;
}

/* --- the stream --------------------------------------------------------------------------------------------------- */

static void event_came(struct follower *w)
{
	struct err e = ERR_INIT;
	if (!strcmp(w->kind, "reset")) {
		fputs("stationctl: the station no longer has what came meanwhile; ask it with attempts\n", stderr);
		return;
	}
	if (!w->data || (strcmp(w->kind, "attempt-ended") != 0 && strcmp(w->kind, "attempt-refused") != 0))
		return;
	AUTO_JSON struct cJSON *attempt = json_parse(span_of(w->data, strlen(w->data)), &e);
	if (attempt && fits(w->filters, attempt))
		w->ended = !w->each(w->context, w->kind, attempt, &w->why);
	fflush(stdout);
}

/* A field of the stream, WHATWG HTML section 9.2.6; data of ours is one line. */
static void line_came(struct follower *w, const char *line)
{
	if (!*line) {
		event_came(w);
		free(w->data);
		w->data = NULL;
		w->kind[0] = '\0';
	} else if (!strncmp(line, "event: ", 7)) {
		snprintf(w->kind, sizeof w->kind, "%s", line + 7);
	} else if (!strncmp(line, "data: ", 6) && !w->data) {
		w->data = strdup(line + 6);
	} else if (!strncmp(line, "id: ", 4)) {
		snprintf(w->last, sizeof w->last, "%s", line + 4);
	}
}

static size_t take(char *bytes, size_t one, size_t count, void *context)
{
	struct follower *w = context;
	size_t size = one * count;
	w->ever = true;
	if (size > FRAME_MAX - w->size)
		return 0;
	if (w->size + size + 1 > w->room) {
		char *grown = realloc(w->line, 2 * (w->size + size) + 1);
		if (!grown)
			return 0;
		w->line = grown;
		w->room = 2 * (w->size + size) + 1;
	}
	memcpy(w->line + w->size, bytes, size);
	w->size += size;
	w->line[w->size] = '\0';
	char *from = w->line;
	for (char *end; !w->ended && (end = memchr(from, '\n', w->size - (size_t)(from - w->line))); from = end + 1) {
		*end = '\0';
		line_came(w, from);
	}
	w->size -= (size_t)(from - w->line);
	memmove(w->line, from, w->size + 1);
	return w->ended ? 0 : size;
}

/* One connection, from its begin to its end.  False: there is no use in another one. */
static bool listen_once(struct follower *w, const struct live *l, struct err *e)
{
	bool again = live_stream(l, "/events", w->last, take, w, e);
	w->size = 0;
	if (!again || w->ended)
		return false;
	return w->ever || err_set(e, CODE_DAEMON_UNREACHABLE, "the station's event stream cannot be had");
}

int follow_attempts(const struct live *l, const struct filters *f, follow_attempt *each, void *context)
{
	const struct timespec pause = { .tv_sec = PAUSE_S };
	struct follower w = { .filters = f, .each = each, .context = context, .why = ERR_INIT };
	struct err e = ERR_INIT;
	if (f->values[FILTER_FROM] || f->values[FILTER_TO]) {
		err_set(&e, CODE_USAGE, "--from and --to have no meaning for what is yet to come");
		return ctl_refuse(&e);
	}
	while (listen_once(&w, l, &e)) {
		fputs("stationctl: the stream broke; trying again\n", stderr);
		nanosleep(&pause, NULL);
	}
	free(w.line);
	free(w.data);
	if (w.why.code != CODE_OK)
		e = w.why;
	return e.code == CODE_OK ? CTL_DONE : ctl_refuse(&e);
}
