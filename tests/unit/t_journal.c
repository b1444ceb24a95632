/* The journal's writer: rows in order, answers after the commit, refusals that cost nobody else, reopening. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hex.h"
#include "base/timefmt.h"
#include "journal/chain.h"
#include "journal/key.h"
#include "journal/query.h"
#include "journal/verify.h"
#include "journal/witness.h"
#include "journal_bodies.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The wall clock of this program, moved by so many seconds; the monotonic one is as ever. */
static atomic_int clock_shift;

int clock_gettime(clockid_t clock, struct timespec *out)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, out);
	if (rc == 0 && clock == CLOCK_REALTIME)
		out->tv_sec += atomic_load(&clock_shift);
	return rc;
}

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof *p);
	place_make(p);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	place_remove(*state);
	free(*state);
	return 0;
}

static struct journal *open_at(const struct place *p)
{
	struct journal *j;
	struct err e = ERR_INIT;
	if (!place_open(p, &j, &e))
		fail_msg("%s", e.msg);
	return j;
}

static int64_t put_note(struct journal *j, int n)
{
	return put(j, KIND_STATION_EVENT, "{\"code\":null,\"message\":\"note %d\",\"slot\":null,\"path\":null}", n);
}

static void rows_are_numbered_without_gaps(void **state)
{
	struct journal *j = open_at(*state);
	for (int i = 1; i <= 20; i++)
		assert_int_equal(put_note(j, i), i);
	journal_close(j);
	j = open_at(*state);
	assert_int_equal(put_note(j, 21), 21);
	journal_close(j);
}

/* The layout written out by hand, against the function. */
static void hash_has_its_layout(void **state)
{
	(void)state;
	uint8_t prev[CHAIN_HASH_SIZE], hash[CHAIN_HASH_SIZE];
	char text[2 * CHAIN_HASH_SIZE + 1];
	memset(prev, 0, sizeof prev);
	chain_hash("line-1", 1, prev, span_of("{}", 2), hash);
	hex_encode(text, hash, sizeof hash);
	/* python3: hashlib.blake2b(b'romline.journal.1\0' + b'\0\6line-1' + bytes(7) + b'\1' + bytes(32) +
	 * b'\0\0\0\2{}', digest_size=32).hexdigest() */
	assert_string_equal(text, "b2f04a7643eaea2d926dd9bfb186ec6771c3005f911cda4a86bb89c8f13ed8cc");
}

static bool check_row(void *context, int64_t seq, const char *at, const char *kind, const char *body)
{
	int64_t *last = context, ms;
	const char *text;
	struct err e = ERR_INIT;
	AUTO_JSON struct cJSON *tree = json_parse(span_of(body, strlen(body)), &e);
	assert_non_null(tree);
	assert_true(json_string(tree, "kind", &text, &e));
	assert_string_equal(text, kind);
	assert_true(json_string(tree, "at", &text, &e));
	assert_string_equal(text, at);
	assert_true(time_parse(at, &ms));
	assert_true(ms >= last[1]);
	assert_int_equal(seq, last[0] + 1);
	last[0] = seq;
	last[1] = ms;
	return true;
}

static void every_body_has_its_kind_and_time(void **state)
{
	struct place *p = *state;
	struct journal *j = open_at(p);
	struct journal_reader *r;
	struct err e = ERR_INIT;
	int64_t last[2] = { 0, 0 };
	put(j, KIND_STATION_STARTED, "{\"station\":\"line-1\",\"version\":\"1\"}");
	put(j, KIND_STATION_RESUMED, "{\"by\":\"anna \\\"a\\\" \\u00e9\"}");
	put_note(j, 1);
	assert_true(journal_reader_open(p->db, &r, &e));
	assert_true(query_events(r, 0, 100, check_row, last, &e));
	assert_int_equal(last[0], 3);
	journal_reader_close(r);
	journal_close(j);
}

struct tally {
	pthread_mutex_t mutex;
	int good, bad;
	int64_t highest;
	bool ordered;
};

static void count(void *context, int64_t seq, const struct err *e)
{
	struct tally *t = context;
	pthread_mutex_lock(&t->mutex);
	if (seq) {
		t->good++;
		t->ordered = t->ordered && seq > t->highest && !e;
		t->highest = seq;
	} else {
		t->bad++;
		t->ordered = t->ordered && e && e->code != CODE_OK && *e->msg;
	}
	pthread_mutex_unlock(&t->mutex);
}

static struct cJSON *note_tree(void)
{
	return tree_of("{\"code\":null,\"message\":\"x\",\"slot\":null,\"path\":null}");
}

/* Three kinds of bad rows among good ones: each is answered with an error, none costs another row. */
static void bad_rows_cost_nobody_else(void **state)
{
	struct journal *j = open_at(*state);
	struct tally t = { PTHREAD_MUTEX_INITIALIZER, 0, 0, 0, true };
	for (int i = 0; i < 100; i++) {
		journal_append(j, KIND_STATION_EVENT, note_tree(), count, &t);
		journal_append(j, KIND_STATION_EVENT, tree_of("{\"message\":\"fields are missing\"}"), count, &t);
		journal_append(j, KIND_ATTEMPT_WRITING, tree_of("{\"attempt\":\"77777\"}"), count, &t);
		journal_append(j, "no-such-kind", note_tree(), count, &t);
		journal_append(j, KIND_STATION_EVENT, NULL, count, &t);
	}
	assert_int_equal(put_note(j, 0), 101);
	journal_close(j);
	assert_int_equal(t.good, 100);
	assert_int_equal(t.bad, 400);
	assert_int_equal(t.highest, 100);
	assert_true(t.ordered);
}

static void *append_many(void *argument)
{
	struct {
		struct journal *j;
		struct tally *t;
	} *a = argument;
	for (int i = 0; i < 500; i++)
		journal_append(a->j, KIND_STATION_EVENT, note_tree(), count, a->t);
	return NULL;
}

static void many_threads_make_one_chain(void **state)
{
	struct place *p = *state;
	struct journal *j = open_at(p);
	struct tally t = { PTHREAD_MUTEX_INITIALIZER, 0, 0, 0, true };
	struct {
		struct journal *j;
		struct tally *t;
	} a = { j, &t };
	pthread_t threads[8];
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, append_many, &a), 0);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	journal_close(j);
	assert_int_equal(t.good, 4000);
	assert_true(t.ordered);
	journal_close(open_at(p)); /* checks the whole chain */
}

static void seen_tells_the_newest(void *context, int64_t newest)
{
	*(int64_t *)context = newest;
}

static void watcher_hears_of_commits(void **state)
{
	struct journal *j = open_at(*state);
	int64_t newest = 0;
	journal_watch(j, seen_tells_the_newest, &newest);
	put_note(j, 1);
	put_note(j, 2);
	journal_close(j);
	assert_int_equal(newest, 2);
}

struct marks {
	int count;
	int64_t sizes[64];
	uint8_t public[PUBLIC_KEY_SIZE];
};

static bool note_mark(void *context, bool valid, struct span text, const uint8_t signature[SIGNATURE_SIZE])
{
	struct marks *m = context;
	struct checkpoint c;
	assert_true(valid);
	assert_true(signature_valid(m->public, text, signature));
	assert_true(checkpoint_parse(text, &c));
	assert_string_equal(c.station, "line-1");
	m->sizes[m->count++] = c.size;
	return true;
}

static void read_marks(const struct place *p, struct marks *m)
{
	char public[128];
	struct err e = ERR_INIT;
	AUTO_FREE uint8_t *data = NULL;
	size_t size;
	*m = (struct marks){ 0 };
	snprintf(public, sizeof public, "%s.pub", p->key);
	assert_true(public_key_read(public, m->public, &e));
	assert_true(file_read(p->witness, 1 << 20, &data, &size, &e));
	witness_each(span_of(data, size), note_mark, m);
}

static void checkpoints_stand_where_they_must(void **state)
{
	struct place *p = *state;
	struct journal *j = open_at(p);
	struct tally t = { PTHREAD_MUTEX_INITIALIZER, 0, 0, 0, true };
	struct marks m;
	put_recipe(j, SHA_A, "cam", 1);
	int64_t batch = put_batch(j, SHA_A, "WO-1", 3);
	put(j, KIND_BATCH_CLOSED, "{\"batch\":\"%lld\",\"by\":null}", (long long)batch);
	for (int i = 0; i < 600; i++)
		journal_append(j, KIND_STATION_EVENT, note_tree(), count, &t);
	journal_close(j);
	read_marks(p, &m);
	assert_int_equal(m.sizes[0], 3); /* the batch's close */
	for (int i = 1; i < m.count; i++)
		assert_in_range(m.sizes[i] - m.sizes[i - 1], 1, 256);
	assert_int_equal(m.sizes[m.count - 1], 603); /* the clean stop */
	int before = m.count;
	journal_close(open_at(p)); /* nothing new: no new checkpoint */
	read_marks(p, &m);
	assert_int_equal(m.count, before);
}

/* A record that a crash cut is ended and passed over; the next one is whole. */
static void torn_checkpoint_is_passed_over(void **state)
{
	struct place *p = *state;
	struct marks m;
	struct journal *j = open_at(p);
	put_note(j, 1);
	journal_close(j);
	struct stat st;
	assert_int_equal(stat(p->witness, &st), 0);
	for (off_t cut = st.st_size - 1; cut > st.st_size - 140; cut -= 9) {
		assert_int_equal(truncate(p->witness, cut), 0);
		j = open_at(p);
		put_note(j, 2);
		journal_close(j);
		read_marks(p, &m);
		/* One byte less is only the empty line: that record counts. */
		assert_int_equal(m.count, cut == st.st_size - 1 || cut == st.st_size - 2 ? 2 : 1);
		assert_int_equal(truncate(p->witness, 0), 0);
		j = open_at(p);
		put_note(j, 3);
		journal_close(j);
		assert_int_equal(stat(p->witness, &st), 0);
	}
}

/* Whoever takes the file away, as rotation does, takes what was in it; the next checkpoint begins another. */
static void witness_may_be_taken_away(void **state)
{
	struct place *p = *state;
	struct journal *j = open_at(p);
	char away[128];
	put_note(j, 1);
	journal_checkpoint(j);
	put_note(j, 2);
	journal_close(j);
	snprintf(away, sizeof away, "%s.1", p->witness);
	assert_int_equal(rename(p->witness, away), 0);
	j = open_at(p);
	put_note(j, 3);
	journal_close(j);
	const char *files[] = { away, p->witness };
	for (int i = 0; i < 2; i++) {
		struct verify_options o = { p->db, files[i], NULL };
		struct verify_report report;
		verify_journal(&o, &report);
		assert_int_equal(report.result, VERIFY_INTACT);
		assert_true(report.checkpoints > 0);
	}
	assert_int_equal(unlink(away), 0);
}

static void key_is_private_and_kept(void **state)
{
	struct place *p = *state;
	struct journal *j;
	struct err e = ERR_INIT;
	struct stat st;
	journal_close(open_at(p));
	assert_int_equal(stat(p->key, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(chmod(p->key, 0644), 0);
	assert_false(place_open(p, &j, &e));
	assert_int_equal(e.code, CODE_JOURNAL_FAILED);
	assert_int_equal(unlink(p->key), 0);
	assert_false(place_open(p, &j, &e));
	assert_int_equal(e.code, CODE_JOURNAL_FAILED);
	assert_non_null(strstr(e.msg, "missing"));
	assert_null(j);
}

static void other_station_or_second_program_is_refused(void **state)
{
	struct place *p = *state;
	struct journal *j = open_at(p), *second;
	struct err e = ERR_INIT;
	assert_false(place_open(p, &second, &e));
	assert_int_equal(e.code, CODE_JOURNAL_FAILED);
	journal_close(j);
	struct journal_options o = { p->db, "line-2", p->key, NULL };
	assert_false(journal_open(&o, &second, &e));
	assert_non_null(strstr(e.msg, "line-1"));
	o.station = "two\nlines";
	assert_false(journal_open(&o, &second, &e));
}

static void damage_is_named_at_start(void **state)
{
	struct place *p = *state;
	struct journal *j = open_at(p);
	struct err e = ERR_INIT;
	for (int i = 0; i < 200; i++)
		put_note(j, i);
	journal_close(j);
	AUTO_FREE uint8_t *data = NULL;
	size_t size;
	assert_true(file_read(p->db, 1 << 22, &data, &size, &e));
	const uint8_t *row = memmem(data, size, "note 150", 8);
	assert_non_null(row);
	FILE *f = fopen(p->db, "r+b");
	fseek(f, (row - data) / 4096 * 4096, SEEK_SET);
	for (int i = 0; i < 64; i++)
		fputc(0x5a, f);
	fclose(f);
	assert_false(place_open(p, &j, &e));
	assert_int_equal(e.code, CODE_JOURNAL_FAILED);
	assert_non_null(strstr(e.msg, "damaged"));
}

/* What a killed program leaves behind: the files as they are while it runs. */
static void copy_running(const struct place *p, const struct place *to, bool log)
{
	static const char *const ends[] = { "", "-wal" };
	char from[160], name[160];
	struct err e = ERR_INIT;
	for (int i = 0; i <= log; i++) {
		AUTO_FREE uint8_t *data = NULL;
		size_t size;
		snprintf(from, sizeof from, "%s%s", p->db, ends[i]);
		snprintf(name, sizeof name, "%s%s", to->db, ends[i]);
		assert_true(file_read(from, 1 << 24, &data, &size, &e));
		assert_true(file_write_atomic(name, span_of(data, size), 0600, &e));
	}
	AUTO_FREE uint8_t *key = NULL;
	size_t size;
	assert_true(file_read(p->key, 4096, &key, &size, &e));
	assert_true(file_write_atomic(to->key, span_of(key, size), 0600, &e));
}

static void lost_log_is_named_at_start(void **state)
{
	struct place *p = *state, killed;
	struct err e = ERR_INIT;
	struct journal *j = open_at(p), *again;
	for (int i = 0; i < 300; i++) /* past a checkpoint */
		put_note(j, i);
	place_make(&killed);
	copy_running(p, &killed, false);
	struct journal_options o = { killed.db, "line-1", killed.key, p->witness };
	assert_false(journal_open(&o, &again, &e));
	assert_int_equal(e.code, CODE_JOURNAL_FAILED);
	assert_non_null(strstr(e.msg, "rows are missing"));
	copy_running(p, &killed, true); /* put back */
	assert_true(journal_open(&o, &again, &e));
	assert_int_equal(put_note(again, 300), 301);
	journal_close(again);
	place_remove(&killed);
	journal_close(j);
}

/* A log that was left open may be in memory only; nothing is built on it before it is in the database. */
static void left_log_is_settled_at_start(void **state)
{
	struct place *p = *state, killed;
	struct err e = ERR_INIT;
	struct journal *j = open_at(p), *again;
	struct stat st;
	char log[160];
	for (int i = 0; i < 5; i++)
		put_note(j, i);
	place_make(&killed);
	copy_running(p, &killed, true);
	journal_close(j);
	snprintf(log, sizeof log, "%s-wal", killed.db);
	assert_int_equal(stat(log, &st), 0);
	assert_true(st.st_size > 0);
	assert_true(place_open(&killed, &again, &e));
	assert_int_equal(stat(log, &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(put_note(again, 5), 6);
	journal_close(again);
	place_remove(&killed);
}

static void lost_journal_is_not_begun_anew(void **state)
{
	struct place *p = *state;
	struct err e = ERR_INIT;
	struct journal *j = open_at(p);
	struct stat st;
	put_note(j, 1);
	journal_close(j);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(i ? unlink(p->db) : truncate(p->db, 0), 0);
		assert_false(place_open(p, &j, &e));
		assert_int_equal(e.code, CODE_JOURNAL_FAILED);
		assert_non_null(strstr(e.msg, "missing or empty"));
	}
	assert_int_equal(unlink(p->key), 0);
	assert_int_equal(unlink(p->witness), 0);
	j = open_at(p);
	assert_int_equal(put_note(j, 1), 1);
	journal_close(j);
	assert_int_equal(stat(p->key, &st), 0);
}

static struct cJSON *event_tree(const char *message)
{
	struct cJSON *body = json_new_object();
	json_add_null(body, "code");
	json_add_string(body, "message", message);
	json_add_null(body, "slot");
	json_add_null(body, "path");
	return body;
}

/* A reader that stays in the middle of history keeps the log from being begun anew; once it has gone, the log ends. */
static void log_is_bounded(void **state)
{
	struct place *p = *state;
	struct err e = ERR_INIT;
	struct journal *j = open_at(p);
	struct stat st;
	sqlite3 *reader;
	char log[160], long_text[3000];
	memset(long_text, 'x', sizeof long_text - 1);
	long_text[sizeof long_text - 1] = '\0';
	snprintf(log, sizeof log, "%s-wal", p->db);
	put_note(j, 0);
	assert_int_equal(sqlite3_open_v2(p->db, &reader, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM journal", NULL, NULL, NULL), SQLITE_OK);
	off_t size[2];
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 800; i++) { /* twenty to a commit */
			if (i % 20 == 19)
				assert_true(journal_write(j, KIND_STATION_EVENT, event_tree(long_text), &e) > 0);
			else
				journal_append(j, KIND_STATION_EVENT, event_tree(long_text), NULL, NULL);
		}
		assert_int_equal(stat(log, &st), 0);
		size[round] = st.st_size;
		if (!round) {
			assert_true(st.st_size > 1200 * 4096); /* far behind where it is moved when nobody reads */
			assert_int_equal(sqlite3_close(reader), SQLITE_OK);
		}
	}
	assert_true(size[1] <= size[0] + 256 * 4096); /* it was begun anew, not lengthened */
	journal_close(j);
	assert_true(stat(log, &st) != 0 || st.st_size == 0);
	j = open_at(p);
	assert_true(put_note(j, 1) > 0);
	journal_close(j);
}

static void set_file_limit(rlim_t bytes)
{
	struct rlimit limit;
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A disk that takes no more bytes: rows fail with journal-failed; when it takes them again the chain goes on. */
static void full_disk_fails_rows_and_recovers(void **state)
{
	struct place *p = *state;
	struct journal *j = open_at(p);
	struct err e = ERR_INIT;
	struct stat st;
	char log[128];
	signal(SIGXFSZ, SIG_IGN);
	put_note(j, 1);
	snprintf(log, sizeof log, "%s-wal", p->db);
	assert_int_equal(stat(log, &st), 0);
	set_file_limit((rlim_t)st.st_size + 6000);
	int good = 0, bad = 0;
	for (int i = 0; i < 20; i++) {
		if (journal_write(j, KIND_STATION_EVENT, note_tree(), &e))
			good++;
		else
			bad++;
	}
	set_file_limit(RLIM_INFINITY);
	assert_true(bad > 0);
	assert_int_equal(e.code, CODE_JOURNAL_FAILED);
	assert_int_equal(put_note(j, 2), good + 2);
	journal_close(j);
	j = open_at(p);
	assert_int_equal(put_note(j, 3), good + 3);
	journal_close(j);
}

static void station_time_never_goes_back(void **state)
{
	struct journal *j = open_at(*state);
	int64_t before = journal_station_time(j);
	put_note(j, 1);
	assert_true(journal_station_time(j) >= before);
	assert_true(before <= clock_wall_ms());
	assert_int_equal(journal_clock_lag(j), 0);
	journal_close(j);
}

static int64_t time_of_row(const struct place *p, int seq)
{
	sqlite3 *db;
	sqlite3_stmt *s;
	int64_t at = 0;
	assert_int_equal(sqlite3_open_v2(p->db, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT at FROM journal WHERE seq = ?1", -1, &s, NULL), SQLITE_OK);
	sqlite3_bind_int(s, 1, seq);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	assert_true(time_parse((const char *)sqlite3_column_text(s, 0), &at));
	sqlite3_finalize(s);
	sqlite3_close(db);
	return at;
}

/* Rows in the future, in this run and the next: time stands still at the newest row until the clock is past it. */
static void clock_set_back_stops_time(void **state)
{
	struct verify_options o = { ((struct place *)*state)->db, ((struct place *)*state)->witness, NULL };
	struct verify_report report;
	struct journal *j = open_at(*state);
	atomic_store(&clock_shift, 3600);
	put_note(j, 1);
	assert_int_equal(journal_clock_lag(j), 0);
	atomic_store(&clock_shift, 0);
	int64_t newest = time_of_row(*state, 1);
	for (int run = 0; run < 2; run++) {
		int64_t lag = journal_clock_lag(j);
		assert_true(lag > 3000000 && lag <= 3600000);
		assert_int_equal(journal_station_time(j), newest);
		put_note(j, 2 + run);
		assert_int_equal(time_of_row(*state, 2 + run), newest);
		journal_close(j);
		j = open_at(*state);
	}
	atomic_store(&clock_shift, 3601);
	assert_int_equal(journal_clock_lag(j), 0);
	assert_true(journal_station_time(j) > newest);
	put_note(j, 4);
	assert_true(time_of_row(*state, 4) > newest);
	journal_close(j);
	atomic_store(&clock_shift, 0);
	verify_journal(&o, &report);
	assert_int_equal(report.result, VERIFY_INTACT);
}

int main(void)
{
	log_setup(LOG_ERR, LOG_TEXT);
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(rows_are_numbered_without_gaps), T(hash_has_its_layout),
		T(every_body_has_its_kind_and_time), T(bad_rows_cost_nobody_else), T(many_threads_make_one_chain),
		T(watcher_hears_of_commits), T(checkpoints_stand_where_they_must), T(torn_checkpoint_is_passed_over),
		T(witness_may_be_taken_away), T(key_is_private_and_kept), T(other_station_or_second_program_is_refused),
		T(damage_is_named_at_start), T(lost_log_is_named_at_start), T(left_log_is_settled_at_start),
		T(lost_journal_is_not_begun_anew), T(log_is_bounded), T(full_disk_fails_rows_and_recovers),
		T(station_time_never_goes_back), T(clock_set_back_stops_time) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
