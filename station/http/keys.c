/* Remembers the Idempotency-Keys of uploads. */
#include "http/keys.h"

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

/* Under the lock; KEYS_KEPT: not there. */
static unsigned entry_of(const struct keys *k, const char *key)
{
	unsigned i = 0;
	while (i < KEYS_KEPT && strcmp(k->entries[i].key, key) != 0)
		i++;
	return i;
}

bool keys_find(struct keys *k, const char *key, const uint8_t sha256[SHA256_SIZE], unsigned *status, struct err *e)
{
	bool same = true;
	*status = 0;
	pthread_mutex_lock(&k->lock);
	unsigned i = entry_of(k, key);
	if (i < KEYS_KEPT) {
		same = !memcmp(k->entries[i].sha256, sha256, SHA256_SIZE);
		*status = k->entries[i].status;
	}
	pthread_mutex_unlock(&k->lock);
	return same || err_set(e, CODE_KEY_REUSED, "this Idempotency-Key brought another file");
}

void keys_add(struct keys *k, const char *key, const uint8_t sha256[SHA256_SIZE], unsigned status)
{
	pthread_mutex_lock(&k->lock);
	if (entry_of(k, key) == KEYS_KEPT) {
		unsigned i = k->next++ % KEYS_KEPT;
		snprintf(k->entries[i].key, sizeof k->entries[i].key, "%s", key);
		memcpy(k->entries[i].sha256, sha256, SHA256_SIZE);
		k->entries[i].status = status;
	}
	pthread_mutex_unlock(&k->lock);
}
