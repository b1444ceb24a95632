/* What many attempts come to, counted as they go by one after another in the order of their ids.  Pure: neither SQL nor
 * clock.
 *
 * Definitions, as the contract has them: yield is PASS of PASS and FAIL; ERROR and ABORTED leave it as it is, refused
 * attempts say nothing of a unit and only stand in their own count.  A unit's first verdict is the one of its first
 * attempt that ended PASS or FAIL, its final verdict the one of its last. */
#ifndef STATION_JOURNAL_TALLY_H
#define STATION_JOURNAL_TALLY_H

#include "base/err.h"
#include "base/figures.h"

struct tally;

/* One ended attempt; texts borrowed. */
struct tally_row {
	int64_t id;
	const char *uid;  /* "": not known */
	const char *code; /* "ok", ... */
	enum verdict verdict;
	bool refused;
	int64_t slot;
	int64_t started, ended; /* ms since 1970 */
	int64_t retries;
};

/* slot: only its attempts are counted, 0 for all; where a unit went elsewhere is looked at over all slots. */
bool tally_create(int64_t slot, struct tally **out, struct err *e);
void tally_free(struct tally *t);                                            /* accepts NULL */
bool tally_add(struct tally *t, const struct tally_row *row, struct err *e); /* no-memory */

/* The newest PASS attempts, at most TALLY_STEPS, oldest first: whose steps are worth looking at. */
#define TALLY_STEPS 5000
size_t tally_passes(struct tally *t, const int64_t **ids, const int32_t **slots);
/* One step of one of them. */
bool tally_step(struct tally *t, const char *step, int32_t slot, int64_t ms, int64_t bytes, struct err *e);

/* All of it as JSON: what GET /stats answers.  from, to: "" is null.  NULL: no memory. */
char *tally_print(struct tally *t, const char *from, const char *to);

#endif
