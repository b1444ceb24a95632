/* stationctl plan: what a recipe takes on a fixture, before the fixture is built. */
#include "ctl/commands.h"
#include "ctl/ctl_recipe.h"

#include "format/forecast.h"
#include "format/json.h"
#include "line/boards.h"
#include "os/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_HANDLING 86400

struct asked {
	const char *board, *boards, *partition, *line, *slots, *hubs, *hub, *delta, *changed, *handling;
	bool json;
};

/* What the forecast is made of. */
struct question {
	struct board_set boards; /* owned */
	const struct board *board;
	struct recipe_file file; /* owned */
	struct recipe recipe;    /* owned */
	struct region regions[RECIPE_MAX_REGIONS];
	struct forecast_work work;
	struct forecast_line line;
	struct forecast_unit unit; /* owned */
};

static void question_clear(struct question *q)
{
	forecast_clear(&q->unit);
	recipe_clear(&q->recipe);
	recipe_file_free(&q->file);
	boards_clear(&q->boards);
}

/* ---- reading what was asked ---- */

/* A number from an option; the default where it is not given. */
static bool number(const char *text, const char *option, double min, double max, double *out, struct err *e)
{
	char *end;
	if (!text)
		return true;
	*out = strtod(text, &end);
	if (end != text && !*end && isfinite(*out) && *out >= min && *out <= max)
		return true;
	return err_set(e, CODE_USAGE, "--%s is a number from %.0f to %.0f", option, min, max);
}

static bool whole(const char *text, const char *option, unsigned *out, struct err *e)
{
	double value = *out;
	if (!number(text, option, 1, LINE_MAX_SLOTS, &value, e))
		return false;
	*out = (unsigned)value;
	return *out == value || err_set(e, CODE_USAGE, "--%s is a whole number", option);
}

static bool read_line_file(const char *path, struct forecast_line *l, struct err *e)
{
	AUTO_FREE uint8_t *text = NULL;
	struct line_file file;
	size_t size = 0;
	if (!file_read(path, LINE_FILE_MAX, &text, &size, e))
		return false;
	if (!line_file_parse(span_of(text, size), &file, e))
		return err_prefix(e, "%.100s", path);
	forecast_places(l, &file);
	return true;
}

static bool read_fixture(const struct asked *a, struct forecast_line *l, struct err *e)
{
	unsigned slots = 1, hubs = 1;
	if (a->hub && strcmp(a->hub, "own") && strcmp(a->hub, "stt"))
		return err_set(e, CODE_USAGE, "--hub is own or stt");
	l->shared = a->hub && !strcmp(a->hub, "stt");
	if (!number(a->handling, "handling", 0, MAX_HANDLING, &l->handling_s, e))
		return false;
	if (a->line && (a->slots || a->hubs))
		return err_set(e, CODE_USAGE, "--line says the slots and hubs already");
	if (a->line)
		return read_line_file(a->line, l, e);
	if (!whole(a->slots, "slots", &slots, e) || !whole(a->hubs, "hubs", &hubs, e))
		return false;
	if (hubs > slots)
		return err_set(e, CODE_USAGE, "%u slots do not fill %u hubs", slots, hubs);
	forecast_spread(l, slots, hubs);
	return true;
}

static bool read_delta(const struct asked *a, struct forecast_work *w, struct err *e)
{
	const char *delta = a->delta ? a->delta : "auto";
	double percent = 100;
	if (strcmp(delta, "auto") && strcmp(delta, "yes") && strcmp(delta, "no"))
		return err_set(e, CODE_USAGE, "--delta is auto, yes or no");
	w->compare = strcmp(delta, "no") != 0;
	w->give_up = strcmp(delta, "auto") ? 0 : PLAN_GIVE_UP;
	if (!number(a->changed, "changed", 0, 100, &percent, e))
		return false;
	w->changed = percent / 100;
	return true;
}

/* The image is what one partition gets. */
static bool read_payload(const struct asked *a, const char *path, struct question *q, struct err *e)
{
	size_t size = 0;
	struct region *r = &q->regions[0];
	q->board = a->board ? ctl_board(&q->boards, a->board, e) : NULL;
	if (!q->board)
		return a->board ? false : err_set(e, CODE_USAGE, "-p needs -b BOARD");
	r->partition = board_partition(q->board, a->partition);
	if (!r->partition)
		return err_set(e, CODE_PARTITION_UNKNOWN, "%s has no partition '%.40s'", q->board->id, a->partition);
	if (!file_read(path, RECIPE_MAX_BYTES, &q->file.data, &size, e))
		return false;
	if (!size || size > r->partition->size)
		return err_set(e, CODE_PAYLOAD_TOO_BIG, "%.100s has %zu bytes, %s takes 1 to %u", path, size,
		    r->partition->name, r->partition->size);
	r->image = span_of(q->file.data, size);
	q->work.count = 1;
	return true;
}

static bool read_recipe(const struct asked *a, const char *path, struct question *q, struct err *e)
{
	if (!recipe_file_load(path, &q->file, e) || !recipe_read(&q->file.image, &q->recipe, e))
		return false;
	if (a->board && strcmp(a->board, q->recipe.board) != 0)
		return err_set(e, CODE_BOARD_MISMATCH, "the recipe is for %s", q->recipe.board);
	q->board = ctl_board(&q->boards, q->recipe.board, e);
	if (!q->board || !recipe_bind(&q->recipe, q->board, e))
		return false;
	q->work.count = q->recipe.region_count;
	for (unsigned i = 0; i < q->work.count; i++)
		q->regions[i] = q->recipe.regions[i].bound;
	return true;
}

static bool question_read(const struct asked *a, const char *path, struct question *q, struct err *e)
{
	if (!read_fixture(a, &q->line, e) || !read_delta(a, &q->work, e) || !ctl_boards(a->boards, &q->boards, e))
		return false;
	if (!(a->partition ? read_payload : read_recipe)(a, path, q, e))
		return false;
	q->work.board = q->board;
	q->work.regions = q->regions;
	return forecast_unit(&q->work, &q->unit, e);
}

/* ---- answering ---- */

static const char *const phase_names[FORECAST_PHASES] = { "identify", "compare", "write", "read_back", "restart" };

/* Seconds with three digits behind the point are all that the figures are worth. */
static void add_figure(struct cJSON *object, const char *key, double value)
{
	json_add_number(object, key, (double)(int64_t)(value * 1000 + (value < 0 ? -0.5 : 0.5)) / 1000);
}

static void add_yield(struct cJSON *parent, const char *key, const struct forecast_line *l, struct forecast_yield y,
    const struct forecast_yield *now)
{
	struct cJSON *o = json_add_object(parent, key);
	json_add_integer(o, "slots", y.slots);
	json_add_integer(o, "hubs", l->hubs);
	add_figure(o, "seconds", y.seconds);
	add_figure(o, "seconds_per_unit", 3600 / y.units_per_hour);
	add_figure(o, "units_per_hour", y.units_per_hour);
	json_add_string(o, "limit", forecast_limit_word(y.limit));
	if (now)
		add_figure(o, "gain", y.units_per_hour - now->units_per_hour);
}

static bool print_json(const struct question *q, struct err *e)
{
	AUTO_JSON struct cJSON *root = json_new_object();
	const struct forecast_unit *u = &q->unit;
	struct forecast_yield now = forecast_line(u, q->board, &q->line);
	struct forecast_line more = q->line;
	json_add_string(root, "board", q->board->id);
	json_add_string(root, "mark", q->board->times_mark);
	struct cJSON *alone = json_add_object(root, "alone");
	for (unsigned i = 0; i < FORECAST_PHASES; i++)
		add_figure(alone, phase_names[i], u->phases[i]);
	add_figure(alone, "wire", u->wire);
	add_figure(alone, "erase", u->erase);
	add_figure(alone, "program", u->program);
	add_figure(alone, "seconds", u->total);
	json_add_integer(alone, "units_written", u->units_written);
	json_add_integer(alone, "units_skipped", u->units_skipped);
	json_add_integer(alone, "blocks", u->blocks);
	add_yield(root, "line", &q->line, now, NULL);
	if (forecast_add_hub(&more))
		add_yield(root, "one_more_hub", &more, forecast_line(u, q->board, &more), &now);
	more = q->line;
	if (forecast_add_slot(&more))
		add_yield(root, "one_more_slot", &more, forecast_line(u, q->board, &more), &now);
	return ctl_print_json(root, e);
}

static void print_more(const struct question *q, const char *what, const struct forecast_line *more, double now)
{
	struct forecast_yield y = forecast_line(&q->unit, q->board, more);
	printf("%-15s %.1f s each, %.0f units per hour (%+.0f)\n", what, y.seconds, y.units_per_hour,
	    y.units_per_hour - now);
}

static void print_text(const struct question *q)
{
	static const char *const limits[] = {
		[LIMIT_FLASH] = "the cameras' flash: more slots help",
		[LIMIT_WIRE] = "each camera's own wire: more slots help",
		[LIMIT_SHARED_WIRE] = "the wire that a hub's cameras share: more hubs help",
		[LIMIT_RESTART] = "the cameras' restart: more slots help",
		[LIMIT_PERSON] = "the person who changes the cameras",
	};
	const struct forecast_unit *u = &q->unit;
	struct forecast_yield y = forecast_line(u, q->board, &q->line);
	struct forecast_line more = q->line;
	printf("%s, %u units to write, %u to skip (times: %s)\n", q->board->id, u->units_written, u->units_skipped,
	    q->board->times_mark);
	printf("%-15s %.1f s: identify %.1f, compare %.1f, write %.1f (erase %.1f, program %.1f), read back %.1f, "
	       "restart %.1f\n",
	    "one camera", u->total, u->phases[FORECAST_IDENTIFY], u->phases[FORECAST_COMPARE],
	    u->phases[FORECAST_WRITE], u->erase, u->program, u->phases[FORECAST_READ_BACK],
	    u->phases[FORECAST_RESTART]);
	printf("%-15s %u on %u hub%s: %.1f s each, one every %.2f s, %.0f units per hour\n", "slots", y.slots,
	    q->line.hubs, q->line.hubs == 1 ? "" : "s", y.seconds, 3600 / y.units_per_hour, y.units_per_hour);
	printf("%-15s %s\n", "limit", limits[y.limit]);
	if (forecast_add_hub(&more))
		print_more(q, "one more hub", &more, y.units_per_hour);
	more = q->line;
	if (forecast_add_slot(&more))
		print_more(q, "one more slot", &more, y.units_per_hour);
}

int ctl_plan(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct asked a = { .json = false };
	struct question q = { .board = NULL };
	const struct ctl_option options[] = {
		{ 'b', "board", NULL, &a.board, NULL },
		{ 0, "boards", NULL, &a.boards, NULL },
		{ 'p', "partition", NULL, &a.partition, NULL },
		{ 0, "line", NULL, &a.line, NULL },
		{ 0, "slots", NULL, &a.slots, NULL },
		{ 0, "hubs", NULL, &a.hubs, NULL },
		{ 0, "hub", NULL, &a.hub, NULL },
		{ 0, "delta", NULL, &a.delta, NULL },
		{ 0, "changed", NULL, &a.changed, NULL },
		{ 0, "handling", NULL, &a.handling, NULL },
		{ 0, "json", &a.json, NULL, NULL },
		{ 0, NULL, NULL, NULL, NULL },
	};
	bool done = ctl_options(&argc, argv, options, &e) && ctl_operands(argc, 1, 1, PLAN_USAGE, &e) &&
		    question_read(&a, argv[1], &q, &e);
	if (done && a.json)
		done = print_json(&q, &e);
	else if (done)
		print_text(&q);
	question_clear(&q);
	return done ? CTL_DONE : ctl_refuse(&e);
}
