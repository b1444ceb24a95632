/* One thread with a short queue of jobs. */
#include "os/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct job {
	worker_job *run;
	void *argument;
};

struct worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool ending;
	unsigned head, count;
	struct job jobs[WORKER_DEPTH];
};

static void *serve(void *self)
{
	struct worker *w = self;
	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (!w->count && !w->ending)
			pthread_cond_wait(&w->changed, &w->lock);
		if (!w->count)
			break;
		struct job job = w->jobs[w->head];
		w->head = (w->head + 1) % WORKER_DEPTH;
		w->count--;
		pthread_mutex_unlock(&w->lock);
		job.run(job.argument);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* Signals belong to the main thread. */
static int start_without_signals(struct worker *w)
{
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int failed = pthread_create(&w->thread, NULL, serve, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return failed;
}

bool worker_create(struct worker **out, const char *name, struct err *e)
{
	struct worker *w = calloc(1, sizeof *w);
	if (!w)
		return err_set(e, CODE_NO_MEMORY, "no memory for a worker");
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	int failed = start_without_signals(w);
	if (failed) {
		free(w);
		return err_sys(e, CODE_INTERNAL, failed, "cannot start a worker thread");
	}
	pthread_setname_np(w->thread, name);
	*out = w;
	return true;
}

void worker_destroy(struct worker *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

bool worker_run(struct worker *w, worker_job *job, void *argument)
{
	pthread_mutex_lock(&w->lock);
	bool room = w->count < WORKER_DEPTH && !w->ending;
	if (room) {
		unsigned tail = (w->head + w->count++) % WORKER_DEPTH;
		w->jobs[tail] = (struct job){ job, argument };
		pthread_cond_signal(&w->changed);
	}
	pthread_mutex_unlock(&w->lock);
	return room;
}
