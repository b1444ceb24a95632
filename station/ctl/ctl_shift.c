/* stationctl shift, mes and label: the shift's challenge, what the MES was told, a label once more. */
#include "ctl/commands.h"
#include "ctl/live.h"

#include "format/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void show_unit(const struct cJSON *unit)
{
	live_field(unit, "uid", 24);
	live_field(unit, "serial", 16);
	live_field(unit, "verdict", 7);
	live_field(unit, "code", 16);
	fputs("shown ", stdout);
	live_field(unit, "shown_verdict", 7);
	live_field(unit, "shown_code", 0);
	putchar('\n');
}

static void show_shift(const struct cJSON *answer)
{
	static const char *const keys[] = { "id", "started_at", "started_by", "ends_at", "ended_at" };
	const struct cJSON *shift, *units;
	live_line(answer, "state");
	if (!json_object(answer, "shift", &shift, NULL))
		return;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		live_line(shift, keys[i]);
	if (!json_array(shift, "units", &units, NULL))
		return;
	for (const struct cJSON *u = json_first(units); u; u = json_after(u))
		show_unit(u);
}

static void show_mes(const struct cJSON *mes)
{
	static const char *const keys[] = { "state", "told", "behind_rows", "behind_ms", "parked", "taken", "failed",
		"next_try", "last_error", "interlock" };
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		live_line(mes, keys[i]);
}

static void show_parked_row(const struct cJSON *parked)
{
	live_field(parked, "row", 8);
	live_field(parked, "status", 6);
	live_field(parked, "event", 18);
	live_field(parked, "at", 24);
	live_field(parked, "id", 0);
	putchar('\n');
}

static void show_parked(const struct cJSON *list)
{
	puts("ROW      STATUS EVENT              AT                       ID");
	live_items(list, show_parked_row);
}

static void show_label(const struct cJSON *attempt)
{
	live_line(attempt, "id");
	live_line(attempt, "serial");
	live_line(attempt, "verdict");
}

/* One request of one path; verb NULL: it is only looked at. */
static int simple(int argc, char **argv, const char *usage, const char *path, bool post, live_show *show)
{
	struct live l = { .url = NULL };
	struct err e = ERR_INIT;
	const struct ctl_option options[] = { LIVE_OPTIONS(l), { 0, NULL, NULL, NULL, NULL } };
	if (!ctl_options(&argc, argv, options, &e) || !ctl_operands(argc, 0, 0, usage, &e))
		return ctl_refuse(&e);
	const struct live_request r = { .method = post ? "POST" : "GET", .path = path };
	return live_run(&l, &r, show);
}

int ctl_shift(int argc, char **argv)
{
	static const char usage[] = "shift [start|end] [--url U] [--json]";
	bool begin = argc > 1 && !strcmp(argv[1], "start"), end = argc > 1 && !strcmp(argv[1], "end");
	int skip = begin || end;
	return simple(argc - skip, argv + skip, usage,
	    begin ? "/shift/start"
	    : end ? "/shift/end"
		  : "/shift",
	    skip, show_shift);
}

static int mes_drop(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct err e = ERR_INIT;
	const struct ctl_option options[] = { LIVE_OPTIONS(l), { 0, NULL, NULL, NULL, NULL } };
	char path[LIVE_PATH] = "/mes/parked";
	if (!ctl_options(&argc, argv, options, &e) ||
	    !ctl_operands(argc, 1, 1, "mes drop ROW [--url U] [--json]", &e) ||
	    !live_path_add(path, NULL, argv[1], &e) || !live_path_add(path, NULL, "drop", &e))
		return ctl_refuse(&e);
	const struct live_request r = { .method = "POST", .path = path };
	return live_run(&l, &r, show_mes);
}

int ctl_mes(int argc, char **argv)
{
	static const char usage[] = "mes [parked | resend | drop ROW] [--url U] [--json]";
	bool parked = argc > 1 && !strcmp(argv[1], "parked"), resend = argc > 1 && !strcmp(argv[1], "resend");
	if (argc > 1 && !strcmp(argv[1], "drop"))
		return mes_drop(argc - 1, argv + 1);
	int skip = parked || resend;
	return simple(argc - skip, argv + skip, usage,
	    parked   ? "/mes/parked?limit=1000"
	    : resend ? "/mes/resend"
		     : "/mes",
	    resend, parked ? show_parked : show_mes);
}

int ctl_label(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct err e = ERR_INIT;
	const char *reason = NULL;
	const struct ctl_option options[] = { { 0, "reason", NULL, &reason, NULL }, LIVE_OPTIONS(l),
		{ 0, NULL, NULL, NULL, NULL } };
	char path[LIVE_PATH] = "/attempts";
	if (!ctl_options(&argc, argv, options, &e) ||
	    !ctl_operands(argc, 1, 1, "label ATTEMPT --reason TEXT [--url U] [--json]", &e) ||
	    (!reason && !err_set(&e, CODE_USAGE, "stationctl label ATTEMPT --reason TEXT")) ||
	    !live_path_add(path, NULL, argv[1], &e) || !live_path_add(path, NULL, "label", &e))
		return ctl_refuse(&e);
	struct cJSON *json = json_new_object();
	json_add_string(json, "reason", reason);
	AUTO_FREE char *body = json ? json_print(json) : NULL;
	json_free(json);
	if (!body) {
		err_set(&e, CODE_NO_MEMORY, "no memory for the request");
		return ctl_refuse(&e);
	}
	const struct live_request r = { .method = "POST", .path = path, .body = span_of(body, strlen(body)) };
	return live_run(&l, &r, show_label);
}
