/* stationctl stats and export: attempts as figures, and as a table for other programs. */
#include "ctl/commands.h"
#include "ctl/filters.h"

#include "format/json.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define EXPORT_S 600

static void show_code(const struct cJSON *code)
{
	fputs("  ", stdout);
	live_field(code, "code", 20);
	live_field(code, "count", 0);
	putchar('\n');
}

static void show_slot(const struct cJSON *slot)
{
	static const char *const keys[] = { "pass", "fail", "error", "aborted", "ms" };
	fputs("  slot ", stdout);
	live_field(slot, "slot", 3);
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		printf(" %s ", keys[i]);
		live_field(slot, keys[i], 4);
	}
	putchar('\n');
}

static void show_list(const struct cJSON *stats, const char *key, live_show *each)
{
	const struct cJSON *list;
	if (!json_array(stats, key, &list, NULL) || !json_first(list))
		return;
	printf("%s:\n", key);
	for (const struct cJSON *i = json_first(list); i; i = json_after(i))
		each(i);
}

/* In per cent: a rate is no whole number, as all other fields are. */
static void show_rate(const struct cJSON *stats, const char *key)
{
	double rate;
	if (json_real(stats, key, &rate))
		printf("%s: %.2f %%\n", key, 100 * rate);
}

static void show_stats(const struct cJSON *stats)
{
	static const char *const keys[] = { "from", "to", "attempts", "units", "pass", "fail", "error", "aborted",
		"refused" };
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		live_line(stats, keys[i]);
	show_rate(stats, "yield");
	show_rate(stats, "first_pass_yield");
	show_rate(stats, "final_yield");
	show_list(stats, "codes", show_code);
	show_list(stats, "slots", show_slot);
}

int ctl_stats(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct filters f = { { NULL } };
	struct err e = ERR_INIT;
	struct ctl_option options[FILTERS + 3] = { [FILTERS] = LIVE_OPTIONS(l) };
	char path[LIVE_PATH] = "/stats";
	filters_options(&f, options);
	if (!ctl_options(&argc, argv, options, &e) ||
	    !ctl_operands(argc, 0, 0, "stats " FILTERS_USAGE " [--url U] [--json]", &e) || !filters_add(&f, path, &e))
		return ctl_refuse(&e);
	const struct live_request r = { .method = "GET", .path = path };
	return live_run(&l, &r, show_stats);
}

/* What is not whole must not look as if it were: a file that could not be finished is removed. */
static bool export_to(const struct live *l, struct live_request *r, const char *file, struct err *e)
{
	struct live_answer a;
	r->copy = file ? fopen(file, "wx") : stdout;
	if (!r->copy)
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot create %.150s", file);
	bool done = live_call(l, r, &a, e);
	live_clear(&a);
	if (!file)
		return done;
	if (done && (fflush(r->copy) || fsync(fileno(r->copy))))
		done = err_sys(e, CODE_FILE_FAILED, errno, "cannot write %.150s", file);
	if (fclose(r->copy) && done)
		done = err_sys(e, CODE_FILE_FAILED, errno, "cannot write %.150s", file);
	if (!done)
		unlink(file);
	return done;
}

int ctl_export(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct filters f = { { NULL } };
	struct err e = ERR_INIT;
	const char *file = NULL;
	struct ctl_option options[FILTERS + 4] = { [FILTERS] = { 'o', "output", NULL, &file, NULL }, LIVE_OPTIONS(l) };
	char path[LIVE_PATH] = "/exports/attempts.csv";
	filters_options(&f, options);
	if (!ctl_options(&argc, argv, options, &e) ||
	    !ctl_operands(argc, 0, 0, "export [-o FILE] " FILTERS_USAGE " [--url U]", &e) || !filters_add(&f, path, &e))
		return ctl_refuse(&e);
	struct live_request r = { .method = "GET", .path = path, .seconds = EXPORT_S };
	return export_to(&l, &r, file, &e) ? CTL_DONE : ctl_refuse(&e);
}
