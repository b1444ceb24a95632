/* Frames of the event stream (HTML, "Server-sent events"), as text: rows of the journal and slots in the shapes of the
 * API. */
#ifndef STATION_HTTP_FRAMES_H
#define STATION_HTTP_FRAMES_H

#include "http/server.h"

/* What a row is about; its frame's data is that thing as it is now, {} where that is not for everybody. */
enum subject {
	ABOUT_ITSELF,
	ABOUT_STATION,
	ABOUT_RECIPE,
	ABOUT_BATCH,
	ABOUT_ATTEMPT,
	ABOUT_SLOT,
	ABOUT_UNIT,
	ABOUT_SECRET
};
enum subject subject_of(const char *kind);

/* Rows behind `after`, at most FRAMES_PAGE, each handed to `each` in order.  The text is `each`'s to free. */
#define FRAMES_PAGE 16
typedef void frame_taken(void *context, int64_t seq, const char *kind, char *text, size_t size);
bool frames_read(struct http *h, int64_t after, frame_taken *each, void *context, struct err *e);

/* NULL: no memory.  serial: the product's, "" when none is bound. */
char *frame_of_slot(const struct slot_view *v, const char *serial);

/* Where a stream begins whose client has seen `last` (NULL: nothing to resume) of a journal with `newest` rows.
 * *reset: what it saw is not ours, or too long ago, so that it must look at everything anew.  Pure. */
#define EVENTS_BEHIND 10000
int64_t events_resume(const char *last, int64_t newest, bool *reset);

#endif
