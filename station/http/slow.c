/* A thread for handlers that may take long. */
#include "http/slow.h"

#include "http/api.h"

#include <microhttpd.h>
#include <stdlib.h>

struct slow {
	struct http *h; /* borrowed */
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work;
	struct guest *first, **last; /* that wait, by next_slow */
	unsigned count;
	bool ended, joined;
};

static route_handler *const slow_handlers[] = { api_stats, api_proof, api_batch_report, api_number_counts };

bool is_slow(const struct route *route)
{
	for (size_t i = 0; i < sizeof slow_handlers / sizeof *slow_handlers; i++)
		if (route->run == slow_handlers[i])
			return true;
	return false;
}

static void run(struct slow *s, struct guest *g, bool refuse)
{
	struct err *why = &g->why;
	if (refuse)
		err_set(why, CODE_TOO_MANY_CLIENTS, "the station is stopping");
	else if (!g->route->run(s->h, &g->request, &g->done, why) && why->code == CODE_OK)
		err_set(why, CODE_INTERNAL, "a handler failed without a reason");
	g->ran = true;
	MHD_resume_connection(g->connection);
}

static void *work(void *context)
{
	struct slow *s = context;
	pthread_mutex_lock(&s->lock);
	while (!s->ended || s->first) {
		struct guest *g = s->first;
		if (!g) {
			pthread_cond_wait(&s->work, &s->lock);
			continue;
		}
		s->first = g->next_slow;
		if (!s->first)
			s->last = &s->first;
		s->count--;
		bool refuse = s->ended;
		pthread_mutex_unlock(&s->lock);
		run(s, g, refuse);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

bool slow_start(struct http *h, struct slow **out, struct err *e)
{
	struct slow *s = calloc(1, sizeof *s);
	if (!s)
		return err_set(e, CODE_NO_MEMORY, "no memory for the slow answers");
	s->h = h;
	s->last = &s->first;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->work, NULL);
	if (pthread_create(&s->thread, NULL, work, s)) {
		s->joined = true;
		slow_destroy(s);
		return err_set(e, CODE_NO_MEMORY, "no thread for the slow answers");
	}
	*out = s;
	return true;
}

void slow_end(struct slow *s)
{
	if (!s || s->joined)
		return;
	pthread_mutex_lock(&s->lock);
	s->ended = true;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	s->joined = true;
}

void slow_destroy(struct slow *s)
{
	if (!s)
		return;
	slow_end(s);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->work);
	free(s);
}

bool slow_run(struct slow *s, struct guest *g, struct MHD_Connection *connection, struct err *e)
{
	pthread_mutex_lock(&s->lock);
	bool room = !s->ended && s->count < SLOW_ROOM;
	if (room) {
		g->connection = connection;
		g->next_slow = NULL;
		*s->last = g;
		s->last = &g->next_slow;
		s->count++;
		/* before the thread can wake it */
		MHD_suspend_connection(connection);
		pthread_cond_signal(&s->work);
	}
	pthread_mutex_unlock(&s->lock);
	return room || err_set(e, CODE_TOO_MANY_CLIENTS, "too many long questions are waiting already");
}

unsigned slow_waiting(struct slow *s)
{
	pthread_mutex_lock(&s->lock);
	unsigned count = s->count;
	pthread_mutex_unlock(&s->lock);
	return count;
}

const char *http_library(void)
{
	return MHD_get_version();
}
