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

static int64_t close_batch(int64_t batch)
{
	return put(j, KIND_BATCH_CLOSED, "{\"batch\":\"%lld\",\"by\":null}", (long long)batch);
}

static bool note_all(void *context, const char *value)
{
	strcat(context, value);
	strcat(context, " ");
	return true;
}

/* Free ones of a batch's list, or with 0 of the pool, in the order in which they are given out. */
static void expect_free(int64_t batch, const char *wanted)
{
	char text[256] = "";
	struct err e = ERR_INIT;
	assert_true(batch ? journal_listed_serials(r, batch, note_all, text, &e)
			  : journal_free_numbers(r, NUMBER_SERIAL, note_all, text, &e));
	assert_string_equal(text, wanted);
}

static void expect_counts(int64_t batch, const char *wanted)
{
	struct err e = ERR_INIT;
	const struct cJSON *counts;
	char *json = NULL;
	assert_true(query_batch(r, batch, &json, &e));
	AUTO_JSON struct cJSON *tree = tree_of(json);
	free(json);
	assert_true(json_object(tree, "serials", &counts, &e));
	json = json_print(counts);
	assert_string_equal(json, wanted);
	free(json);
}

static void list_refused(const char *serials, const char *why)
{
	struct err e = ERR_INIT;
	assert_false(journal_list_fits(r, serials, &e));
	assert_int_equal(e.code, CODE_NUMBER_TAKEN);
	assert_string_equal(e.msg, why);
	assert_int_equal(put_listed(j, "openmv-m4", serials), 0); /* whoever wrote it */
}

static void a_list_is_one_batch_s(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	int64_t on;
	add("serial", "{\"value\":\"B\"},{\"value\":\"P\"}");
	int64_t batch = put_listed(j, "openmv-n6", "[\"C\",\"B\",\"A\"]");
	assert_true(batch > 0);
	expect_free(batch, "C B A "); /* as the list has them, whatever was known before */
	expect_free(0, "P ");
	assert_true(journal_serial_list(r, "B", &on, &e) && on == batch);
	assert_true(journal_serial_list(r, "P", &on, &e) && on == 0);
	assert_true(journal_serial_list(r, "never seen", &on, &e) && on == 0);
	/* its units get them, and nothing else; nobody else gets them */
	assert_int_equal(put_given(j, UID_1, batch, "P"), 0);
	assert_int_equal(put_given(j, UID_1, batch, "never seen"), 0);
	assert_int_equal(put_given(j, UID_1, 0, "C"), 0);
	int64_t a = put_given(j, UID_1, batch, "C");
	expect_counts(batch, "{\"listed\":3,\"bound\":0,\"reserved\":1,\"free\":2,\"void\":0,\"moved\":0}");
	put_end(j, a, "FAIL", "flash-error");
	expect_free(batch, "C B A ");
	put_end(j, put_given(j, UID_1, batch, "C"), "PASS", "ok");
	assert_true(put(j, KIND_NUMBER_VOIDED,
			"{\"number_kind\":\"serial\",\"value\":\"A\",\"reason\":\"torn\",\"by\":null}") > 0);
	expect_free(batch, "B ");
	expect_counts(batch, "{\"listed\":3,\"bound\":1,\"reserved\":0,\"free\":1,\"void\":1,\"moved\":0}");
	/* a batch without a list gives none of them either, also when theirs is closed */
	assert_true(close_batch(batch) > 0);
	int64_t plain = put_batch(j, SHA_A, "WO-2", 5);
	assert_int_equal(put_given(j, UID_2, plain, "B"), 0);
	expect_free(0, "P ");
	assert_true(put_given(j, UID_2, plain, "P") > 0);
}

static void what_may_be_listed(void **state)
{
	(void)state;
	static const char bind[] = "{\"uid\":\"%s\",\"serial\":\"%s\",\"by\":null}";
	struct err e = ERR_INIT;
	put_end(j, put_given(j, UID_1, 0, "X"), "PASS", "ok");
	add("serial", "{\"value\":\"V\"}");
	put(j, KIND_NUMBER_VOIDED, "{\"number_kind\":\"serial\",\"value\":\"V\",\"reason\":null,\"by\":null}");
	put_given(j, UID_2, 0, "R");
	list_refused("[\"N\",\"X\"]", "not free: X (bound)");
	list_refused("[\"V\",\"R\",\"X\",\"N\"]", "not free: V (void), R (reserved) and 1 more");
	assert_int_equal(put_listed(j, "openmv-m4", "[\"N\",\"N\"]"), 0);
	assert_int_equal(put_listed(j, "openmv-m4", "{\"a\":[1]}"), 0);
	/* a serial that only the unit's own row knows */
	assert_true(put(j, KIND_UNIT_SERIAL, bind, UID_1, "H") > 0);
	list_refused("[\"H\"]", "not free: H (bound)");
	/* nothing of all that was written */
	expect("serial", "X void 03, V void -, R reserved 04");
	int64_t first = put_listed(j, "openmv-n6", "[\"A\",\"B\",\"C\"]");
	char why[64];
	snprintf(why, sizeof why, "not free: B (of batch %lld)", (long long)first);
	list_refused("[\"N\",\"B\"]", why);
	/* a person gives one to a unit of the batch, to no other */
	assert_int_equal(put(j, KIND_UNIT_SERIAL, bind, UID_1, "A"), 0);
	put_end(j, put_given(j, UID_1, first, "B"), "PASS", "ok");
	assert_true(put(j, KIND_UNIT_SERIAL, bind, UID_1, "A") > 0);
	expect_counts(first, "{\"listed\":3,\"bound\":1,\"reserved\":0,\"free\":1,\"void\":1,\"moved\":0}");
	/* what a closed batch has left may be listed again, in the new list's order */
	close_batch(first);
	assert_true(journal_list_fits(r, "[\"D\",\"C\"]", &e));
	int64_t second = put_listed(j, "openmv-n6", "[\"D\",\"C\"]");
	assert_true(second > 0);
	expect_free(second, "D C ");
	expect_free(first, "");
	expect_counts(first, "{\"listed\":3,\"bound\":1,\"reserved\":0,\"free\":0,\"void\":1,\"moved\":1}");
	assert_int_equal(put_given(j, UID_2, first, "C"), 0);
}

static void expect_kept(const char *uid, const char *wanted)
{
	char value[129];
	struct err e = ERR_INIT;
	assert_true(journal_kept_number(r, NUMBER_SERIAL, uid, value, &e));
	assert_string_equal(value, wanted);
}

static void what_was_written_stays_the_units(void **state)
{
	(void)state;
	static const char voided[] = "{\"number_kind\":\"serial\",\"value\":\"%s\",\"reason\":\"torn\",\"by\":null}";
	add("serial", "{\"value\":\"A\"},{\"value\":\"B\"},{\"value\":\"C\"}");
	/* red before anything was written: free again */
	put_end(j, put_filled(j, UID_1, "A", "M1"), "ERROR", "usb-gone");
	expect("serial", "A free -, B free -, C free -");
	/* red afterwards: what stands in the camera is kept, the other number is not */
	int64_t a = put_filled(j, UID_1, "A", "M1");
	put_writing(j, a);
	expect_kept(UID_1, "");
	put_end(j, a, "FAIL", "flash-mismatch");
	expect("serial", "A reserved 03, B free -, C free -");
	expect("mac", "M1 free -");
	expect_kept(UID_1, "A");
	expect_kept(UID_2, "");
	expect_free(0, "B C ");
	assert_true(fits("A", UID_1) && !fits("A", UID_2));
	assert_int_equal(put_filled(j, UID_2, "A", "M2"), 0);
	/* and stays so, whatever comes of its next attempts, until one passes */
	a = put_filled(j, UID_1, "A", "M1");
	assert_int_equal(put(j, KIND_NUMBER_VOIDED, voided, "A"), 0); /* it is at work */
	put_end(j, a, "ERROR", "usb-gone");
	expect_kept(UID_1, "A");
	a = put_filled(j, UID_1, "A", "M1");
	put_writing(j, a);
	put_end(j, a, "PASS", "ok");
	expect("serial", "A bound 03, B free -, C free -");
	expect_kept(UID_1, "");
	/* a person takes it away */
	a = put_filled(j, UID_2, "B", "M2");
	put_writing(j, a);
	put_end(j, a, "ERROR", "station-stopped");
	expect_kept(UID_2, "B");
	assert_true(put(j, KIND_NUMBER_VOIDED, voided, "B") > 0);
	expect("serial", "A bound 03, B void 04, C free -");
	expect_kept(UID_2, "");
	assert_int_equal(put_filled(j, UID_2, "B", "M2"), 0);
	assert_true(put_filled(j, UID_2, "C", "M2") > 0);
}

/* In a later batch it is as if the unit had it: no batch with a list of others takes it, any without one does. */
static void kept_ones_on_lists(void **state)
{
	(void)state;
	int64_t first = put_listed(j, "openmv-n6", "[\"A\",\"B\"]");
	int64_t a = put(j, KIND_ATTEMPT_STARTED,
	    "{\"slot\":1,\"path\":\"1-1.1\",\"board\":\"openmv-n6\",\"transport\":\"dfu\",\"operator\":null,"
	    "\"started_at\":\"" WHEN "\",\"uid\":\"" UID_1
	    "\",\"usb_serial\":\"204C3\",\"batch\":\"%lld\",\"order\":null,"
	    "\"recipe\":\"" SHA_A "\",\"new_serial\":\"A\",\"number_source\":\"pool\",\"unit_data\":[\"serial\"]}",
	    (long long)first);
	put_writing(j, a);
	put_end(j, a, "FAIL", "flash-mismatch");
	expect_counts(first, "{\"listed\":2,\"bound\":0,\"reserved\":1,\"free\":1,\"void\":0,\"moved\":0}");
	close_batch(first);
	list_refused("[\"A\"]", "not free: A (reserved)");
	int64_t other = put_listed(j, "openmv-n6", "[\"B\"]");
	assert_int_equal(put_given(j, UID_1, other, "A"), 0);
	close_batch(other);
	int64_t plain = put_batch(j, SHA_A, "WO-2", 5);
	assert_int_equal(put_given(j, UID_2, plain, "A"), 0);
	put_end(j, put_given(j, UID_1, plain, "A"), "PASS", "ok");
	expect_counts(first, "{\"listed\":2,\"bound\":1,\"reserved\":0,\"free\":0,\"void\":0,\"moved\":1}");
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
		cmocka_unit_test_setup_teardown(a_list_is_one_batch_s, begin, end),
		cmocka_unit_test_setup_teardown(what_may_be_listed, begin, end),
		cmocka_unit_test_setup_teardown(what_was_written_stays_the_units, begin, end),
		cmocka_unit_test_setup_teardown(kept_ones_on_lists, begin, end),
		cmocka_unit_test_setup_teardown(keys_live_a_day, begin, end) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
