/* The schema: numbered, forward-only migrations, compiled in from db/. */
#ifndef STATION_JOURNAL_SCHEMA_H
#define STATION_JOURNAL_SCHEMA_H

#include "journal/sql.h"

#define SCHEMA_APPLICATION 0x524f4d4c /* "ROML", PRAGMA application_id */

int schema_newest(void);
/* Brings an empty or older database to the newest schema, each migration in its own transaction.  journal-failed for
 * a foreign database or one from a newer program. */
bool schema_migrate(sqlite3 *db, struct err *e);
/* Is this a journal with exactly the newest schema's number?  journal-failed otherwise. */
bool schema_check(sqlite3 *db, struct err *e);

#endif
