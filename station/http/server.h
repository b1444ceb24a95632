/* The server's own state, shared by the files of this folder and by nobody else. */
#ifndef STATION_HTTP_SERVER_H
#define STATION_HTTP_SERVER_H

#include "base/span.h"
#include "http/answer.h"
#include "http/backoff.h"
#include "http/caller.h"
#include "http/conns.h"
#include "http/guard.h"
#include "http/http.h"
#include "http/keys.h"
#include "http/listen.h"
#include "http/route.h"
#include "http/secret.h"
#include "http/sessions.h"
#include "journal/numbers.h"
#include "journal/query.h"

#include <limits.h>
#include <stdatomic.h>

struct MHD_Connection;
struct MHD_Daemon;
struct events;
struct slow;

/* Handlers may use all but the daemon and the conns; but for the counters and the keys nothing here changes while they
 * run. */
struct http {
	struct http_options o; /* its texts are not used any more; see below */
	char station[65];
	char address_file[PATH_MAX];
	char journal_file[PATH_MAX];
	int64_t started;               /* ms since 1970 */
	char spool[PATH_MAX];          /* a folder for files that are gone when they are closed */
	struct journal_reader *reader; /* owned */
	struct listener listener;
	struct MHD_Daemon *daemon; /* owned */
	struct conns conns;
	struct events *events; /* owned */
	struct slow *slow;     /* owned */
	struct keys keys;
	bool login_required, tls;
	char names[256];      /* see struct own_names */
	struct own_names own; /* into names */
	char cookie[32];      /* the name of the session's cookie */
	char token_file[PATH_MAX];
	char local_token[SECRET_TEXT]; /* of who may read the state directory */
	struct secrets secrets;
	struct sessions sessions;
	struct backoff backoff;
	pthread_mutex_t hashing;   /* one at a time */
	pthread_mutex_t people;    /* from a look at who is there to the row that says otherwise */
	atomic_ullong answered[6]; /* requests by the first digit of their status */
};

/* A request as its handler sees it; all borrowed. */
struct request {
	struct uri uri;
	struct caller caller;
	struct route_args args;
	const char *params;          /* that the route takes; see its table */
	const char *idempotency_key; /* NULL: none */
	const char *last_event_id;   /* likewise */
	const char *if_none_match;   /* likewise */
	const char *if_match;        /* likewise */
	struct span body;
	struct store_intake *intake; /* BODY_RECIPE: complete; the handler ends it */
	bool has_image;
	int image;                 /* BODY_IMAGE: the file that holds it */
	struct key_hold key;       /* held until there is an answer */
	struct request_key before; /* what it was answered with before; seq 0: it is new */
	struct digest_run hash;    /* of the body, when BODY_RECIPE comes with an Idempotency-Key */
};

/* The body as an object with no other keys than these (NULL-terminated list).  An empty body reads as {}.  The caller
 * frees; NULL on failure. */
struct cJSON *request_json(const struct request *r, const char *const *keys, struct err *e);
/* bad-request when there is any query parameter. */
bool request_no_params(const struct request *r, struct err *e);

/* A connection, from its start to its end; one request at a time. */
struct guest {
	struct conn conn; /* first */
	struct request request;
	const struct route *route; /* NULL until it is found */
	struct err refusal;        /* what the request will be answered with, once its body is read away */
	char allow[ROUTE_ALLOW];
	bool begun;
	bool close;      /* the connection must end behind the answer */
	uint8_t *buffer; /* owned: the body of a JSON route */
	size_t capacity;
	uint64_t received; /* bytes of the body */
	/* of a handler that runs elsewhere, see slow.h: its thread's until ran is set */
	struct MHD_Connection *connection; /* borrowed */
	struct guest *next_slow;
	bool ran;
	struct answer done;
	struct err why;
};

/* body.c: a request's body.  take is false when the connection must end at once. */
size_t body_limit(const struct route *route);
bool body_begin(struct http *h, struct guest *g, struct err *e);
bool body_take(struct guest *g, struct span piece);
void guest_reset(struct http *h, struct guest *g);

#endif
