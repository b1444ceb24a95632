/* Idempotency-Keys: of requests under way, and of those that were answered. */
#include "http/keys.h"

#include "format/json.h"
#include "http/api.h"
#include "journal/numbers.h"

#include <stdio.h>
#include <string.h>

bool key_valid(const char *key, struct err *e)
{
	size_t size = strlen(key);
	for (const char *c = key; *c; c++)
		if (*c < 0x21 || *c > 0x7e)
			size = 0;
	return (size >= 1 && size <= KEY_MAX) ||
	       err_set(e, CODE_BAD_REQUEST, "Idempotency-Key must be 1 to %d printable characters", KEY_MAX);
}

void keys_init(struct keys *k)
{
	memset(k, 0, sizeof *k);
	pthread_mutex_init(&k->lock, NULL);
}

void keys_finish(struct keys *k)
{
	pthread_mutex_destroy(&k->lock);
}

bool keys_hold(struct keys *k, struct key_hold *hold, const char *key, struct err *e)
{
	pthread_mutex_lock(&k->lock);
	const struct key_hold *other = k->held;
	while (other && strcmp(other->key, key) != 0)
		other = other->next;
	if (!other) {
		*hold = (struct key_hold){ k->held, &k->held, key };
		if (k->held)
			k->held->link = &hold->next;
		k->held = hold;
	}
	pthread_mutex_unlock(&k->lock);
	return !other || err_set(e, CODE_KEY_IN_USE, "the first request with this Idempotency-Key has no answer yet");
}

void keys_release(struct keys *k, struct key_hold *hold)
{
	pthread_mutex_lock(&k->lock);
	if (hold->link) {
		*hold->link = hold->next;
		if (hold->next)
			hold->next->link = hold->link;
	}
	*hold = (struct key_hold){ NULL, NULL, NULL };
	pthread_mutex_unlock(&k->lock);
}

bool key_before(struct http *h, const char *key, const char *digest, struct request_key *out, struct err *e)
{
	if (!query_request_key(h->reader, key, journal_station_time(h->o.journal), out, e))
		return false;
	return !out->seq || !strcmp(out->request, digest) ||
	       err_set(e, CODE_KEY_REUSED, "this Idempotency-Key came with another request");
}

void key_fill(struct cJSON *row, const char *key, const char *digest, unsigned status)
{
	if (!key)
		return;
	json_add_string(row, "key", key);
	json_add_string(row, "request", digest);
	json_add_integer(row, "status", status);
}
