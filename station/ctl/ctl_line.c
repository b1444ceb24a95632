/* stationctl line teach: which USB path is which slot.  A person plugs one camera per slot, in order; the running
 * station says at which path each one shows up; the line file is written when all slots are known. */
#include "ctl/commands.h"
#include "ctl/live.h"

#include "format/json.h"
#include "line/line.h"
#include "os/clock.h"
#include "os/file.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS     200
#define PATIENCE_MS (10 * 60 * 1000) /* without a new camera */

struct seen {
	char path[USB_PATH_SIZE];
	bool occupied; /* when looked at last */
	bool taught;
};

struct teaching {
	struct live live;
	struct seen paths[LINE_MAX_SLOTS];
	unsigned path_count;
	const char *slots[LINE_MAX_SLOTS]; /* the paths, in the order they were plugged; they point into `paths` */
	unsigned slot_count, want;         /* want 0: until Enter */
	bool first_look;
};

static struct seen *seen_at(struct teaching *t, const char *path)
{
	for (unsigned i = 0; i < t->path_count; i++)
		if (!strcmp(t->paths[i].path, path))
			return &t->paths[i];
	if (t->path_count == LINE_MAX_SLOTS || strlen(path) >= USB_PATH_SIZE)
		return NULL;
	struct seen *s = &t->paths[t->path_count++];
	memcpy(s->path, path, strlen(path) + 1);
	return s;
}

/* A red lamp stays when its camera goes, so a path is left only once it is empty; what counts is a camera where there
 * was none. */
static void look_at(struct teaching *t, const char *path, const char *state)
{
	struct seen *s = seen_at(t, path);
	bool occupied = strcmp(state, unit_state_name(US_EMPTY)) != 0;
	if (!s)
		return;
	bool plugged = occupied && !s->occupied && !t->first_look;
	s->occupied = occupied;
	if (!plugged || s->taught)
		return;
	s->taught = true;
	t->slots[t->slot_count++] = s->path;
	printf("slot %u is %s\n", t->slot_count, s->path);
}

static bool look(struct teaching *t, struct err *e)
{
	const struct live_request r = { .method = "GET", .path = "/slots?limit=1000" };
	const struct cJSON *items;
	struct live_answer a;
	bool ok = live_call(&t->live, &r, &a, e) && json_array(a.json, "items", &items, e);
	for (const struct cJSON *i = ok ? json_first(items) : NULL; i; i = json_after(i)) {
		const char *path, *state;
		if (json_string(i, "path", &path, NULL) && json_string(i, "state", &state, NULL))
			look_at(t, path, state);
	}
	live_clear(&a);
	t->first_look = false;
	return ok;
}

/* Sleeps; true when a person pressed Enter. */
static bool pause_or_enter(const struct teaching *t)
{
	struct pollfd p = { .fd = t->want ? -1 : STDIN_FILENO, .events = POLLIN };
	return poll(&p, 1, LOOK_MS) > 0;
}

static bool teach(struct teaching *t, struct err *e)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;
	printf("plug one camera into each slot, in order%s\n", t->want ? "" : "; Enter ends");
	while (!t->want || t->slot_count < t->want) {
		unsigned before = t->slot_count;
		fflush(stdout);
		if (!look(t, e))
			return false;
		if (t->slot_count > before)
			until = clock_mono_ms() + PATIENCE_MS;
		if (clock_mono_ms() > until)
			return err_set(
			    e, CODE_NOT_FOUND, "no camera was plugged in for %d minutes", PATIENCE_MS / 60000);
		if (pause_or_enter(t))
			break;
	}
	return t->slot_count > 0 || err_set(e, CODE_NOT_FOUND, "no camera was plugged in");
}

static bool write_line(const struct teaching *t, const char *out, struct err *e)
{
	AUTO_JSON struct cJSON *json = json_new_object();
	struct cJSON *slots = json_add_array(json, "slots");
	for (unsigned i = 0; i < t->slot_count; i++) {
		char name[LINE_NAME_SIZE];
		struct cJSON *slot = json_add_object(slots, NULL);
		snprintf(name, sizeof name, "slot %u", i + 1);
		json_add_integer(slot, "slot", i + 1);
		json_add_string(slot, "name", name);
		json_add_string(slot, "path", t->slots[i]);
	}
	AUTO_FREE char *text = json_print(json);
	if (!text)
		return err_set(e, CODE_NO_MEMORY, "no memory for the line file");
	return file_write_atomic(out, span_of(text, strlen(text)), 0644, e);
}

static int line_teach(int argc, char **argv)
{
	static const char usage[] = "line teach -o FILE [--slots N] [--url U]";
	struct teaching t = { .live = { .url = NULL }, .first_look = true };
	const char *out = NULL, *slots = NULL;
	struct err e = ERR_INIT;
	const struct ctl_option options[] = { { 'o', "output", NULL, &out, NULL }, { 0, "slots", NULL, &slots, NULL },
		{ 0, "url", NULL, &t.live.url, NULL }, { 0, NULL, NULL, NULL, NULL } };
	if (!ctl_options(&argc, argv, options, &e) || !ctl_operands(argc, 0, 0, usage, &e))
		return ctl_refuse(&e);
	t.want = slots ? (unsigned)strtoul(slots, NULL, 10) : 0;
	if (!out || (slots && (t.want < 1 || t.want > LINE_MAX_SLOTS || slots[strspn(slots, "0123456789")]))) {
		err_set(&e, CODE_USAGE, "usage: stationctl %s", usage);
		return ctl_refuse(&e);
	}
	if (!teach(&t, &e) || !write_line(&t, out, &e))
		return ctl_refuse(&e);
	printf("%u slots are in %s; name it in [station] line and start the station again\n", t.slot_count, out);
	return ctl_close_output(CTL_DONE);
}

int ctl_line(int argc, char **argv)
{
	static const struct ctl_command commands[] = { { "teach", "line teach -o FILE [--slots N]", line_teach },
		{ NULL, NULL, NULL } };
	return ctl_dispatch(commands, "stationctl line", argc, argv);
}
