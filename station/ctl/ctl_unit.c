/* stationctl unit and attempts: what the station's journal knows of cameras, and a unit's serial. */
#include "ctl/commands.h"
#include "ctl/filters.h"
#include "ctl/follow.h"

#include "format/json.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ATTEMPTS_HEAD                                                                                                  \
	"ID       STARTED                  SLOT VERDICT CODE                 UID                      ORDER"
#define ATTEMPTS_USAGE                                                                                                 \
	"attempts [ID [--proof]] " FILTERS_USAGE " [--limit N] [--cursor C] [--follow] [--url U] [--json]"

static void show_attempt_row(const struct cJSON *attempt)
{
	live_field(attempt, "id", 8);
	live_field(attempt, "started_at", 24);
	live_field(attempt, "slot", 4);
	live_field(attempt, "verdict", 7);
	live_field(attempt, "code", 20);
	live_field(attempt, "uid", 24);
	live_field(attempt, "order", 0);
	putchar('\n');
}

static void show_attempts(const struct cJSON *list)
{
	puts(ATTEMPTS_HEAD);
	live_items(list, show_attempt_row);
}

static void show_step(const struct cJSON *step)
{
	fputs("  ", stdout);
	live_field(step, "step", 10);
	live_field(step, "ms", 6);
	fputs("ms ", stdout);
	live_field(step, "bytes", 9);
	fputs("bytes ", stdout);
	live_field(step, "outcome", 0);
	putchar('\n');
}

static void show_region(const struct cJSON *region)
{
	fputs("  ", stdout);
	live_field(region, "partition", 10);
	live_field(region, "length", 9);
	fputs("bytes crc32 ", stdout);
	live_field(region, "crc32", 8);
	fputs("read ", stdout);
	live_field(region, "crc32_read", 0);
	putchar('\n');
}

static void show_each(const struct cJSON *attempt, const char *key, live_show *each)
{
	const struct cJSON *list;
	if (!json_array(attempt, key, &list, NULL) || !json_first(list))
		return;
	printf("%s:\n", key);
	for (const struct cJSON *i = json_first(list); i; i = json_after(i))
		each(i);
}

static void show_attempt(const struct cJSON *attempt)
{
	static const char *const keys[] = { "id", "uid", "serial", "usb_serial", "board", "slot", "batch", "order",
		"recipe", "operator", "permit", "permit_message", "started_at", "ended_at", "verdict", "refused",
		"code", "message", "action", "proof" };
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		live_line(attempt, keys[i]);
	show_each(attempt, "steps", show_step);
	show_each(attempt, "regions", show_region);
}

static bool show_followed(void *context, const char *kind, const struct cJSON *attempt, struct err *e)
{
	const struct live *l = context;
	(void)kind;
	if (l->json)
		return ctl_print_json(attempt, e);
	show_attempt_row(attempt);
	return true;
}

/* The proof as the station gives it, for a file. */
static int show_proof(const struct live *l, char path[LIVE_PATH])
{
	struct live_answer a = { .status = 0 };
	struct err e = ERR_INIT;
	const struct live_request r = { .method = "GET", .path = path, .copy = stdout };
	bool done = live_path_add(path, NULL, "proof", &e) && live_call(l, &r, &a, &e);
	live_clear(&a);
	return done ? CTL_DONE : ctl_refuse(&e);
}

int ctl_attempts(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct filters f = { { NULL } };
	struct err e = ERR_INIT;
	const char *limit = NULL, *cursor = NULL;
	bool follow = false, proof = false;
	struct ctl_option options[FILTERS + 7] = { [FILTERS] = { 0, "limit", NULL, &limit, NULL },
		{ 0, "cursor", NULL, &cursor, NULL },
		{ 'f', "follow", &follow, NULL, NULL },
		{ 0, "proof", &proof, NULL, NULL },
		LIVE_OPTIONS(l) };
	char path[LIVE_PATH] = "/attempts";
	filters_options(&f, options);
	if (!ctl_options(&argc, argv, options, &e) || !ctl_operands(argc, proof, !follow, ATTEMPTS_USAGE, &e) ||
	    (argc == 2 && !live_path_add(path, NULL, argv[1], &e)))
		return ctl_refuse(&e);
	if (proof)
		return show_proof(&l, path);
	if (!filters_add(&f, path, &e) || (limit && !live_path_add(path, "limit", limit, &e)) ||
	    (cursor && !live_path_add(path, "cursor", cursor, &e)))
		return ctl_refuse(&e);
	if (follow && !l.json)
		puts(ATTEMPTS_HEAD);
	if (follow) {
		fflush(stdout);
		return follow_attempts(&l, &f, show_followed, &l);
	}
	const struct live_request r = { .method = "GET", .path = path };
	return live_run(&l, &r, argc == 2 ? show_attempt : show_attempts);
}

#define UNIT_USAGE "unit UID|SERIAL [--follow] | bind UID SERIAL | unbind UID [--url U] [--json]"

static void show_unit_row(const struct cJSON *unit)
{
	live_field(unit, "uid", 24);
	live_field(unit, "serial", 20);
	live_field(unit, "board", 20);
	live_field(unit, "last_seen", 0);
	putchar('\n');
}

static void show_unit(const struct cJSON *unit)
{
	static const char *const keys[] = { "uid", "serial", "mac", "board", "first_seen", "last_seen", "passed",
		"unfinished", "status" };
	const struct cJSON *attempts;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		live_line(unit, keys[i]);
	if (!json_array(unit, "attempts", &attempts, NULL))
		return;
	puts(ATTEMPTS_HEAD);
	for (const struct cJSON *a = json_first(attempts); a; a = json_after(a))
		show_attempt_row(a);
}

/* With --json the unit as the API has it; else its log, which the station writes.  Of a serial that several units have,
 * the units. */
static bool show_one(const struct live *l, const char *name, struct err *e)
{
	char path[LIVE_PATH] = "/units";
	struct live_answer a;
	if (!live_path_add(path, NULL, name, e))
		return false;
	struct live_request r = { .method = "GET", .path = path };
	bool done = live_call(l, &r, &a, e);
	bool several = done && a.status == 300;
	if (l->json && a.json)
		fwrite(a.body, 1, a.size, stdout);
	else if (several)
		live_items(a.json, show_unit_row);
	live_clear(&a);
	if (several)
		return err_set(e, CODE_CONFLICT, "several units have this serial; name one by its UID");
	if (!done || l->json)
		return done;
	r.copy = stdout;
	done = live_path_add(path, NULL, "log", e) && live_call(l, &r, &a, e);
	live_clear(&a);
	return done;
}

struct one_unit {
	const struct live *live;
	const char *name;
};

static bool show_again(void *context, const char *kind, const struct cJSON *attempt, struct err *e)
{
	const struct one_unit *unit = context;
	const char *uid, *serial;
	(void)kind;
	bool ours = (json_string_or_null(attempt, "uid", &uid, NULL) && uid && !strcasecmp(uid, unit->name)) ||
		    (json_string_or_null(attempt, "serial", &serial, NULL) && serial && !strcmp(serial, unit->name));
	if (!ours)
		return true;
	if (!unit->live->json)
		fputs("\n----------------------------------------------------------------\n", stdout);
	return show_one(unit->live, unit->name, e);
}

static int show_unit_log(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct filters none = { { NULL } };
	struct err e = ERR_INIT;
	bool follow = false;
	const struct ctl_option options[] = { { 'f', "follow", &follow, NULL, NULL }, LIVE_OPTIONS(l),
		{ 0, NULL, NULL, NULL, NULL } };
	if (!ctl_options(&argc, argv, options, &e) || !ctl_operands(argc, 1, 1, UNIT_USAGE, &e) ||
	    !show_one(&l, argv[1], &e))
		return ctl_refuse(&e);
	struct one_unit unit = { &l, argv[1] };
	fflush(stdout);
	return follow ? follow_attempts(&l, &none, show_again, &unit) : CTL_DONE;
}

/* bind UID SERIAL, unbind UID */
static int bind(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct err e = ERR_INIT;
	const struct ctl_option options[] = { LIVE_OPTIONS(l), { 0, NULL, NULL, NULL, NULL } };
	char path[LIVE_PATH] = "/units";
	bool off = !strcmp(argv[0], "unbind");
	if (!ctl_options(&argc, argv, options, &e) || !ctl_operands(argc, 2 - off, 2 - off, UNIT_USAGE, &e) ||
	    !live_path_add(path, NULL, argv[1], &e) || !live_path_add(path, NULL, "serial", &e))
		return ctl_refuse(&e);
	struct cJSON *json = json_new_object();
	json_add_string(json, "serial", off ? NULL : argv[2]);
	AUTO_FREE char *body = json ? json_print(json) : NULL;
	json_free(json);
	if (!body) {
		err_set(&e, CODE_NO_MEMORY, "no memory for the request");
		return ctl_refuse(&e);
	}
	const struct live_request r = { .method = "POST", .path = path, .body = span_of(body, strlen(body)) };
	return live_run(&l, &r, show_unit);
}

int ctl_unit(int argc, char **argv)
{
	bool verb = argc > 1 && (!strcmp(argv[1], "bind") || !strcmp(argv[1], "unbind"));
	return verb ? bind(argc - 1, argv + 1) : show_unit_log(argc, argv);
}
