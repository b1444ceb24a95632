/* A program that runs beside us for a while and is spoken to: one socket is its standard input and output, a pipe takes
 * its complaints.  It stands in a process group of its own; companion_stop leaves none of the group behind. */
#ifndef STATION_OS_COMPANION_H
#define STATION_OS_COMPANION_H

#include "base/err.h"

#include <sys/types.h>

struct companion {
	pid_t pid;   /* 0: none */
	int pidfd;   /* readable when it has ended */
	int channel; /* a stream socket, non-blocking */
	int errors;  /* its standard error, non-blocking; -1: it closed it */
};

/* bulk: borrowed; becomes its descriptor 3.  not-found, file-failed. */
bool companion_start(struct companion *out, const char *const *argv, int bulk, struct err *e);
/* TERM, after grace_ms KILL (grace_ms 0: at once); waits for it.  Accepts one that was never started. */
void companion_stop(struct companion *c, unsigned grace_ms);

#endif
