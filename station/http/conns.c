/* Keeps deadlines over connections. */
#include "http/conns.h"

#include "os/clock.h"

#include <sys/socket.h>

#define LOOK_MS 500

bool conn_overdue(enum phase phase, int64_t since, uint64_t received, int64_t now)
{
	int64_t allowed = 0;
	switch (phase) {
	case PHASE_HEAD:
		allowed = HEAD_MS;
		break;
	case PHASE_BODY:
		allowed = BODY_MS + (int64_t)(received / BODY_RATE) * 1000;
		break;
	case PHASE_ANSWER:
		allowed = ANSWER_MS;
		break;
	case PHASE_LIVE:
		allowed = LIVE_MS;
		break;
	case PHASE_ASLEEP:
		return false;
	}
	return now - since > allowed;
}

/* The library notices a shut socket by itself and cleans up behind it. */
static void end(struct conns *c, struct conn *k)
{
	shutdown(k->fd, SHUT_RDWR);
	k->ended = true;
	c->open--;
}

static bool is_stream(const struct conn *k)
{
	return k->phase == PHASE_LIVE || k->phase == PHASE_ASLEEP;
}

static void end_overdue(struct conns *c)
{
	int64_t now = clock_mono_ms();
	for (struct conn *k = c->list.next; k != &c->list; k = k->next) {
		bool expired = is_stream(k) && k->until && now > k->until;
		if (!k->ended && (expired || conn_overdue(k->phase, k->since, k->received, now)))
			end(c, k);
	}
}

static void end_longest_waiting(struct conns *c)
{
	struct conn *longest = NULL;
	for (struct conn *k = c->list.next; k != &c->list; k = k->next)
		if (!k->ended && k->phase == PHASE_HEAD && (!longest || k->since < longest->since))
			longest = k;
	if (longest)
		end(c, longest);
}

static void *watch(void *context)
{
	struct conns *c = context;
	pthread_mutex_lock(&c->lock);
	while (!c->stopping) {
		struct timespec until = clock_deadline(LOOK_MS);
		pthread_cond_clockwait(&c->stop, &c->lock, CLOCK_MONOTONIC, &until);
		end_overdue(c);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

bool conns_start(struct conns *c, struct err *e)
{
	c->list.next = c->list.prev = &c->list;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->stop, NULL);
	pthread_cond_init(&c->rested, NULL);
	int failed = pthread_create(&c->thread, NULL, watch, c);
	if (failed) {
		pthread_cond_destroy(&c->rested);
		pthread_cond_destroy(&c->stop);
		pthread_mutex_destroy(&c->lock);
		return err_sys(e, CODE_NO_MEMORY, failed, "cannot start the thread of the deadlines");
	}
	pthread_setname_np(c->thread, "http-deadlines");
	c->running = true;
	return true;
}

void conns_stop(struct conns *c)
{
	if (!c->running)
		return;
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	pthread_cond_signal(&c->stop);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	pthread_cond_destroy(&c->rested);
	pthread_cond_destroy(&c->stop);
	pthread_mutex_destroy(&c->lock);
	c->running = false;
}

void conns_add(struct conns *c, struct conn *k, int fd)
{
	*k = (struct conn){ .fd = fd, .phase = PHASE_HEAD, .since = clock_mono_ms() };
	pthread_mutex_lock(&c->lock);
	if (++c->open > CONNS_ROOM)
		end_longest_waiting(c); /* the new one stands in no list yet */
	k->next = &c->list;
	k->prev = c->list.prev;
	k->prev->next = k->next->prev = k;
	pthread_mutex_unlock(&c->lock);
}

void conns_remove(struct conns *c, struct conn *k)
{
	pthread_mutex_lock(&c->lock);
	k->prev->next = k->next;
	k->next->prev = k->prev;
	c->open -= !k->ended;
	pthread_cond_broadcast(&c->rested);
	pthread_mutex_unlock(&c->lock);
}

void conns_phase(struct conns *c, struct conn *k, enum phase phase)
{
	pthread_mutex_lock(&c->lock);
	k->phase = phase;
	k->since = clock_mono_ms();
	k->received = 0;
	if (phase == PHASE_HEAD)
		pthread_cond_broadcast(&c->rested);
	if (k->unwelcome && is_stream(k) && !k->ended)
		end(c, k);
	pthread_mutex_unlock(&c->lock);
}

uint64_t conns_endings(struct conns *c)
{
	pthread_mutex_lock(&c->lock);
	uint64_t endings = c->endings;
	pthread_mutex_unlock(&c->lock);
	return endings;
}

void conns_tag(struct conns *c, struct conn *k, uint64_t tag, int64_t until, uint64_t endings)
{
	pthread_mutex_lock(&c->lock);
	k->tag = tag;
	k->unwelcome = tag && c->endings != endings;
	k->until = until;
	pthread_mutex_unlock(&c->lock);
}

void conns_end_tagged(struct conns *c, uint64_t tag)
{
	pthread_mutex_lock(&c->lock);
	c->endings++;
	for (struct conn *k = c->list.next; k != &c->list; k = k->next) {
		if (k->ended || k->tag != tag)
			continue;
		k->unwelcome = true;
		if (is_stream(k))
			end(c, k);
	}
	pthread_mutex_unlock(&c->lock);
}

void conns_received(struct conns *c, struct conn *k, size_t bytes)
{
	pthread_mutex_lock(&c->lock);
	k->received += bytes;
	pthread_mutex_unlock(&c->lock);
}

static bool all_rest(const struct conns *c)
{
	const struct conn *k = c->list.next;
	while (k != &c->list && k->phase == PHASE_HEAD)
		k = k->next;
	return k == &c->list;
}

void conns_drain(struct conns *c, int64_t ms)
{
	struct timespec until = clock_deadline(ms);
	pthread_mutex_lock(&c->lock);
	while (!all_rest(c) && !pthread_cond_clockwait(&c->rested, &c->lock, CLOCK_MONOTONIC, &until))
		;
	pthread_mutex_unlock(&c->lock);
}
