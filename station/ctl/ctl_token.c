/* stationctl token: list, create, revoke. */
#include "ctl/commands.h"
#include "ctl/local.h"

#include "format/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CREATE_USAGE "token create NAME --scope SCOPE[,SCOPE]... [--days N] [-c CONF]"
#define USUAL_DAYS   "365"

static void show_scopes(const struct cJSON *token)
{
	const struct cJSON *list;
	const char *between = "";
	if (!json_array(token, "scopes", &list, NULL))
		return;
	for (const struct cJSON *i = json_first(list); i; i = json_after(i), between = ",")
		printf("%s%s", between, json_text(i) ? json_text(i) : "?");
}

static void show_row(const struct cJSON *token)
{
	live_field(token, "id", 6);
	live_field(token, "expires_at", 24);
	live_field(token, "revoked_at", 24);
	live_field(token, "name", 16);
	show_scopes(token);
	putchar('\n');
}

static void show_list(const struct cJSON *list)
{
	puts("ID     EXPIRES                  REVOKED                  NAME             SCOPES");
	live_items(list, show_row);
}

/* On standard output the token alone, so that a program can take it from there. */
static void show_new(const struct cJSON *token)
{
	const char *text;
	if (!json_string(token, "token", &text, NULL))
		return;
	fputs("It is shown this once; keep it where only the program that needs it can read it.\n", stderr);
	puts(text);
}

static void show_token(const struct cJSON *token)
{
	static const char *const keys[] = { "id", "name", "created_at", "created_by", "expires_at", "revoked_at" };
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		live_line(token, keys[i]);
}

static int run(struct local *c, struct live *l, const struct live_request *r, live_show *show)
{
	struct err e = ERR_INIT;
	int status = local_begin(c, l, &e) ? live_run(l, r, show) : ctl_refuse(&e);
	local_end(c);
	return status;
}

static int token_list(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct local c = { .conf = NULL };
	struct err e = ERR_INIT;
	const struct ctl_option options[] = { LOCAL_OPTION(c), LIVE_OPTIONS(l), { 0, NULL, NULL, NULL, NULL } };
	const struct live_request r = { .method = "GET", .path = "/tokens?limit=1000" };
	if (!ctl_options(&argc, argv, options, &e) || !ctl_operands(argc, 0, 0, "token list [-c CONF] [--json]", &e))
		return ctl_refuse(&e);
	return run(&c, &l, &r, show_list);
}

static bool days_of(const char *text, int64_t *out)
{
	size_t n = strspn(text, "0123456789");
	*out = n && n <= 4 && !text[n] ? strtoll(text, NULL, 10) : 0;
	return *out > 0;
}

/* "read,batches" as a list. */
static void add_scopes(struct cJSON *body, const char *text)
{
	struct cJSON *list = json_add_array(body, "scopes");
	char word[32];
	for (const char *at = text; *at; at += strspn(at, ",")) {
		size_t n = strcspn(at, ",");
		snprintf(word, sizeof word, "%.*s", (int)(n < sizeof word ? n : sizeof word - 1), at);
		json_add_string(list, NULL, word);
		at += n;
	}
}

static int token_create(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct local c = { .conf = NULL };
	struct err e = ERR_INIT;
	const char *scopes = NULL, *days_text = NULL;
	const struct ctl_option options[] = { { 0, "scope", NULL, &scopes, NULL },
		{ 0, "days", NULL, &days_text, NULL }, LOCAL_OPTION(c), LIVE_OPTIONS(l),
		{ 0, NULL, NULL, NULL, NULL } };
	int64_t days;
	if (!ctl_options(&argc, argv, options, &e) || !ctl_operands(argc, 1, 1, CREATE_USAGE, &e))
		return ctl_refuse(&e);
	if (!scopes || !days_of(days_text ? days_text : USUAL_DAYS, &days)) {
		err_set(&e, CODE_USAGE, "stationctl " CREATE_USAGE);
		return ctl_refuse(&e);
	}
	AUTO_JSON struct cJSON *body = json_new_object();
	json_add_string(body, "name", argv[1]);
	add_scopes(body, scopes);
	json_add_integer(body, "days", days);
	AUTO_FREE char *text = body ? json_print(body) : NULL;
	if (!text) {
		err_set(&e, CODE_NO_MEMORY, "no memory for the request");
		return ctl_refuse(&e);
	}
	const struct live_request r = { .method = "POST", .path = "/tokens", .body = span_of(text, strlen(text)) };
	return run(&c, &l, &r, show_new);
}

static int token_revoke(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct local c = { .conf = NULL };
	struct err e = ERR_INIT;
	char path[LIVE_PATH] = "/tokens";
	const struct ctl_option options[] = { LOCAL_OPTION(c), LIVE_OPTIONS(l), { 0, NULL, NULL, NULL, NULL } };
	if (!ctl_options(&argc, argv, options, &e) || !ctl_operands(argc, 1, 1, "token revoke ID [-c CONF]", &e) ||
	    !live_path_add(path, NULL, argv[1], &e) || !live_path_add(path, NULL, "revoke", &e))
		return ctl_refuse(&e);
	const struct live_request r = { .method = "POST", .path = path };
	return run(&c, &l, &r, show_token);
}

static const struct ctl_command commands[] = {
	{ "create", CREATE_USAGE, token_create },
	{ "list", "token list [-c CONF] [--json]", token_list },
	{ "revoke", "token revoke ID [-c CONF]", token_revoke },
	{ NULL, NULL, NULL },
};

int ctl_token(int argc, char **argv)
{
	return ctl_dispatch(commands, "stationctl token", argc, argv);
}
