/* stationctl serial: the pool of serials and MAC numbers, and what is scanned for the next unit. */
#include "ctl/commands.h"
#include "ctl/live.h"
#include "ctl/number_file.h"

#include "format/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADD_USAGE "serial add [--kind serial|mac] [--file FILE] [--key K] [NUMBER]..."
#define LIST_USAGE                                                                                                     \
	"serial list [--kind serial|mac] [--status free|reserved|bound|void] [--uid U] [--batch ID] "                  \
	"[--limit N] [--cursor C]"

static void show_row(const struct cJSON *number)
{
	live_field(number, "kind", 6);
	live_field(number, "state", 8);
	live_field(number, "source", 6);
	live_field(number, "uid", 24);
	live_field(number, "value", 0);
	putchar('\n');
}

static void show_list(const struct cJSON *list)
{
	puts("KIND   STATE    SOURCE UID                      NUMBER");
	live_items(list, show_row);
}

static void show_lines(const struct cJSON *answer)
{
	static const char *const keys[] = { "kind", "given", "added", "value", "state", "slot", "scanned", "seconds" };
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		live_line(answer, keys[i]);
}

/* Prints the tree, sends it, frees it. */
static int post(const struct live *l, const char *path, const char *key, struct cJSON *json)
{
	struct err e = ERR_INIT;
	AUTO_FREE char *body = json ? json_print(json) : NULL;
	json_free(json);
	if (!body) {
		err_set(&e, CODE_NO_MEMORY, "no memory for the request");
		return ctl_refuse(&e);
	}
	const struct live_request r = {
		.method = "POST", .path = path, .body = span_of(body, strlen(body)), .key = key
	};
	return live_run(l, &r, show_lines);
}

static int serial_add(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct err e = ERR_INIT;
	const char *kind = NULL, *file = NULL, *key = NULL;
	const struct ctl_option options[] = { { 0, "kind", NULL, &kind, NULL }, { 0, "file", NULL, &file, NULL },
		{ 0, "key", NULL, &key, NULL }, LIVE_OPTIONS(l), { 0, NULL, NULL, NULL, NULL } };
	if (!ctl_options(&argc, argv, options, &e) || !ctl_operands(argc, file ? 0 : 1, 10000, ADD_USAGE, &e))
		return ctl_refuse(&e);
	struct cJSON *json = json_new_object();
	json_add_string(json, "kind", kind ? kind : "serial");
	struct cJSON *values = json_add_array(json, "values");
	for (int i = 1; i < argc; i++)
		json_add_string(values, NULL, argv[i]);
	if (!file || numbers_read(file, values, &e))
		return post(&l, "/numbers", key, json);
	json_free(json);
	return ctl_refuse(&e);
}

static int serial_list(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct err e = ERR_INIT;
	const char *kind = NULL, *status = NULL, *uid = NULL, *batch = NULL, *limit = NULL, *cursor = NULL;
	const struct ctl_option options[] = { { 0, "kind", NULL, &kind, NULL }, { 0, "status", NULL, &status, NULL },
		{ 0, "uid", NULL, &uid, NULL }, { 0, "batch", NULL, &batch, NULL }, { 0, "limit", NULL, &limit, NULL },
		{ 0, "cursor", NULL, &cursor, NULL }, LIVE_OPTIONS(l), { 0, NULL, NULL, NULL, NULL } };
	char path[LIVE_PATH] = "/numbers";
	if (!ctl_options(&argc, argv, options, &e) || !ctl_operands(argc, 0, 0, LIST_USAGE, &e))
		return ctl_refuse(&e);
	for (size_t i = 0; i < 6; i++)
		if (*options[i].value && !live_path_add(path, options[i].name, *options[i].value, &e))
			return ctl_refuse(&e);
	const struct live_request r = { .method = "GET", .path = path };
	return live_run(&l, &r, show_list);
}

static int serial_void(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct err e = ERR_INIT;
	const char *kind = NULL, *reason = NULL;
	const struct ctl_option options[] = { { 0, "kind", NULL, &kind, NULL }, { 0, "reason", NULL, &reason, NULL },
		LIVE_OPTIONS(l), { 0, NULL, NULL, NULL, NULL } };
	if (!ctl_options(&argc, argv, options, &e) ||
	    !ctl_operands(argc, 1, 1, "serial void [--kind serial|mac] [--reason TEXT] NUMBER", &e))
		return ctl_refuse(&e);
	struct cJSON *json = json_new_object();
	json_add_string(json, "kind", kind ? kind : "serial");
	json_add_string(json, "value", argv[1]);
	json_add_string(json, "reason", reason);
	return post(&l, "/numbers/void", NULL, json);
}

static int serial_scan(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct err e = ERR_INIT;
	const char *slot = NULL;
	const struct ctl_option options[] = { { 0, "slot", NULL, &slot, NULL }, LIVE_OPTIONS(l),
		{ 0, NULL, NULL, NULL, NULL } };
	char path[LIVE_PATH] = "/slots";
	if (!ctl_options(&argc, argv, options, &e) || !ctl_operands(argc, 1, 1, "serial scan [--slot N] SERIAL", &e) ||
	    (slot && (!live_path_add(path, NULL, slot, &e) || !live_path_add(path, NULL, "serial", &e))))
		return ctl_refuse(&e);
	struct cJSON *json = json_new_object();
	json_add_string(json, "serial", argv[1]);
	return post(&l, slot ? path : "/scan", NULL, json);
}

static const struct ctl_command commands[] = {
	{ "add", ADD_USAGE, serial_add },
	{ "list", LIST_USAGE, serial_list },
	{ "scan", "serial scan [--slot N] SERIAL", serial_scan },
	{ "void", "serial void [--kind serial|mac] [--reason TEXT] NUMBER", serial_void },
	{ NULL, NULL, NULL },
};

int ctl_serial(int argc, char **argv)
{
	return ctl_dispatch(commands, "stationctl serial", argc, argv);
}
