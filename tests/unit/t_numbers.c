/* Serials and MAC numbers in the journal: free, reserved, bound, void; and Idempotency-Keys, which live a day. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "journal/numbers.h"
#include "journal_bodies.h"
#include "os/clock.h"

static struct place place;
static struct journal *j;
static struct journal_reader *r;

static int begin(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	place_make(&place);
	if (!place_open(&place, &j, &e) || !journal_reader_open(place.db, &r, &e))
		return -1;
	put_recipe(j, SHA_A, "cam", 3);
	return 0;
}

static int end(void **state)
{
	(void)state;
	journal_reader_close(r);
	journal_close(j);
	place_remove(&place);
	return 0;
}

static int64_t add(const char *kind, const char *values)
{
	return put(j, KIND_NUMBERS_ADDED, "{\"number_kind\":\"%s\",\"numbers\":[%s],\"by\":null}", kind, values);
}

/* "VALUE STATE UID, ..." in their order. */
static void expect(const char *kind, const char *wanted)
{
	struct err e = ERR_INIT;
	struct query_filter f = { .kind = kind };
	char *json = NULL, text[512] = "";
	const struct cJSON *items;
	assert_true(query_numbers(r, &f, &json, &e));
	AUTO_JSON struct cJSON *tree = tree_of(json);
	free(json);
	assert_true(json_array(tree, "items", &items, &e));
	for (const struct cJSON *i = json_first(items); i; i = json_after(i)) {
		const char *value, *state, *uid = NULL;
		assert_true(json_string(i, "value", &value, &e) && json_string(i, "state", &state, &e) &&
			    json_string_or_null(i, "uid", &uid, &e));
		size_t used = strlen(text);
		snprintf(text + used, sizeof text - used, "%s%s %s %s", used ? ", " : "", value, state,
		    uid ? uid + 22 : "-");
	}
	assert_string_equal(text, wanted);
}

static bool fits(const char *value, const char *uid)
{
	bool yes;
	struct err e = ERR_INIT;
	assert_true(journal_number_fits(r, NUMBER_SERIAL, value, uid, &yes, &e));
	return yes;
}

static bool note_first(void *context, const char *value)
{
	snprintf(context, 16, "%s", value);
	return false;
}

static void pass_binds_and_all_else_frees(void **state)
{
	(void)state;
	char first[16] = "";
	struct err e = ERR_INIT;
	int64_t seq = add("serial", "{\"value\":\"A\"},{\"value\":\"B\"},{\"value\":\"A\"}");
	char *json = NULL;
	assert_true(query_numbers_added(r, seq, &json, &e));
	assert_string_equal(json, "{\"kind\":\"serial\",\"given\":3,\"added\":2}");
	free(json);
	expect("serial", "A free -, B free -");
	int64_t a = put_numbered(j, UID_1, "A", "M1");
	expect("serial", "A reserved 03, B free -");
	expect("mac", "M1 reserved 03");
	assert_true(journal_free_numbers(r, NUMBER_SERIAL, note_first, first, &e));
	assert_string_equal(first, "B");
	/* another unit's attempt that names it cannot have been written */
	assert_int_equal(put_numbered(j, UID_2, "A", "M2"), 0);
	put_end(j, a, "FAIL", "flash-error");
	expect("serial", "A free -, B free -");
	a = put_numbered(j, UID_2, "A", "M2");
	put_end(j, a, "PASS", "ok");
	expect("serial", "A bound 04, B free -");
	/* M1 was the MES's to give: it is not given out unasked */
	int64_t count;
	assert_true(query_numbers_free(r, NUMBER_MAC, &count, &e));
	assert_int_equal(count, 0);
	assert_int_equal(put_numbered(j, UID_1, "A", "M1"), 0);
	assert_false(fits("A", UID_1));
	assert_true(fits("A", UID_2) && fits("B", UID_1) && fits("never seen", UID_1));
	/* bringing it again changes nothing */
	add("serial", "{\"value\":\"A\"}");
	expect("serial", "A bound 04, B free -");
}

static void void_stays_void(void **state)
{
	(void)state;
	static const char voided[] = "{\"number_kind\":\"serial\",\"value\":\"%s\",\"reason\":null,\"by\":null}";
	add("serial", "{\"value\":\"A\"}");
	assert_true(put(j, KIND_NUMBER_VOIDED, voided, "A") > 0);
	assert_int_equal(put(j, KIND_NUMBER_VOIDED, voided, "A"), 0);
	assert_int_equal(put(j, KIND_NUMBER_VOIDED, voided, "B"), 0);
	add("serial", "{\"value\":\"A\"}");
	expect("serial", "A void -");
	assert_int_equal(put_numbered(j, UID_1, "A", "M1"), 0);
	assert_false(fits("A", UID_1));
}

static void a_person_binds(void **state)
{
	(void)state;
	static const char bind[] = "{\"uid\":\"%s\",\"serial\":%s,\"by\":null}";
	put_end(j, put_numbered(j, UID_1, "X", "M1"), "PASS", "ok");
	put_end(j, put_numbered(j, UID_2, "Y", "M2"), "PASS", "ok");
	add("serial", "{\"value\":\"A\"}");
	assert_int_equal(put(j, KIND_UNIT_SERIAL, bind, UID_2, "\"X\""), 0); /* it is the other one's */
	assert_true(put(j, KIND_UNIT_SERIAL, bind, UID_1, "\"A\"") > 0);
	expect("serial", "X void 03, Y bound 04, A bound 03");
	assert_true(put(j, KIND_UNIT_SERIAL, bind, UID_1, "null") > 0);
	expect("serial", "X void 03, Y bound 04, A void 03");
	/* what no pool knows keeps its own rules, and is the unit's when it is brought later */
	assert_true(put(j, KIND_UNIT_SERIAL, bind, UID_1, "\"H\"") > 0);
	add("serial", "{\"value\":\"H\"}");
	expect("serial", "X void 03, Y bound 04, A void 03, H bound 03");
}

static void keys_live_a_day(void **state)
{
	(void)state;
	struct request_key k;
	struct err e = ERR_INIT;
	int64_t now = clock_wall_ms(), hour = 3600000;
	static const char body[] = "{\"key\":\"k-1\",\"request\":\"%s\",\"status\":%d}";
	assert_true(query_request_key(r, "k-1", now, &k, &e));
	assert_int_equal(k.seq, 0);
	int64_t seq = put(j, KIND_REQUEST_ANSWERED, body, SHA_A, 201);
	assert_true(query_request_key(r, "k-1", now, &k, &e));
	assert_int_equal(k.seq, seq);
	assert_string_equal(k.request, SHA_A);
	assert_int_equal(k.status, 201);
	assert_true(query_request_key(r, "k-1", now + 23 * hour, &k, &e));
	assert_int_equal(k.seq, seq);
	assert_true(query_request_key(r, "k-1", now + 25 * hour, &k, &e));
	assert_int_equal(k.seq, 0);
	assert_true(put(j, KIND_REQUEST_ANSWERED, body, SHA_B, 200) > seq);
	assert_true(query_request_key(r, "k-1", now, &k, &e));
	assert_string_equal(k.request, SHA_B);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(pass_binds_and_all_else_frees, begin, end),
		cmocka_unit_test_setup_teardown(void_stays_void, begin, end),
		cmocka_unit_test_setup_teardown(a_person_binds, begin, end),
		cmocka_unit_test_setup_teardown(keys_live_a_day, begin, end) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
