/* The few SQLite calls that every file of this folder needs, with our errors. */
#ifndef STATION_JOURNAL_SQL_H
#define STATION_JOURNAL_SQL_H

#include "base/err.h"
#include "base/span.h"

#include <sqlite3.h>

#define SQL_BUSY_MS 5000 /* how long a connection waits for another one's lock */

/* Before each open: the library's settings, once. */
void sql_begin(void);
/* Fills *e from the connection: conflict for a broken constraint, no-memory, else journal-failed.  Returns false. */
bool sql_error(sqlite3 *db, struct err *e, const char *what);
/* NULL on failure.  Statements live long (they are kept) or short (AUTO_STMT). */
sqlite3_stmt *sql_prepare(sqlite3 *db, const char *sql, struct err *e);
bool sql_exec(sqlite3 *db, const char *sql, struct err *e);
/* Runs a statement that returns at most one row, to its end, and resets it.  *value: its first column; 0 without a
 * row.  value may be NULL. */
bool sql_run(sqlite3_stmt *s, int64_t *value, struct err *e);
/* One integer of one row. */
bool sql_int(sqlite3 *db, const char *sql, int64_t *value, struct err *e);
/* A text column, "" for null; borrowed until the next step. */
const char *sql_text(sqlite3_stmt *s, int column);
/* Whether sql_text and sql_copy gave what the row holds: they say "" when memory ran out, and only a further step would
 * fail for it.  To be asked before a row is acted on that is the last, or that speaks against somebody. */
bool sql_row_whole(sqlite3_stmt *s, struct err *e);
/* Copies a text column into a field of size bytes, cut when too long. */
void sql_copy(sqlite3_stmt *s, int column, char *out, size_t size);
/* text NULL binds null; the text must live until the statement is reset. */
void sql_bind_text(sqlite3_stmt *s, int index, const char *text);

/* Read-only, no writes to the file ever; defensive against what a foreign database may contain. */
bool sql_open_readonly(const char *path, bool immutable, sqlite3 **db, struct err *e);
/* The settings that every connection needs: foreign keys, no trust in the schema, a busy timeout. */
bool sql_harden(sqlite3 *db, struct err *e);

void sql_auto_finalize_(sqlite3_stmt **s);
void sql_auto_reset_(sqlite3_stmt **s);
#define AUTO_STMT  __attribute__((cleanup(sql_auto_finalize_)))
#define AUTO_RESET __attribute__((cleanup(sql_auto_reset_)))

#endif
