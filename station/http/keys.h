/* Idempotency-Keys.  Those that opened a batch are in the journal; those of uploads are remembered here, the newest
 * KEYS_KEPT since the start: a recipe is the same thing however often it comes, so that a forgotten key does no harm.
 */
#ifndef STATION_HTTP_KEYS_H
#define STATION_HTTP_KEYS_H

#include "base/digest.h"

#include <pthread.h>

#define KEY_MAX   128
#define KEYS_KEPT 256

/* A key whose request is under way; linked while it is. */
struct key_hold {
	struct key_hold *next, **link;
	const char *key; /* borrowed */
};

struct keys {
	pthread_mutex_t lock;
	struct key_hold *held;
	unsigned next; /* the oldest entry */
	struct {
		char key[KEY_MAX + 1]; /* "": free */
		uint8_t sha256[SHA256_SIZE];
		unsigned status;
	} entries[KEYS_KEPT];
};

/* 1 to KEY_MAX printable characters: bad-request. */
bool key_valid(const char *key, struct err *e);

void keys_init(struct keys *k);
void keys_finish(struct keys *k);
/* key-in-use while another one holds the same key.  The hold stays where it is until it is released. */
bool keys_hold(struct keys *k, struct key_hold *hold, const char *key, struct err *e);
/* Does nothing when it is not held. */
void keys_release(struct keys *k, struct key_hold *hold);
/* The status that this request was answered with before, 0 when it is new.  key-reused: it was another request. */
bool keys_find(struct keys *k, const char *key, const uint8_t sha256[SHA256_SIZE], unsigned *status, struct err *e);
void keys_add(struct keys *k, const char *key, const uint8_t sha256[SHA256_SIZE], unsigned status);

#endif
