/* stationctl batch: open, list, show, hold, resume, close. */
#include "ctl/commands.h"
#include "ctl/live.h"
#include "ctl/number_file.h"
#include "ctl/upload.h"

#include "base/hex.h"
#include "format/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_USAGE "batch open --order O --recipe SHA|IMG --quantity N [--serials FILE] [--key K] [--url U] [--json]"

/* "serials: 5 listed, 2 bound, ...", where it has a list. */
static void show_serials(const struct cJSON *counts)
{
	int64_t n;
	if (!json_is_object(counts))
		return;
	fputs("serials:", stdout);
	for (const struct cJSON *c = json_first(counts); c; c = json_after(c))
		if (json_whole(c, 0, INT64_MAX, &n))
			printf("%s %lld %s", c == json_first(counts) ? "" : ",", (long long)n, json_key(c));
	putchar('\n');
}

static void show_batch(const struct cJSON *batch)
{
	static const char *const keys[] = { "id", "state", "order", "board", "recipe", "quantity", "passed", "code",
		"message", "opened_at", "closed_at" };
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		live_line(batch, keys[i]);
	show_serials(json_member(batch, "serials"));
}

static void show_row(const struct cJSON *batch)
{
	live_field(batch, "id", 8);
	live_field(batch, "state", 6);
	live_field(batch, "passed", 5);
	fputs("of ", stdout);
	live_field(batch, "quantity", 5);
	live_field(batch, "board", 20);
	live_field(batch, "order", 0);
	putchar('\n');
}

static void show_list(const struct cJSON *list)
{
	puts("ID       STATE  PASSED   OF    BOARD                ORDER");
	live_items(list, show_row);
}

static bool number_of(const char *text, int64_t *out)
{
	size_t n = strspn(text, "0123456789");
	if (!n || n > 9 || text[n])
		return false;
	*out = strtoll(text, NULL, 10);
	return true;
}

/* A SHA-256 as it is; anything else names a file, which is brought to the station first. */
static bool find_recipe(const struct live *l, const char *recipe, char sha256[65], struct err *e)
{
	uint8_t bytes[32];
	if (!hex_decode(bytes, sizeof bytes, recipe))
		return upload_recipe(l, recipe, sha256, e);
	snprintf(sha256, 65, "%s", recipe);
	return true;
}

/* serials: a file; NULL: none.  NULL with *e. */
static char *open_body(const char *order, const char *sha256, int64_t quantity, const char *serials, struct err *e)
{
	AUTO_JSON struct cJSON *body = json_new_object();
	json_add_string(body, "order", order);
	json_add_string(body, "recipe", sha256);
	json_add_integer(body, "quantity", quantity);
	if (serials && !numbers_read(serials, json_add_array(body, "serials"), e))
		return NULL;
	char *text = json_print(body);
	if (!text)
		err_set(e, CODE_NO_MEMORY, "no memory for the request");
	return text;
}

static int batch_open(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct err e = ERR_INIT;
	const char *order = NULL, *recipe = NULL, *quantity = NULL, *serials = NULL, *key = NULL;
	const struct ctl_option options[] = { { 0, "order", NULL, &order, NULL }, { 0, "recipe", NULL, &recipe, NULL },
		{ 0, "quantity", NULL, &quantity, NULL }, { 0, "serials", NULL, &serials, NULL },
		{ 0, "key", NULL, &key, NULL }, LIVE_OPTIONS(l), { 0, NULL, NULL, NULL, NULL } };
	char sha256[65];
	int64_t count;
	if (!ctl_options(&argc, argv, options, &e) || !ctl_operands(argc, 0, 0, OPEN_USAGE, &e))
		return ctl_refuse(&e);
	if (!order || !recipe || !quantity || !number_of(quantity, &count)) {
		err_set(&e, CODE_USAGE, "stationctl " OPEN_USAGE);
		return ctl_refuse(&e);
	}
	if (!find_recipe(&l, recipe, sha256, &e))
		return ctl_refuse(&e);
	AUTO_FREE char *body = open_body(order, sha256, count, serials, &e);
	if (!body)
		return ctl_refuse(&e);
	const struct live_request r = {
		.method = "POST", .path = "/batches", .body = span_of(body, strlen(body)), .key = key
	};
	return live_run(&l, &r, show_batch);
}

static int batch_list(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct err e = ERR_INIT;
	const char *order = NULL, *state = NULL, *board = NULL, *limit = NULL, *cursor = NULL;
	const struct ctl_option options[] = { { 0, "order", NULL, &order, NULL }, { 0, "state", NULL, &state, NULL },
		{ 0, "board", NULL, &board, NULL }, { 0, "limit", NULL, &limit, NULL },
		{ 0, "cursor", NULL, &cursor, NULL }, LIVE_OPTIONS(l), { 0, NULL, NULL, NULL, NULL } };
	char path[LIVE_PATH] = "/batches";
	if (!ctl_options(&argc, argv, options, &e) || !ctl_operands(argc, 0, 0, "batch list [FILTER]...", &e))
		return ctl_refuse(&e);
	for (size_t i = 0; i < 5; i++)
		if (*options[i].value && !live_path_add(path, options[i].name, *options[i].value, &e))
			return ctl_refuse(&e);
	const struct live_request r = { .method = "GET", .path = path };
	return live_run(&l, &r, show_list);
}

/* One batch: shown, or changed by the verb that argv[0] is. */
static int on_batch(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct err e = ERR_INIT;
	const struct ctl_option options[] = { LIVE_OPTIONS(l), { 0, NULL, NULL, NULL, NULL } };
	char path[LIVE_PATH] = "/batches";
	bool show = !strcmp(argv[0], "show");
	if (!ctl_options(&argc, argv, options, &e) ||
	    !ctl_operands(argc, 1, 1, "batch show|hold|resume|close ID [--url U] [--json]", &e) ||
	    !live_path_add(path, NULL, argv[1], &e) || (!show && !live_path_add(path, NULL, argv[0], &e)))
		return ctl_refuse(&e);
	const struct live_request r = { .method = show ? "GET" : "POST", .path = path };
	return live_run(&l, &r, show_batch);
}

static const struct ctl_command commands[] = {
	{ "close", "batch close ID", on_batch },
	{ "hold", "batch hold ID", on_batch },
	{ "list", "batch list [--state S] [--order O] [--board B] [--limit N] [--cursor C]", batch_list },
	{ "open", OPEN_USAGE, batch_open },
	{ "resume", "batch resume ID", on_batch },
	{ "show", "batch show ID", on_batch },
	{ NULL, NULL, NULL },
};

int ctl_batch(int argc, char **argv)
{
	return ctl_dispatch(commands, "stationctl batch", argc, argv);
}
