/* The verifier against a forger: every column of every table changed, rows taken, rows reordered, the whole chain
 * made anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "journal/chain.h"
#include "journal/verify.h"
#include "journal_bodies.h"
#include "os/file.h"
#include "os/log.h"
#include "pace.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

/* A day, stopped cleanly: the forger works on copies of it. */
static struct place place;
static char copy[96], public[112];
static int64_t rows;

static void open_place(struct journal **j)
{
	struct err e = ERR_INIT;
	place_make(&place);
	snprintf(copy, sizeof copy, "%s/copy.db", place.folder);
	snprintf(public, sizeof public, "%s.pub", place.key);
	if (!place_open(&place, j, &e))
		fail_msg("%s", e.msg);
}

static void write_day(struct journal *j)
{
	put(j, KIND_STATION_STARTED, "{\"station\":\"line-1\",\"version\":\"1\",\"note\":\"n\"}");
	put(j, KIND_STATION_EVENT, "{\"code\":\"usb-denied\",\"message\":\"m\",\"slot\":3,\"path\":\"1-1.3\"}");
	put_recipe(j, SHA_A, "cam", 3);
	put(j, KIND_SLOT_ADDED, "{\"slot\":1,\"name\":\"left\",\"path\":\"1-1.1\"}");
	int64_t batch = put_batch(j, SHA_A, "WO-1", 2);
	put_pass(j, UID_1, batch, "WO-1", SHA_A, 1);
	put(j, KIND_BATCH_CLOSED, "{\"batch\":\"%lld\",\"by\":null}", (long long)batch); /* a checkpoint */
	put_refusal(j, "\"" UID_2 "\"", "no-batch");
	put(j, KIND_SLOT_HELD, "{\"slot\":2,\"code\":\"too-many-equal\",\"message\":\"m\"}");
	put(j, KIND_UNIT_SERIAL, "{\"uid\":\"" UID_1 "\",\"serial\":\"SN-1\",\"by\":null}");
	put(j, KIND_PERSON_ADDED, PERSON_ADDED, "anna", "operator", "\"p\"", "null");
	put(j, KIND_TOKEN_CREATED, TOKEN_CREATED, "mes", SHA_A);
	rows = put(j, KIND_STATION_STOPPED, "{\"reason\":\"clean\"}");
}

static int day(void **state)
{
	(void)state;
	struct journal *j;
	open_place(&j);
	write_day(j);
	journal_close(j);
	return rows == 19 ? 0 : -1;
}

static int night(void **state)
{
	(void)state;
	place_remove(&place);
	return 0;
}

static void copy_file(const char *from, const char *to)
{
	struct err e = ERR_INIT;
	AUTO_FREE uint8_t *data = NULL;
	size_t size;
	if (!file_read(from, 16 << 20, &data, &size, &e) || !file_write_atomic(to, span_of(data, size), 0600, &e))
		fail_msg("%s", e.msg);
}

/* A fresh copy, opened with everything that a forger with the file could do: no triggers in the way, no checks. */
static sqlite3 *forge(void)
{
	sqlite3 *db;
	char log[128];
	snprintf(log, sizeof log, "%s-wal", copy);
	unlink(log);
	copy_file(place.db, copy);
	assert_int_equal(sqlite3_open(copy, &db), SQLITE_OK);
	return db;
}

__attribute__((format(printf, 2, 3))) static void run(sqlite3 *db, const char *format, ...)
{
	char sql[2048], *message = NULL;
	va_list args;
	va_start(args, format);
	vsnprintf(sql, sizeof sql, format, args);
	va_end(args);
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
}

/* Runs the change with the append-only triggers out of the way, and puts them back afterwards. */
static void behind_the_triggers(sqlite3 *db, const char *change)
{
	sqlite3_stmt *s;
	char *back[16] = { NULL };
	int n = 0;
	assert_int_equal(
	    sqlite3_prepare_v2(db, "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'", -1, &s, NULL),
	    SQLITE_OK);
	char drop[1024] = "";
	while (sqlite3_step(s) == SQLITE_ROW) {
		snprintf(
		    drop + strlen(drop), sizeof drop - strlen(drop), "DROP TRIGGER %s;", sqlite3_column_text(s, 0));
		back[n++] = strdup((const char *)sqlite3_column_text(s, 1));
	}
	sqlite3_finalize(s);
	run(db, "PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF; %s", drop);
	run(db, "%s", change);
	for (int i = 0; i < n; i++) {
		run(db, "%s", back[i]);
		free(back[i]);
	}
}

static struct verify_report look(const char *db, const char *checkpoints, const char *key)
{
	struct verify_options o = { db, checkpoints, key };
	struct verify_report r;
	verify_journal(&o, &r);
	return r;
}

/* Changes a copy and wants the verifier to say so; first_bad -1: any. */
static void expect(const char *change, enum verify_result result, int64_t first_bad)
{
	sqlite3 *db = forge();
	behind_the_triggers(db, change);
	sqlite3_close(db);
	struct verify_report r = look(copy, place.witness, public);
	if (r.result != result || (first_bad >= 0 && r.first_bad != first_bad))
		fail_msg(
		    "%s: %s, row %lld (%s)", change, verify_result_name(r.result), (long long)r.first_bad, r.message);
}

static void untouched_journal_is_intact(void **state)
{
	(void)state;
	struct verify_report r = look(place.db, place.witness, public);
	if (r.result != VERIFY_INTACT)
		fail_msg("%s", r.message);
	assert_int_equal(r.rows, rows);
	assert_int_equal(r.first_bad, 0);
	assert_int_equal(strlen(r.head), 64);
	assert_int_equal(r.checkpoints, 4); /* two, in both places */
	expect("SELECT 1", VERIFY_INTACT, 0);
	assert_int_equal(look(place.db, NULL, NULL).result, VERIFY_INTACT);
}

static void every_column_of_every_row_counts(void **state)
{
	(void)state;
	static const char *const changes[] = { "at = '2020-01-01T00:00:00.000Z'", "kind = 'forged'",
		"prev = zeroblob(31) || x'01'", "hash = zeroblob(32)", "body = body || ' '",
		"body = replace(body, 'kind', 'Kind')", "seq = seq + 1000" };
	char change[256];
	unsigned turn = 0;
	for (int64_t seq = 1; seq <= rows; seq++)
		for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
			if (turn++ % pace())
				continue;
			snprintf(change, sizeof change, "UPDATE journal SET %s WHERE seq = %lld", changes[i],
			    (long long)seq);
			/* prev has to stay a BLOB for the table to take it */
			if (strstr(change, "||") && strstr(change, "prev"))
				snprintf(change, sizeof change,
				    "UPDATE journal SET prev = CAST(zeroblob(31) || x'01' AS BLOB) WHERE seq = %lld",
				    (long long)seq);
			expect(change, VERIFY_TAMPERED, seq);
		}
}

static void missing_and_swapped_rows_are_named(void **state)
{
	(void)state;
	expect("DELETE FROM journal WHERE seq = 1", VERIFY_TAMPERED, 1);
	expect("DELETE FROM journal WHERE seq = 7", VERIFY_TAMPERED, 7);
	expect("DELETE FROM journal WHERE seq = 7; UPDATE journal SET seq = seq - 1 WHERE seq > 7", VERIFY_TAMPERED, 7);
	expect("UPDATE journal SET seq = 100 WHERE seq = 8; UPDATE journal SET seq = 8 WHERE seq = 9;"
	       "UPDATE journal SET seq = 9 WHERE seq = 100",
	    VERIFY_TAMPERED, 8);
	expect("DELETE FROM journal WHERE seq = 19", VERIFY_TRUNCATED, 19);
	expect("DELETE FROM journal WHERE seq > 10", VERIFY_TRUNCATED, 11);
	expect("DELETE FROM journal", VERIFY_TRUNCATED, 1);
	/* The database's own checkpoints go too: the file still knows. */
	expect("DELETE FROM journal WHERE seq > 15; DELETE FROM checkpoint WHERE size > 15", VERIFY_TRUNCATED, 16);
}

/* What a factory has beside its units: a row for every table that the day leaves empty. */
static void write_rest(struct journal *j)
{
	put(j, KIND_NUMBERS_ADDED,
	    "{\"number_kind\":\"serial\",\"numbers\":[{\"value\":\"A\"},{\"value\":\"B\"}],\"key\":\"k\",\"request\":"
	    "\"" SHA_A "\",\"status\":201,\"by\":null}");
	put(j, KIND_NUMBER_VOIDED, "{\"number_kind\":\"serial\",\"value\":\"B\",\"reason\":\"torn\",\"by\":null}");
	int64_t a = put_numbered(j, UID_2, "SN-9", "MAC-9");
	put_end(j, a, "PASS", "ok");
	put(j, KIND_LABEL_PRINTED,
	    "{\"attempt\":\"%lld\",\"code\":\"ok\",\"message\":\"m\",\"reason\":\"torn\",\"by\":\"anna\"}",
	    (long long)a);
	int64_t shift = put(j, KIND_SHIFT_STARTED,
	    "{\"hours\":12,\"units\":[{\"uid\":\"" UID_2
	    "\",\"serial\":\"S\",\"verdict\":\"ERROR\",\"code\":\"no-batch\"}],\"by\":\"anna\"}");
	put_refusal(j, "\"" UID_2 "\"", "no-batch");
	put(j, KIND_SHIFT_ENDED, "{\"shift\":\"%lld\",\"by\":\"anna\"}", (long long)shift);
	put(j, KIND_MES_STARTED, "{\"events\":\"attempt-ended\"}");
	put(j, KIND_MES_PARKED,
	    "{\"row\":\"12\",\"id\":\"0\",\"event\":\"attempt-ended\",\"status\":404,\"code\":\"mes-parked\","
	    "\"message\":\"m\"}");
	put(j, KIND_RECIPE_ADDED,
	    "{\"sha256\":\"" SHA_B
	    "\",\"name\":\"cam\",\"version\":\"2\",\"rollback\":4,\"board\":\"openmv-n6\",\"bytes\":1,"
	    "\"not_before\":null,\"not_after\":null,\"units\":null,\"after\":\"run\",\"state\":\"draft\",\"regions\":[]"
	    ","
	    "\"signers\":[],\"by\":null}");
	put(j, KIND_RECIPE_APPROVED, "{\"sha256\":\"" SHA_B "\",\"state\":\"approved\",\"by\":\"anna\"}");
	put(j, KIND_RECIPE_ACTIVATED, "{\"sha256\":\"" SHA_B "\",\"by\":\"ben\"}");
	put(j, KIND_RECIPE_RETIRED, "{\"sha256\":\"" SHA_B "\",\"reason\":null,\"by\":\"ben\"}");
}

/* Every column of every row of every relational table, one at a time; on a day of its own. */
static void every_relational_value_counts(void **state)
{
	(void)state;
	struct place other = place;
	struct journal *j;
	open_place(&j);
	write_day(j);
	write_rest(j);
	journal_close(j);
	sqlite3 *db = forge();
	sqlite3_stmt *s;
	static char changes[512][200];
	int n = 0;
	assert_int_equal(sqlite3_prepare_v2(db,
			     "SELECT m.name, c.name, c.type FROM sqlite_schema m, pragma_table_info(m.name) c"
			     " WHERE m.type = 'table' AND m.name NOT IN ('journal', 'checkpoint', 'station')",
			     -1, &s, NULL),
	    SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW) {
		const char *table = (const char *)sqlite3_column_text(s, 0),
			   *column = (const char *)sqlite3_column_text(s, 1);
		bool number = !strcmp((const char *)sqlite3_column_text(s, 2), "INTEGER");
		assert_true(n < 512);
		snprintf(changes[n++], sizeof changes[0],
		    "UPDATE %s SET \"%s\" = %s WHERE \"%s\" IS (SELECT max(\"%s\") FROM %s)", table, column,
		    number ? "999" : "'forged'", column, column, table);
	}
	sqlite3_finalize(s);
	sqlite3_close(db);
	assert_true(n > 100);
	for (int i = 0; i < n; i += (int)pace())
		expect(changes[i], VERIFY_TAMPERED, -1);
	place_remove(&place);
	place = other;
	snprintf(copy, sizeof copy, "%s/copy.db", place.folder);
	snprintf(public, sizeof public, "%s.pub", place.key);
	rows = 17;
}

static void relational_rows_name_their_journal_row(void **state)
{
	(void)state;
	expect("UPDATE attempts SET verdict = 'FAIL', code = 'romfs-bad' WHERE id = 6", VERIFY_TAMPERED, 12);
	expect("DELETE FROM attempt_steps WHERE seq = 8", VERIFY_TAMPERED, 8);
	expect("DELETE FROM attempts", VERIFY_TAMPERED, 12);
	expect("INSERT INTO recipe_units(recipe, uid, seq) VALUES('" SHA_A "', 'x', 5)", VERIFY_TAMPERED, 5);
	expect("INSERT INTO recipe_units(recipe, uid, seq) VALUES('" SHA_A "', 'x', 5000)", VERIFY_TAMPERED, 0);
	expect("UPDATE units SET serial = 'SN-2' WHERE uid = '" UID_1 "'", VERIFY_TAMPERED, 16);
}

/* A forger who knows the format makes the whole chain anew; only the signed checkpoints stand in the way. */
static void restamp(sqlite3 *db, const char *from, const char *to)
{
	uint8_t prev[CHAIN_HASH_SIZE] = { 0 }, hash[CHAIN_HASH_SIZE];
	sqlite3_stmt *get, *set;
	char sql[512];
	snprintf(sql, sizeof sql, "SELECT seq, replace(body, '%s', '%s') FROM journal ORDER BY seq", from, to);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &get, NULL), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(db, "UPDATE journal SET prev = ?2, hash = ?3, body = ?4 WHERE seq = ?1", -1, &set, NULL),
	    SQLITE_OK);
	while (sqlite3_step(get) == SQLITE_ROW) {
		const void *body = sqlite3_column_text(get, 1);
		chain_hash("line-1", sqlite3_column_int64(get, 0), prev,
		    span_of(body, (size_t)sqlite3_column_bytes(get, 1)), hash);
		sqlite3_bind_int64(set, 1, sqlite3_column_int64(get, 0));
		sqlite3_bind_blob(set, 2, prev, sizeof prev, SQLITE_TRANSIENT);
		sqlite3_bind_blob(set, 3, hash, sizeof hash, SQLITE_TRANSIENT);
		sqlite3_bind_value(set, 4, sqlite3_column_value(get, 1));
		assert_int_equal(sqlite3_step(set), SQLITE_DONE);
		sqlite3_reset(set);
		memcpy(prev, hash, sizeof prev);
	}
	sqlite3_finalize(get);
	sqlite3_finalize(set);
}

static void restamped_chain_contradicts_the_checkpoints(void **state)
{
	(void)state;
	sqlite3 *db = forge();
	run(db, "DROP TRIGGER journal_no_update");
	restamp(db, "\"reason\":\"clean\"", "\"reason\":\"dirty\"");
	run(db, "UPDATE runs SET reason = 'dirty';"
		"CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal\n"
		"BEGIN SELECT raise(ABORT, 'the journal is append-only'); END");
	sqlite3_close(db);
	struct verify_report r = look(copy, place.witness, public);
	assert_int_equal(r.result, VERIFY_TAMPERED);
	assert_int_equal(r.first_bad, 14); /* behind the batch's checkpoint, which still agrees */
	assert_int_equal(look(copy, NULL, public).result, VERIFY_TAMPERED);
}

/* Without checkpoints nothing is left to see: what the manual says it cannot show. */
static void restamped_chain_without_checkpoints_is_not_seen(void **state)
{
	(void)state;
	sqlite3 *db = forge();
	behind_the_triggers(db, "DELETE FROM checkpoint");
	run(db, "DROP TRIGGER journal_no_update");
	restamp(db, "\"reason\":\"clean\"", "\"reason\":\"dirty\"");
	run(db, "UPDATE runs SET reason = 'dirty';"
		"CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal\n"
		"BEGIN SELECT raise(ABORT, 'the journal is append-only'); END");
	sqlite3_close(db);
	assert_int_equal(look(copy, NULL, public).result, VERIFY_INTACT);
	assert_int_equal(look(copy, place.witness, public).result, VERIFY_TAMPERED);
}

static void row_that_cannot_have_been_written_is_tampering(void **state)
{
	(void)state;
	sqlite3 *db = forge();
	run(db, "DROP TRIGGER journal_no_update; DROP TRIGGER checkpoint_no_delete; DELETE FROM checkpoint");
	restamp(db, "\"kind\":\"attempt-writing\"", "\"kind\":\"attempt-writhing\"");
	run(db, "UPDATE journal SET kind = 'attempt-writhing' WHERE kind = 'attempt-writing'");
	sqlite3_close(db);
	struct verify_report r = look(copy, NULL, public);
	assert_int_equal(r.result, VERIFY_TAMPERED);
	assert_int_equal(r.first_bad, 9);
}

/* The station takes no checkpoint back: what the file has, the database has. */
static void checkpoint_taken_out_is_told(void **state)
{
	(void)state;
	expect("DELETE FROM checkpoint WHERE size = 13", VERIFY_TAMPERED, 13);
	expect("DELETE FROM checkpoint", VERIFY_TAMPERED, 13);
}

static void bad_signatures_are_told(void **state)
{
	(void)state;
	expect("UPDATE checkpoint SET signature = zeroblob(64) WHERE size = 13", VERIFY_BADLY_SIGNED, 0);
	expect("UPDATE checkpoint SET text = replace(text, 'Z', 'Y')", VERIFY_BADLY_SIGNED, 0);
	expect("INSERT INTO checkpoint(size, text, signature) SELECT 5, text, signature FROM checkpoint LIMIT 1",
	    VERIFY_BADLY_SIGNED, 0);
	expect("UPDATE station SET public_key = randomblob(32)", VERIFY_BADLY_SIGNED, 0);
	expect("UPDATE station SET name = 'line-2'", VERIFY_TAMPERED, 1);
}

/* Every byte of the file of checkpoints: changed, it is badly signed, and never anything worse. */
static void every_byte_of_the_file_is_signed(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	AUTO_FREE uint8_t *data = NULL;
	size_t size;
	char forged[96];
	snprintf(forged, sizeof forged, "%s/other.key", place.folder);
	assert_true(file_read(place.witness, 1 << 20, &data, &size, &e));
	for (size_t i = 0; i < size; i += pace()) {
		if (data[i] == '\n')
			continue;
		data[i] ^= 1;
		assert_true(file_write_atomic(forged, span_of(data, size), 0600, &e));
		data[i] ^= 1;
		struct verify_report r = look(place.db, forged, public);
		if (r.result != VERIFY_BADLY_SIGNED)
			fail_msg("byte %zu: %s", i, verify_result_name(r.result));
	}
	/* Cut short it is what a crash leaves. */
	for (size_t cut = 0; cut < size; cut += 7 * pace()) {
		assert_true(file_write_atomic(forged, span_of(data, cut), 0600, &e));
		assert_int_equal(look(place.db, forged, public).result, VERIFY_INTACT);
	}
}

static void schema_is_part_of_it(void **state)
{
	(void)state;
	static const char *const changes[] = { "DROP TRIGGER journal_no_update", "DROP INDEX attempts_uid",
		"CREATE TABLE extra(a)", "CREATE VIEW v AS SELECT 1", "DROP TRIGGER journal_no_gap",
		"ALTER TABLE slots ADD COLUMN extra TEXT" };
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		sqlite3 *db = forge();
		run(db, "%s", changes[i]);
		sqlite3_close(db);
		struct verify_report r = look(copy, place.witness, public);
		if (r.result != VERIFY_TAMPERED || r.first_bad)
			fail_msg("%s: %s", changes[i], verify_result_name(r.result));
	}
}

static void unreadable_files_are_told(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	assert_int_equal(look("/nonexistent/journal.db", NULL, NULL).result, VERIFY_UNREADABLE);
	assert_int_equal(look(place.folder, NULL, NULL).result, VERIFY_UNREADABLE);
	assert_int_equal(look(place.key, NULL, NULL).result, VERIFY_UNREADABLE);
	assert_int_equal(look(place.db, "/nonexistent", NULL).result, VERIFY_UNREADABLE);
	assert_int_equal(look(place.db, NULL, place.db).result, VERIFY_UNREADABLE);
	assert_true(file_write_atomic(copy, span_of("", 0), 0600, &e));
	assert_int_equal(look(copy, NULL, NULL).result, VERIFY_UNREADABLE);
	sqlite3 *db = forge();
	run(db, "PRAGMA user_version = 99");
	sqlite3_close(db);
	assert_int_equal(look(copy, NULL, NULL).result, VERIFY_UNREADABLE);
	db = forge();
	run(db, "ALTER TABLE journal RENAME TO old; CREATE VIEW journal AS SELECT * FROM old");
	sqlite3_close(db);
	assert_int_equal(look(copy, NULL, NULL).result, VERIFY_UNREADABLE);
}

/* Every page of the file overwritten in turn: told in some way, never a crash, never intact when data is gone. */
static void damaged_pages_are_told(void **state)
{
	(void)state;
	struct stat st;
	assert_int_equal(stat(place.db, &st), 0);
	for (off_t page = 0; page < st.st_size / 4096; page++) {
		copy_file(place.db, copy);
		FILE *f = fopen(copy, "r+b");
		fseek(f, page * 4096, SEEK_SET);
		for (int i = 0; i < 4096; i++)
			fputc(0x5a, f);
		fclose(f);
		struct verify_report r = look(copy, place.witness, public);
		if (r.result == VERIFY_INTACT)
			fail_msg("page %lld", (long long)page);
	}
}

static void running_journal_can_be_looked_at(void **state)
{
	(void)state;
	struct journal *j;
	struct err e = ERR_INIT;
	struct place live;
	place_make(&live);
	assert_true(place_open(&live, &j, &e));
	for (int i = 0; i < 40; i++) {
		for (int k = 0; k < 20; k++)
			journal_append(j, KIND_STATION_EVENT,
			    tree_of("{\"code\":null,\"message\":\"x\",\"slot\":null,\"path\":null}"), NULL, NULL);
		struct verify_report r = look(live.db, access(live.witness, F_OK) == 0 ? live.witness : NULL, NULL);
		if (r.result != VERIFY_INTACT)
			fail_msg("%s", r.message);
	}
	journal_close(j);
	assert_int_equal(look(live.db, live.witness, NULL).rows, 800);
	place_remove(&live);
}

/* `t_verify keep`: leaves the day's files where they are and prints their folder, for verifiers of other origin. */
static int keep_day(void)
{
	if (day(NULL))
		return 1;
	puts(place.folder);
	return 0;
}

int main(int argc, char **argv)
{
	log_setup(LOG_ERR, LOG_TEXT);
	if (argc == 2 && !strcmp(argv[1], "keep"))
		return keep_day();
	const struct CMUnitTest tests[] = { cmocka_unit_test(untouched_journal_is_intact),
		cmocka_unit_test(every_column_of_every_row_counts),
		cmocka_unit_test(missing_and_swapped_rows_are_named), cmocka_unit_test(every_relational_value_counts),
		cmocka_unit_test(relational_rows_name_their_journal_row),
		cmocka_unit_test(restamped_chain_contradicts_the_checkpoints),
		cmocka_unit_test(restamped_chain_without_checkpoints_is_not_seen),
		cmocka_unit_test(row_that_cannot_have_been_written_is_tampering),
		cmocka_unit_test(checkpoint_taken_out_is_told), cmocka_unit_test(bad_signatures_are_told),
		cmocka_unit_test(every_byte_of_the_file_is_signed), cmocka_unit_test(schema_is_part_of_it),
		cmocka_unit_test(unreadable_files_are_told), cmocka_unit_test(damaged_pages_are_told),
		cmocka_unit_test(running_journal_can_be_looked_at) };
	return cmocka_run_group_tests(tests, day, night);
}
