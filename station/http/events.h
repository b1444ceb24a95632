/* The event stream: what the journal commits and what the slots show, to every client that listens.
 *
 * One thread watches.  It keeps the frames of the newest rows, which all clients share, and each slot's newest frame
 * with the number of the change that made it; a client is little more than two numbers, how far it has got in each.  So
 * a client that does not read costs nobody anything: its connection is ended after LIVE_MS.  One that is behind the
 * kept frames reads the journal itself, a page at a time. */
#ifndef STATION_HTTP_EVENTS_H
#define STATION_HTTP_EVENTS_H

#include "http/answer.h"

struct events;
struct http;

#define EVENTS_CLIENTS 128
#define EVENTS_SLOT_MS 100  /* a slot is shown again after that long at the earliest */
#define EVENTS_BEAT_MS 8000 /* no client hears nothing for longer */

/* The server is borrowed. */
bool events_start(struct http *h, struct events **out, struct err *e);
/* Ends every stream, lets nobody in any more.  Accepts NULL. */
void events_end(struct events *v);
/* Once the last stream has ended.  Accepts NULL. */
void events_destroy(struct events *v);

/* A stream for one more client.  last: the Last-Event-ID, NULL for none.  too-many-clients. */
bool events_join(struct events *v, const char *last, struct source *out, struct err *e);
unsigned events_clients(struct events *v);

#endif
