/* A reader's connections: a few read-only ones, lent to one call at a time, each with its prepared statements. */
#ifndef STATION_JOURNAL_READER_H
#define STATION_JOURNAL_READER_H

#include "journal/query.h"
#include "journal/sql.h"

struct reading;

/* Lends a connection; NULL with journal-failed.  Give it back on every way out: that also ends its read
 * transaction, which would otherwise keep the write-ahead log from being reused. */
struct reading *reading_begin(struct journal_reader *r, struct err *e);
void reading_end(struct reading **g);
#define READING __attribute__((cleanup(reading_end)))

/* A prepared statement, kept for the next call with the same text.  Owned by the connection, fresh (no bindings).
 * NULL on failure, and for g NULL. */
sqlite3_stmt *reading_prepare(struct reading *g, const char *sql, struct err *e);
/* sqlite3_step: 1 a row, 0 the end, -1 an error. */
int reading_step(sqlite3_stmt *s, struct err *e);

#endif
