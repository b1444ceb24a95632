/* The proof of an attempt: taken out of a journal, checked without it, and every bit of it matters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <unistd.h>

#include "journal/lookup.h"
#include "journal/proof.h"
#include "journal_bodies.h"
#include "os/log.h"

static struct place place;
static struct journal *j;
static struct journal_reader *r;
static int64_t passed, failed, refused, running;
static char *proof; /* of the PASS */

static int day(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	place_make(&place);
	if (!place_open(&place, &j, &e) || !journal_reader_open(place.db, &r, &e))
		return -1;
	put(j, KIND_STATION_STARTED, "{\"station\":\"line-1\",\"version\":\"1\"}");
	put_recipe(j, SHA_A, "cam", 3);
	int64_t batch = put_batch(j, SHA_A, "WO-1", 5);
	passed = put_pass(j, UID_1, batch, "WO-1", SHA_A, 1);
	failed = put_start(j, UID_2, batch, "WO-1", SHA_A, 2);
	put_writing(j, failed);
	put_end(j, failed, "FAIL", "flash-mismatch");
	refused = put_refusal(j, "null", "uid-malformed");
	put(j, KIND_BATCH_CLOSED, "{\"batch\":\"%lld\",\"by\":null}", (long long)batch); /* with a checkpoint */
	running = put_start(j, UID_2, put_batch(j, SHA_A, "WO-2", 5), "WO-2", SHA_A, 2);
	return running ? 0 : -1;
}

static int night(void **state)
{
	(void)state;
	free(proof);
	journal_reader_close(r);
	journal_close(j);
	place_remove(&place);
	return 0;
}

/* The checkpoint is written behind the row that asks for it. */
static char *proof_of(int64_t attempt)
{
	struct err e = ERR_INIT;
	char *json;
	bool unsigned_yet;
	for (int tries = 0; tries < 2000; tries++) {
		e = (struct err)ERR_INIT;
		if (query_proof(r, attempt, &json, &unsigned_yet, &e))
			return json;
		if (!unsigned_yet)
			break;
		usleep(5000);
	}
	fail_msg("no proof of %lld: %s", (long long)attempt, e.msg);
	return NULL;
}

static enum verify_result check(const char *text, size_t size, struct proof_report *report)
{
	proof_check(span_of(text, size), NULL, report);
	return report->result;
}

static void ended_attempts_are_proved(void **state)
{
	(void)state;
	struct proof_report report;
	proof = proof_of(passed);
	assert_int_equal(check(proof, strlen(proof), &report), VERIFY_INTACT);
	assert_int_equal(report.attempt, passed);
	assert_string_equal(report.uid, UID_1);
	assert_string_equal(report.verdict, "PASS");
	assert_string_equal(report.code, "ok");
	assert_string_equal(report.order, "WO-1");
	assert_string_equal(report.recipe, SHA_A);
	assert_string_equal(report.station, "line-1");
	assert_true(report.own_key);
	char *other = proof_of(failed);
	assert_int_equal(check(other, strlen(other), &report), VERIFY_INTACT);
	assert_string_equal(report.verdict, "FAIL");
	assert_string_equal(report.code, "flash-mismatch");
	free(other);
	other = proof_of(refused);
	assert_int_equal(check(other, strlen(other), &report), VERIFY_INTACT);
	assert_string_equal(report.verdict, "ERROR");
	assert_string_equal(report.code, "uid-malformed");
	free(other);
}

static void what_has_not_ended_has_no_proof(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	char *json;
	bool unsigned_yet;
	assert_false(query_proof(r, running, &json, &unsigned_yet, &e));
	assert_int_equal(e.code, CODE_CONFLICT);
	assert_false(unsigned_yet);
	e = (struct err)ERR_INIT;
	assert_false(query_proof(r, 1, &json, &unsigned_yet, &e));
	assert_int_equal(e.code, CODE_NOT_FOUND);
}

static void every_bit_matters(void **state)
{
	(void)state;
	struct proof_report report;
	size_t size = strlen(proof), results[8] = { 0 };
	char *copy = strdup(proof);
	for (size_t i = 0; i < size; i++) {
		copy[i] = (char)(proof[i] ^ 1 << i % 7); /* each byte has one turn, each bit many */
		enum verify_result result = check(copy, size, &report);
		if (result == VERIFY_INTACT)
			fail_msg("byte %zu, '%c' for '%c', goes unseen", i, copy[i], proof[i]);
		assert_string_equal(report.verdict, ""); /* nothing is said of what is not proved */
		assert_true(*report.message);
		results[result]++;
		copy[i] = proof[i];
	}
	assert_true(results[VERIFY_TAMPERED] > size / 3 && results[VERIFY_BADLY_SIGNED] && results[VERIFY_UNREADABLE]);
	for (size_t cut = 0; cut < size; cut += 17)
		assert_int_equal(check(proof, cut, &report), VERIFY_UNREADABLE);
	free(copy);
}

/* A whole row taken out, doubled, or put behind: the chain does not end in what was signed. */
static void rows_cannot_be_left_out(void **state)
{
	(void)state;
	struct proof_report report;
	struct err e = ERR_INIT;
	static const char *const edits[] = { "drop", "double", "more", "other" };
	for (size_t n = 0; n < sizeof edits / sizeof *edits; n++) {
		AUTO_JSON struct cJSON *json = json_parse(span_of(proof, strlen(proof)), &e);
		struct cJSON *edited = json_new_object();
		for (const struct cJSON *m = json_first(json); m; m = json_after(m)) {
			if (strcmp(json_key(m), "rows") != 0) {
				const char *text = json_text(m);
				if (n == 3 && !strcmp(json_key(m), "attempt"))
					text = "5";
				if (text)
					json_add_string(edited, json_key(m), text);
				continue;
			}
			struct cJSON *rows = json_add_array(edited, "rows");
			int at = 0;
			for (const struct cJSON *row = json_first(m); row; row = json_after(row), at++) {
				if (n != 0 || at != 2)
					json_add_string(rows, NULL, json_text(row));
				if ((n == 1 && at == 2) || (n == 2 && !json_after(row)))
					json_add_string(rows, NULL, json_text(row));
			}
		}
		const struct cJSON *point = json_member(json, "checkpoint");
		struct cJSON *copy = json_add_object(edited, "checkpoint");
		json_add_string(copy, "text", json_text(json_member(point, "text")));
		json_add_string(copy, "signature", json_text(json_member(point, "signature")));
		char *text = json_print(edited);
		assert_int_equal(check(text, strlen(text), &report), VERIFY_TAMPERED);
		free(text);
		json_free(edited);
	}
}

static void another_key_is_not_the_stations(void **state)
{
	(void)state;
	struct proof_report report;
	uint8_t other[PUBLIC_KEY_SIZE] = { 1, 2, 3 };
	proof_check(span_of(proof, strlen(proof)), other, &report);
	assert_int_equal(report.result, VERIFY_BADLY_SIGNED);
	assert_false(report.own_key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ended_attempts_are_proved),
		cmocka_unit_test(what_has_not_ended_has_no_proof),
		cmocka_unit_test(every_bit_matters),
		cmocka_unit_test(rows_cannot_be_left_out),
		cmocka_unit_test(another_key_is_not_the_stations),
	};
	log_setup(LOG_ERR, LOG_TEXT);
	return cmocka_run_group_tests(tests, day, night);
}
