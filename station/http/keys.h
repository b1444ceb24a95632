/* Idempotency-Keys.  Those of requests under way are here; those that were answered are in the journal: a batch's for
 * good, others for a day. */
#ifndef STATION_HTTP_KEYS_H
#define STATION_HTTP_KEYS_H

#include "base/err.h"

#include <pthread.h>

#define KEY_MAX 128

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

#endif
