/* The arithmetic of quality, and tallies of made-up attempts; held against values computed elsewhere: intervals are the
 * roots of the score equation in decimal arithmetic of 40 digits, limits, percentiles and counts are by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "format/json.h"
#include "journal/tally.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void near(double got, double want)
{
	if (fabs(got - want) > 1e-6)
		fail_msg("got %.9f, want %.9f", got, want);
}

static void wilson_is_as_published(void **state)
{
	/* good, of, low, high */
	static const struct {
		int64_t good, of;
		double low, high;
	} rows[] = {
		{ 81, 263, 0.2552885, 0.3662096 }, /* Newcombe 1998, table I, method 3: .2553, .3662 */
		{ 15, 148, 0.0623864, 0.1604872 }, /* .0624, .1605 */
		{ 0, 20, 0, 0.1611252 },
		{ 1, 29, 0.0061132, 0.1717552 },
		{ 20, 20, 0.8388748, 1 },
		{ 1, 2, 0.0945312, 0.9054688 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rate r = rate_of(rows[i].good, rows[i].of);
		near(r.share, (double)rows[i].good / (double)rows[i].of);
		near(r.low, rows[i].low);
		near(r.high, rows[i].high);
	}
	struct rate none = rate_of(0, 0);
	near(none.high, 0);
	assert_int_equal(none.of, 0);
}

static void limits_are_three_deviations(void **state)
{
	double low, high;
	(void)state;
	control_limits(0.1, 100, &low, &high); /* sqrt(0.1 * 0.9 / 100) = 0.03 */
	near(low, 0.01);
	near(high, 0.19);
	control_limits(0.1, 4, &low, &high);
	near(low, 0);
	near(high, 0.55);
	control_limits(0, 5, &low, &high);
	near(high, 0);
}

static void percentiles_are_of_the_nearest_rank(void **state)
{
	uint32_t five[] = { 50, 15, 40, 20, 35 }, hundred[100];
	(void)state;
	sort_numbers(five, 5);
	assert_int_equal(percentile(five, 5, 5), 15);
	assert_int_equal(percentile(five, 5, 30), 20);
	assert_int_equal(percentile(five, 5, 40), 20);
	assert_int_equal(percentile(five, 5, 50), 35);
	assert_int_equal(percentile(five, 5, 100), 50);
	for (uint32_t i = 0; i < 100; i++)
		hundred[i] = i + 1;
	assert_int_equal(percentile(hundred, 100, 50), 50);
	assert_int_equal(percentile(hundred, 100, 90), 90);
	assert_int_equal(percentile(hundred, 100, 99), 99);
	assert_int_equal(percentile(hundred, 0, 50), 0);
	assert_int_equal(bin_width(24, 24), 1);
	assert_int_equal(bin_width(25, 24), 2);
	assert_int_equal(bin_width(100000, 24), 5000);
	assert_int_equal(bin_width(UINT32_MAX, 24), 200000000);
}

/* --- tallies ------------------------------------------------------------------------------------------------------ */

#define HOUR INT64_C(3600000)

static void add(struct tally *t, int64_t id, const char *uid, enum verdict verdict, const char *code, int64_t slot,
    int64_t started, int64_t ms)
{
	struct err e = ERR_INIT;
	struct tally_row row = { .id = id,
		.uid = uid,
		.code = code,
		.verdict = verdict,
		.slot = slot,
		.started = started,
		.ended = started + ms,
		.retries = verdict == VERDICT_ERROR };
	assert_true(tally_add(t, &row, &e));
}

static struct cJSON *printed(struct tally *t)
{
	struct err e = ERR_INIT;
	char *text = tally_print(t, "", "");
	assert_non_null(text);
	struct cJSON *json = json_parse(span_of(text, strlen(text)), &e);
	free(text);
	tally_free(t);
	assert_non_null(json);
	return json;
}

static const struct cJSON *part(const struct cJSON *json, const char *key)
{
	const struct cJSON *got = json_member(json, key);
	if (!got)
		fail_msg("there is no %s", key);
	return got;
}

static void number_is(const struct cJSON *json, const char *key, double want)
{
	double got;
	if (!json_real(json, key, &got))
		fail_msg("%s is no number", key);
	if (fabs(got - want) > 1e-6)
		fail_msg("%s is %.9f, want %.9f", key, got, want);
}

static const struct cJSON *item(const struct cJSON *list, int n)
{
	const struct cJSON *at = json_first(list);
	while (at && n--)
		at = json_after(at);
	assert_non_null(at);
	return at;
}

/* Four units: a passes at once; b fails, then passes; c fails twice; d meets trouble of the station only, then passes.
 * Counted by hand. */
static void yields_are_of_first_and_last_verdicts(void **state)
{
	struct tally *t;
	struct err e = ERR_INIT;
	(void)state;
	assert_true(tally_create(0, &t, &e));
	add(t, 1, "a", VERDICT_PASS, "ok", 1, 0, 1000);
	add(t, 2, "b", VERDICT_FAIL, "flash-mismatch", 1, 0, 1000);
	add(t, 3, "c", VERDICT_FAIL, "flash-mismatch", 1, 0, 1000);
	add(t, 4, "d", VERDICT_ERROR, "usb-gone", 1, 0, 1000);
	add(t, 5, "b", VERDICT_PASS, "ok", 1, HOUR, 3000);
	add(t, 6, "c", VERDICT_FAIL, "romfs-bad", 1, HOUR, 1000);
	add(t, 7, "d", VERDICT_PASS, "ok", 1, HOUR, 5000);
	add(t, 8, "d", VERDICT_ABORTED, "aborted", 1, HOUR, 1000);
	struct tally_row refusal = {
		.id = 9, .uid = "z", .code = "no-batch", .verdict = VERDICT_ERROR, .refused = true, .slot = 2
	};
	assert_true(tally_add(t, &refusal, &e));
	AUTO_JSON struct cJSON *json = printed(t);
	number_is(json, "attempts", 9);
	number_is(json, "pass", 3);
	number_is(json, "fail", 3);
	number_is(json, "error", 1);
	number_is(json, "aborted", 1);
	number_is(json, "refused", 1);
	number_is(json, "units", 5);
	number_is(json, "yield", 0.5);
	number_is(json, "first_pass_yield", 0.5); /* a and d of a, b, c, d */
	number_is(json, "final_yield", 0.75);
	const struct cJSON *rates = part(json, "rates");
	number_is(part(rates, "retry"), "good", 1); /* b of b and c */
	number_is(part(rates, "retry"), "of", 2);
	number_is(part(rates, "final"), "low", 0.300642);
	number_is(part(rates, "final"), "high", 0.954413);
	const struct cJSON *pareto = part(json, "pareto");
	assert_string_equal(json_text(part(item(pareto, 0), "code")), "flash-mismatch");
	number_is(item(pareto, 0), "share", 0.4);
	number_is(item(pareto, 3), "cumulative", 1);
	assert_null(json_after(item(pareto, 3)));
	const struct cJSON *hours = part(part(json, "p_chart"), "hours");
	number_is(item(hours, 0), "share", 2.0 / 3);
	number_is(item(hours, 1), "share", 1.0 / 3);
	assert_null(json_after(item(hours, 1)));
	number_is(part(json, "cycle"), "p50", 3000);
	number_is(part(json, "cycle"), "max", 5000);
}

static void an_hour_beyond_its_limits_is_marked(void **state)
{
	struct tally *t;
	struct err e = ERR_INIT;
	(void)state;
	assert_true(tally_create(0, &t, &e));
	/* hour 0: 100 pass; hour 1: 80 pass, 20 fail; p = 0.1, limits 0.01 and 0.19 */
	for (int i = 0; i < 200; i++) {
		char uid[12];
		snprintf(uid, sizeof uid, "%d", i);
		bool fails = i >= 180;
		add(t, i + 1, uid, fails ? VERDICT_FAIL : VERDICT_PASS, fails ? "flash-error" : "ok", 1, i / 100 * HOUR,
		    10);
	}
	AUTO_JSON struct cJSON *json = printed(t);
	const struct cJSON *chart = part(json, "p_chart");
	bool out;
	number_is(chart, "mean", 0.1);
	number_is(item(part(chart, "hours"), 0), "low", 0.01);
	number_is(item(part(chart, "hours"), 1), "high", 0.19);
	for (int i = 0; i < 2; i++)
		assert_true(json_bool(item(part(chart, "hours"), i), "out", &out, &e) && out);
}

/* Slot 1: three units fail and pass in slot 2.  Slot 2: one fails and fails in slot 3 as well.  Slot 3: one is never
 * tried again.  Slot 4: one fails and passes there. */
static void fill_follow(struct tally *t)
{
	static const char *const moved[] = { "a", "b", "c" };
	int64_t id = 1;
	for (int i = 0; i < 3; i++) {
		add(t, id++, moved[i], VERDICT_FAIL, "no-return", 1, 0, 10);
		add(t, id++, moved[i], VERDICT_FAIL, "no-return", 1, 0, 10); /* counts once */
		add(t, id++, moved[i], VERDICT_PASS, "ok", 2, 0, 10);
	}
	add(t, id++, "x", VERDICT_FAIL, "flash-error", 2, 0, 10);
	add(t, id++, "x", VERDICT_FAIL, "flash-error", 3, 0, 10);
	add(t, id++, "y", VERDICT_FAIL, "flash-error", 3, 0, 10);
	add(t, id++, "z", VERDICT_FAIL, "flash-error", 4, 0, 10);
	add(t, id++, "z", VERDICT_PASS, "ok", 4, 0, 10);
}

static void trouble_follows_the_unit_or_the_slot(void **state)
{
	struct tally *t;
	struct err e = ERR_INIT;
	(void)state;
	assert_true(tally_create(0, &t, &e));
	fill_follow(t);
	AUTO_JSON struct cJSON *json = printed(t);
	const struct cJSON *slots = part(json, "slots");
	number_is(part(item(slots, 0), "failed_units"), "passed_elsewhere", 3);
	assert_string_equal(json_text(part(item(slots, 0), "points_to")), "slot");
	number_is(part(item(slots, 1), "failed_units"), "failed_elsewhere", 1);
	assert_true(json_is_null(part(item(slots, 1), "points_to")));
	number_is(part(item(slots, 2), "failed_units"), "failed_elsewhere", 1);
	number_is(part(item(slots, 2), "failed_units"), "only_here", 1);
	number_is(part(item(slots, 3), "failed_units"), "passed_here", 1);
	/* asked for one slot: its figures alone, but elsewhere is still elsewhere */
	assert_true(tally_create(1, &t, &e));
	fill_follow(t);
	AUTO_JSON struct cJSON *one = printed(t);
	number_is(one, "attempts", 6);
	number_is(one, "units", 3);
	number_is(one, "final_yield", 0);
	number_is(part(item(part(one, "slots"), 0), "failed_units"), "passed_elsewhere", 3);
	assert_null(json_after(item(part(one, "slots"), 0)));
}

static void a_slot_that_slows_down_is_seen(void **state)
{
	struct tally *t;
	struct err e = ERR_INIT;
	const int64_t *ids;
	const int32_t *slots;
	(void)state;
	assert_true(tally_create(0, &t, &e));
	for (int i = 0; i < TALLY_STEPS + 40; i++)
		add(t, i + 1, "a", VERDICT_PASS, "ok", 1 + i % 2, 0, 10);
	size_t n = tally_passes(t, &ids, &slots);
	assert_int_equal(n, TALLY_STEPS);
	assert_int_equal(ids[0], 41);
	assert_int_equal(ids[n - 1], TALLY_STEPS + 40);
	for (size_t i = 0; i < n; i++) {
		/* slot 1 reads 1000 bytes a ms, then 800; slot 2 always 500 */
		int64_t speed = slots[i] == 2 ? 500 : i < n / 2 ? 1000 : 800;
		assert_true(tally_step(t, "read-back", slots[i], 100, 100 * speed, &e));
		assert_true(tally_step(t, "written", slots[i], (int64_t)i + 1, 0, &e));
	}
	AUTO_JSON struct cJSON *json = printed(t);
	const struct cJSON *list = part(json, "slots");
	number_is(item(list, 0), "mb_s_before", 1);
	number_is(item(list, 0), "mb_s_after", 0.8);
	number_is(item(list, 0), "drift", -0.2);
	number_is(item(list, 1), "mb_s", 0.5);
	number_is(item(list, 1), "drift", 0);
	const struct cJSON *steps = part(json, "steps");
	number_is(steps, "attempts", TALLY_STEPS);
	number_is(item(part(steps, "items"), 1), "p50", 2500);
	number_is(item(part(steps, "items"), 1), "p90", 4500);
	number_is(item(part(steps, "items"), 1), "p99", 4950);
}

static void bins_hold_every_cycle(void **state)
{
	struct tally *t;
	struct err e = ERR_INIT;
	(void)state;
	assert_true(tally_create(0, &t, &e));
	for (int i = 0; i < 200; i++)
		add(t, i + 1, "a", VERDICT_PASS, "ok", 1, 0, i == 199 ? 900000 : 2000 + i * 10);
	AUTO_JSON struct cJSON *json = printed(t);
	const struct cJSON *bins = part(part(json, "cycle"), "bins");
	int64_t sum = 0, count, last_end = 2000, from;
	const struct cJSON *last = NULL;
	for (const struct cJSON *b = json_first(bins); b; b = json_after(b)) {
		assert_true(
		    json_integer(b, "count", 0, 1000, &count, &e) && json_integer(b, "from_ms", 0, 1000000, &from, &e));
		assert_int_equal(from, last_end);
		last = b;
		sum += count;
		if (!json_is_null(json_member(b, "to_ms")))
			assert_true(json_integer(b, "to_ms", 0, 1000000, &last_end, &e));
	}
	assert_int_equal(sum, 200);
	assert_true(json_is_null(part(last, "to_ms"))); /* the one that was forgotten */
	number_is(last, "count", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wilson_is_as_published),
		cmocka_unit_test(limits_are_three_deviations),
		cmocka_unit_test(percentiles_are_of_the_nearest_rank),
		cmocka_unit_test(yields_are_of_first_and_last_verdicts),
		cmocka_unit_test(an_hour_beyond_its_limits_is_marked),
		cmocka_unit_test(trouble_follows_the_unit_or_the_slot),
		cmocka_unit_test(a_slot_that_slows_down_is_seen),
		cmocka_unit_test(bins_hold_every_cycle),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
