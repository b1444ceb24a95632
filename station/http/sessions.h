/* Who is logged in: a session for each browser, in memory only, so that a station that starts anew knows nobody.
 *
 * The browser holds the number, here is its hash.  A session ends with its hours, with a logout, with a change of its
 * person's rights, and, unless it is an operator's, whose hands are at the fixture, after so long without a request
 * that a person caused. */
#ifndef STATION_HTTP_SESSIONS_H
#define STATION_HTTP_SESSIONS_H

#include "http/rights.h"
#include "http/secret.h"

#include <pthread.h>

#define SESSIONS_MAX        256
#define SESSIONS_PER_PERSON 8 /* one more ends the oldest of the same person */

struct session {
	uint64_t id; /* 0: a free row */
	char hash[SECRET_HASH], name[65];
	enum role role;
	int64_t began, seen; /* monotonic ms */
};

struct sessions {
	pthread_mutex_t lock;
	int64_t idle_ms, whole_ms; /* idle_ms 0: never */
	uint64_t last;             /* id */
	struct session rows[SESSIONS_MAX];
};

void sessions_init(struct sessions *s, int64_t idle_ms, int64_t whole_ms);
void sessions_finish(struct sessions *s);
/* *out is the new session; number what its browser keeps. */
void sessions_begin(
    struct sessions *s, const char *name, enum role role, int64_t now, char number[SECRET_TEXT], struct session *out);
/* active: a person caused this request. */
bool sessions_find(struct sessions *s, const char *number, int64_t now, bool active, struct session *out);
void sessions_end(struct sessions *s, uint64_t id);
/* Ends one of this person, and gives its id; 0: there is none any more. */
uint64_t sessions_end_person(struct sessions *s, const char *name);
/* When it ends if nothing more happens. */
int64_t session_ends(const struct sessions *s, const struct session *row);
/* The newest session of an operator or supervisor: who works at the line. */
bool sessions_at_line(struct sessions *s, int64_t now, struct session *out);

#endif
