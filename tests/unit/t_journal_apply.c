/* What rows do to the tables, and which rows contradict the ones before and are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "journal/apply.h"
#include "journal/lookup.h"
#include "journal/people.h"
#include "journal/schema.h"
#include "journal/verify.h"
#include "journal_bodies.h"
#include "os/log.h"

struct bench {
	struct place place;
	struct journal *j;
	struct journal_reader *r;
	int64_t batch;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof *b);
	struct err e = ERR_INIT;
	place_make(&b->place);
	if (!place_open(&b->place, &b->j, &e) || !journal_reader_open(b->place.db, &b->r, &e))
		return -1;
	put_recipe(b->j, SHA_A, "cam", 3);
	b->batch = put_batch(b->j, SHA_A, "WO-1", 3);
	*state = b;
	return 0;
}

/* Whatever a test wrote: the tables are exactly what the rows give. */
static int teardown(void **state)
{
	struct bench *b = *state;
	struct verify_options o = { b->place.db, NULL, NULL };
	struct verify_report report;
	journal_reader_close(b->r);
	journal_close(b->j);
	verify_journal(&o, &report);
	if (report.result != VERIFY_INTACT)
		print_error("%s\n", report.message);
	place_remove(&b->place);
	free(b);
	return report.result == VERIFY_INTACT ? 0 : -1;
}

static void rows_that_contradict_are_refused(void **state)
{
	struct bench *b = *state;
	int64_t before = 0, after = 0;
	struct err e = ERR_INIT;
	int64_t a = put_pass(b->j, UID_1, b->batch, "WO-1", SHA_A, 1);
	query_newest(b->r, &before, &e);
	assert_int_equal(put_end(b->j, a, "FAIL", "romfs-bad"), 0); /* ended already */
	assert_int_equal(put_step(b->j, a, "proved", "ok"), 0);
	assert_int_equal(put_writing(b->j, a), 0);
	assert_int_equal(put_end(b->j, a + 1000, "FAIL", "romfs-bad"), 0);  /* never started */
	assert_int_equal(put_batch(b->j, SHA_A, "WO-2", 5), 0);             /* one open batch per board */
	assert_int_equal(put_batch(b->j, SHA_B, "WO-2", 5), 0);             /* no such recipe */
	assert_int_equal(put_recipe(b->j, SHA_A, "cam", 3), 0);             /* known already */
	assert_int_equal(put_start(b->j, UID_1, 999, "WO-1", SHA_A, 1), 0); /* no such batch */
	assert_int_equal(put_start(b->j, UID_1, b->batch, "WO-1", SHA_B, 1), 0);
	assert_int_equal(put(b->j, KIND_STATION_STOPPED, "{\"reason\":\"clean\"}"), 0); /* never started */
	assert_int_equal(put(b->j, KIND_UNIT_SERIAL, "{\"uid\":\"nobody\",\"serial\":\"x\",\"by\":null}"), 0);
	assert_int_equal(put(b->j, KIND_RECIPE_REVOKED, "{\"sha256\":\"" SHA_B "\",\"reason\":null,\"by\":null}"), 0);
	int64_t c = put_start(b->j, UID_2, b->batch, "WO-1", SHA_A, 1);
	assert_int_equal(put_end(b->j, c, "PASS", "usb-gone"), 0); /* a PASS is ok, and nothing else is */
	assert_int_equal(put_end(b->j, c, "FAIL", "ok"), 0);
	query_newest(b->r, &after, &e);
	assert_int_equal(after, before + 1); /* only the start of c: a refused row leaves no number behind */
}

/* Rows that wait together are one group: the first one's commit gives the others time to come together. */
#define CROWD_ROWS 40

static void note_seq(void *context, int64_t seq, const struct err *e)
{
	*(int64_t *)context = e ? -1 : seq;
}

static void refused_row_leaves_its_group(void **state)
{
	struct bench *b = *state;
	int64_t seq[CROWD_ROWS], next = 0;
	for (int i = 0; i < CROWD_ROWS; i++)
		journal_append(b->j, i % 10 == 3 ? KIND_STATION_STOPPED : KIND_STATION_RESUMED,
		    tree_of(i % 10 == 3 ? "{\"reason\":\"clean\"}" : "{\"by\":null}"), note_seq, &seq[i]);
	/* the queue is in order, so this one ends behind all of them */
	assert_true(put(b->j, KIND_STATION_RESUMED, "{\"by\":null}") > 0);
	for (int i = 0; i < CROWD_ROWS; i++) {
		if (i % 10 == 3) {
			assert_int_equal(seq[i], -1); /* no run of the station began that could have stopped */
			continue;
		}
		assert_true(seq[i] > 0 && (!next || seq[i] == next));
		next = seq[i] + 1;
	}
}

static void closed_batch_stays_closed(void **state)
{
	struct bench *b = *state;
	assert_true(
	    put(b->j, KIND_BATCH_HELD, "{\"batch\":\"%lld\",\"code\":\"too-many-equal\",\"message\":\"m\",\"by\":null}",
		(long long)b->batch) > 0);
	assert_true(put(b->j, KIND_BATCH_RESUMED, "{\"batch\":\"%lld\",\"by\":\"anna\"}", (long long)b->batch) > 0);
	assert_true(put(b->j, KIND_BATCH_CLOSED, "{\"batch\":\"%lld\",\"by\":\"anna\"}", (long long)b->batch) > 0);
	assert_int_equal(put(b->j, KIND_BATCH_CLOSED, "{\"batch\":\"%lld\",\"by\":\"anna\"}", (long long)b->batch), 0);
	assert_int_equal(put(b->j, KIND_BATCH_RESUMED, "{\"batch\":\"%lld\",\"by\":\"anna\"}", (long long)b->batch), 0);
	assert_true(put_batch(b->j, SHA_A, "WO-2", 5) > 0);
}

static void idempotency_key_finds_its_batch(void **state)
{
	struct bench *b = *state;
	struct err e = ERR_INIT;
	int64_t id = 0;
	char request[65];
	put(b->j, KIND_BATCH_CLOSED, "{\"batch\":\"%lld\",\"by\":null}", (long long)b->batch);
	int64_t second = put(b->j, KIND_BATCH_OPENED,
	    "{\"order\":\"WO-2\",\"recipe\":\"" SHA_A "\",\"board\":\"openmv-n6\",\"quantity\":1,\"key\":\"k-1\","
	    "\"request\":\"" SHA_B "\",\"by\":null}");
	assert_true(query_batch_by_key(b->r, "k-1", &id, request, &e));
	assert_int_equal(id, second);
	assert_string_equal(request, SHA_B);
	assert_false(query_batch_by_key(b->r, "k-2", &id, request, &e));
	assert_int_equal(e.code, CODE_NOT_FOUND);
}

static struct journal_unit unit_of(struct bench *b, const char *uid)
{
	struct journal_unit u;
	struct err e = ERR_INIT;
	assert_true(journal_unit(b->r, uid, &u, &e));
	return u;
}

/* A cut camera stays marked until every byte was read back, and a PASS counts only until something is written. */
static void unit_remembers_what_it_holds(void **state)
{
	struct bench *b = *state;
	int64_t a = put_start(b->j, UID_1, b->batch, "WO-1", SHA_A, 1);
	assert_false(unit_of(b, UID_1).unfinished);
	put_writing(b->j, a);
	assert_true(unit_of(b, UID_1).unfinished);
	put_step(b->j, a, "written", "usb-gone");
	put_end(b->j, a, "ERROR", "usb-gone");
	assert_true(unit_of(b, UID_1).unfinished);
	a = put_start(b->j, UID_1, b->batch, "WO-1", SHA_A, 1);
	put_step(b->j, a, "proved", "flash-mismatch");
	assert_true(unit_of(b, UID_1).unfinished);
	put_step(b->j, a, "proved", "ok");
	assert_false(unit_of(b, UID_1).unfinished);
	put_end(b->j, a, "FAIL", "no-return");
	assert_int_equal(unit_of(b, UID_1).passed, 0);
	a = put_pass(b->j, UID_1, b->batch, "WO-1", SHA_A, 1);
	assert_int_equal(unit_of(b, UID_1).passed, a);
	int64_t again = put_start(b->j, UID_1, b->batch, "WO-1", SHA_A, 1);
	assert_int_equal(unit_of(b, UID_1).passed, a);
	put_writing(b->j, again);
	assert_int_equal(unit_of(b, UID_1).passed, 0);
	put_end(b->j, again, "FAIL", "flash-error");
	assert_int_equal(unit_of(b, UID_1).passed, 0);
	put_refusal(b->j, "\"" UID_1 "\"", "no-batch");
	assert_true(unit_of(b, UID_1).unfinished);
}

static void distinct_units_are_counted_once(void **state)
{
	struct bench *b = *state;
	struct err e = ERR_INIT;
	int64_t units;
	bool among;
	for (int i = 0; i < 3; i++)
		put_pass(b->j, UID_1, b->batch, "WO-1", SHA_A, 1);
	put_pass(b->j, UID_2, b->batch, "WO-1", SHA_A, 1);
	assert_true(journal_batch_units(b->r, b->batch, UID_1, &units, &among, &e));
	assert_true(units == 2 && among);
	assert_true(journal_recipe_units(b->r, SHA_A, UID_1, &units, &among, &e));
	assert_true(units == 2 && among);
}

/* An attempt that began before the camera said who it is learns it from its steps. */
static void step_fills_in_who_it_is(void **state)
{
	struct bench *b = *state;
	struct err e = ERR_INIT;
	char *text;
	int64_t a = put(b->j, KIND_ATTEMPT_STARTED,
	    "{\"slot\":1,\"path\":\"1-1.1\",\"board\":\"openmv-n6\",\"transport\":\"dfu\",\"operator\":null,"
	    "\"started_at\":\"" WHEN
	    "\",\"uid\":null,\"usb_serial\":null,\"batch\":null,\"order\":null,\"recipe\":null}");
	assert_true(a > 0);
	assert_int_equal(put_writing(b->j, a), 0); /* nobody knows what, into whom */
	assert_true(
	    put(b->j, KIND_ATTEMPT_STEP,
		"{\"attempt\":\"%lld\",\"step\":\"identified\",\"started_at\":\"" WHEN "\",\"ms\":1,\"bytes\":0,"
		"\"units\":0,\"skipped\":0,\"outcome\":\"ok\",\"uid\":\"" UID_2 "\",\"usb_serial\":\"S\","
		"\"versions\":{\"bootloader\":\"1.0.3\"}}",
		(long long)a) > 0);
	assert_true(put(b->j, KIND_ATTEMPT_STEP,
			"{\"attempt\":\"%lld\",\"step\":\"admitted\",\"started_at\":\"" WHEN "\",\"ms\":1,\"bytes\":0,"
			"\"units\":0,\"skipped\":0,\"outcome\":\"ok\",\"batch\":\"%lld\",\"order\":\"WO-1\","
			"\"recipe\":\"" SHA_A "\",\"versions\":{\"bootloader_sha256\":\"x\"}}",
			(long long)a, (long long)b->batch) > 0);
	assert_true(put_writing(b->j, a) > 0);
	assert_true(query_attempt(b->r, a, &text, &e));
	assert_non_null(strstr(text, "\"uid\":\"" UID_2 "\""));
	assert_non_null(strstr(text, "\"order\":\"WO-1\""));
	assert_non_null(strstr(text, "\"versions\":{\"bootloader\":\"1.0.3\",\"bootloader_sha256\":\"x\"}"));
	free(text);
}

/* Each field of each body: missing, null and of another type. */
static void bodies_are_held_to_their_table(void **state)
{
	struct bench *b = *state;
	static const char *const bad[] = { "{}", "[]", "{\"batch\":\"1\"}", "{\"batch\":1,\"by\":null}",
		"{\"batch\":\"01\",\"by\":null}", "{\"batch\":\"\",\"by\":null}", "{\"batch\":\"-1\",\"by\":null}",
		"{\"batch\":\"9999999999999999999\",\"by\":null}", "{\"batch\":null,\"by\":null}",
		"{\"batch\":\"1\",\"by\":7}", "{\"batch\":\"1\",\"by\":null,\"more\":1}",
		"{\"batch\":\"1\",\"by\":null,\"kind\":\"x\"}" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err e = ERR_INIT;
		AUTO_JSON struct cJSON *tree = tree_of(bad[i]);
		if (kind_check(KIND_BATCH_CLOSED, tree, &e))
			fail_msg("%s", bad[i]);
		assert_int_equal(e.code, CODE_INTERNAL);
	}
	assert_int_equal(put(b->j, KIND_RECIPE_REVOKED, "{\"sha256\":\"ABC\",\"reason\":null,\"by\":null}"), 0);
	assert_int_equal(put_refusal(b->j, "7", "no-batch"), 0);
	assert_false(kind_known("batch"));
	assert_true(kind_known(KIND_SLOT_HELD));
}

static bool status_is(struct bench *b, const char *uid, const char *status)
{
	struct err e = ERR_INIT;
	char *json = NULL, wanted[64];
	assert_true(query_unit_alone(b->r, uid, &json, &e));
	snprintf(wanted, sizeof wanted, "\"status\":\"%s\"", status);
	bool is = strstr(json, wanted) != NULL;
	if (!is)
		print_error("%s\n", json);
	free(json);
	return is;
}

static char *stats(struct bench *b)
{
	const struct query_filter all = { .serial = NULL };
	struct err e = ERR_INIT;
	char *json = NULL;
	assert_true(query_stats(b->r, &all, &json, &e));
	return json;
}

static void sum_totals(void *context, const char *code, int64_t count)
{
	int64_t *sum = context;
	(void)code;
	*sum += count;
}

/* What a person deploys changes a unit that had passed, until it passes in a batch again, and is counted nowhere. */
static void deploys_change_units_and_count_nowhere(void **state)
{
	struct bench *b = *state;
	struct err e = ERR_INIT;
	struct journal_unit unit;
	int64_t units = 0, sum = 0;
	bool among;
	put_pass(b->j, UID_1, b->batch, "WO-1", SHA_A, 1);
	assert_true(status_is(b, UID_1, "passed"));
	char *before = stats(b);
	int64_t d = put_deploy(b->j, UID_1, SHA_A, "deploy");
	assert_true(d > 0 && status_is(b, UID_1, "passed")); /* nothing is written yet */
	put_writing(b->j, d);
	assert_true(status_is(b, UID_1, "changed after PASS"));
	put_step(b->j, d, "proved", "ok");
	put_end(b->j, d, "PASS", "ok");
	assert_true(status_is(b, UID_1, "changed after PASS"));
	assert_true(journal_unit(b->r, UID_1, &unit, &e));
	assert_true(!unit.passed && !unit.unfinished);
	int64_t f = put_deploy(b->j, UID_2, SHA_A, "deploy"); /* one that never passed */
	put_writing(b->j, f);
	put_end(b->j, f, "ERROR", "usb-gone");
	assert_true(status_is(b, UID_2, "unfinished"));
	char *after = stats(b);
	assert_string_equal(before, after);
	assert_true(query_totals(b->r, sum_totals, &sum, &e));
	assert_int_equal(sum, 1);
	assert_true(journal_batch_units(b->r, b->batch, UID_1, &units, &among, &e));
	assert_int_equal(units, 1);
	assert_true(journal_recipe_units(b->r, SHA_A, UID_2, &units, &among, &e)); /* the recipe's own limit holds */
	assert_int_equal(units, 2);
	struct journal_equal equal;
	assert_true(journal_equal_codes(b->r, 1, 0, &equal, &e));
	assert_int_equal(equal.count, 0);
	put_pass(b->j, UID_1, b->batch, "WO-1", SHA_A, 1);
	assert_true(status_is(b, UID_1, "passed"));
	assert_int_equal(put_deploy(b->j, UID_1, SHA_A, "neither"), 0);
	free(before);
	free(after);
}

/* The journal table itself refuses gaps, changes and deletions. */
static void table_is_append_only(void **state)
{
	(void)state;
	static const char *const refused[] = { "UPDATE journal SET kind = 'x'", "DELETE FROM journal",
		"INSERT INTO journal VALUES(3, 'a', 'k', zeroblob(32), zeroblob(32), '{}')",
		"INSERT INTO journal VALUES(1, 'a', 'k', zeroblob(32), zeroblob(32), '{}')",
		"INSERT OR REPLACE INTO journal VALUES(1, 'a', 'k', zeroblob(32), zeroblob(32), '{}')",
		"INSERT INTO journal VALUES(2, 'a', 'k', zeroblob(31), zeroblob(32), '{}')",
		"INSERT INTO journal VALUES(2, 'a', 'k', 'text', zeroblob(32), '{}')", "UPDATE station SET name = 'x'",
		"DELETE FROM station", "UPDATE checkpoint SET size = 2", "DELETE FROM checkpoint" };
	struct err e = ERR_INIT;
	sqlite3 *db;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_true(sql_harden(db, &e) && schema_migrate(db, &e) && schema_check(db, &e));
	assert_true(sql_exec(db,
	    "INSERT INTO journal VALUES(1, 'a', 'k', zeroblob(32), zeroblob(32), '{}');"
	    "INSERT INTO station VALUES(1, 'a', zeroblob(32)); INSERT INTO checkpoint VALUES(1, 'a', zeroblob(64))",
	    &e));
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		if (sql_exec(db, refused[i], &e))
			fail_msg("%s", refused[i]);
	assert_true(sql_exec(db, "INSERT INTO journal VALUES(2, 'a', 'k', zeroblob(32), zeroblob(32), '{}')", &e));
	assert_true(schema_migrate(db, &e)); /* again: nothing to do */
	assert_true(sql_exec(db, "PRAGMA user_version = 99", &e));
	assert_false(schema_migrate(db, &e));
	sqlite3_close(db);
}

#define LIFE(kind, more) put(b->j, kind, "{\"sha256\":\"" SHA_A "\"," more "}")

/* Approved by each person once; used after an approval only; out of use and back; revoked for good. */
static void recipe_lives_in_order(void **state)
{
	struct bench *b = *state;
	struct journal_recipe r;
	struct err e = ERR_INIT;
	assert_int_equal(LIFE(KIND_RECIPE_APPROVED, "\"state\":\"approved\",\"by\":\"anna\""), 0); /* it is active */
	assert_int_equal(LIFE(KIND_RECIPE_ACTIVATED, "\"by\":null"), 0);
	assert_true(LIFE(KIND_RECIPE_RETIRED, "\"reason\":null,\"by\":\"anna\"") > 0);
	assert_int_equal(LIFE(KIND_RECIPE_RETIRED, "\"reason\":null,\"by\":\"anna\""), 0);
	assert_true(LIFE(KIND_RECIPE_ACTIVATED, "\"by\":\"ben\"") > 0);
	assert_true(
	    put(b->j, KIND_RECIPE_ADDED,
		"{\"sha256\":\"" SHA_B "\",\"name\":\"cam\",\"version\":\"2\",\"rollback\":4,\"board\":\"openmv-n6\","
		"\"bytes\":1,\"not_before\":null,\"not_after\":null,\"units\":null,\"after\":\"run\",\"state\":"
		"\"draft\","
		"\"regions\":[],\"signers\":[],\"by\":null}") > 0);
	static const char approved[] = "{\"sha256\":\"" SHA_B "\",\"state\":\"%s\",\"by\":\"%s\"}";
	assert_true(put(b->j, KIND_RECIPE_APPROVED, approved, "draft", "anna") > 0);
	assert_int_equal(put(b->j, KIND_RECIPE_APPROVED, approved, "approved", "anna"), 0); /* once each */
	assert_true(put(b->j, KIND_RECIPE_APPROVED, approved, "approved", "ben") > 0);
	assert_true(journal_recipe(b->r, SHA_B, &r, &e));
	assert_string_equal(r.state, "approved");
	assert_int_equal(r.approvals, 2);
	assert_true(put(b->j, KIND_RECIPE_REVOKED, "{\"sha256\":\"" SHA_B "\",\"reason\":null,\"by\":null}") > 0);
	assert_int_equal(put(b->j, KIND_RECIPE_ACTIVATED, "{\"sha256\":\"" SHA_B "\",\"by\":null}"), 0);
}

/* --- people, tokens, the audit ------------------------------------------------------------------------------------ */

static void people_come_and_go(void **state)
{
	struct bench *b = *state;
	struct journal_person p;
	struct err e = ERR_INIT;
	assert_true(put(b->j, KIND_PERSON_ADDED, PERSON_ADDED, "anna", "operator", "\"p1\"", "\"b1\"") > 0);
	assert_int_equal(put(b->j, KIND_PERSON_ADDED, PERSON_ADDED, "anna", "admin", "null", "null"), 0);
	assert_int_equal(
	    put(b->j, KIND_PERSON_ADDED, PERSON_ADDED, "bert", "qa", "null", "\"b1\""), 0); /* anna's badge */
	assert_true(put(b->j, KIND_PERSON_ADDED, PERSON_ADDED, "bert", "qa", "null", "null") > 0);
	assert_true(journal_person(b->r, "anna", &p, &e) && p.known);
	assert_string_equal(p.role, "operator");
	assert_string_equal(p.pin, "p1");
	assert_true(journal_person_by_badge(b->r, "b1", &p, &e) && p.known);
	assert_string_equal(p.name, "anna");
	assert_true(put(b->j, KIND_PERSON_PIN, "{\"person\":\"anna\",\"pin\":null,\"by\":null}") > 0);
	assert_true(put(b->j, KIND_PERSON_ROLE, "{\"person\":\"anna\",\"role\":\"qa\",\"by\":null}") > 0);
	assert_true(journal_person(b->r, "anna", &p, &e));
	assert_string_equal(p.pin, "");
	assert_string_equal(p.role, "qa");
	assert_true(put(b->j, KIND_PERSON_REMOVED, "{\"person\":\"anna\",\"by\":null}") > 0);
	assert_int_equal(put(b->j, KIND_PERSON_REMOVED, "{\"person\":\"anna\",\"by\":null}"), 0);
	assert_int_equal(put(b->j, KIND_PERSON_PIN, "{\"person\":\"anna\",\"pin\":\"x\",\"by\":null}"), 0);
	assert_true(journal_person(b->r, "anna", &p, &e) && !p.known);
	assert_true(journal_person_by_badge(b->r, "b1", &p, &e) && !p.known);
	/* the badge is free now, and so is the name */
	assert_true(put(b->j, KIND_PERSON_BADGE, "{\"person\":\"bert\",\"badge\":\"b1\",\"by\":null}") > 0);
	assert_true(put(b->j, KIND_PERSON_ADDED, PERSON_ADDED, "anna", "admin", "\"p2\"", "null") > 0);
	assert_true(journal_person(b->r, "anna", &p, &e) && p.known);
	assert_string_equal(p.role, "admin");
}

static void tokens_are_made_and_revoked(void **state)
{
	struct bench *b = *state;
	struct journal_token t;
	struct err e = ERR_INIT;
	int64_t id = put(b->j, KIND_TOKEN_CREATED, TOKEN_CREATED, "mes", SHA_A);
	assert_true(id > 0);
	assert_int_equal(put(b->j, KIND_TOKEN_CREATED, TOKEN_CREATED, "mes", SHA_B), 0);
	assert_int_equal(put(b->j, KIND_TOKEN_CREATED, TOKEN_CREATED, "hub", SHA_A), 0);
	assert_true(journal_token(b->r, SHA_A, &t, &e) && t.known && !t.revoked && t.id == id);
	assert_string_equal(t.scopes, "[\"read\",\"batches\"]");
	assert_true(put(b->j, KIND_TOKEN_REVOKED, "{\"token\":\"%lld\",\"by\":null}", (long long)id) > 0);
	assert_int_equal(put(b->j, KIND_TOKEN_REVOKED, "{\"token\":\"%lld\",\"by\":null}", (long long)id), 0);
	assert_int_equal(put(b->j, KIND_TOKEN_REVOKED, "{\"token\":\"999\",\"by\":null}"), 0);
	assert_true(journal_token(b->r, SHA_A, &t, &e) && t.revoked);
	assert_true(put(b->j, KIND_TOKEN_CREATED, TOKEN_CREATED, "mes", SHA_B) > 0);
}

static bool says(const char *json, const char *text)
{
	return strstr(json, text) != NULL;
}

/* Whatever says by whom is in it, attempts are not; no secret is. */
static void the_audit_has_what_says_by_whom(void **state)
{
	struct bench *b = *state;
	struct err e = ERR_INIT;
	char *json = NULL;
	put_pass(b->j, UID_1, b->batch, "WO-1", SHA_A, 1);
	put(b->j, KIND_PERSON_ADDED, PERSON_ADDED, "anna", "operator", "\"secret\"", "\"secret\"");
	put(b->j, KIND_TOKEN_CREATED, TOKEN_CREATED, "mes", SHA_B);
	put(b->j, KIND_SLOT_ORDERED,
	    "{\"slot\":1,\"order\":\"retry\",\"recipe\":null,\"by\":\"bert\",\"from\":\"::1\"}");
	assert_true(query_actions(b->r, &(struct query_filter){ .limit = 100 }, &json, &e));
	assert_true(says(json, "person-added") && says(json, "token-created") && says(json, "batch-opened"));
	assert_true(says(json, "\"who\":\"bert\",\"from\":\"::1\",\"details\":{\"slot\":1,\"order\":\"retry\""));
	assert_false(says(json, "attempt-") || says(json, "secret") || says(json, SHA_B));
	free(json);
	assert_true(query_actions(b->r, &(struct query_filter){ .who = "bert", .what = KIND_SLOT_ORDERED }, &json, &e));
	assert_true(says(json, "retry") && !says(json, "person-added"));
	free(json);
	assert_true(
	    query_actions(b->r, &(struct query_filter){ .who = "bert", .to = "2026-11-20T00:00:00.000Z" }, &json, &e));
	assert_string_equal(json, "{\"items\":[],\"next\":null}");
	free(json);
	assert_true(query_people(b->r, &(struct query_filter){ .limit = 1 }, &json, &e));
	assert_true(says(json, "\"name\":\"anna\"") && says(json, "\"pin\":true") && !says(json, "secret"));
	free(json);
	assert_true(query_tokens(b->r, &(struct query_filter){ .limit = 1 }, &json, &e));
	assert_true(says(json, "\"scopes\":[\"read\",\"batches\"]") && !says(json, SHA_B));
	free(json);
}

int main(void)
{
	log_setup(LOG_ERR, LOG_TEXT);
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(rows_that_contradict_are_refused), T(refused_row_leaves_its_group),
		T(closed_batch_stays_closed), T(idempotency_key_finds_its_batch), T(unit_remembers_what_it_holds),
		T(distinct_units_are_counted_once), T(step_fills_in_who_it_is), T(bodies_are_held_to_their_table),
		T(deploys_change_units_and_count_nowhere), T(recipe_lives_in_order), T(people_come_and_go),
		T(tokens_are_made_and_revoked), T(the_audit_has_what_says_by_whom),
		cmocka_unit_test(table_is_append_only) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
