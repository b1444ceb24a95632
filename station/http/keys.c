/* Idempotency-Keys: of requests under way, and of those that were answered. */
#include "http/keys.h"

#include "format/json.h"
#include "http/api.h"
#include "journal/kinds.h"
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

/* --- of handlers whose row keeps it ------------------------------------------------------------------------------- */

/* A login leads to nothing that outlives the station; a change of one's own PIN proves itself anew; sending parked
 * events once more leads to no row of its own, and is no more when it is done twice. */
static bool leaves_key(const struct route *route)
{
	return route->body == BODY_JSON && route->right != RIGHT_OPEN && route->run != api_mes_resend;
}

/* Method and path as they are understood, not as they are written. */
static void print_path(const struct route *route, const struct uri *u, char *out, size_t size)
{
	size_t used = (size_t)snprintf(out, size, "%s ", route->method);
	for (unsigned i = 0; i < u->segment_count && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "/%s", u->segments[i]);
}

bool key_look(struct http *h, const struct route *route, struct request *r, struct err *e)
{
	char path[URI_MAX + 16];
	struct who *who = &r->caller.who;
	if (!r->idempotency_key || !leaves_key(route))
		return true;
	if (!key_valid(r->idempotency_key, e) || !keys_hold(&h->keys, &r->key, r->idempotency_key, e))
		return false;
	print_path(route, &r->uri, path, sizeof path);
	secret_digest(&h->secrets, path, r->body, who->request);
	snprintf(who->key, sizeof who->key, "%s", r->idempotency_key);
	who->status = 200;
	return key_before(h, who->key, who->request, &r->before, e);
}

bool key_keep(struct http *h, const struct request *r, struct err *e)
{
	const struct who *who = &r->caller.who;
	if (!*who->key)
		return true;
	struct cJSON *row = json_new_object();
	key_fill(row, who->key, who->request, who->status);
	return journal_write(h->o.journal, KIND_REQUEST_ANSWERED, row, e) != 0;
}

bool key_done(const struct request *r)
{
	return r->before.seq != 0;
}

bool key_ordered(struct http *h, const struct request *r, unsigned slot, bool *done, struct err *e)
{
	*done = key_done(r);
	return !*done || r->before.seq > h->o.started || query_attempted_since(h->reader, r->before.seq, slot, done, e);
}

bool key_labelled(struct http *h, const struct request *r, int64_t attempt, bool *done, struct err *e)
{
	*done = key_done(r);
	return !*done || r->before.seq > h->o.started ||
	       query_labelled_since(h->reader, r->before.seq, attempt, done, e);
}
