/* Every question to the journal while SQLite's N-th request for memory fails, for each N: the answer is the right one
 * or no-memory or journal-failed, never one with a hole; and afterwards the right one again.  SQLite gives no error
 * where it hands out a text: that sql_row_whole is asked there is what this holds.
 *
 * And what each question costs: SQLite's own steps, in a journal of a few attempts and in one of many more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdatomic.h>
#include <stdint.h>
#include <cmocka.h>

#include "journal/lookup.h"
#include "journal/numbers.h"
#include "journal/people.h"
#include "journal/proof.h"
#include "journal/shifts.h"
#include "journal/sql.h"
#include "journal/told.h"
#include "journal_bodies.h"
#include "os/log.h"
#include "os/text_out.h"

#define MOST 20000 /* no question asks for memory this often */

/* --- SQLite's memory -----------------------------------------------------------------------------------------------
 */

static sqlite3_mem_methods real;
static atomic_long until_failure; /* 0: none fails; 1: this one */
static bool forever;

/* Ends at 1 when it lasts, at -1 when it was one. */
static bool fails(void)
{
	if (atomic_load(&until_failure) == 1) {
		if (!forever)
			atomic_store(&until_failure, -1);
		return true;
	}
	if (atomic_load(&until_failure) > 1)
		atomic_fetch_sub(&until_failure, 1);
	return false;
}

static void *get(int size)
{
	return fails() ? NULL : real.xMalloc(size);
}

static void *resize(void *p, int size)
{
	return fails() ? NULL : real.xRealloc(p, size);
}

/* --- questions: each prints its answer ------------------------------------------------------------------------------
 */

static struct place place;
static struct journal *j;
static struct journal_reader *r;
static int64_t batch_1, attempt_1, numbers_1, listed_1;

typedef bool question(FILE *out, struct err *e);

static bool say(FILE *out, char *json, bool ok)
{
	if (ok)
		fputs(json, out);
	free(json);
	return ok;
}

static bool list(
    bool (*run)(struct journal_reader *, const struct query_filter *, char **, struct err *), FILE *out, struct err *e)
{
	char *json = NULL;
	struct query_filter f = { .from = "2020-01-01T00:00:00Z", .limit = 2 };
	bool ok = run(r, &f, &json, e);
	return say(out, json, ok);
}

static bool attempts(FILE *out, struct err *e)
{
	return list(query_attempts, out, e);
}

static bool batches(FILE *out, struct err *e)
{
	return list(query_batches, out, e);
}

static bool units(FILE *out, struct err *e)
{
	return list(query_units, out, e);
}

static bool recipes(FILE *out, struct err *e)
{
	return list(query_recipes, out, e);
}

static bool stats(FILE *out, struct err *e)
{
	return list(query_stats, out, e);
}

static bool csv(FILE *out, struct err *e)
{
	char *text = NULL;
	int64_t next = 0;
	struct query_filter f = { .from = "2020-01-01T00:00:00Z" };
	bool ok = query_export(r, &f, EXPORT_CSV, &next, &text, e);
	return say(out, text, ok);
}

static bool attempt(FILE *out, struct err *e)
{
	char *json = NULL;
	bool ok = query_attempt(r, attempt_1, &json, e);
	return say(out, json, ok);
}

static bool batch(FILE *out, struct err *e)
{
	char *json = NULL;
	bool ok = query_batch(r, batch_1, &json, e);
	return say(out, json, ok);
}

static bool recipe(FILE *out, struct err *e)
{
	char *json = NULL;
	bool ok = query_recipe(r, SHA_A, &json, e);
	return say(out, json, ok);
}

static bool unit_by_serial(FILE *out, struct err *e)
{
	char *json = NULL;
	unsigned found;
	bool ok = query_unit(r, "SN-1", &json, &found, e);
	return say(out, json, ok);
}

static void print_total(void *context, const char *code, int64_t count)
{
	fprintf(context, "%s=%lld\n", code, (long long)count);
}

static bool totals(FILE *out, struct err *e)
{
	return query_totals(r, print_total, out, e);
}

static bool print_row(void *context, int64_t seq, const char *when, const char *kind, const char *body)
{
	fprintf(context, "%lld %s %s %s\n", (long long)seq, when, kind, body);
	return true;
}

static bool events(FILE *out, struct err *e)
{
	return query_events(r, 0, 100, print_row, out, e);
}

static bool admission(FILE *out, struct err *e)
{
	struct journal_unit u;
	int64_t n = 0, max = 0;
	struct journal_recipe recipe;
	bool among;
	if (!journal_unit(r, UID_1, &u, e) || !journal_recipe_units(r, SHA_A, UID_1, &n, &among, e) ||
	    !journal_max_rollback(r, "openmv-n6", "cam", &max, e) || !journal_recipe(r, SHA_A, &recipe, e))
		return false;
	fprintf(out, "%d %d %lld %lld %s %s %s %s %lld %d %lld %d %d %s", u.known, u.unfinished, (long long)u.passed,
	    (long long)u.passed_batch, u.passed_recipe, u.passed_board, u.passed_name, u.serial, (long long)n, among,
	    (long long)max, recipe.known, recipe.revoked, recipe.state);
	return true;
}

static void print_unfinished(void *context, const struct journal_attempt *a)
{
	fprintf(context, "%lld %lld %lld %d %s %s %s %s %s\n", (long long)a->id, (long long)a->batch,
	    (long long)a->slot, a->writing, a->uid, a->path, a->board, a->recipe, a->step);
}

static void print_batch(void *context, const struct journal_batch *b)
{
	fprintf(context, "%lld %lld %lld %d %s %s %s %s %s\n", (long long)b->id, (long long)b->quantity,
	    (long long)b->passed, b->held, b->board, b->recipe, b->order, b->code, b->message);
}

static void print_slot(void *context, const struct journal_slot *s)
{
	fprintf(
	    context, "%lld %d %s %s %s %s\n", (long long)s->slot, s->enabled, s->name, s->path, s->code, s->message);
}

static bool start(FILE *out, struct err *e)
{
	struct journal_equal equal;
	if (!journal_unfinished(r, print_unfinished, out, e) || !journal_open_batches(r, print_batch, out, e) ||
	    !journal_slots(r, print_slot, out, e) || !journal_equal_codes(r, 2, 0, &equal, e))
		return false;
	fprintf(out, "%s %u %u %d", equal.code, equal.count, equal.slot, equal.across);
	return true;
}

static bool proof(FILE *out, struct err *e)
{
	char *json = NULL;
	bool unsigned_yet, ok = query_proof(r, attempt_1, &json, &unsigned_yet, e);
	return say(out, json, ok);
}

static bool search(FILE *out, struct err *e)
{
	static const char *const texts[] = { "SN-1", UID_1, "WO-1", "nothing" };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		char *json = NULL;
		bool ok = query_search(r, texts[i], &json, e);
		if (!say(out, json, ok))
			return false;
	}
	return true;
}

static bool report(FILE *out, struct err *e)
{
	char *json = NULL;
	bool ok = query_batch_report(r, batch_1, &json, e);
	return say(out, json, ok);
}

static bool numbers(FILE *out, struct err *e)
{
	char *json = NULL;
	if (!list(query_numbers, out, e))
		return false;
	bool ok = query_numbers_added(r, numbers_1, &json, e);
	return say(out, json, ok);
}

static bool print_number(void *out, const char *value)
{
	fprintf(out, "%s ", value);
	return true;
}

static bool lists(FILE *out, struct err *e)
{
	int64_t on;
	char kept[129];
	if (!journal_listed_serials(r, listed_1, print_number, out, e) || !journal_serial_list(r, "L-2", &on, e) ||
	    !journal_list_fits(r, "[\"L-9\",\"L-8\"]", e) || !journal_kept_number(r, NUMBER_SERIAL, UID_1, kept, e))
		return false;
	fprintf(out, "%d %s", on == listed_1, kept);
	return true;
}

static bool people(FILE *out, struct err *e)
{
	return list(query_people, out, e) && list(query_tokens, out, e);
}

static bool audit(FILE *out, struct err *e)
{
	return list(query_actions, out, e);
}

static bool parked(FILE *out, struct err *e)
{
	return list(query_parked, out, e);
}

static bool shift(FILE *out, struct err *e)
{
	char *json = NULL;
	bool ok = query_shift(r, &json, e);
	return say(out, json, ok);
}

static bool who(FILE *out, struct err *e)
{
	struct journal_person p, by_badge;
	struct journal_token t;
	if (!journal_person(r, "anna", &p, e) || !journal_person_by_badge(r, "hash-of-a-badge", &by_badge, e) ||
	    !journal_token(r, SHA_A, &t, e))
		return false;
	fprintf(out, "%d %s %s %s %d %s %d %d %s %s %s", p.known, p.name, p.role, p.pin, by_badge.known, by_badge.name,
	    t.known, t.revoked, t.name, t.scopes, t.expires_at);
	return true;
}

static bool keys(FILE *out, struct err *e)
{
	struct request_key key;
	bool attempted, labelled, fits;
	if (!query_request_key(r, "key-1", 0, &key, e) || !query_attempted_since(r, batch_1, 1, &attempted, e) ||
	    !query_labelled_since(r, batch_1, attempt_1, &labelled, e) ||
	    !journal_number_fits(r, NUMBER_SERIAL, "SN-1", UID_2, &fits, e))
		return false;
	fprintf(out, "%lld %s %u %d %d %d", (long long)key.seq, key.request, key.status, attempted, labelled, fits);
	return true;
}

/* grows: its cost may grow with the journal. */
static const struct {
	const char *name;
	question *ask;
	bool grows;
} questions[] = {
	{ "attempts", attempts, false },
	{ "batches", batches, false },
	{ "units", units, false },
	{ "recipes", recipes, false },
	{ "stats", stats, true },
	{ "csv", csv, true },
	{ "attempt", attempt, false },
	{ "batch", batch, false },
	{ "recipe", recipe, false },
	{ "unit by serial", unit_by_serial, false },
	{ "totals", totals, true },
	{ "events", events, true }, /* up to its page */
	{ "admission", admission, false },
	{ "start", start, false },
	{ "proof", proof, false },
	{ "search", search, false },
	{ "report", report, false },
	{ "numbers", numbers, false },
	{ "lists", lists, false },
	{ "people", people, false },
	{ "audit", audit, false },
	{ "parked", parked, false },
	{ "shift", shift, false },
	{ "who", who, false },
	{ "keys", keys, false },
};

/* --- the loop ------------------------------------------------------------------------------------------------------
 */

/* The answer as a text, NULL when it was refused. */
static char *ask(question *q, struct err *e)
{
	struct text_out text;
	FILE *out = text_begin(&text);
	assert_non_null(out);
	bool ok = q(out, e);
	char *answer = text_end(&text, NULL);
	if (ok)
		return answer;
	free(answer);
	return NULL;
}

/* A reader of its own for each question, so that statements are prepared under the fault too. */
static void open_reader(void)
{
	struct err e = ERR_INIT;
	journal_reader_close(r);
	assert_true(journal_reader_open(place.db, &r, &e));
}

/* True while the N-th request was reached. */
static bool with_failure(question *q, const char *name, const char *want, long n)
{
	struct err e = ERR_INIT;
	atomic_store(&until_failure, n);
	char *got = ask(q, &e);
	bool reached = atomic_load(&until_failure) <= 1;
	atomic_store(&until_failure, 0);
	if (got && strcmp(got, want) != 0)
		fail_msg("%s, request %ld%s: %s instead of %s", name, n, forever ? " and all later" : "", got, want);
	if (!got && e.code != CODE_NO_MEMORY && e.code != CODE_JOURNAL_FAILED)
		fail_msg("%s, request %ld: %s: %s", name, n, code_name(e.code), e.msg);
	free(got);
	struct err again = ERR_INIT;
	got = ask(q, &again);
	if (!got || strcmp(got, want) != 0)
		fail_msg("%s, after request %ld: %s %s", name, n, got ? got : "nothing", again.msg);
	free(got);
	return reached;
}

static void walk(question *q, const char *name)
{
	struct err e = ERR_INIT;
	open_reader();
	char *want = ask(q, &e);
	assert_non_null(want);
	long n = 0;
	bool reached = true;
	while (reached && n < MOST) {
		if (n % 4 == 0)
			open_reader();
		reached = with_failure(q, name, want, ++n);
	}
	assert_in_range(n, 2, MOST - 1);
	free(want);
}

static void once(void **state)
{
	(void)state;
	forever = false;
	for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
		walk(questions[i].ask, questions[i].name);
}

static void for_ever(void **state)
{
	(void)state;
	forever = true;
	for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
		walk(questions[i].ask, questions[i].name);
}

/* --- what they cost -------------------------------------------------------------------------------------------------
 */

#define MORE 400 /* attempts of others */

static atomic_long steps; /* SQLite's, of all statements that ended */

static int count_steps(unsigned what, void *context, void *stmt, void *time)
{
	(void)what;
	(void)context;
	(void)time;
	atomic_fetch_add(&steps, sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 1));
	return 0;
}

static int watch(sqlite3 *db, char **message, const struct sqlite3_api_routines *api)
{
	(void)message;
	(void)api;
	return sqlite3_trace_v2(db, SQLITE_TRACE_PROFILE, count_steps, NULL);
}

static long cost(question *q)
{
	struct err e = ERR_INIT;
	free(ask(q, &e)); /* prepares its statements */
	atomic_store(&steps, 0);
	free(ask(q, &e));
	assert_int_equal(e.code, CODE_OK);
	return atomic_load(&steps);
}

static void grow(void)
{
	struct err e = ERR_INIT;
	char uid[32], text[16];
	int64_t batch = batch_1;
	assert_true(place_open(&place, &j, &e));
	for (int i = 0; i < MORE; i++) {
		snprintf(uid, sizeof uid, "0000000200000002%08x", (unsigned)i);
		snprintf(text, sizeof text, "AA-%d", i);
		if (i % 100 == 0) {
			put(j, KIND_BATCH_CLOSED, "{\"batch\":\"%lld\",\"by\":null}", (long long)batch);
			batch = put_batch(j, SHA_B, text, 9);
		}
		put_end(j, put_start(j, uid, batch, text, SHA_B, 3), i % 9 ? "PASS" : "FAIL",
		    i % 9 ? "ok" : "flash-mismatch");
		put(j, KIND_UNIT_SERIAL, "{\"uid\":\"%s\",\"serial\":\"%s\",\"by\":\"berta\"}", uid, text);
	}
	journal_close(j);
	j = NULL;
}

/* What stands beside the few rows that a question is about does not make it dearer. */
static void costs(void **state)
{
	(void)state;
	enum { COUNT = sizeof questions / sizeof *questions };
	long before[COUNT];
	assert_int_equal(sqlite3_auto_extension((void (*)(void))watch), SQLITE_OK);
	open_reader();
	for (size_t i = 0; i < COUNT; i++)
		before[i] = cost(questions[i].ask);
	grow();
	open_reader();
	for (size_t i = 0; i < COUNT; i++) {
		long now = cost(questions[i].ask);
		assert_true(before[i] > 0);
		if (!questions[i].grows && now > 2 * before[i] + 200)
			fail_msg(
			    "%s: %ld steps, and %ld among %d attempts more", questions[i].name, before[i], now, MORE);
	}
	sqlite3_reset_auto_extension();
}

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
	put(j, KIND_SLOT_ADDED, "{\"slot\":2,\"name\":\"left\",\"path\":\"1-1.1\"}");
	batch_1 = put_batch(j, SHA_A, "WO-1", 2);
	attempt_1 = put_pass(j, UID_1, batch_1, "WO-1", SHA_A, 1);
	int64_t failed = put_start(j, UID_2, batch_1, "WO-1", SHA_A, 2);
	put_writing(j, failed);
	put_end(j, failed, "FAIL", "flash-mismatch");
	put(j, KIND_UNIT_SERIAL, "{\"uid\":\"" UID_1 "\",\"serial\":\"SN-1\",\"by\":null}");
	numbers_1 = put(j, KIND_NUMBERS_ADDED,
	    "{\"number_kind\":\"serial\",\"numbers\":[{\"value\":\"A-1\"},{\"value\":\"A-2\"}],\"key\":\"key-1\","
	    "\"request\":\"" SHA_A "\",\"status\":201,\"by\":null}");
	listed_1 = put_listed(j, "openmv-m4", "[\"L-1\",\"L-2\"]");
	put(j, KIND_PERSON_ADDED, PERSON_ADDED, "anna", "qa", "\"hash-of-a-pin\"", "\"hash-of-a-badge\"");
	put(j, KIND_TOKEN_CREATED, TOKEN_CREATED, "mes", SHA_A);
	put(j, KIND_SHIFT_STARTED,
	    "{\"hours\":8,\"units\":[{\"uid\":\"" UID_1 "\",\"serial\":null,\"verdict\":\"PASS\",\"code\":\"ok\"}],"
	    "\"by\":\"anna\"}");
	put(j, KIND_MES_PARKED,
	    "{\"row\":\"2\",\"id\":\"x\",\"event\":\"recipe-added\",\"status\":400,\"code\":\"mes-parked\","
	    "\"message\":\"m\"}");
	put(j, KIND_LABEL_PRINTED,
	    "{\"attempt\":\"%lld\",\"code\":\"ok\",\"message\":null,\"reason\":null,\"by\":null}",
	    (long long)attempt_1);
	int64_t filled = put_filled(j, UID_1, "K-1", "M-1");
	put_writing(j, filled);
	put_end(j, filled, "FAIL", "flash-mismatch");
	int64_t open = put_start(j, UID_2, batch_1, "WO-1", SHA_A, 2);
	put_step(j, open, "identified", "ok");
	journal_close(j); /* from now on nobody else asks SQLite for memory */
	j = NULL;
	return open ? 0 : -1;
}

static int night(void **state)
{
	(void)state;
	journal_reader_close(r);
	place_remove(&place);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(once),
		cmocka_unit_test(for_ever),
		cmocka_unit_test(costs),
	};
	log_setup(LOG_ERR, LOG_TEXT);
	sql_begin();
	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
	sqlite3_mem_methods ours = real;
	ours.xMalloc = get;
	ours.xRealloc = resize;
	sqlite3_config(SQLITE_CONFIG_MALLOC, &ours);
	return cmocka_run_group_tests(tests, day, night);
}
