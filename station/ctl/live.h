/* What the commands share that talk to a running station: one request, its deadline, its answer. */
#ifndef STATION_CTL_LIVE_H
#define STATION_CTL_LIVE_H

#include "ctl/ctl.h"

#include <stdio.h>

/* Where the station is, who we are to it, and how to print.  The authority of a certificate that is no public one's is
 * in $ROMLINE_CACERT. */
struct live {
	const char *url;    /* NULL: $ROMLINE_URL, then http://127.0.0.1:8080 */
	bool json;          /* print the body unchanged */
	const char *token;  /* NULL: $ROMLINE_TOKEN, then none */
	const char *pinned; /* the very certificate that answers, whatever names it has; NULL: as usual */
};

/* The two rows that every live command's table of options ends with, in front of its last one. */
#define LIVE_OPTIONS(live)                                                                                             \
	{ 0, "url", NULL, &(live).url, NULL },                                                                         \
	{                                                                                                              \
		0, "json", &(live).json, NULL, NULL                                                                    \
	}

#define LIVE_PATH 4096

struct live_request {
	const char *method; /* GET or POST */
	const char *path;   /* behind /api/v1, with its query */
	const char *type;   /* of the body; NULL: JSON */
	struct span body;
	const char *key;  /* Idempotency-Key; NULL: none */
	unsigned seconds; /* the whole request's deadline; 0: the usual */
	FILE *copy;       /* takes a good answer's body as it comes, instead of live_answer; NULL: none */
};

struct live_answer {
	unsigned status;
	uint8_t *body; /* owned; a NUL behind the last byte */
	size_t size;
	struct cJSON *json; /* owned */
};

/* False with *e for no answer (daemon-unreachable), for one that is no JSON, and for a problem document, whose code and
 * detail it then carries.  live_clear afterwards, always. */
bool live_call(const struct live *l, const struct live_request *r, struct live_answer *out, struct err *e);
void live_clear(struct live_answer *a);

/* Reads a stream of events until it ends: each piece goes to take, which says how much of it it took; less than all
 * ends the stream.  last: the Last-Event-ID; "": none.  False with *e for what no second try can mend: an address that
 * is none, a refusal (4xx). */
typedef size_t live_take(char *bytes, size_t one, size_t count, void *context);
bool live_stream(
    const struct live *l, const char *path, const char *last, live_take *take, void *context, struct err *e);

/* Prints an answer's JSON for people. */
typedef void live_show(const struct cJSON *json);
/* Call, print (the body with --json, a refusal's too), exit status. */
int live_run(const struct live *l, const struct live_request *r, live_show *show);

/* Appends text to a path of LIVE_PATH bytes, percent-encoded; too-large.  `name` NULL: as a segment, else as a query
 * parameter with that name, with the right separator. */
bool live_path_add(char path[LIVE_PATH], const char *name, const char *text, struct err *e);

/* Printing members of objects: `-` for null or missing; numbers and texts alike.  width 0: as it is. */
void live_field(const struct cJSON *object, const char *key, unsigned width);
/* "key: value" on a line of its own; nothing for null. */
void live_line(const struct cJSON *object, const char *key);
/* The items of a list, one line each; says so when there are more pages. */
void live_items(const struct cJSON *list, live_show *each);

#endif
