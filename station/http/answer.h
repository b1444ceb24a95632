/* What a handler answers with, and problems by RFC 9457. */
#ifndef STATION_HTTP_ANSWER_H
#define STATION_HTTP_ANSWER_H

#include "base/err.h"

#include <stddef.h>

struct cJSON;

#define TYPE_JSON    "application/json"
#define TYPE_PROBLEM "application/problem+json"
#define TYPE_HTML    "text/html; charset=utf-8"
#define TYPE_CSS     "text/css; charset=utf-8"

struct answer {
	unsigned status;
	const char *type; /* static */
	char *body;       /* owned; taken over by whoever sends it */
	size_t size;
	char location[96]; /* "" : no such header */
	char allow[32];    /* likewise */
	bool close;        /* the connection ends behind it */
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
