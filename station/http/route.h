/* From method and path to a handler, by one table.  Pure. */
#ifndef STATION_HTTP_ROUTE_H
#define STATION_HTTP_ROUTE_H

#include "http/rights.h"
#include "http/uri.h"

struct answer;
struct http;
struct request;

/* What a route takes as a body. */
enum body_kind {
	BODY_NONE,
	BODY_JSON,   /* an object, up to 64 KiB; may be empty where the route has no fields */
	BODY_BATCH,  /* JSON, up to 1 MiB */
	BODY_RECIPE, /* octets, streamed to the recipe store */
	BODY_IMAGE,  /* octets, kept in a file without a name */
};

/* Fills *a, or *e for a problem. */
typedef bool route_handler(struct http *h, struct request *r, struct answer *a, struct err *e);

/* A pattern is a path whose segments may be placeholders:
 *   {id} a number of the journal, {slot} a slot's number, {sha256} 64 lower-case hex digits, {name} any text */
struct route {
	const char *method, *pattern;
	enum body_kind body;
	enum right right; /* that it needs */
	route_handler *run;
	const char *params; /* of a list's query, separated by spaces; NULL: no list */
};

#define ROUTE_ARGS  2
#define ROUTE_ALLOW 32 /* room for the text of an Allow header */

struct route_args {
	unsigned count;
	const char *text[ROUTE_ARGS]; /* of the placeholders, in order; into the uri */
};

/* The table ends with a NULL method.  GET answers HEAD too.  not-found, or method-not-allowed with *allow filled. */
const struct route *route_find(const struct route *table, const char *method, const struct uri *u,
    struct route_args *args, char allow[ROUTE_ALLOW], struct err *e);
/* Does the pattern fit the path? */
bool route_fits(const char *pattern, const struct uri *u, struct route_args *args);

/* Every route of the product; in routes.c. */
extern const struct route http_routes[];

#endif
