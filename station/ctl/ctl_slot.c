/* stationctl slot: list, retry, abort, enable, disable; and stationctl station. */
#include "ctl/commands.h"
#include "ctl/live.h"

#include "format/json.h"

#include <stdio.h>
#include <string.h>

static void show_row(const struct cJSON *slot)
{
	live_field(slot, "slot", 4);
	live_field(slot, "path", 10);
	live_field(slot, "state", 10);
	live_field(slot, "verdict", 7);
	live_field(slot, "code", 20);
	live_field(slot, "uid", 24);
	live_field(slot, "message", 0);
	putchar('\n');
}

static void show_list(const struct cJSON *list)
{
	puts("SLOT PATH       STATE      VERDICT CODE                 UID                      MESSAGE");
	live_items(list, show_row);
}

static void show_slot(const struct cJSON *slot)
{
	static const char *const keys[] = { "slot", "name", "path", "enabled", "state", "uid", "serial", "scanned",
		"attempt", "batch", "kind", "camera", "board", "step", "verdict", "code", "message", "action",
		"since" };
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		live_line(slot, keys[i]);
}

static int slot_list(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct err e = ERR_INIT;
	const struct ctl_option options[] = { LIVE_OPTIONS(l), { 0, NULL, NULL, NULL, NULL } };
	const struct live_request r = { .method = "GET", .path = "/slots?limit=1000" };
	if (!ctl_options(&argc, argv, options, &e) || !ctl_operands(argc, 0, 0, "slot list [--url U] [--json]", &e))
		return ctl_refuse(&e);
	return live_run(&l, &r, show_list);
}

/* One slot: shown, or told what the verb argv[0] says. */
static int on_slot(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct err e = ERR_INIT;
	const struct ctl_option options[] = { LIVE_OPTIONS(l), { 0, NULL, NULL, NULL, NULL } };
	char path[LIVE_PATH] = "/slots";
	bool show = !strcmp(argv[0], "show");
	if (!ctl_options(&argc, argv, options, &e) ||
	    !ctl_operands(argc, 1, 1, "slot show|retry|abort|enable|disable N [--url U] [--json]", &e) ||
	    !live_path_add(path, NULL, argv[1], &e) || (!show && !live_path_add(path, NULL, argv[0], &e)))
		return ctl_refuse(&e);
	const struct live_request r = { .method = show ? "GET" : "POST", .path = path };
	return live_run(&l, &r, show_slot);
}

static const struct ctl_command commands[] = {
	{ "abort", "slot abort N", on_slot },
	{ "disable", "slot disable N", on_slot },
	{ "enable", "slot enable N", on_slot },
	{ "list", "slot list", slot_list },
	{ "retry", "slot retry N", on_slot },
	{ "show", "slot show N", on_slot },
	{ NULL, NULL, NULL },
};

int ctl_slot(int argc, char **argv)
{
	return ctl_dispatch(commands, "stationctl slot", argc, argv);
}

static void show_station(const struct cJSON *station)
{
	static const char *const keys[] = { "name", "version", "state", "code", "message", "action", "slots", "time" };
	const struct cJSON *batches;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		live_line(station, keys[i]);
	if (!json_array(station, "batches", &batches, NULL))
		return;
	for (const struct cJSON *b = json_first(batches); b; b = json_after(b)) {
		fputs("batch: ", stdout);
		live_field(b, "id", 1);
		live_field(b, "state", 1);
		live_field(b, "board", 1);
		live_field(b, "passed", 1);
		fputs("of ", stdout);
		live_field(b, "quantity", 0);
		putchar('\n');
	}
}

int ctl_station(int argc, char **argv)
{
	static const char usage[] = "station [resume] [--url U] [--json]";
	struct live l = { .url = NULL };
	struct err e = ERR_INIT;
	const struct ctl_option options[] = { LIVE_OPTIONS(l), { 0, NULL, NULL, NULL, NULL } };
	if (!ctl_options(&argc, argv, options, &e) || !ctl_operands(argc, 0, 1, usage, &e))
		return ctl_refuse(&e);
	if (argc == 2 && strcmp(argv[1], "resume") != 0) {
		err_set(&e, CODE_USAGE, "usage: stationctl %s", usage);
		return ctl_refuse(&e);
	}
	struct live_request r = { .method = "GET", .path = "/station" };
	if (argc == 2)
		r = (struct live_request){ .method = "POST", .path = "/station/resume" };
	return live_run(&l, &r, show_station);
}
