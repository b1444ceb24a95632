/* The disk fails at the first write or sync, then at the second, ... until a day passes without the fault: whatever was
 * acknowledged is there afterwards, word for word, the journal verifies, and it goes on once the disk is well.
 *
 * The disk is SQLite's own file system layer with two functions replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "journal/query.h"
#include "journal/verify.h"
#include "journal_bodies.h"
#include "os/log.h"
#include "pace.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/stat.h>

#define ROWS 12

/* Calls until the fault, 0: off; and whether the disk stays broken from then on. */
static atomic_int countdown;
static atomic_bool lasting, fired, half;
static sqlite3_io_methods disk, faulty[2]; /* SQLite locks only the database itself: two tables of functions */
static sqlite3_vfs *original, shim;

static bool fault_now(void)
{
	if (!atomic_load(&countdown))
		return false;
	if (atomic_load(&fired))
		return atomic_load(&lasting);
	if (atomic_fetch_sub(&countdown, 1) != 1)
		return false;
	atomic_store(&countdown, 1);
	atomic_store(&fired, true);
	return true;
}

static int faulty_write(sqlite3_file *f, const void *data, int size, sqlite3_int64 offset)
{
	if (!fault_now())
		return disk.xWrite(f, data, size, offset);
	/* A write that fails may have got half way. */
	if (atomic_load(&half))
		disk.xWrite(f, data, size / 2, offset);
	return SQLITE_FULL;
}

static int faulty_sync(sqlite3_file *f, int flags)
{
	return fault_now() ? SQLITE_IOERR_FSYNC : disk.xSync(f, flags);
}

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
	(void)vfs;
	int rc = original->xOpen(original, name, f, flags, out);
	if (rc == SQLITE_OK && f->pMethods) {
		disk = *f->pMethods;
		sqlite3_io_methods *mine = &faulty[flags & SQLITE_OPEN_MAIN_DB ? 1 : 0];
		*mine = disk;
		mine->xWrite = faulty_write;
		mine->xSync = faulty_sync;
		f->pMethods = mine;
	}
	return rc;
}

static int install(void **state)
{
	(void)state;
	original = sqlite3_vfs_find(NULL);
	shim = *original;
	shim.zName = "faulty";
	shim.pNext = NULL;
	shim.xOpen = faulty_open;
	return sqlite3_vfs_register(&shim, 1);
}

static void arm(int calls, bool stays, bool tears)
{
	atomic_store(&fired, false);
	atomic_store(&lasting, stays);
	atomic_store(&half, tears);
	atomic_store(&countdown, calls);
}

static int64_t put_note(struct journal *j, int n)
{
	return put(j, KIND_STATION_EVENT, "{\"code\":null,\"message\":\"note %d.\",\"slot\":null,\"path\":null}", n);
}

struct acked {
	int64_t seq[ROWS + 2];
	int found;
};

static bool look_for_acked(void *context, int64_t seq, const char *at, const char *kind, const char *body)
{
	struct acked *a = context;
	char note[32];
	(void)at;
	(void)kind;
	for (int i = 0; i < ROWS + 2; i++) {
		snprintf(note, sizeof note, "\"note %d.\"", i);
		if (a->seq[i] == seq) {
			assert_non_null(strstr(body, note));
			a->found++;
		}
	}
	return true;
}

static void check_day(const struct place *p, struct acked *a)
{
	struct verify_options o = { p->db, p->witness, NULL };
	struct verify_report report;
	struct journal_reader *r;
	struct err e = ERR_INIT;
	int promised = 0;
	verify_journal(&o, &report);
	if (report.result != VERIFY_INTACT)
		fail_msg("%s", report.message);
	assert_true(journal_reader_open(p->db, &r, &e));
	assert_true(query_events(r, 0, 1000, look_for_acked, a, &e));
	journal_reader_close(r);
	for (int i = 0; i < ROWS + 2; i++)
		promised += a->seq[i] != 0;
	assert_int_equal(a->found, promised);
}

/* One day with a fault at the n-th call; false when the day was over before. */
static bool one_day(int n, bool stays, bool tears)
{
	struct place p;
	struct journal *j;
	struct err e = ERR_INIT;
	struct acked a = { { 0 }, 0 };
	place_make(&p);
	assert_true(place_open(&p, &j, &e));
	arm(n, stays, tears);
	for (int i = 0; i < ROWS; i++) {
		a.seq[i] = put_note(j, i);
		if (i == ROWS / 2)
			journal_checkpoint(j);
	}
	bool reached = atomic_load(&fired);
	arm(0, false, false);
	a.seq[ROWS] = put_note(j, ROWS);
	assert_true(a.seq[ROWS] > 0);
	journal_close(j);
	if (!place_open(&p, &j, &e))
		fail_msg("call %d: %s", n, e.msg);
	a.seq[ROWS + 1] = put_note(j, ROWS + 1);
	assert_true(a.seq[ROWS + 1] > 0);
	journal_close(j);
	check_day(&p, &a);
	place_remove(&p);
	return reached;
}

static void every_call_may_fail(bool stays, bool tears)
{
	unsigned n = 1;
	while (one_day((int)n, stays, tears)) {
		n += pace();
		assert_true(n < 1000);
	}
	assert_true(n > 2 * ROWS); /* at least a write and a sync per row */
}

static void one_failure(void **state)
{
	(void)state;
	every_call_may_fail(false, false);
}

static void one_torn_write(void **state)
{
	(void)state;
	every_call_may_fail(false, true);
}

static void broken_for_a_while(void **state)
{
	(void)state;
	every_call_may_fail(true, true);
}

int main(void)
{
	log_setup(LOG_ERR, LOG_TEXT);
	const struct CMUnitTest tests[] = { cmocka_unit_test(one_failure), cmocka_unit_test(one_torn_write),
		cmocka_unit_test(broken_for_a_while) };
	return cmocka_run_group_tests(tests, install, NULL);
}
