/* Starts a program as a child in a process group of its own: no shell, nothing of ours open in it but what it is given,
 * and killed when the thread that started it ends. */
#ifndef STATION_OS_SPAWN_H
#define STATION_OS_SPAWN_H

#include "base/err.h"

#include <sys/types.h>

#define SPAWN_MAX_FDS 4

struct spawn_spec {
	const char *const *argv; /* ends with NULL; argv[0] without '/' is looked for in PATH */
	const char *cwd;         /* NULL: ours */
	unsigned fd_count;
	int fds[SPAWN_MAX_FDS]; /* borrowed: fds[i] becomes the child's descriptor i */
};

/* Learns whether the program could be started.  -1: it could not, and no child is left; not-found, file-failed. */
pid_t spawn(const struct spawn_spec *spec, struct err *e);
/* A descriptor that stands below SPAWN_MAX_FDS would be overwritten in the child: moves it up.  False when it cannot.
 */
bool spawn_above(int *fd);
/* A pipe with both ends above; file-failed. */
bool spawn_pipe(int ends[2], struct err *e);

#endif
