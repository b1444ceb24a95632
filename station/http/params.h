/* The conditions of a list, from query parameters to the journal's filter.  Pure. */
#ifndef STATION_HTTP_PARAMS_H
#define STATION_HTTP_PARAMS_H

#include "base/timefmt.h"
#include "http/uri.h"
#include "journal/query.h"

struct list_filter {
	struct query_filter query; /* texts into the uri, or below */
	char from[TIME_TEXT_SIZE], to[TIME_TEXT_SIZE];
};

/* `allowed` lists the parameters that the list knows, separated by spaces.  bad-request names the parameter that is
 * unknown or has a value out of its form.  Do not copy: it points into itself. */
bool params_read(const struct uri *u, const char *allowed, struct list_filter *out, struct err *e);

#endif
