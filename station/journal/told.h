/* What the MES is told: the rows of the journal with their hashes, where telling began, and what the MES would not
 * take. */
#ifndef STATION_JOURNAL_TOLD_H
#define STATION_JOURNAL_TOLD_H

#include "journal/chain.h"
#include "journal/query.h"

struct told_row {
	int64_t seq;
	char at[32], kind[32];
	uint8_t hash[CHAIN_HASH_SIZE];
	char *body; /* owned; NULL unless it was wanted */
};

/* Is a row of this kind told? */
typedef bool told_wanted(void *context, const char *kind);
/* The next row behind `after` that is wanted, with its body: *found.  Without one *passed is the last row that was
 * looked at; at most TOLD_LOOK rows are. */
#define TOLD_LOOK 1000
bool query_told_next(struct journal_reader *r, int64_t after, told_wanted *wanted, void *context, struct told_row *out,
    bool *found, int64_t *passed, struct err *e);
/* That row, with its body; not-found. */
bool query_told_row(struct journal_reader *r, int64_t seq, struct told_row *out, struct err *e);
/* The row of kind mes-started; 0: there is none. */
bool query_told_start(struct journal_reader *r, int64_t *seq, struct err *e);
/* The first parked row behind `after`; 0: none. */
bool query_parked_next(struct journal_reader *r, int64_t after, int64_t *row, struct err *e);
bool query_parked_has(struct journal_reader *r, int64_t row, bool *has, struct err *e);
bool query_parked_count(struct journal_reader *r, int64_t *count, struct err *e);
/* {"items":[{row,id,event,status,at}],"next":...}, oldest first. */
bool query_parked(struct journal_reader *r, const struct query_filter *f, char **json, struct err *e);

#endif
