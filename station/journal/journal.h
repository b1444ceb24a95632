/* The journal: everything that happened, one append-only, hash-chained row each, and the relational tables that
 * screens read, filled in the same transaction.  All SQL of the project is in this folder.
 *
 * One writer thread owns the only read-write connection; requests queue to it and are committed in groups, each group
 * with full sync.  Readers open their own read-only connections.  Format: ARCHITECTURE.md, "Journal". */
#ifndef STATION_JOURNAL_H
#define STATION_JOURNAL_H

#include "base/err.h"

#include <stdint.h>

struct cJSON;
struct journal;

struct journal_options {
	const char *path;        /* of the database */
	const char *station;     /* 1 to 64 bytes */
	const char *key_path;    /* station key: created 0600 when missing; its public half at key_path + ".pub" */
	const char *checkpoints; /* file to append checkpoints to; NULL: none */
};

/* Opens or creates, migrates forward, checks the newest rows' chain, starts the writer.  journal-failed with the
 * reason.  All strings are copied. */
bool journal_open(const struct journal_options *o, struct journal **out, struct err *e);
/* Writes what is queued, a last checkpoint, closes.  Accepts NULL. */
void journal_close(struct journal *j);

/* Called on the writer thread when the row is on disk (seq > 0) or cannot be written (seq 0, *e filled). */
typedef void journal_done(void *context, int64_t seq, const struct err *e);
/* Queues a row and returns at once.  kind is a KIND_ of kinds.h, a string that stays; body is a JSON object with
 * that kind's fields, without "kind" and "at", which are added here; the journal takes it over, also on failure.
 * Rows get their `at` (station time) and their order here, so that both agree.  done may be NULL. */
void journal_append(struct journal *j, const char *kind, struct cJSON *body, journal_done *done, void *context);
/* The same and waits; never from a journal_done or journal_seen.  Returns the row's seq, 0 on failure. */
int64_t journal_write(struct journal *j, const char *kind, struct cJSON *body, struct err *e);
/* Queues a checkpoint.  Batch close, every 256 rows, 5 minutes of quiet and a clean stop make one by themselves. */
void journal_checkpoint(struct journal *j);
/* Called on the writer thread after each commit with the newest seq; must only wake somebody and ask nothing of the
 * journal.  Each context may watch once, JOURNAL_WATCHERS at a time; with seen NULL this context is not called any more
 * once journal_watch has returned. */
#define JOURNAL_WATCHERS 4
typedef void journal_seen(void *context, int64_t newest);
void journal_watch(struct journal *j, journal_seen *seen, void *context);

/* Rows that wait to be written. */
int64_t journal_queued(struct journal *j);
/* 32 bytes that only this station's key can give, another 32 for each label. */
void journal_derive(const struct journal *j, const char *label, uint8_t out[32]);

/* max(system clock, newest journal time), ms since 1970. */
int64_t journal_station_time(struct journal *j);
/* How far the system clock is behind the newest row, ms; 0 when it is not. */
int64_t journal_clock_lag(struct journal *j);

#endif
