/* stationctl stats and export: attempts as figures, and as a table for other programs. */
#include "ctl/commands.h"
#include "ctl/filters.h"
#include "ctl/follow.h"

#include "format/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXPORT_S 600

#define WHOLE ((int64_t)1 << 53)

static int64_t number_of(const struct cJSON *object, const char *key)
{
	int64_t value = 0;
	return json_integer(object, key, -WHOLE, WHOLE, &value, NULL) ? value : 0;
}

static const char *name_of(const struct cJSON *object, const char *key)
{
	const struct cJSON *item = json_member(object, key);
	const char *text = item ? json_text(item) : NULL;
	return text ? text : "";
}

/* Prints what stands under key by a format with one %f, or as many spaces and a dash. */
static void show_real(const struct cJSON *object, const char *key, double factor, int width, const char *unit)
{
	double value;
	if (json_real(object, key, &value))
		printf("%*.2f%s", width, value * factor, unit);
	else
		printf("%*s%*s", width, "-", (int)strlen(unit), "");
}

static const struct cJSON *list_of(const struct cJSON *object, const char *key)
{
	const struct cJSON *list;
	return json_array(object, key, &list, NULL) ? json_first(list) : NULL;
}

static void show_rates(const struct cJSON *stats)
{
	static const char *const rates[][2] = { { "yield", "yield" }, { "first_pass", "first pass" },
		{ "retry", "retry" }, { "final", "final" } };
	const struct cJSON *all, *rate;
	if (!json_object(stats, "rates", &all, NULL))
		return;
	puts("\nRATE             SHARE   95 % INTERVAL        GOOD        OF");
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
		if (!json_object(all, rates[i][0], &rate, NULL))
			continue;
		printf("%-12s", rates[i][1]);
		show_real(rate, "rate", 100, 8, " %");
		show_real(rate, "low", 100, 8, " %");
		show_real(rate, "high", 100, 7, " %");
		printf("%10lld%10lld\n", (long long)number_of(rate, "good"), (long long)number_of(rate, "of"));
	}
}

static void show_codes(const struct cJSON *stats)
{
	const struct cJSON *code = list_of(stats, "pareto");
	if (code)
		puts("\nCODE                 VERDICT     COUNT    SHARE      SUM");
	for (; code; code = json_after(code)) {
		printf("%-20s %-7s%10lld", name_of(code, "code"), name_of(code, "verdict"),
		    (long long)number_of(code, "count"));
		show_real(code, "share", 100, 7, " %");
		show_real(code, "cumulative", 100, 7, " %");
		putchar('\n');
	}
}

/* Only the hours that were out of the ordinary; --json has all of them. */
static void show_hours(const struct cJSON *stats)
{
	const struct cJSON *chart, *first;
	bool out, none = true;
	if (!json_object(stats, "p_chart", &chart, NULL) || !(first = list_of(chart, "hours")))
		return;
	for (const struct cJSON *h = first; h; h = json_after(h)) {
		if (!json_bool(h, "out", &out, NULL) || !out)
			continue;
		if (none)
			puts("\nHOUR BEYOND ITS LIMITS       PASS      FAIL    SHARE   LIMITS");
		none = false;
		printf("%.16sZ     %10lld%10lld", name_of(h, "hour"), (long long)number_of(h, "pass"),
		    (long long)number_of(h, "fail"));
		show_real(h, "share", 100, 7, " %");
		show_real(h, "low", 100, 7, "");
		show_real(h, "high", 100, 7, " %");
		putchar('\n');
	}
	if (none)
		puts("\nno hour was beyond its control limits");
}

static void show_time(const char *name, const struct cJSON *of)
{
	printf("%-12s%10lld%10lld%10lld%10lld%10lld\n", name, (long long)number_of(of, "count"),
	    (long long)number_of(of, "p50"), (long long)number_of(of, "p90"), (long long)number_of(of, "p99"),
	    (long long)number_of(of, "max"));
}

static void show_times(const struct cJSON *stats)
{
	const struct cJSON *cycle, *steps;
	if (!json_object(stats, "cycle", &cycle, NULL) || !number_of(cycle, "count") ||
	    !json_object(stats, "steps", &steps, NULL))
		return;
	puts("\nMS OF A PASS     COUNT       P50       P90       P99   LONGEST");
	show_time("whole", cycle);
	for (const struct cJSON *s = list_of(steps, "items"); s; s = json_after(s))
		show_time(name_of(s, "step"), s);
}

static void show_slot(const struct cJSON *slot)
{
	const struct cJSON *yield, *failed;
	if (!json_object(slot, "yield", &yield, NULL) || !json_object(slot, "failed_units", &failed, NULL))
		return;
	printf("%4lld", (long long)number_of(slot, "slot"));
	show_real(yield, "rate", 100, 8, " %");
	printf("%8lld%7lld%7lld%7lld", (long long)number_of(slot, "pass"), (long long)number_of(slot, "fail"),
	    (long long)number_of(slot, "error"), (long long)number_of(slot, "retries"));
	show_real(slot, "mb_s", 1, 7, "");
	show_real(slot, "drift", 100, 8, "");
	printf("%7lld%7lld  %s\n", (long long)number_of(failed, "passed_elsewhere"),
	    (long long)number_of(failed, "failed_elsewhere"), name_of(slot, "points_to"));
}

static void show_slots(const struct cJSON *stats)
{
	const struct cJSON *slot = list_of(stats, "slots");
	if (slot)
		puts("\nSLOT   YIELD      PASS   FAIL  ERROR  RETRY   MB/s  CHANGE  ITS FAILED UNITS\n"
		     "                                                       %   PASS   FAIL ELSEWHERE");
	for (; slot; slot = json_after(slot))
		show_slot(slot);
}

static void show_stats(const struct cJSON *stats)
{
	live_line(stats, "from");
	live_line(stats, "to");
	printf("%lld attempts on %lld units: %lld PASS, %lld FAIL, %lld ERROR, %lld ABORTED, %lld refused\n",
	    (long long)number_of(stats, "attempts"), (long long)number_of(stats, "units"),
	    (long long)number_of(stats, "pass"), (long long)number_of(stats, "fail"),
	    (long long)number_of(stats, "error"), (long long)number_of(stats, "aborted"),
	    (long long)number_of(stats, "refused"));
	show_rates(stats);
	show_codes(stats);
	show_hours(stats);
	show_times(stats);
	show_slots(stats);
}

/* A journal of a million attempts is counted in seconds, on a busy machine in some more. */
#define STATS_S 120

struct stats_again {
	const struct live *live;
	const struct live_request *request;
};

/* After each attempt that ended, if there is any condition that it may change. */
static bool stats_again(void *context, const char *kind, const struct cJSON *attempt, struct err *e)
{
	const struct stats_again *again = context;
	(void)kind;
	(void)attempt;
	(void)e;
	if (!again->live->json)
		fputs("\n----------------------------------------------------------------\n", stdout);
	return live_run(again->live, again->request, show_stats) == CTL_DONE;
}

int ctl_stats(int argc, char **argv)
{
	struct live l = { .url = NULL };
	struct filters f = { { NULL } };
	struct err e = ERR_INIT;
	bool follow = false;
	struct ctl_option options[FILTERS + 4] = { [FILTERS] = { 'f', "follow", &follow, NULL, NULL },
		LIVE_OPTIONS(l) };
	char path[LIVE_PATH] = "/stats";
	filters_options(&f, options);
	if (!ctl_options(&argc, argv, options, &e) ||
	    !ctl_operands(argc, 0, 0, "stats " FILTERS_USAGE " [--follow] [--url U] [--json]", &e) ||
	    !filters_add(&f, path, &e))
		return ctl_refuse(&e);
	const struct live_request r = { .method = "GET", .path = path, .seconds = STATS_S };
	int status = live_run(&l, &r, show_stats);
	if (!follow || status != CTL_DONE)
		return status;
	struct stats_again again = { &l, &r };
	return follow_attempts(&l, &f, stats_again, &again);
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
	    !ctl_operands(argc, 0, 0, "export [-o FILE] " FILTERS_USAGE " [--url U] [--json]", &e))
		return ctl_refuse(&e);
	if (l.json)
		snprintf(path, sizeof path, "/exports/attempts.json");
	if (!filters_add(&f, path, &e))
		return ctl_refuse(&e);
	struct live_request r = { .method = "GET", .path = path, .seconds = EXPORT_S };
	return export_to(&l, &r, file, &e) ? CTL_DONE : ctl_refuse(&e);
}
