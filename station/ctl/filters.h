/* The conditions on attempts that several commands take as options. */
#ifndef STATION_CTL_FILTERS_H
#define STATION_CTL_FILTERS_H

#include "ctl/live.h"

#define FILTERS 12
enum { FILTER_FROM = 10, FILTER_TO };
#define FILTERS_USAGE                                                                                                  \
	"[--serial S] [--uid U] [--batch ID] [--order O] [--recipe SHA] [--slot N] [--operator O] [--verdict V] "      \
	"[--code C] [--board B] [--from T] [--to T]"

struct filters {
	const char *values[FILTERS]; /* into argv; NULL: not given */
};

/* Fills the first FILTERS rows of a command's table of options. */
void filters_options(struct filters *f, struct ctl_option *table);
/* Appends those that were given to a path. */
bool filters_add(const struct filters *f, char path[LIVE_PATH], struct err *e);

/* Of a condition, as the API calls it. */
const char *filters_name(size_t i);

#endif
