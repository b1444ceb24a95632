/* What a handler answers with, and problems by RFC 9457. */
#ifndef STATION_HTTP_ANSWER_H
#define STATION_HTTP_ANSWER_H

#include "base/err.h"
#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

struct cJSON;
struct flow;

#define TYPE_JSON    "application/json"
#define TYPE_PROBLEM "application/problem+json"
#define TYPE_HTML    "text/html; charset=utf-8"
#define TYPE_CSS     "text/css; charset=utf-8"
#define TYPE_OCTETS  "application/octet-stream"
#define TYPE_TEXT    "text/plain; charset=utf-8"
#define TYPE_CSV     "text/csv; charset=utf-8"
#define TYPE_EVENTS  "text/event-stream"
#define TYPE_METRICS "text/plain; version=0.0.4; charset=utf-8"

/* What a source's read answers instead of a number of bytes. */
enum { SOURCE_LATER = 0, SOURCE_END = -1, SOURCE_FAILED = -2 };

/* A body that comes in pieces, none of them before the last one has left.  All is called on the server's threads. */
struct source {
	/* At most size bytes into out.  Before SOURCE_LATER it calls flow_sleep, and somebody flow_wake later. */
	long (*read)(void *context, struct flow *flow, char *out, size_t size);
	void (*end)(void *context); /* once, when nobody reads any more */
	void *context;
	bool live;     /* it sleeps between its pieces, which are small */
	uint64_t size; /* of all pieces together; 0: not known, the end tells */
};

struct answer {
	unsigned status;
	const char *type; /* static */
	char *body;       /* owned; taken over by whoever sends it */
	size_t size;
	struct source source;     /* in the body's place when it has a read; taken over likewise */
	struct span asset;        /* sent when there is no body; static */
	const char *etag, *cache; /* NULL: none, no-store; static */
	char tag[32];             /* an ETag in etag's place; "": none */
	char location[96];        /* "" : no such header */
	char allow[32];           /* likewise */
	char cookie[160];         /* likewise: Set-Cookie */
	unsigned retry_after;     /* seconds; 0: no such header */
	bool close;               /* the connection ends behind it */
};

/* Takes the text over (NULL: no-memory).  JSON gets a newline at its end. */
bool answer_text(struct answer *a, unsigned status, const char *type, char *text, struct err *e);
/* Prints the tree and frees it. */
bool answer_json(struct answer *a, unsigned status, struct cJSON *json, struct err *e);
void answer_clear(struct answer *a);

/* The status that goes with a code. */
unsigned problem_status(enum code code);
/* {type,title,status,detail,code,action}; status 0: the code's own.  When memory is gone a fixed text stands in, so
 * that there is always an answer; a->body is then NULL and *fixed set. */
void answer_problem(struct answer *a, unsigned status, const struct err *why, const char **fixed);

#endif
