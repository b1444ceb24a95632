/* Idempotency-Keys.  Those of requests under way are here; those that were answered are in the journal: a batch's for
 * good, others for a day.
 *
 * Every request that may write a row takes one.  The row that it leads to keeps the key, so that no kill lies between
 * the two; a repeat does nothing and is answered with the thing as it is now, under the first answer's status.  A
 * refusal is kept nowhere: a repeat of it is tried anew. */
#ifndef STATION_HTTP_KEYS_H
#define STATION_HTTP_KEYS_H

#include "base/err.h"

#include "format/who.h"

#include <pthread.h>

#define KEY_MAX (WHO_KEY_SIZE - 1)

/* A key whose request is under way; linked while it is. */
struct key_hold {
	struct key_hold *next, **link;
	const char *key; /* borrowed */
};

struct keys {
	pthread_mutex_t lock;
	struct key_hold *held;
};

/* 1 to KEY_MAX printable characters: bad-request. */
bool key_valid(const char *key, struct err *e);

void keys_init(struct keys *k);
void keys_finish(struct keys *k);
/* key-in-use while another one holds the same key.  The hold stays where it is until it is released. */
bool keys_hold(struct keys *k, struct key_hold *hold, const char *key, struct err *e);
/* Does nothing when it is not held. */
void keys_release(struct keys *k, struct key_hold *hold);

struct http;
struct request;
struct route;

/* Before a handler that leaves its key to its row: holds the key, and finds what the request was answered with before.
 * bad-request, key-in-use, key-reused.  Recipes, numbers and batches look themselves. */
bool key_look(struct http *h, const struct route *route, struct request *r, struct err *e);
/* For a request that changes nothing that a row would say: keeps its key in a row of its own, if it has one. */
bool key_keep(struct http *h, const struct request *r, struct err *e);
/* Was it done before?  An order is only in memory until it leads to an attempt in that slot (0: in any), or to the
 * attempt's label; one that a stop of the station took from there is not done. */
bool key_done(const struct request *r);
bool key_ordered(struct http *h, const struct request *r, unsigned slot, bool *done, struct err *e);
bool key_labelled(struct http *h, const struct request *r, int64_t attempt, bool *done, struct err *e);

#endif
