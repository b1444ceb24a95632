/* Counts failed logins. */
#include "http/backoff.h"

#include <sodium.h>
#include <string.h>

/* An address may be a whole line's: it gets more room. */
static const struct {
	unsigned free;
	int64_t most_ms;
} limits[BACKOFF_KINDS] = { [BACKOFF_PERSON] = { 5, 300000 }, [BACKOFF_ADDRESS] = { 10, 60000 } };

void backoff_init(struct backoff *b)
{
	memset(b, 0, sizeof *b);
	pthread_mutex_init(&b->lock, NULL);
	randombytes_buf(b->key, sizeof b->key);
}

void backoff_finish(struct backoff *b)
{
	pthread_mutex_destroy(&b->lock);
}

static unsigned row_of(const struct backoff *b, const char *text)
{
	uint64_t hash;
	crypto_shorthash((uint8_t *)&hash, (const uint8_t *)text, strlen(text), b->key);
	return (unsigned)(hash % BACKOFF_ROWS);
}

int64_t backoff_wait(struct backoff *b, enum backoff_of of, const char *text, int64_t now)
{
	unsigned row = row_of(b, text);
	pthread_mutex_lock(&b->lock);
	int64_t left = b->rows[of][row].until - now;
	pthread_mutex_unlock(&b->lock);
	return left > 0 ? left : 0;
}

void backoff_failed(struct backoff *b, enum backoff_of of, const char *text, int64_t now)
{
	unsigned row = row_of(b, text);
	pthread_mutex_lock(&b->lock);
	unsigned *failures = &b->rows[of][row].failures;
	if (now - b->rows[of][row].last > BACKOFF_FORGET_MS)
		*failures = 0;
	b->rows[of][row].last = now;
	if (++*failures > limits[of].free) {
		unsigned doublings = *failures - limits[of].free;
		int64_t wait = doublings > 20 ? limits[of].most_ms : INT64_C(1000) << doublings;
		b->rows[of][row].until = now + (wait < limits[of].most_ms ? wait : limits[of].most_ms);
	}
	pthread_mutex_unlock(&b->lock);
}

void backoff_good(struct backoff *b, enum backoff_of of, const char *text)
{
	unsigned row = row_of(b, text);
	pthread_mutex_lock(&b->lock);
	memset(&b->rows[of][row], 0, sizeof b->rows[of][row]);
	pthread_mutex_unlock(&b->lock);
}
