/* Every open connection with its deadline, and the thread that ends those that miss theirs.
 *
 * libmicrohttpd's own timeout starts anew with every byte, so that a client could hold a connection for ever with one
 * byte at a time.  Here a phase as a whole has a deadline. */
#ifndef STATION_HTTP_CONNS_H
#define STATION_HTTP_CONNS_H

#include "base/err.h"

#include <pthread.h>

enum phase {
	PHASE_HEAD,   /* waiting for a whole header, from the connection's start or the last answer's end */
	PHASE_BODY,   /* from the header's end */
	PHASE_ANSWER, /* from the body's end, or the last piece of a long answer */
	PHASE_LIVE,   /* a stream of events owes its client something */
	PHASE_ASLEEP, /* it does not; without a deadline */
};

/* Above so many, each new one ends the one that has waited longest for a header: whoever opens connections and says
 * nothing shuts out himself, not those who ask.  All guests come from loopback, so that no address tells them apart. */
#define CONNS_ROOM 256

#define HEAD_MS   10000
#define BODY_MS   30000
#define BODY_RATE 262144 /* bytes that earn a body one more second */
#define ANSWER_MS 60000
#define LIVE_MS   10000

/* The deadline's own part of a connection; stands first in what the server keeps for it. */
struct conn {
	struct conn *next, *prev;
	int fd; /* borrowed: closed by the library after conns_remove */
	enum phase phase;
	int64_t since; /* monotonic ms: the phase's begin */
	uint64_t received;
	bool ended;
	uint64_t tag;   /* whose stream it is; 0: nobody's */
	int64_t until;  /* monotonic ms: a stream ends then; 0: never */
	bool unwelcome; /* what it is tagged with has ended; so does its answer, if it becomes a stream */
};

struct conns {
	pthread_mutex_t lock;        /* guards the list and the fields of its conns */
	pthread_cond_t stop, rested; /* rested: a connection ended, or its request did */
	pthread_t thread;
	struct conn list; /* the ring's anchor */
	unsigned open;    /* that were not ended yet */
	uint64_t endings; /* calls of conns_end_tagged so far */
	bool running, stopping;
};

/* Is it over its deadline?  Pure. */
bool conn_overdue(enum phase phase, int64_t since, uint64_t received, int64_t now);

bool conns_start(struct conns *c, struct err *e);
void conns_stop(struct conns *c); /* accepts one that was never started, all zero */
void conns_add(struct conns *c, struct conn *k, int fd);
void conns_remove(struct conns *c, struct conn *k);
void conns_phase(struct conns *c, struct conn *k, enum phase phase);
/* Waits until no connection is in the middle of a request, at most that long. */
void conns_drain(struct conns *c, int64_t ms);
uint64_t conns_endings(struct conns *c);
/* Whose request this is: its stream ends with conns_end_tagged, or then.  endings: what conns_endings said before that
 * person or token was looked up; whatever ended since may have been this one, so that a stream has to be asked for
 * anew. */
void conns_tag(struct conns *c, struct conn *k, uint64_t tag, int64_t until, uint64_t endings);
/* Ends the streams, and no other answers, that are tagged so, also those that have not begun yet. */
void conns_end_tagged(struct conns *c, uint64_t tag);
void conns_received(struct conns *c, struct conn *k, size_t bytes);

#endif
