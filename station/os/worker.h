/* A worker: one thread that runs one job at a time, in the order given.  The line keeps one per slot, so that a camera
 * that hangs holds up nobody else. */
#ifndef STATION_OS_WORKER_H
#define STATION_OS_WORKER_H

#include "base/err.h"

struct worker;
typedef void worker_job(void *argument);

/* How many jobs may wait. */
#define WORKER_DEPTH 8

/* name: at most 15 characters, shown by ps -L. */
bool worker_create(struct worker **out, const char *name, struct err *e);
/* Runs the jobs still queued, ends the thread, frees.  Accepts NULL. */
void worker_destroy(struct worker *w);
/* False: the queue is full, which is a fault in the caller. */
bool worker_run(struct worker *w, worker_job *job, void *argument);

#endif
