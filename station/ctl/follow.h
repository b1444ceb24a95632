/* Following a station: its event stream, for as long as we run.  A stream that breaks is taken up again behind the last
 * event that came, so that nothing is left out; what the station no longer knows is said. */
#ifndef STATION_CTL_FOLLOW_H
#define STATION_CTL_FOLLOW_H

#include "ctl/filters.h"

/* Each attempt that ends (kind attempt-ended or attempt-refused) and fits the filter.  False ends it all. */
typedef bool follow_attempt(void *context, const char *kind, const struct cJSON *attempt, struct err *e);

/* Goes on until each says false, a signal comes, or the station was never there.  The filter's from and to must not be
 * given: what ends from now on is followed. */
int follow_attempts(const struct live *l, const struct filters *f, follow_attempt *each, void *context);

#endif
