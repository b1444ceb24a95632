/* Who asks: from a request's header to a name and a set of rights. */
#ifndef STATION_HTTP_CALLER_H
#define STATION_HTTP_CALLER_H

#include "format/who.h"
#include "http/rights.h"

#include <stddef.h>

struct head;
struct http;

struct caller {
	struct who who;
	bool known;       /* a person or a token, not just anybody */
	bool is_person;   /* logged in by a session */
	enum role role;   /* of a person */
	rights rights;    /* what it may do */
	uint64_t session; /* id; 0: none */
	uint64_t tag;     /* of its streams: they end with the session or the token; 0: none */
	int64_t until;    /* monotonic ms: they end then in any case; 0: never */
};

/* token-invalid: a token that is none, or no longer.  Everybody else is somebody; who->from is already there. */
bool caller_find(struct http *h, const struct head *head, struct caller *out, struct err *e);
/* login-needed, forbidden. */
bool caller_may(const struct caller *c, enum right right, struct err *e);
/* The number of the session in a Cookie header; false without one. */
bool cookie_number(const char *cookies, const char *name, char out[], size_t size);

/* Tags of streams. */
#define TAG_SESSION(id) ((uint64_t)(id))
#define TAG_TOKEN(id)   ((uint64_t)(id) | UINT64_C(1) << 63)

#endif
