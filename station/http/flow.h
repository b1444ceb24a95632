/* Answers in pieces: from a source of ours to libmicrohttpd's callbacks, with sleep while there is nothing to send. */
#ifndef STATION_HTTP_FLOW_H
#define STATION_HTTP_FLOW_H

#include "http/answer.h"
#include "http/conns.h"

struct MHD_Connection;
struct MHD_Response;

/* A response that reads from the source and ends it, also when this fails (NULL).  The conn is borrowed. */
struct MHD_Response *flow_create(
    const struct source *source, struct conns *conns, struct conn *conn, struct MHD_Connection *connection);

/* Puts the connection to sleep; within a source's read only, which then answers SOURCE_LATER.  While it sleeps the
 * source is not ended. */
void flow_sleep(struct flow *f);
/* Once per flow_sleep, from any thread; never at the same time as it, so both want the same lock around them. */
void flow_wake(struct flow *f);
/* Has the client of a sleeping connection hung up?  Under the same lock. */
bool flow_gone(const struct flow *f);

#endif
