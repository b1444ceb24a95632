/* Finds the station that has the cameras, and the cameras. */
#include "ctl/camera.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/json.h"
#include "os/clock.h"

#define LOOK_MS      100
#define OWN_WAIT_MS  3000
#define WAIT_MAX_S   3600
#define READ_SECONDS 1800 /* 24 MiB over full speed take a minute; a stuck camera ends by itself */

/* --- the station -------------------------------------------------------------------------------------------------- */

static bool answers(struct live l, struct err *e)
{
	const struct live_request r = { .method = "GET", .path = "/station" };
	struct live_answer a;
	bool there = live_call(&l, &r, &a, e);
	live_clear(&a);
	return there;
}

static bool open_conf(struct way *w, const struct camera_options *o, struct err *e)
{
	w->local.conf = o->conf;
	bool there = local_begin(&w->local, &w->live, e);
	w->own = w->local.own; /* ours to stop */
	w->local.own = NULL;
	return there;
}

static bool open_any(struct way *w, const struct camera_options *o, bool writes, struct err *e)
{
	char folder[PATH_MAX];
	struct err none = ERR_INIT;
	bool there = answers(w->live, &none);
	if (there && o->unrecorded)
		return err_set(e, CODE_CONFLICT, "a station runs here, and what it does is recorded");
	if (there)
		return true;
	if (none.code != CODE_DAEMON_UNREACHABLE)
		return err_set(e, none.code, "%s", none.msg);
	if (writes && !o->unrecorded)
		return err_set(e, CODE_DAEMON_UNREACHABLE,
		    "no station answers; -c CONF writes as that station, --unrecorded without any record");
	w->live.url = w->url;
	return ctl_boards_folder(o->boards, folder, e) && own_start(NULL, folder, w->url, &w->own, e);
}

static bool open_station(struct way *w, const struct camera_options *o, bool writes, struct err *e)
{
	const char *said = o->live.url ? o->live.url : getenv("ROMLINE_URL");
	w->live = o->live;
	if (o->conf && (o->live.url || o->unrecorded))
		return err_set(e, CODE_USAGE, "-c stands alone, without --url and --unrecorded");
	if (o->conf)
		return open_conf(w, o, e);
	if (said && *said)
		return answers(w->live, e);
	return open_any(w, o, writes, e);
}

/* --- the cameras -------------------------------------------------------------------------------------------------- */

static bool number_of(const char *text, const char *option, unsigned max, unsigned *out, struct err *e)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long value = strtoul(text, NULL, 10);
	if (!digits || digits > 6 || text[digits] || value > max)
		return err_set(e, CODE_USAGE, "%s takes a number up to %u", option, max);
	*out = (unsigned)value;
	return true;
}

static bool wanted(const struct camera_options *o, unsigned slot, const struct camera *c)
{
	return (!o->slot || c->slot == slot) && (!o->path || !strcmp(c->path, o->path));
}

/* Adds the slot when a camera waits there that is asked for. */
static void consider(struct way *w, const struct camera_options *o, unsigned slot, const struct cJSON *item)
{
	struct camera *c = &w->cameras[w->count];
	const char *camera, *path, *board;
	int64_t number;
	if (w->count == CAMERA_MAX || !json_string_or_null(item, "camera", &camera, NULL) || !camera ||
	    strcmp(camera, "bootloader") != 0 || !json_string(item, "path", &path, NULL) ||
	    !json_string(item, "board", &board, NULL) || !json_integer(item, "slot", 1, 9999, &number, NULL))
		return;
	*c = (struct camera){ .slot = (unsigned)number };
	snprintf(c->path, sizeof c->path, "%s", path);
	snprintf(c->board, sizeof c->board, "%s", board);
	w->count += wanted(o, slot, c);
}

static bool list(struct way *w, const struct camera_options *o, unsigned slot, struct err *e)
{
	const struct live_request r = { .method = "GET", .path = "/slots?limit=1000" };
	struct live_answer a;
	const struct cJSON *items;
	w->count = 0;
	bool good = live_call(&w->live, &r, &a, e) && json_array(a.json, "items", &items, e);
	for (const struct cJSON *i = good ? json_first(items) : NULL; i; i = json_after(i))
		consider(w, o, slot, i);
	live_clear(&a);
	return good;
}

static bool judge(const struct way *w, const struct camera_options *o, struct err *e)
{
	if (w->count > 1 && !o->all)
		return err_set(
		    e, CODE_USAGE, "%u cameras are in their bootloaders; say --slot N, --path PATH or --all", w->count);
	if (w->count)
		return true;
	return err_set(e, CODE_REPLUG_NEEDED, "no camera in its bootloader is %s%s",
	    o->slot   ? "in slot "
	    : o->path ? "at "
		      : "there",
	    o->slot   ? o->slot
	    : o->path ? o->path
		      : "");
}

static bool choose(struct way *w, const struct camera_options *o, struct err *e)
{
	unsigned slot = 0, seconds = 0;
	if (!!o->slot + !!o->path + o->all > 1)
		return err_set(e, CODE_USAGE, "--slot, --path and --all do not go together");
	if ((o->slot && !number_of(o->slot, "--slot", 9999, &slot, e)) ||
	    (o->wait && !number_of(o->wait, "--wait", WAIT_MAX_S, &seconds, e)))
		return false;
	int64_t until = clock_mono_ms() + (o->wait ? (int64_t)seconds * 1000 : w->own ? OWN_WAIT_MS : 0);
	while (list(w, o, slot, e)) {
		if (w->count || clock_mono_ms() >= until)
			return judge(w, o, e);
		usleep(LOOK_MS * 1000);
	}
	return false;
}

bool way_open(struct way *w, const struct camera_options *o, bool writes, struct err *e)
{
	*w = (struct way){ .count = 0 };
	return open_station(w, o, writes, e) && choose(w, o, e);
}

void way_close(struct way *w)
{
	own_stop(w->own);
	w->own = NULL;
}

/* --- what they hold ----------------------------------------------------------------------------------------------- */

bool camera_partitions(const struct way *w, const struct camera *c, struct live_answer *out, struct err *e)
{
	char path[LIVE_PATH];
	snprintf(path, sizeof path, "/slots/%u/partitions", c->slot);
	const struct live_request r = { .method = "GET", .path = path };
	return live_call(&w->live, &r, out, e);
}

bool camera_read(
    const struct way *w, const struct camera *c, const char *partition, uint32_t length, FILE *out, struct err *e)
{
	char path[LIVE_PATH], digits[16];
	struct live_answer a;
	snprintf(path, sizeof path, "/slots/%u/partitions", c->slot);
	snprintf(digits, sizeof digits, "%u", (unsigned)length);
	if (!live_path_add(path, NULL, partition, e) || (length && !live_path_add(path, "length", digits, e)))
		return false;
	const struct live_request r = { .method = "GET", .path = path, .seconds = READ_SECONDS, .copy = out };
	bool done = live_call(&w->live, &r, &a, e);
	live_clear(&a);
	return done && (!fflush(out) || err_set(e, CODE_FILE_FAILED, "cannot keep what was read"));
}
