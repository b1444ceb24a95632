/* The line's own questions to the journal: admission, limits, and what was going on when the station stopped.
 * For the loop thread: each is an index look-up or a count kept by the writer.  On false: journal-failed. */
#ifndef STATION_JOURNAL_LOOKUP_H
#define STATION_JOURNAL_LOOKUP_H

#include "journal/query.h"

#define JOURNAL_UID_SIZE 64

/* What the journal knows of a unit; all zero when it was never seen. */
struct journal_unit {
	bool known;
	bool unfinished; /* something was written and never proved since: program it with delta off */
	int64_t passed;  /* the attempt whose PASS still holds (nothing written since); 0: none */
	int64_t passed_batch;
	char passed_recipe[65];                 /* sha256 of that recipe; "" when passed is 0 */
	char passed_board[40], passed_name[65]; /* its product */
	char serial[129], mac[129];             /* "" when none is bound */
};
bool journal_unit(struct journal_reader *r, const char *uid, struct journal_unit *out, struct err *e);

/* Distinct units that reached `written` with this recipe, and whether this one is among them (uid may be NULL). */
bool journal_recipe_units(
    struct journal_reader *r, const char *sha256, const char *uid, int64_t *units, bool *among, struct err *e);
/* The highest rollback number with which (board, name) reached `written` here; -1: never. */
bool journal_max_rollback(struct journal_reader *r, const char *board, const char *name, int64_t *out, struct err *e);
/* Distinct units that passed in this batch, and whether this one is among them (uid may be NULL). */
bool journal_batch_units(
    struct journal_reader *r, int64_t batch, const char *uid, int64_t *units, bool *among, struct err *e);

/* Attempts without an end, oldest first: after a start they become ERROR station-stopped. */
struct journal_attempt {
	int64_t id, batch; /* batch 0: none */
	int64_t slot;
	bool writing; /* reached `written` */
	char uid[JOURNAL_UID_SIZE], path[32], board[40], recipe[65];
	char step[24]; /* the last finished step; "" when none */
};
typedef void journal_attempt_fn(void *context, const struct journal_attempt *a);
bool journal_unfinished(struct journal_reader *r, journal_attempt_fn *each, void *context, struct err *e);

/* Batches that are not closed, oldest first. */
struct journal_batch {
	int64_t id, quantity, passed;
	bool held, listed; /* listed: it has a list of serials */
	char board[40], recipe[65], order[129], code[32], message[232], opened_by[72];
};
typedef void journal_batch_fn(void *context, const struct journal_batch *b);
bool journal_open_batches(struct journal_reader *r, journal_batch_fn *each, void *context, struct err *e);

/* The slots that rows have named, in order. */
struct journal_slot {
	int64_t slot;
	bool enabled;
	char name[65], path[32], code[32], message[232]; /* code: why it is held; "" otherwise */
};
typedef void journal_slot_fn(void *context, const struct journal_slot *s);
bool journal_slots(struct journal_reader *r, journal_slot_fn *each, void *context, struct err *e);

/* The equal codes in a row with which the newest ended attempts came to an end: of this slot, or with slot 0 of all in
 * this batch.  "Newest" by their ends.  Looks back to the last slot-enabled or batch-resumed, and past what says
 * nothing of slot or unit: refused, ABORTED, station-stopped.  Counts to 1000, the most that hold_after can be. */
struct journal_equal {
	char code[32];        /* "" when count is 0: no such attempt, or the newest is "ok" */
	unsigned count, slot; /* slot: of the newest one */
	bool across;          /* they came from more than one slot */
};
bool journal_equal_codes(
    struct journal_reader *r, int64_t slot, int64_t batch, struct journal_equal *out, struct err *e);

/* Is this recipe known, and revoked? */
/* state: "" when it is not known. */
struct journal_recipe {
	bool known, revoked;
	char state[12]; /* draft, approved, active, retired */
	int64_t approvals;
};
bool journal_recipe(struct journal_reader *r, const char *sha256, struct journal_recipe *out, struct err *e);

#endif
