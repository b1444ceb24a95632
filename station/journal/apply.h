/* Fills the relational tables from one row's body, and from nothing else: the writer uses it in the row's own
 * transaction, the verifier to build the tables once more. */
#ifndef STATION_JOURNAL_APPLY_H
#define STATION_JOURNAL_APPLY_H

#include "journal/sql.h"

struct applier;
struct cJSON;

/* A row, in parts; all borrowed. */
struct entry {
	int64_t seq;
	const char *kind, *at;
	const struct cJSON *body; /* "kind" and "at" are not looked for in there */
};

/* db is borrowed and has the newest schema. */
bool applier_create(sqlite3 *db, struct applier **out, struct err *e);
void applier_destroy(struct applier *a); /* before the connection is closed; accepts NULL */
/* On false the caller rolls back: some tables may have changed.  conflict when the row does not fit what was before
 * (a step of an attempt that has ended, ...). */
bool applier_apply(struct applier *a, const struct entry *row, struct err *e);

#endif
