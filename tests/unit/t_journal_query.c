/* What is read back from the journal: shapes, filters, pages, the line's look-ups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "journal/lookup.h"
#include "journal_bodies.h"
#include "os/log.h"

/* One factory day, made once: two recipes of one product, two batches, two units. */
static struct place place;
static struct journal *j;
static struct journal_reader *r;
static int64_t batch_1, batch_2, pass_1, fail_2, open_attempt, refusal;

static int day(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	place_make(&place);
	if (!place_open(&place, &j, &e) || !journal_reader_open(place.db, &r, &e))
		return -1;
	put(j, KIND_STATION_STARTED, "{\"station\":\"line-1\",\"version\":\"1\"}");
	put_recipe(j, SHA_A, "cam", 3);
	put_recipe(j, SHA_B, "cam", 2);
	put(j, KIND_SLOT_ADDED, "{\"slot\":1,\"name\":\"left\",\"path\":\"1-1.1\"}");
	batch_1 = put_batch(j, SHA_A, "WO-1", 2);
	pass_1 = put_pass(j, UID_1, batch_1, "WO-1", SHA_A, 1);
	fail_2 = put_start(j, UID_2, batch_1, "WO-1", SHA_A, 2);
	put_writing(j, fail_2);
	put_end(j, fail_2, "FAIL", "flash-mismatch");
	refusal = put_refusal(j, "null", "uid-malformed");
	put(j, KIND_BATCH_CLOSED, "{\"batch\":\"%lld\",\"by\":null}", (long long)batch_1);
	batch_2 = put_batch(j, SHA_A, "WO-2", 5);
	open_attempt = put_start(j, UID_2, batch_2, "WO-2", SHA_A, 2);
	put_step(j, open_attempt, "identified", "ok");
	put(j, KIND_UNIT_SERIAL, "{\"uid\":\"" UID_1 "\",\"serial\":\"SN-1\",\"by\":\"anna\"}");
	return open_attempt ? 0 : -1;
}

static int night(void **state)
{
	(void)state;
	journal_reader_close(r);
	journal_close(j);
	place_remove(&place);
	return 0;
}

static const char *const attempt_keys[] = { "id", "kind", "uid", "serial", "usb_serial", "batch", "order", "recipe",
	"slot", "operator", "permit", "permit_message", "station", "board", "transport", "started_at", "ended_at",
	"verdict", "refused", "code", "message", "action", "retries", "steps", "regions", "proof", "versions", "label",
	NULL };

/* The value at a path of keys, an array's n-th item as "#n"; printed, so that one comparison tells all. */
static char *at(const struct cJSON *tree, const char *path)
{
	char key[64];
	while (tree && *path) {
		size_t n = strcspn(path, ".");
		snprintf(key, sizeof key, "%.*s", (int)n, path);
		path += n + (path[n] == '.');
		if (key[0] == '#') {
			tree = json_first(tree);
			for (long i = strtol(key + 1, NULL, 10); tree && i > 0; i--)
				tree = json_after(tree);
		} else {
			tree = json_member(tree, key);
		}
	}
	return tree ? json_print(tree) : strdup("(nothing)");
}

static void has(const struct cJSON *tree, const char *path, const char *value)
{
	char *text = at(tree, path);
	if (strcmp(text, value) != 0)
		fail_msg("%s is %s, not %s", path, text, value);
	free(text);
}

/* Parses and frees the text. */
static struct cJSON *take(char *text)
{
	assert_non_null(text);
	struct cJSON *tree = tree_of(text);
	free(text);
	return tree;
}

static const char *quoted(int64_t id)
{
	static char texts[4][32];
	static int n;
	n = (n + 1) % 4;
	snprintf(texts[n], sizeof texts[n], "\"%lld\"", (long long)id);
	return texts[n];
}

static void attempt_has_its_shape(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	char *text;
	assert_true(query_attempt(r, pass_1, &text, &e));
	AUTO_JSON struct cJSON *a = take(text);
	assert_true(json_only_keys(a, attempt_keys, &e));
	for (int i = 0; attempt_keys[i]; i++)
		assert_non_null(json_member(a, attempt_keys[i]));
	has(a, "id", quoted(pass_1));
	has(a, "uid", "\"" UID_1 "\"");
	has(a, "serial", "\"SN-1\"");
	has(a, "batch", quoted(batch_1));
	has(a, "order", "\"WO-1\"");
	has(a, "slot", "1");
	has(a, "station", "\"line-1\"");
	has(a, "started_at", "\"" WHEN "\"");
	has(a, "verdict", "\"PASS\"");
	has(a, "refused", "false");
	has(a, "code", "\"ok\"");
	has(a, "proof", "\"run\"");
	has(a, "versions.bootloader", "\"1.0.3\"");
	has(a, "versions.firmware", "\"4.7.0\"");
	has(a, "steps.#0",
	    "{\"step\":\"identified\",\"started_at\":\"" WHEN
	    "\",\"ms\":12,\"bytes\":4096,\"units\":1,\"skipped\":0,\"outcome\":\"ok\"}");
	has(a, "steps.#3.step", "\"proved\"");
	has(a, "steps.#4", "(nothing)");
	has(a, "regions.#0",
	    "{\"partition\":\"ROMFS0\",\"length\":123,\"crc32\":\"cbf43926\",\"crc32_read\":\"cbf43926\","
	    "\"sha256_read\":\"" SHA_B "\",\"files\":3,\"crc32_core\":null,\"files_core\":null}");
	assert_false(query_attempt(r, 999999, &text, &e));
	assert_int_equal(e.code, CODE_NOT_FOUND);
}

static void refusal_is_an_attempt(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	char *text;
	assert_true(query_attempt(r, refusal, &text, &e));
	AUTO_JSON struct cJSON *a = take(text);
	has(a, "refused", "true");
	has(a, "verdict", "\"ERROR\"");
	has(a, "code", "\"uid-malformed\"");
	has(a, "uid", "null");
	has(a, "steps.#0.step", "\"identified\"");
}

static void running_attempt_has_no_end(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	char *text;
	assert_true(query_attempt(r, open_attempt, &text, &e));
	AUTO_JSON struct cJSON *a = take(text);
	has(a, "ended_at", "null");
	has(a, "verdict", "null");
	has(a, "regions", "[]");
}

/* How many attempts a filter finds, walking pages of one. */
static int count_of(struct query_filter f)
{
	struct err e = ERR_INIT;
	int n = 0;
	f.limit = 1;
	for (;; n++) {
		char *text, *next;
		if (!query_attempts(r, &f, &text, &e))
			fail_msg("%s", e.msg);
		AUTO_JSON struct cJSON *page = take(text);
		next = at(page, "items.#0");
		bool none = !strcmp(next, "(nothing)");
		free(next);
		next = at(page, "next");
		f.cursor = next[0] == '"' ? strtoll(next + 1, NULL, 10) : 0;
		free(next);
		if (none)
			return n;
		if (!f.cursor)
			return n + 1;
	}
}

static void filters_hold_together(void **state)
{
	(void)state;
	static const struct {
		struct query_filter f;
		int count;
	} rows[] = { { { 0 }, 4 }, { { .uid = UID_1 }, 1 }, { { .uid = UID_2 }, 2 }, { { .uid = "x" }, 0 },
		{ { .serial = "SN-1" }, 1 }, { { .serial = "SN-2" }, 0 }, { { .order = "WO-1" }, 2 },
		{ { .verdict = "PASS" }, 1 }, { { .code = "flash-mismatch" }, 1 }, { { .slot = 2 }, 3 },
		{ { .slot = 2, .verdict = "FAIL", .uid = UID_2, .order = "WO-1" }, 1 },
		{ { .operator= "anna" }, 3 }, { { .recipe = SHA_A }, 3 }, { { .recipe = SHA_B }, 0 },
		    { { .board = "openmv-n6" }, 4 }, { { .from = "2026-11-20T21:54:07.123Z" }, 4 },
		    { { .from = "2026-11-20T21:54:07.124Z" }, 0 }, { { .to = "2026-11-20T21:54:07.124Z" }, 4 },
		    { { .to = "2026-11-20T21:54:07.123Z" }, 0 },
		    { { .from = "2026-11-20T21:54:07Z", .to = "2030-01-01T00:00:00Z", .verdict = "FAIL" }, 1 } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (count_of(rows[i].f) != rows[i].count)
			fail_msg("filter %zu finds %d, not %d", i, count_of(rows[i].f), rows[i].count);
	assert_int_equal(count_of((struct query_filter){ .batch = batch_1 }), 2);
	char *text;
	struct err e = ERR_INIT;
	assert_false(query_attempts(r, &(struct query_filter){ .from = "yesterday" }, &text, &e));
	assert_int_equal(e.code, CODE_BAD_REQUEST);
	assert_null(text);
}

static void unit_is_found_by_uid_and_serial(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	unsigned found;
	char *text;
	assert_true(query_unit(r, UID_1, &text, &found, &e));
	AUTO_JSON struct cJSON *by_uid = take(text);
	assert_true(query_unit(r, "SN-1", &text, &found, &e));
	AUTO_JSON struct cJSON *by_serial = take(text);
	assert_int_equal(found, 1);
	has(by_uid, "uid", "\"" UID_1 "\"");
	has(by_serial, "uid", "\"" UID_1 "\"");
	has(by_uid, "passed", quoted(pass_1));
	has(by_uid, "unfinished", "false");
	has(by_uid, "attempts.#0.id", quoted(pass_1));
	assert_false(query_unit(r, "SN-9", &text, &found, &e));
	assert_int_equal(e.code, CODE_NOT_FOUND);
	assert_int_equal(found, 0);
	put(j, KIND_UNIT_SERIAL, "{\"uid\":\"" UID_2 "\",\"serial\":\"SN-1\",\"by\":null}");
	assert_true(query_unit(r, "SN-1", &text, &found, &e));
	AUTO_JSON struct cJSON *several = take(text);
	assert_int_equal(found, 2);
	has(several, "#1.uid", "\"" UID_2 "\"");
	put(j, KIND_UNIT_SERIAL, "{\"uid\":\"" UID_2 "\",\"serial\":null,\"by\":null}");
}

static void batch_counts(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	char *text;
	assert_true(query_batch(r, batch_1, &text, &e));
	AUTO_JSON struct cJSON *b = take(text);
	has(b, "state", "\"closed\"");
	has(b, "quantity", "2");
	has(b, "passed", "1");
	has(b, "attempts", "{\"pass\":1,\"fail\":1,\"error\":0,\"aborted\":0,\"refused\":0}");
	assert_true(query_batches(r, &(struct query_filter){ .state = "open" }, &text, &e));
	AUTO_JSON struct cJSON *open = take(text);
	has(open, "items.#0.id", quoted(batch_2));
	has(open, "items.#1", "(nothing)");
	assert_true(query_recipe(r, SHA_A, &text, &e));
	AUTO_JSON struct cJSON *recipe = take(text);
	has(recipe, "units_written", "2");
	has(recipe, "signers.#0.roles.#0", "\"release\"");
	has(recipe, "revoked", "false");
}

static void stats_count(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	char *text;
	assert_true(query_stats(r, &(struct query_filter){ 0 }, &text, &e));
	AUTO_JSON struct cJSON *s = take(text);
	has(s, "attempts", "3");
	has(s, "pass", "1");
	has(s, "fail", "1");
	has(s, "error", "0");
	has(s, "refused", "1");
	has(s, "yield", "0.5");
	has(s, "first_pass_yield", "0.5");
	has(s, "slots.#0.slot", "1");
	assert_true(query_stats(r, &(struct query_filter){ .uid = "nobody" }, &text, &e));
	AUTO_JSON struct cJSON *none = take(text);
	has(none, "attempts", "0");
	has(none, "yield", "null");
}

static void csv_has_every_attempt(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	char *text;
	int64_t next = 0;
	int lines = 0;
	assert_true(query_export(r, &(struct query_filter){ 0 }, EXPORT_CSV, &next, &text, &e));
	for (const char *p = text; (p = strstr(p, "\r\n")); p += 2)
		lines++;
	assert_int_equal(lines, 5);
	assert_int_equal(next, 0);
	assert_int_equal(strncmp(text, "id,uid,serial,", 14), 0);
	assert_non_null(strstr(text, "ROMFS0=cbf43926"));
	free(text);
}

static void lookups_know_the_unit(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	struct journal_unit u;
	int64_t units, rollback;
	bool among;
	struct journal_recipe recipe;
	assert_true(journal_unit(r, UID_1, &u, &e));
	assert_true(u.known && !u.unfinished);
	assert_int_equal(u.passed, pass_1);
	assert_int_equal(u.passed_batch, batch_1);
	assert_string_equal(u.passed_recipe, SHA_A);
	assert_string_equal(u.passed_name, "cam");
	assert_string_equal(u.serial, "SN-1");
	assert_true(journal_unit(r, UID_2, &u, &e));
	assert_true(u.known && u.unfinished && !u.passed);
	assert_true(journal_unit(r, "nobody", &u, &e));
	assert_false(u.known);
	assert_true(journal_recipe_units(r, SHA_A, UID_2, &units, &among, &e));
	assert_true(units == 2 && among);
	assert_true(journal_recipe_units(r, SHA_B, UID_2, &units, &among, &e));
	assert_true(units == 0 && !among);
	assert_true(journal_batch_units(r, batch_1, UID_2, &units, &among, &e));
	assert_true(units == 1 && !among);
	assert_true(journal_batch_units(r, batch_1, NULL, &units, &among, &e));
	assert_true(units == 1 && !among);
	assert_true(journal_max_rollback(r, "openmv-n6", "cam", &rollback, &e));
	assert_int_equal(rollback, 3);
	assert_true(journal_max_rollback(r, "openmv-n6", "other", &rollback, &e));
	assert_int_equal(rollback, -1);
	assert_true(journal_recipe(r, SHA_B, &recipe, &e));
	assert_true(recipe.known && !recipe.revoked && recipe.approvals == 0);
	assert_string_equal(recipe.state, "active");
}

static void note_attempt(void *context, const struct journal_attempt *a)
{
	struct journal_attempt *out = context;
	assert_int_equal(out->id, 0);
	*out = *a;
}

static void note_batch(void *context, const struct journal_batch *b)
{
	struct journal_batch *out = context;
	assert_int_equal(out->id, 0);
	*out = *b;
}

static void note_slot(void *context, const struct journal_slot *s)
{
	if (s->slot == 1)
		*(struct journal_slot *)context = *s;
}

static void start_finds_what_was_going_on(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	struct journal_attempt a = { 0 };
	struct journal_batch b = { 0 };
	struct journal_slot s = { 0 };
	assert_true(journal_unfinished(r, note_attempt, &a, &e));
	assert_int_equal(a.id, open_attempt);
	assert_string_equal(a.step, "identified");
	assert_string_equal(a.path, "1-1.2");
	assert_false(a.writing);
	assert_true(journal_open_batches(r, note_batch, &b, &e));
	assert_int_equal(b.id, batch_2);
	assert_int_equal(b.quantity, 5);
	assert_false(b.held);
	assert_true(journal_slots(r, note_slot, &s, &e));
	assert_string_equal(s.name, "left");
	assert_true(s.enabled);
}

static struct journal_equal equal_codes(int64_t slot, int64_t batch)
{
	struct err e = ERR_INIT;
	struct journal_equal out;
	assert_true(journal_equal_codes(r, slot, batch, &out, &e));
	return out;
}

static void equal_codes_are_counted_back_to_a_pass_or_a_person(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		int64_t a = put_start(j, UID_1, batch_2, "WO-2", SHA_A, 7);
		put_end(j, a, "ERROR", i ? "usb-gone" : "usb-timeout");
	}
	struct journal_equal n = equal_codes(7, 0);
	assert_string_equal(n.code, "usb-gone");
	assert_int_equal(n.count, 2);
	n = equal_codes(0, batch_2);
	assert_int_equal(n.count, 2);
	assert_int_equal(n.slot, 7);
	assert_false(n.across);
	put(j, KIND_SLOT_HELD, "{\"slot\":7,\"code\":\"too-many-equal\",\"message\":null}");
	put(j, KIND_SLOT_ENABLED, "{\"slot\":7,\"by\":\"anna\"}");
	n = equal_codes(7, 0);
	assert_int_equal(n.count, 0);
	assert_string_equal(n.code, "");
	assert_int_equal(equal_codes(1, 0).count, 0); /* a PASS */
}

static void equal_codes_stand_in_the_order_of_their_ends(void **state)
{
	(void)state;
	int64_t first = put_start(j, UID_1, batch_2, "WO-2", SHA_A, 8);
	int64_t second = put_start(j, UID_1, batch_2, "WO-2", SHA_A, 9);
	int64_t third = put_start(j, UID_1, batch_2, "WO-2", SHA_A, 9);
	put_end(j, third, "PASS", "ok");
	put_end(j, second, "FAIL", "no-return");
	put_end(j, first, "FAIL", "no-return");
	struct journal_equal n = equal_codes(0, batch_2);
	assert_string_equal(n.code, "no-return");
	assert_int_equal(n.count, 2);
	assert_int_equal(n.slot, 8);
	assert_true(n.across);
	/* what says nothing of slot or unit stands in no row */
	put_end(j, put_start(j, UID_1, batch_2, "WO-2", SHA_A, 8), "ABORTED", "aborted");
	put_end(j, put_start(j, UID_1, batch_2, "WO-2", SHA_A, 8), "ERROR", "station-stopped");
	assert_int_equal(equal_codes(0, batch_2).count, 2);
	assert_int_equal(equal_codes(8, 0).count, 1);
	/* an attempt that began before a person cleared the slot, and ended after, counts */
	int64_t late = put_start(j, UID_1, batch_2, "WO-2", SHA_A, 8);
	put(j, KIND_SLOT_ENABLED, "{\"slot\":8,\"by\":\"anna\"}");
	assert_int_equal(equal_codes(8, 0).count, 0);
	put_end(j, late, "FAIL", "no-return");
	assert_int_equal(equal_codes(8, 0).count, 1);
}

struct totals {
	int64_t ok, mismatch, malformed, others;
};

static void count_total(void *context, const char *code, int64_t count)
{
	struct totals *t = context;
	int64_t *here = !strcmp(code, "ok")               ? &t->ok
			: !strcmp(code, "flash-mismatch") ? &t->mismatch
			: !strcmp(code, "uid-malformed")  ? &t->malformed
							  : &t->others;
	*here += count;
}

/* The open attempt counts nowhere yet. */
static void totals_by_code(void **state)
{
	(void)state;
	struct totals t = { 0, 0, 0, 0 };
	struct err e = ERR_INIT;
	assert_true(query_totals(r, count_total, &t, &e));
	assert_int_equal(t.ok, 1);
	assert_int_equal(t.mismatch, 1);
	assert_int_equal(t.malformed, 1);
	assert_int_equal(t.others, 0);
}

static void unit_without_attempts(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	char *json = NULL;
	assert_true(query_unit_alone(r, UID_1, &json, &e));
	assert_null(strstr(json, "attempts"));
	assert_non_null(strstr(json, "SN-1"));
	free(json);
	assert_false(query_unit_alone(r, "SN-1", &json, &e));
	assert_int_equal(e.code, CODE_NOT_FOUND);
}

int main(void)
{
	log_setup(LOG_ERR, LOG_TEXT);
	const struct CMUnitTest tests[] = { cmocka_unit_test(totals_by_code), cmocka_unit_test(unit_without_attempts),
		cmocka_unit_test(attempt_has_its_shape), cmocka_unit_test(refusal_is_an_attempt),
		cmocka_unit_test(running_attempt_has_no_end), cmocka_unit_test(filters_hold_together),
		cmocka_unit_test(unit_is_found_by_uid_and_serial), cmocka_unit_test(batch_counts),
		cmocka_unit_test(stats_count), cmocka_unit_test(csv_has_every_attempt),
		cmocka_unit_test(lookups_know_the_unit), cmocka_unit_test(start_finds_what_was_going_on),
		cmocka_unit_test(equal_codes_are_counted_back_to_a_pass_or_a_person),
		cmocka_unit_test(equal_codes_stand_in_the_order_of_their_ends) };
	return cmocka_run_group_tests(tests, day, night);
}
