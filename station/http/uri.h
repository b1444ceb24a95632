/* A request target taken apart: path segments and query parameters, percent-decoded.  Pure. */
#ifndef STATION_HTTP_URI_H
#define STATION_HTTP_URI_H

#include "base/err.h"

#define URI_MAX      2048 /* bytes of a request target */
#define URI_SEGMENTS 8
#define URI_PARAMS   16

struct uri_param {
	const char *name, *value; /* into the uri's own text */
};

/* Do not copy: it points into itself. */
struct uri {
	unsigned segment_count, param_count;
	const char *segments[URI_SEGMENTS]; /* "/" has none; an empty segment is "" */
	struct uri_param params[URI_PARAMS];
	char text[URI_MAX];
};

/* bad-request: not in origin form, a bad escape, a control byte, no UTF-8, a parameter that stands twice or has no
 * name; not-found: deeper than any path here; too-large. */
bool uri_parse(const char *target, struct uri *out, struct err *e);
/* NULL when it is not there. */
const char *uri_param(const struct uri *u, const char *name);

#endif
