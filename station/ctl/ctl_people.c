/* stationctl people: list, add, remove, role, pin, badge, own-pin; and stationctl audit. */
#include "ctl/commands.h"
#include "ctl/local.h"
#include "ctl/typed.h"

#include "format/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADD_USAGE    "people add NAME --role operator|supervisor|qa|integrator|admin [--pin] [--badge] [-c CONF]"
#define SECRET_USAGE "people pin|badge NAME [--none] [-c CONF]"
#define OWN_USAGE    "people own-pin NAME [--url U] [--json]"
#define TYPED_MAX    130
#define AUDIT_S      600

static void show_row(const struct cJSON *person)
{
	live_field(person, "role", 10);
	live_field(person, "pin", 5);
	live_field(person, "badge", 5);
	live_field(person, "added_at", 24);
	live_field(person, "name", 0);
	putchar('\n');
}

static void show_list(const struct cJSON *list)
{
	puts("ROLE       PIN   BADGE ADDED                    NAME");
	live_items(list, show_row);
}

static void show_person(const struct cJSON *person)
{
	static const char *const keys[] = { "name", "role", "pin", "badge", "added_at", "added_by" };
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		live_line(person, keys[i]);
}

/* One request to the station of --conf, or to the usual one. */
static int run(struct local *c, struct live *l, struct live_request *r, live_show *show)
{
	struct err e = ERR_INIT;
	int status = local_begin(c, l, &e) ? live_run(l, r, show) : ctl_refuse(&e);
	local_end(c);
	return status;
}

/* Takes the tree over; the text is the request's. */
static int post(struct local *c, struct live *l, const char *path, struct cJSON *body, live_show *show)
{
	struct err e = ERR_INIT;
	AUTO_FREE char *text = body ? json_print(body) : NULL;
	json_free(body);
	if (!text) {
		err_set(&e, CODE_NO_MEMORY, "no memory for the request");
		return ctl_refuse(&e);
	}
	struct live_request r = { .method = "POST", .path = path, .body = span_of(text, strlen(text)) };
	int status = run(c, l, &r, show);
	explicit_bzero(text, strlen(text));
	return status;
}

static int people_list(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct local c = { .conf = NULL };
	struct err e = ERR_INIT;
	const struct ctl_option options[] = { LOCAL_OPTION(c), LIVE_OPTIONS(l), { 0, NULL, NULL, NULL, NULL } };
	struct live_request r = { .method = "GET", .path = "/people?limit=1000" };
	if (!ctl_options(&argc, argv, options, &e) || !ctl_operands(argc, 0, 0, "people list [-c CONF] [--json]", &e))
		return ctl_refuse(&e);
	return run(&c, &l, &r, show_list);
}

static bool add_typed(struct cJSON *body, const char *key, const char *what, struct err *e)
{
	char text[TYPED_MAX];
	if (!typed_secret(what, text, sizeof text, e))
		return false;
	json_add_string(body, key, text);
	explicit_bzero(text, sizeof text);
	return true;
}

static int people_add(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct local c = { .conf = NULL };
	struct err e = ERR_INIT;
	const char *role = NULL;
	bool pin = false, badge = false;
	const struct ctl_option options[] = { { 0, "role", NULL, &role, NULL }, { 0, "pin", &pin, NULL, NULL },
		{ 0, "badge", &badge, NULL, NULL }, LOCAL_OPTION(c), LIVE_OPTIONS(l), { 0, NULL, NULL, NULL, NULL } };
	if (!ctl_options(&argc, argv, options, &e) || !ctl_operands(argc, 1, 1, ADD_USAGE, &e))
		return ctl_refuse(&e);
	if (!role) {
		err_set(&e, CODE_USAGE, "stationctl " ADD_USAGE);
		return ctl_refuse(&e);
	}
	struct cJSON *body = json_new_object();
	json_add_string(body, "name", argv[1]);
	json_add_string(body, "role", role);
	if ((pin && !add_typed(body, "pin", "PIN", &e)) || (badge && !add_typed(body, "badge", "badge", &e))) {
		json_free(body);
		return ctl_refuse(&e);
	}
	return post(&c, &l, "/people", body, show_person);
}

static bool person_path(char path[LIVE_PATH], const char *name, const char *verb, struct err *e)
{
	snprintf(path, LIVE_PATH, "/people");
	return live_path_add(path, NULL, name, e) && live_path_add(path, NULL, verb, e);
}

static int people_remove(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct local c = { .conf = NULL };
	struct err e = ERR_INIT;
	char path[LIVE_PATH];
	const struct ctl_option options[] = { LOCAL_OPTION(c), LIVE_OPTIONS(l), { 0, NULL, NULL, NULL, NULL } };
	if (!ctl_options(&argc, argv, options, &e) || !ctl_operands(argc, 1, 1, "people remove NAME [-c CONF]", &e) ||
	    !person_path(path, argv[1], "remove", &e))
		return ctl_refuse(&e);
	return post(&c, &l, path, json_new_object(), show_person);
}

static int people_role(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct local c = { .conf = NULL };
	struct err e = ERR_INIT;
	char path[LIVE_PATH];
	const struct ctl_option options[] = { LOCAL_OPTION(c), LIVE_OPTIONS(l), { 0, NULL, NULL, NULL, NULL } };
	if (!ctl_options(&argc, argv, options, &e) ||
	    !ctl_operands(argc, 2, 2, "people role NAME ROLE [-c CONF]", &e) || !person_path(path, argv[1], "role", &e))
		return ctl_refuse(&e);
	struct cJSON *body = json_new_object();
	json_add_string(body, "role", argv[2]);
	return post(&c, &l, path, body, show_person);
}

/* argv[0] is what is given or, with --none, taken away. */
static int people_secret(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct local c = { .conf = NULL };
	struct err e = ERR_INIT;
	const char *key = argv[0];
	char path[LIVE_PATH];
	bool none = false;
	const struct ctl_option options[] = { { 0, "none", &none, NULL, NULL }, LOCAL_OPTION(c), LIVE_OPTIONS(l),
		{ 0, NULL, NULL, NULL, NULL } };
	if (!ctl_options(&argc, argv, options, &e) || !ctl_operands(argc, 1, 1, SECRET_USAGE, &e) ||
	    !person_path(path, argv[1], key, &e))
		return ctl_refuse(&e);
	struct cJSON *body = json_new_object();
	if (none)
		json_add_null(body, key);
	else if (!add_typed(body, key, !strcmp(key, "pin") ? "PIN" : "badge", &e)) {
		json_free(body);
		return ctl_refuse(&e);
	}
	return post(&c, &l, path, body, show_person);
}

static void show_own(const struct cJSON *session)
{
	(void)session;
	puts("the PIN is changed; sessions of that name have ended");
}

/* By whoever has it: the old one proves that, no token and no right is needed. */
static int people_own_pin(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct local c = { .conf = NULL };
	struct err e = ERR_INIT;
	const struct ctl_option options[] = { LIVE_OPTIONS(l), { 0, NULL, NULL, NULL, NULL } };
	if (!ctl_options(&argc, argv, options, &e) || !ctl_operands(argc, 1, 1, OWN_USAGE, &e))
		return ctl_refuse(&e);
	struct cJSON *body = json_new_object();
	json_add_string(body, "name", argv[1]);
	if (!add_typed(body, "pin", "old PIN", &e) || !add_typed(body, "new_pin", "new PIN", &e)) {
		json_free(body);
		return ctl_refuse(&e);
	}
	return post(&c, &l, "/session/pin", body, show_own);
}

static const struct ctl_command commands[] = {
	{ "add", ADD_USAGE, people_add },
	{ "badge", "people badge NAME [--none] [-c CONF]", people_secret },
	{ "list", "people list [-c CONF] [--json]", people_list },
	{ "own-pin", OWN_USAGE, people_own_pin },
	{ "pin", "people pin NAME [--none] [-c CONF]", people_secret },
	{ "remove", "people remove NAME [-c CONF]", people_remove },
	{ "role", "people role NAME ROLE [-c CONF]", people_role },
	{ NULL, NULL, NULL },
};

int ctl_people(int argc, char **argv)
{
	return ctl_dispatch(commands, "stationctl people", argc, argv);
}

/* --- audit -------------------------------------------------------------------------------------------------------- */

static void show_action(const struct cJSON *action)
{
	const struct cJSON *details;
	live_field(action, "at", 24);
	live_field(action, "who", 20);
	live_field(action, "from", 15);
	live_field(action, "what", 16);
	AUTO_FREE char *text = json_object(action, "details", &details, NULL) ? json_print(details) : NULL;
	if (text)
		ctl_print_text(span_of(text, strlen(text)));
	putchar('\n');
}

static void show_audit(const struct cJSON *list)
{
	puts("AT                       WHO                  FROM            WHAT             DETAILS");
	live_items(list, show_action);
}

/* As a table for other programs, all of it and oldest first. */
static int audit_csv(struct local *c, struct live *l, struct live_request *r)
{
	struct err e = ERR_INIT;
	struct live_answer a = { .status = 0 };
	r->copy = stdout;
	r->seconds = AUDIT_S;
	bool done = local_begin(c, l, &e) && live_call(l, r, &a, &e);
	live_clear(&a);
	local_end(c);
	return done ? CTL_DONE : ctl_refuse(&e);
}

int ctl_audit(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct local c = { .conf = NULL };
	struct err e = ERR_INIT;
	const char *values[6] = { NULL };
	bool csv = false;
	const struct ctl_option options[] = { { 0, "who", NULL, &values[0], NULL },
		{ 0, "what", NULL, &values[1], NULL }, { 0, "from", NULL, &values[2], NULL },
		{ 0, "to", NULL, &values[3], NULL }, { 0, "limit", NULL, &values[4], NULL },
		{ 0, "cursor", NULL, &values[5], NULL }, { 0, "csv", &csv, NULL, NULL }, LOCAL_OPTION(c),
		LIVE_OPTIONS(l), { 0, NULL, NULL, NULL, NULL } };
	char path[LIVE_PATH] = "/audit";
	if (!ctl_options(&argc, argv, options, &e) ||
	    !ctl_operands(argc, 0, 0, "audit [FILTER]... [--csv] [-c CONF] [--json]", &e))
		return ctl_refuse(&e);
	if (csv)
		snprintf(path, sizeof path, "/exports/audit.csv");
	for (size_t i = 0; i < 6; i++)
		if (values[i] && !live_path_add(path, options[i].name, values[i], &e))
			return ctl_refuse(&e);
	struct live_request r = { .method = "GET", .path = path };
	return csv ? audit_csv(&c, &l, &r) : run(&c, &l, &r, show_audit);
}
