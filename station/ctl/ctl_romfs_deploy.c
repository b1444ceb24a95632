/* stationctl romfs deploy and reset: an image, a folder or a recipe into a plugged camera, by an attempt of the
 * station's own machinery: the write plan, the read-back proof, the restart. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#include "ctl/camera.h"
#include "ctl/ctl_romfs.h"
#include "ctl/romfs_target.h"
#include "format/json.h"
#include "format/recipe_build.h"
#include "format/romfs_build.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/tree.h"

#define LOOK_MS      100
#define UPLOAD_S     180
#define DEPLOY_MS    (60 * 60 * 1000) /* the station's own deadlines are shorter */
#define TELL_PERCENT 10

struct deploy {
	struct camera_options o;
	const char *what, *partition;
	bool blank_tail; /* reset: what lies behind the image is erased */
	struct romfs_target target;
	uint8_t *image, *recipe; /* owned */
	size_t image_size, recipe_size;
	char sha256[65];
};

/* --- what is deployed --------------------------------------------------------------------------------------------- */

static bool folder_image(struct deploy *d, const struct board *board, const struct partition *p, struct err *e)
{
	struct romfs_entry *root = NULL;
	bool done = tree_read(d->what, &root, e) &&
		    romfs_build(root, board, p, ROMFS_COMMIT_AUTO, &d->image, &d->image_size, e);
	romfs_entry_free(root);
	return done;
}

/* An image becomes a recipe without signatures: what the station writes is always one of its stored recipes. */
static bool wrap(struct deploy *d, const char *board_id, struct err *e)
{
	d->target =
	    (struct romfs_target){ .board_id = board_id, .partition_name = d->partition, .boards_folder = d->o.boards };
	if (!romfs_target_find(&d->target, e))
		return false;
	const struct partition *p = d->target.partition;
	if (!d->image && !folder_image(d, d->target.board, p, e))
		return false;
	const struct recipe_part part = { .partition = p->name,
		.image = span_of(d->image, d->image_size),
		.romfs = true,
		.tail_blank = d->blank_tail };
	const struct recipe_spec spec = { .name = d->blank_tail ? "reset" : "deploy",
		.version = "0",
		.board = board_id,
		.not_before = -1,
		.not_after = -1,
		.units = -1,
		.after_run = true,
		.part_count = 1,
		.parts = &part };
	return recipe_build(&spec, &d->recipe, &d->recipe_size, e);
}

static bool is_recipe(const struct deploy *d)
{
	struct romfs fs;
	struct romfs_node node;
	return d->image && romfs_mount(&fs, d->image, d->image_size) == ROMFS_OK &&
	       romfs_lookup(&fs, RECIPE_MANIFEST, &node) == ROMFS_OK && node.type == ROMFS_FILE;
}

static bool prepare(struct deploy *d, const struct way *w, struct err *e)
{
	struct stat st;
	for (unsigned i = 1; i < w->count; i++)
		if (strcmp(w->cameras[i].board, w->cameras[0].board) != 0)
			return err_set(e, CODE_USAGE, "the cameras are of different boards: %s and %s",
			    w->cameras[0].board, w->cameras[i].board);
	if (stat(d->what, &st))
		return err_set(e, CODE_FILE_FAILED, "there is no %.150s", d->what);
	if (!S_ISDIR(st.st_mode) && !file_read(d->what, RECIPE_MAX_BYTES, &d->image, &d->image_size, e))
		return false;
	if (!is_recipe(d))
		return wrap(d, w->cameras[0].board, e);
	if (d->blank_tail || d->partition)
		return err_set(e, CODE_USAGE, "%.100s is a recipe, which says itself what goes where", d->what);
	d->recipe = d->image;
	d->recipe_size = d->image_size;
	d->image = NULL;
	return true;
}

static bool upload(struct deploy *d, const struct way *w, struct err *e)
{
	const struct live_request r = { .method = "POST",
		.path = "/recipes",
		.type = "application/octet-stream",
		.body = span_of(d->recipe, d->recipe_size),
		.seconds = UPLOAD_S };
	struct live_answer a;
	const char *text;
	bool done = live_call(&w->live, &r, &a, e) && json_string(a.json, "sha256", &text, e);
	if (done)
		snprintf(d->sha256, sizeof d->sha256, "%.64s", text);
	live_clear(&a);
	return done;
}

/* --- the attempts ------------------------------------------------------------------------------------------------- */

struct running {
	const struct camera *camera;
	bool begun, ended, passed;
	char step[16];
	int percent;      /* last told */
	char attempt[24]; /* "" before its first row */
};

static bool order(const struct deploy *d, const struct way *w, struct running *r, struct err *e)
{
	char path[LIVE_PATH], body[96];
	struct live_answer a;
	snprintf(path, sizeof path, "/slots/%u/deploy", r->camera->slot);
	int size = snprintf(body, sizeof body, "{\"recipe\":\"%s\"}", d->sha256);
	const struct live_request request = { .method = "POST", .path = path, .body = span_of(body, (size_t)size) };
	r->begun = live_call(&w->live, &request, &a, e);
	live_clear(&a);
	return r->begun;
}

static bool rests(const char *state)
{
	static const char *const busy[] = { "plugged", "identified", "admitted", "compared", "written", "read-back",
		"proved", "restarted", "confirmed", "ending" };
	for (size_t i = 0; i < sizeof busy / sizeof *busy; i++)
		if (!strcmp(state, busy[i]))
			return false;
	return true;
}

static void tell(struct running *r, const struct cJSON *slot)
{
	const char *step;
	int64_t done, total;
	if (!json_string_or_null(slot, "step", &step, NULL) || !step ||
	    !json_integer(slot, "done_bytes", 0, UINT32_MAX, &done, NULL) ||
	    !json_integer(slot, "total_bytes", 0, UINT32_MAX, &total, NULL))
		return;
	int percent = total ? (int)(done * 100 / total) : 0;
	percent -= percent % TELL_PERCENT;
	if (!strcmp(step, r->step) && percent <= r->percent)
		return;
	snprintf(r->step, sizeof r->step, "%.15s", step);
	r->percent = percent;
	fprintf(stderr, "slot %u: %s %d %%\n", r->camera->slot, step, percent);
}

static void read_bytes(const struct cJSON *attempt, int64_t *written, int64_t *units)
{
	const struct cJSON *steps;
	const char *step;
	*written = *units = 0;
	if (!json_array(attempt, "steps", &steps, NULL))
		return;
	for (const struct cJSON *s = json_first(steps); s; s = json_after(s))
		if (json_string(s, "step", &step, NULL) && !strcmp(step, "written")) {
			json_integer(s, "bytes", 0, INT64_C(1) << 53, written, NULL);
			json_integer(s, "units", 0, INT64_C(1) << 53, units, NULL);
		}
}

static void show_regions(const struct cJSON *attempt)
{
	const struct cJSON *regions;
	if (!json_array(attempt, "regions", &regions, NULL))
		return;
	for (const struct cJSON *r = json_first(regions); r; r = json_after(r)) {
		fputs("  ", stdout);
		live_field(r, "partition", 1);
		live_field(r, "length", 1);
		fputs("bytes, read back crc32 ", stdout);
		live_field(r, "crc32_read", 1);
		fputs("files ", stdout);
		live_field(r, "files", 0);
		putchar('\n');
	}
}

/* The end as the journal has it. */
static bool show_end(const struct way *w, const struct running *r, const struct cJSON *slot, struct err *e)
{
	char path[LIVE_PATH];
	struct live_answer a;
	int64_t written, units;
	printf("slot %u  ", r->camera->slot);
	live_field(slot, "verdict", 1);
	live_field(slot, "uid", 1);
	if (!r->passed) {
		live_field(slot, "code", 1);
		live_field(slot, "message", 0);
	}
	snprintf(path, sizeof path, "/attempts/%s", r->attempt);
	const struct live_request request = { .method = "GET", .path = path };
	if (!live_call(&w->live, &request, &a, e)) {
		putchar('\n');
		live_clear(&a);
		return false;
	}
	read_bytes(a.json, &written, &units);
	printf("%swrote %" PRId64 " bytes in %" PRId64 " units\n", r->passed ? "" : "; ", written, units);
	show_regions(a.json);
	live_clear(&a);
	return true;
}

static bool see(const struct way *w, struct running *r, bool json, struct err *e)
{
	char path[LIVE_PATH];
	struct live_answer a;
	const char *state, *verdict, *attempt;
	snprintf(path, sizeof path, "/slots/%u", r->camera->slot);
	const struct live_request request = { .method = "GET", .path = path };
	bool good = live_call(&w->live, &request, &a, e) && json_string(a.json, "state", &state, e) &&
		    json_string_or_null(a.json, "verdict", &verdict, e) &&
		    json_string_or_null(a.json, "attempt", &attempt, e);
	if (good && rests(state)) {
		r->ended = true;
		r->passed = verdict && !strcmp(verdict, "PASS") && !strcmp(state, "passed");
		snprintf(r->attempt, sizeof r->attempt, "%s", attempt ? attempt : "");
		if (json)
			fwrite(a.body, 1, a.size, stdout);
		else
			good = show_end(w, r, a.json, e);
	} else if (good)
		tell(r, a.json);
	live_clear(&a);
	return good;
}

static bool follow(const struct way *w, struct running *runs, bool json, struct err *e)
{
	int64_t until = clock_mono_ms() + DEPLOY_MS;
	for (unsigned left = w->count; left;) {
		left = 0;
		for (unsigned i = 0; i < w->count; i++) {
			if (runs[i].begun && !runs[i].ended && !see(w, &runs[i], json, e))
				return false;
			left += runs[i].begun && !runs[i].ended;
		}
		if (left && clock_mono_ms() > until)
			return err_set(
			    e, CODE_CONFLICT, "%u slots do not come to an end; see stationctl slot list", left);
		if (left)
			usleep(LOOK_MS * 1000);
	}
	return true;
}

/* Every camera that could begin is followed to its end, whatever the others say. */
static bool deploy_all(struct deploy *d, const struct way *w, bool *passed, struct err *e)
{
	struct running *runs = calloc(w->count, sizeof *runs);
	*passed = true;
	if (!runs)
		return err_set(e, CODE_NO_MEMORY, "no memory");
	for (unsigned i = 0; i < w->count; i++) {
		struct err why = ERR_INIT;
		runs[i].camera = &w->cameras[i];
		if (order(d, w, &runs[i], &why))
			continue;
		if (w->count > 1)
			err_prefix(&why, "slot %u", runs[i].camera->slot);
		ctl_refuse(&why);
	}
	bool good = follow(w, runs, d->o.live.json, e);
	for (unsigned i = 0; i < w->count; i++)
		*passed = *passed && runs[i].passed;
	free(runs);
	return good;
}

static int run(bool blank_tail, const char *usage, int argc, char **argv)
{
	struct deploy d = { .blank_tail = blank_tail };
	struct way *w = calloc(1, sizeof *w);
	struct err e = ERR_INIT;
	bool passed = false;
	const struct ctl_option options[] = { { 'p', "partition", NULL, &d.partition, NULL },
		{ 0, "unrecorded", &d.o.unrecorded, NULL, NULL }, CAMERA_OPTIONS(d.o), { 0, NULL, NULL, NULL, NULL } };
	bool done = (w || err_set(&e, CODE_NO_MEMORY, "no memory")) && ctl_options(&argc, argv, options, &e) &&
		    ctl_operands(argc, 1, 1, usage, &e);
	if (done) {
		d.what = argv[1];
		done = way_open(w, &d.o, true, &e) && prepare(&d, w, &e) && upload(&d, w, &e) &&
		       deploy_all(&d, w, &passed, &e);
	}
	if (w)
		way_close(w);
	free(w);
	romfs_target_clear(&d.target);
	free(d.image);
	free(d.recipe);
	if (!done)
		return ctl_refuse(&e);
	return passed ? CTL_DONE : CTL_REFUSED;
}

int ctl_romfs_deploy(int argc, char **argv)
{
	return run(false, ROMFS_DEPLOY_USAGE, argc, argv);
}

int ctl_romfs_reset(int argc, char **argv)
{
	return run(true, ROMFS_RESET_USAGE, argc, argv);
}
