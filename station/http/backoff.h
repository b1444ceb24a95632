/* How long somebody who failed to log in has to wait: by person and by address, in a room of fixed size.
 *
 * A name or address is a row by a keyed hash of it, so that nobody can choose whom else he shares it with.  The first
 * few failures cost nothing; then each doubles the wait. */
#ifndef STATION_HTTP_BACKOFF_H
#define STATION_HTTP_BACKOFF_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum backoff_of { BACKOFF_PERSON, BACKOFF_ADDRESS, BACKOFF_KINDS };

#define BACKOFF_ROWS      512
#define BACKOFF_FORGET_MS 900000 /* a row without a failure for so long begins anew */

struct backoff {
	pthread_mutex_t lock;
	uint8_t key[16];
	struct {
		unsigned failures;
		int64_t last, until; /* monotonic ms */
	} rows[BACKOFF_KINDS][BACKOFF_ROWS];
};

void backoff_init(struct backoff *b);
void backoff_finish(struct backoff *b);
/* Milliseconds until the next try is looked at; 0: now. */
int64_t backoff_wait(struct backoff *b, enum backoff_of of, const char *text, int64_t now);
void backoff_failed(struct backoff *b, enum backoff_of of, const char *text, int64_t now);
void backoff_good(struct backoff *b, enum backoff_of of, const char *text);

#endif
