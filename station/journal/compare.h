/* Compares two databases of one schema: every object of the schema, every row of every relational table. */
#ifndef STATION_JOURNAL_COMPARE_H
#define STATION_JOURNAL_COMPARE_H

#include "journal/sql.h"

/* The first thing that differs: "" when nothing does.  seq: the journal row behind it, 0 when none can be named. */
struct difference {
	int64_t seq;
	char what[120];
};

/* core: only the three tables that a walk of the chain reads. */
bool compare_schema(sqlite3 *found, sqlite3 *wanted, bool core, struct difference *out, struct err *e);
/* Of all differing rows that with the lowest seq. */
bool compare_tables(sqlite3 *found, sqlite3 *wanted, struct difference *out, struct err *e);

#endif
