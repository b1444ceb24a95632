/* Keeps the sessions. */
#include "http/sessions.h"

#include <stdio.h>
#include <string.h>

void sessions_init(struct sessions *s, int64_t idle_ms, int64_t whole_ms)
{
	memset(s, 0, sizeof *s);
	pthread_mutex_init(&s->lock, NULL);
	s->idle_ms = idle_ms;
	s->whole_ms = whole_ms;
}

void sessions_finish(struct sessions *s)
{
	pthread_mutex_destroy(&s->lock);
}

int64_t session_ends(const struct sessions *s, const struct session *row)
{
	int64_t whole = row->began + s->whole_ms, idle = row->seen + s->idle_ms;
	return s->idle_ms && row->role != ROLE_OPERATOR && idle < whole ? idle : whole;
}

static bool over(const struct sessions *s, const struct session *row, int64_t now)
{
	return now > session_ends(s, row);
}

static void forget_old(struct sessions *s, int64_t now)
{
	for (unsigned i = 0; i < SESSIONS_MAX; i++)
		if (s->rows[i].id && over(s, &s->rows[i], now))
			s->rows[i].id = 0;
}

/* The oldest of this person when there are too many of them, a free row, or the oldest of all. */
static struct session *room_for(struct sessions *s, const char *name)
{
	struct session *mine = NULL, *spare = NULL, *oldest = NULL;
	unsigned count = 0;
	for (unsigned i = 0; i < SESSIONS_MAX; i++) {
		struct session *row = &s->rows[i];
		if (!row->id) {
			spare = row;
			continue;
		}
		if (!oldest || row->id < oldest->id)
			oldest = row;
		if (strcmp(row->name, name) != 0)
			continue;
		count++;
		if (!mine || row->id < mine->id)
			mine = row;
	}
	return count >= SESSIONS_PER_PERSON ? mine : spare ? spare : oldest;
}

void sessions_begin(
    struct sessions *s, const char *name, enum role role, int64_t now, char number[SECRET_TEXT], struct session *out)
{
	secret_make("", number);
	pthread_mutex_lock(&s->lock);
	forget_old(s, now);
	struct session *row = room_for(s, name);
	*row = (struct session){ .id = ++s->last, .role = role, .began = now, .seen = now };
	secret_hash(number, row->hash);
	snprintf(row->name, sizeof row->name, "%s", name);
	*out = *row;
	pthread_mutex_unlock(&s->lock);
}

bool sessions_find(struct sessions *s, const char *number, int64_t now, bool active, struct session *out)
{
	char hash[SECRET_HASH];
	bool found = false;
	secret_hash(number, hash);
	pthread_mutex_lock(&s->lock);
	forget_old(s, now);
	for (unsigned i = 0; i < SESSIONS_MAX && !found; i++) {
		struct session *row = &s->rows[i];
		if (!row->id || !secret_equal(row->hash, hash))
			continue;
		if (active)
			row->seen = now;
		*out = *row;
		found = true;
	}
	pthread_mutex_unlock(&s->lock);
	return found;
}

void sessions_end(struct sessions *s, uint64_t id)
{
	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < SESSIONS_MAX; i++)
		if (s->rows[i].id == id)
			s->rows[i].id = 0;
	pthread_mutex_unlock(&s->lock);
}

uint64_t sessions_end_person(struct sessions *s, const char *name)
{
	uint64_t ended = 0;
	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < SESSIONS_MAX && !ended; i++) {
		if (!s->rows[i].id || strcmp(s->rows[i].name, name) != 0)
			continue;
		ended = s->rows[i].id;
		s->rows[i].id = 0;
	}
	pthread_mutex_unlock(&s->lock);
	return ended;
}

bool sessions_at_line(struct sessions *s, int64_t now, struct session *out)
{
	const struct session *newest = NULL;
	pthread_mutex_lock(&s->lock);
	forget_old(s, now);
	for (unsigned i = 0; i < SESSIONS_MAX; i++) {
		const struct session *row = &s->rows[i];
		if (row->id && row->role <= ROLE_SUPERVISOR && (!newest || row->id > newest->id))
			newest = row;
	}
	if (newest)
		*out = *newest;
	pthread_mutex_unlock(&s->lock);
	return newest != NULL;
}
