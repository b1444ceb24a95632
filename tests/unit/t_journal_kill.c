/* SIGKILL at any moment loses no row that was acknowledged, and leaves a journal that verifies.
 *
 * A child appends and writes the seq of every committed row to a pipe; the parent reads a random number of them,
 * kills the child, and looks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "journal/query.h"
#include "journal/verify.h"
#include "journal_bodies.h"
#include "os/log.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 40

static void acknowledge(void *context, int64_t seq, const struct err *e)
{
	int fd = *(int *)context;
	(void)e;
	if (!seq || write(fd, &seq, sizeof seq) != (ssize_t)sizeof seq)
		_exit(1);
}

/* Never returns.  Rows of several kinds, so that the kill may fall between tables too. */
__attribute__((noreturn)) static void append_for_ever(const struct place *p, int fd)
{
	struct journal *j;
	struct err e = ERR_INIT;
	if (!place_open(p, &j, &e))
		_exit(2);
	for (;;) {
		for (int i = 0; i < 20; i++)
			journal_append(j, KIND_STATION_EVENT,
			    tree_of("{\"code\":null,\"message\":\"x\",\"slot\":null,\"path\":null}"), acknowledge, &fd);
		int64_t a = put_refusal(j, "\"" UID_1 "\"", "no-batch");
		if (!a)
			_exit(3);
	}
}

/* Reads at most `most` acknowledgements; the last. */
static int64_t read_acks(int fd, int most)
{
	int64_t seq, last = 0;
	while (most-- > 0 && read(fd, &seq, sizeof seq) == (ssize_t)sizeof seq)
		last = seq;
	return last;
}

static void one_round(const struct place *p, int acks)
{
	int ends[2], status;
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(ends[0]);
		append_for_ever(p, ends[1]);
	}
	close(ends[1]);
	int64_t acked = read_acks(ends[0], acks);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	int64_t more = read_acks(ends[0], 1 << 20); /* told, but not read before the kill */
	close(ends[0]);
	acked = more > acked ? more : acked;

	struct verify_options o = { p->db, NULL, NULL };
	struct verify_report r;
	verify_journal(&o, &r);
	if (r.result != VERIFY_INTACT)
		fail_msg("after %d acks: %s", acks, r.message);
	assert_true(acked > 0);
	if (r.rows < acked)
		fail_msg("row %lld was acknowledged, but only %lld are there", (long long)acked, (long long)r.rows);
}

static void no_acknowledged_row_is_lost(void **state)
{
	(void)state;
	struct place p;
	place_make(&p);
	srandom(20261120);
	for (int i = 0; i < ROUNDS; i++)
		one_round(&p, 1 + (int)(random() % 120));
	place_remove(&p);
}

int main(void)
{
	log_setup(LOG_ERR, LOG_TEXT);
	const struct CMUnitTest tests[] = { cmocka_unit_test(no_acknowledged_row_is_lost) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
