/* What is looked at before a journal is written to: the database's structure the chain of its newest rows, and what the
 * checkpoints outside say of them. */
#ifndef STATION_JOURNAL_INSPECT_H
#define STATION_JOURNAL_INSPECT_H

#include "journal/store.h"

/* Structure is checked whole up to this size; above only after a crash. */
#define INSPECT_WHOLE_BYTES (INT64_C(256) << 20)
/* The chain is checked over this many newest rows: all of them in a small journal. */
#define INSPECT_ROWS 20000

/* quick_check: false names the first damage. */
bool inspect_structure(sqlite3 *db, struct err *e);
/* Checks the newest rows and fills *head. */
bool inspect_chain(sqlite3 *db, const char *station, int64_t rows, struct head *head, struct err *e);
/* The newest checkpoint's size, 0 without one; false when it is not of the row it names. */
bool inspect_checkpoint(sqlite3 *db, int64_t *size, struct err *e);
/* Holds the newest checkpoints of the file outside against the rows: a journal that is shorter than what was signed of
 * it has lost rows (a write-ahead log that was removed, an old copy).  A file that is missing or not ours says nothing.
 */
bool inspect_witness(const struct store *s, struct err *e);

#endif
