/* Runs another program and waits for it: no shell, a deadline, bounded output, and nothing of it left behind.
 *
 * The program stands in a process group of its own.  At its deadline, when told to stop, and when it ends and leaves
 * others of its group behind, the group is ended: TERM, then KILL after a grace.  What a program does that leaves the
 * group on purpose is beyond this. */
#ifndef STATION_OS_CHILD_H
#define STATION_OS_CHILD_H

#include "base/err.h"
#include "base/span.h"

#define CHILD_GRACE_MS 1000 /* between TERM and KILL */

struct child_spec {
	const char *const *argv; /* ends with NULL; argv[0] without '/' is looked for in PATH */
	const char *cwd;         /* NULL: ours */
	struct span input;       /* its standard input, whole; empty: end of file at once */
	size_t output_limit;     /* how much of each of its outputs is kept; the rest is read and dropped */
	uint32_t deadline_ms;    /* from its start; above 0 */
	int stop_fd;             /* readable: end it now; -1: none */
};

enum child_end {
	CHILD_EXITED,   /* status is its exit status */
	CHILD_SIGNALED, /* status is the signal */
	CHILD_TIMED_OUT,
	CHILD_STOPPED /* by stop_fd */
};

struct child_text {
	char *text; /* owned; a NUL behind the last byte; NULL when nothing came */
	size_t size;
	bool cut; /* there was more than the limit */
};

struct child_result {
	enum child_end end;
	int status;
	struct child_text out, err;
};

/* False only when it could not be started (not-found for a program that is not there, else file-failed, no-memory) or
 * watched; however it ended is in *result.  child_result_clear afterwards in either case. */
bool child_run(const struct child_spec *spec, struct child_result *result, struct err *e);
void child_result_clear(struct child_result *result);
/* child_run, and refuses (child-failed) any end but exit status 0; the message holds the last line of its standard
 * error. */
bool child_run_ok(const struct child_spec *spec, struct child_result *result, struct err *e);

#endif
