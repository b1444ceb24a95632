/* Handlers that may take long, on a thread of their own: the server's threads serve many connections each, and what one
 * of them waits for would hold up all others.
 *
 * The connection sleeps meanwhile.  One such handler runs at a time, so that people who ask for everything leave the
 * disk and a core to the line; a few may wait. */
#ifndef STATION_HTTP_SLOW_H
#define STATION_HTTP_SLOW_H

#include "http/server.h"

#define SLOW_ROOM 16 /* that may wait */

struct MHD_Connection;

bool slow_start(struct http *h, struct slow **out, struct err *e);
/* Ends the one that runs, answers the others with a refusal; none is taken any more. */
void slow_end(struct slow *s);     /* accepts NULL */
void slow_destroy(struct slow *s); /* accepts NULL; after slow_end or without it */

unsigned slow_waiting(struct slow *s);
const char *http_library(void); /* libmicrohttpd's version */
bool is_slow(const struct route *route);
/* Puts the guest's connection to sleep until its handler has run: then guest.ran is set, and the library calls again.
 * too-many-clients. */
bool slow_run(struct slow *s, struct guest *g, struct MHD_Connection *connection, struct err *e);

#endif
