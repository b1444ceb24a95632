/* stationctl recipe add, approve, activate, retire, revoke: brings a recipe file to the station, and says what becomes
 * of it there. */
#include "ctl/upload.h"

#include "ctl/ctl_recipe.h"
#include "format/json.h"
#include "os/file.h"

#include <stdio.h>
#include <string.h>

#define SECONDS 180

/* The caller frees *data. */
static bool prepare(const char *path, uint8_t **data, struct live_request *r, struct err *e)
{
	size_t size;
	if (!file_read(path, RECIPE_MAX_BYTES, data, &size, e))
		return false;
	*r = (struct live_request){ .method = "POST",
		.path = "/recipes",
		.type = "application/octet-stream",
		.body = span_of(*data, size),
		.seconds = SECONDS };
	return true;
}

bool upload_recipe(const struct live *l, const char *path, char sha256[65], struct err *e)
{
	AUTO_FREE uint8_t *data = NULL;
	struct live_request r;
	struct live_answer a;
	const char *text;
	if (!prepare(path, &data, &r, e))
		return false;
	bool done = live_call(l, &r, &a, e) && json_string(a.json, "sha256", &text, e);
	if (done)
		snprintf(sha256, 65, "%s", text);
	live_clear(&a);
	return done;
}

static void show_recipe(const struct cJSON *recipe)
{
	static const char *const keys[] = { "sha256", "name", "version", "board", "rollback", "bytes", "added_at",
		"state", "revoked_at", "revoked_reason" };
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		live_line(recipe, keys[i]);
}

int ctl_recipe_add(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct err e = ERR_INIT;
	const struct ctl_option options[] = { LIVE_OPTIONS(l), { 0, NULL, NULL, NULL, NULL } };
	AUTO_FREE uint8_t *data = NULL;
	struct live_request r;
	if (!ctl_options(&argc, argv, options, &e) ||
	    !ctl_operands(argc, 1, 1, "recipe add IMG [--url U] [--json]", &e) || !prepare(argv[1], &data, &r, &e))
		return ctl_refuse(&e);
	return live_run(&l, &r, show_recipe);
}

/* What is said of a stored recipe: the path's last word, and whether it takes a reason. */
static int say_of_recipe(int argc, char **argv, const char *word, bool with_reason, const char *usage)
{
	struct live l = { .url = NULL };
	struct err e = ERR_INIT;
	const char *reason = NULL, *by = NULL;
	struct ctl_option options[] = { { 0, "by", NULL, &by, NULL }, { 0, "reason", NULL, &reason, NULL },
		LIVE_OPTIONS(l), { 0, NULL, NULL, NULL, NULL } };
	char path[LIVE_PATH] = "/recipes";
	if (!ctl_options(&argc, argv, options, &e) || !ctl_operands(argc, 1, 1, usage, &e) ||
	    (reason && !with_reason && !err_set(&e, CODE_USAGE, "%s", usage)) ||
	    !live_path_add(path, NULL, argv[1], &e) || !live_path_add(path, NULL, word, &e))
		return ctl_refuse(&e);
	struct cJSON *json = json_new_object();
	if (with_reason)
		json_add_string(json, "reason", reason);
	json_add_string(json, "by", by);
	AUTO_FREE char *body = json ? json_print(json) : NULL;
	json_free(json);
	if (!body) {
		err_set(&e, CODE_NO_MEMORY, "no memory for the request");
		return ctl_refuse(&e);
	}
	const struct live_request r = { .method = "POST", .path = path, .body = span_of(body, strlen(body)) };
	return live_run(&l, &r, show_recipe);
}

int ctl_recipe_revoke(int argc, char **argv)
{
	return say_of_recipe(argc, argv, "revoke", true, RECIPE_REVOKE_USAGE);
}

int ctl_recipe_approve(int argc, char **argv)
{
	return say_of_recipe(argc, argv, "approve", false, RECIPE_APPROVE_USAGE);
}

int ctl_recipe_activate(int argc, char **argv)
{
	return say_of_recipe(argc, argv, "activate", false, RECIPE_ACTIVATE_USAGE);
}

int ctl_recipe_retire(int argc, char **argv)
{
	return say_of_recipe(argc, argv, "retire", true, RECIPE_RETIRE_USAGE);
}
