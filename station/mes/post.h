/* One HTTP POST to the MES: no redirect is followed, every size and time has a bound.  This file and ctl/live.c are the
 * ones that say curl_. */
#ifndef STATION_MES_POST_H
#define STATION_MES_POST_H

#include "base/err.h"
#include "base/span.h"

#include <stdatomic.h>

#define POST_HEADERS 8

struct post_request {
	const char *url, *ca;              /* ca: a file of authorities; NULL: the system's */
	struct span body;                  /* JSON */
	const char *headers[POST_HEADERS]; /* "Name: value"; ends with NULL */
	uint32_t deadline_ms;              /* for all of it */
	size_t answer_limit;               /* more of the answer's body is not read */
	const atomic_bool *cancel[2];      /* true: give up; NULL: none */
};

struct post_answer {
	unsigned status;
	int64_t retry_after_s; /* 0: it does not say */
	char *body;            /* owned; a NUL behind the last byte; NULL: none */
	size_t size;
	bool cut; /* there was more */
};

/* A connection that may serve one request after the other; of one thread at a time. */
struct poster;
struct poster *poster_create(void);    /* NULL: no memory */
void poster_destroy(struct poster *p); /* accepts NULL */
/* Once, before any thread uses a poster. */
bool poster_begin(struct err *e);

/* False with mes-silent when there is no whole answer, whatever its status would have been.  post_clear afterwards,
 * always. */
bool post_send(struct poster *p, const struct post_request *r, struct post_answer *out, struct err *e);
void post_clear(struct post_answer *a);

#endif
