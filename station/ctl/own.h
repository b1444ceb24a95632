/* A station of our own, for one order where no stationd runs: the same parts in this process, with the state
 * directory's lock, the journal and REST on a port of loopback, and nothing that starts by itself. */
#ifndef STATION_CTL_OWN_H
#define STATION_CTL_OWN_H

#include "base/err.h"

struct own;

/* conf: a station.conf; NULL: no station's at all: a state directory that is removed afterwards, any signature or none.
 * url is where it answers.  The cameras that are plugged in have been seen when it returns.  journal-failed when
 * stationd, or another stationctl, has the state directory. */
bool own_start(const char *conf, const char *boards_folder, char url[80], struct own **out, struct err *e);
/* Lets running attempts finish.  Accepts NULL. */
void own_stop(struct own *o);

#endif
