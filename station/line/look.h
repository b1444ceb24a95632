/* A look: the bytes of one partition of a resting slot's camera, read for somebody who takes them as they come.
 *
 * The slot's worker reads into an unlinked file in STATE/spool; the taker, on any thread, is never waited for.  The
 * camera is latched by it and stays in its bootloader.  Nothing is written, so the journal hears nothing of it. */
#ifndef STATION_LINE_LOOK_H
#define STATION_LINE_LOOK_H

#include "line/line.h"

/* How long the camera may take for its first block. */
#define LOOK_BEGIN_MS 5000

struct look;

/* [any] Begins one; returns when the first block is there.  length 0: the whole partition, else at most so much of its
 * start.  not-found (slot, partition), conflict (busy), replug-needed, partition-forbidden; what the camera says. */
bool line_look(struct line *l, unsigned slot, const char *partition, uint32_t length, struct look **out, struct err *e);

/* How many bytes it will be. */
uint32_t look_size(const struct look *k);
/* Nothing is there yet: the taker goes to sleep, under the look's lock, and is woken once, under it too. */
typedef void look_sleep(void *taker);
typedef void look_wake(void *taker);
enum { LOOK_LATER = 0, LOOK_END = -1, LOOK_FAILED = -2 };
/* Copies what is there from `at` on, at most size bytes. */
long look_take(struct look *k, uint64_t at, void *out, size_t size, look_sleep *sleep, look_wake *wake, void *taker);
/* Why it failed; after LOOK_FAILED only. */
void look_trouble(struct look *k, struct err *e);
/* The taker is done; what still runs is stopped. */
void look_end(struct look *k); /* accepts NULL */

#endif
