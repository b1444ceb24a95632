/* A tally as JSON: the answer of GET /stats. */
#include "journal/tally.h"

#include "base/timefmt.h"
#include "format/json.h"
#include "journal/tally_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HOURS_SHOWN 500
#define BINS        24
#define DRIFT_LEAST 10 /* attempts in each half of a slot's, before a drift is told */
#define SUSPECT     3  /* units, before a finger is pointed */

static double digits6(double value)
{
	return round(value * 1e6) / 1e6;
}

static void add_share(struct cJSON *json, const char *key, const struct rate *r, double value)
{
	if (r->of > 0)
		json_add_number(json, key, digits6(value));
	else
		json_add_null(json, key);
}

static void add_rate(struct cJSON *parent, const char *key, struct rate r)
{
	struct cJSON *json = json_add_object(parent, key);
	json_add_integer(json, "good", r.good);
	json_add_integer(json, "of", r.of);
	add_share(json, "rate", &r, r.share);
	add_share(json, "low", &r, r.low);
	add_share(json, "high", &r, r.high);
}

/* --- yields ------------------------------------------------------------------------------------------------------- */

static void add_counts(struct cJSON *json, const struct tally *t)
{
	json_add_integer(json, "attempts", t->attempts);
	json_add_integer(json, "pass", t->pass);
	json_add_integer(json, "fail", t->fail);
	json_add_integer(json, "error", t->error);
	json_add_integer(json, "aborted", t->aborted);
	json_add_integer(json, "refused", t->refused);
}

static void add_yields(struct cJSON *json, const struct tally *t)
{
	int64_t judged = 0, first = 0, final = 0, again = 0, saved = 0, seen = 0;
	for (size_t i = 0; i < t->unit_count; i++) {
		const struct tally_unit *u = &t->units[i];
		bool failed_first = u->first == VERDICT_FAIL && u->verdicts > 1;
		judged += u->first != 0;
		first += u->first == VERDICT_PASS;
		final += u->last == VERDICT_PASS;
		again += failed_first;
		saved += failed_first && u->last == VERDICT_PASS;
		/* one that is known from another slot only is there for the sake of "elsewhere" */
		seen += u->first != 0 || (!u->passed_in[0] && !u->failed_in[0]);
	}
	struct rate yield = rate_of(t->pass, t->pass + t->fail), of_first = rate_of(first, judged);
	struct rate of_final = rate_of(final, judged);
	json_add_integer(json, "units", seen);
	add_share(json, "yield", &yield, yield.share);
	add_share(json, "first_pass_yield", &of_first, of_first.share);
	add_share(json, "final_yield", &of_final, of_final.share);
	struct cJSON *rates = json_add_object(json, "rates");
	add_rate(rates, "yield", yield);
	add_rate(rates, "first_pass", of_first);
	add_rate(rates, "retry", rate_of(saved, again));
	add_rate(rates, "final", of_final);
}

/* --- codes -------------------------------------------------------------------------------------------------------- */

static int by_count(const void *a, const void *b)
{
	const struct tally_code *x = a, *y = b;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->code, y->code);
}

static int by_trouble(const void *a, const void *b)
{
	const struct tally_code *x = a, *y = b;
	int64_t p = x->count - x->refused, q = y->count - y->refused;
	if (p != q)
		return p < q ? 1 : -1;
	return strcmp(x->code, y->code);
}

static void add_codes(struct cJSON *json, struct tally *t)
{
	struct cJSON *list = json_add_array(json, "codes");
	if (t->code_count)
		qsort(t->codes, t->code_count, sizeof *t->codes, by_count);
	for (size_t i = 0; i < t->code_count; i++) {
		struct cJSON *item = json_add_object(list, NULL);
		json_add_string(item, "code", t->codes[i].code);
		json_add_integer(item, "count", t->codes[i].count);
	}
}

/* What ended FAIL, ERROR or ABORTED, the most frequent first, each with its share of all and the sum so far. */
static void add_pareto(struct cJSON *json, struct tally *t)
{
	int64_t all = t->fail + t->error + t->aborted, sum = 0;
	struct cJSON *list = json_add_array(json, "pareto");
	if (t->code_count)
		qsort(t->codes, t->code_count, sizeof *t->codes, by_trouble);
	for (size_t i = 0; i < t->code_count; i++) {
		const struct tally_code *c = &t->codes[i];
		int64_t count = c->count - c->refused;
		if (c->verdict == VERDICT_PASS || !count)
			continue;
		struct cJSON *item = json_add_object(list, NULL);
		sum += count;
		json_add_string(item, "code", c->code);
		json_add_string(item, "verdict", verdict_name(c->verdict));
		json_add_integer(item, "count", count);
		json_add_number(item, "share", digits6((double)count / (double)all));
		json_add_number(item, "cumulative", digits6((double)sum / (double)all));
	}
}

/* --- hours -------------------------------------------------------------------------------------------------------- */

/* Control limits are about the share of FAIL: the mean is that of all hours, also of those not shown. */
static void add_chart(struct cJSON *json, const struct tally *t)
{
	struct cJSON *chart = json_add_object(json, "p_chart");
	struct rate mean = rate_of(t->fail, t->pass + t->fail);
	size_t first = t->hour_count > HOURS_SHOWN ? t->hour_count - HOURS_SHOWN : 0;
	add_share(chart, "mean", &mean, mean.share);
	json_add_integer(chart, "hours_before", (int64_t)first);
	struct cJSON *list = json_add_array(chart, "hours");
	for (size_t i = first; i < t->hour_count; i++) {
		const struct tally_hour *h = &t->hours[i];
		char text[TIME_TEXT_SIZE];
		double low, high, share = (double)h->fail / (double)(h->pass + h->fail);
		control_limits(mean.share, h->pass + h->fail, &low, &high);
		time_format(text, h->hour * 3600000);
		struct cJSON *item = json_add_object(list, NULL);
		json_add_string(item, "hour", text);
		json_add_integer(item, "pass", h->pass);
		json_add_integer(item, "fail", h->fail);
		json_add_number(item, "share", digits6(share));
		json_add_number(item, "low", digits6(low));
		json_add_number(item, "high", digits6(high));
		json_add_bool(item, "out", share > high || share < low);
	}
}

/* --- times -------------------------------------------------------------------------------------------------------- */

static void add_percentiles(struct cJSON *json, struct numbers *n)
{
	static const struct {
		const char *name;
		unsigned percent;
	} wanted[] = { { "p50", 50 }, { "p90", 90 }, { "p99", 99 }, { "max", 100 } };
	sort_numbers(n->items, n->count);
	json_add_integer(json, "count", (int64_t)n->count);
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		if (n->count)
			json_add_integer(json, wanted[i].name, percentile(n->items, n->count, wanted[i].percent));
		else
			json_add_null(json, wanted[i].name);
	}
}

/* One bin; to < 0: it has no end. */
static void add_bin(struct cJSON *list, int64_t from, int64_t to, int64_t count)
{
	struct cJSON *bin = json_add_object(list, NULL);
	json_add_integer(bin, "from_ms", from);
	if (to < 0)
		json_add_null(bin, "to_ms");
	else
		json_add_integer(bin, "to_ms", to);
	json_add_integer(bin, "count", count);
}

/* Bins from the shortest cycle to the 99th percentile; what took longer stands in a last one without an end, so that a
 * camera that somebody forgot does not flatten the picture. */
static void add_bins(struct cJSON *json, const struct numbers *n)
{
	struct cJSON *list = json_add_array(json, "bins");
	if (!n->count)
		return;
	uint32_t most = percentile(n->items, n->count, 99);
	uint32_t width = bin_width(most - n->items[0] + 1, BINS);
	uint64_t from = n->items[0] / width * width;
	size_t at = 0;
	for (; from <= most; from += width) {
		size_t begin = at;
		while (at < n->count && n->items[at] < from + width)
			at++;
		add_bin(list, (int64_t)from, (int64_t)(from + width), (int64_t)(at - begin));
	}
	if (at < n->count)
		add_bin(list, (int64_t)from, -1, (int64_t)(n->count - at));
}

static void add_times(struct cJSON *json, struct tally *t)
{
	struct cJSON *cycle = json_add_object(json, "cycle");
	add_percentiles(cycle, &t->cycles);
	add_bins(cycle, &t->cycles);
	struct cJSON *steps = json_add_object(json, "steps");
	json_add_integer(steps, "attempts", t->passes < TALLY_STEPS ? t->passes : TALLY_STEPS);
	struct cJSON *list = json_add_array(steps, "items");
	for (unsigned i = 0; i < t->step_count; i++) {
		struct cJSON *item = json_add_object(list, NULL);
		json_add_string(item, "step", t->step_names[i]);
		add_percentiles(item, &t->steps[i]);
	}
}

/* --- slots -------------------------------------------------------------------------------------------------------- */

/* The median of a part of a slot's speeds, which stand in the order of time. */
static uint32_t median(const struct numbers *n, size_t from, size_t count)
{
	uint32_t *part = malloc(count * sizeof *part);
	if (!part)
		return 0;
	memcpy(part, n->items + from, count * sizeof *part);
	sort_numbers(part, count);
	uint32_t middle = percentile(part, count, 50);
	free(part);
	return middle;
}

static void add_speed(struct cJSON *json, const char *key, uint32_t kb_s)
{
	if (kb_s)
		json_add_number(json, key, kb_s / 1000.0);
	else
		json_add_null(json, key);
}

static void add_speeds(struct cJSON *json, const struct tally_slot *s)
{
	size_t n = s->speeds.count, half = n / 2;
	bool told = half >= DRIFT_LEAST;
	uint32_t before = told ? median(&s->speeds, 0, half) : 0;
	uint32_t after = told ? median(&s->speeds, n - half, half) : 0;
	add_speed(json, "mb_s", n ? median(&s->speeds, 0, n) : 0);
	add_speed(json, "mb_s_before", before);
	add_speed(json, "mb_s_after", after);
	if (before && after)
		json_add_number(json, "drift", digits6((double)after / before - 1));
	else
		json_add_null(json, "drift");
}

/* Units that failed here: did the trouble stay with the slot, or go with the unit? */
static void add_follows(struct cJSON *json, const struct tally_slot *s)
{
	struct cJSON *f = json_add_object(json, "failed_units");
	bool slot = s->passed_elsewhere >= SUSPECT && s->passed_elsewhere > 2 * s->failed_elsewhere;
	bool unit = s->failed_elsewhere >= SUSPECT && s->failed_elsewhere > 2 * s->passed_elsewhere;
	json_add_integer(f, "passed_elsewhere", s->passed_elsewhere);
	json_add_integer(f, "failed_elsewhere", s->failed_elsewhere);
	json_add_integer(f, "passed_here", s->passed_here);
	json_add_integer(f, "only_here", s->only_here);
	json_add_string(json, "points_to", slot ? "slot" : unit ? "unit" : NULL);
}

static void add_slots(struct cJSON *json, const struct tally *t)
{
	struct cJSON *list = json_add_array(json, "slots");
	for (int64_t i = 1; i < t->slot_room; i++) {
		const struct tally_slot *s = &t->slots[i];
		if (!s->seen)
			continue;
		struct cJSON *item = json_add_object(list, NULL);
		json_add_integer(item, "slot", i);
		json_add_integer(item, "pass", s->pass);
		json_add_integer(item, "fail", s->fail);
		json_add_integer(item, "error", s->error);
		json_add_integer(item, "aborted", s->aborted);
		json_add_integer(item, "refused", s->refused);
		json_add_integer(item, "retries", s->retries);
		if (s->pass)
			json_add_integer(item, "ms", (s->pass_ms + s->pass / 2) / s->pass);
		else
			json_add_null(item, "ms");
		add_rate(item, "yield", rate_of(s->pass, s->pass + s->fail));
		add_speeds(item, s);
		add_follows(item, s);
	}
}

char *tally_print(struct tally *t, const char *from, const char *to)
{
	AUTO_JSON struct cJSON *json = json_new_object();
	tally_follow(t);
	json_add_string(json, "from", *from ? from : NULL);
	json_add_string(json, "to", *to ? to : NULL);
	add_counts(json, t);
	add_yields(json, t);
	add_codes(json, t);
	add_pareto(json, t);
	add_chart(json, t);
	add_times(json, t);
	add_slots(json, t);
	return json ? json_print(json) : NULL;
}
