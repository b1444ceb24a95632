/* The checkpoints that a verifier holds against the rows: collected from the database and the file, signatures
 * checked, in the order of their sizes. */
#ifndef STATION_JOURNAL_MARKS_H
#define STATION_JOURNAL_MARKS_H

#include "journal/key.h"
#include "journal/sql.h"

struct mark {
	int64_t size;
	uint8_t head[CHAIN_HASH_SIZE];
	bool filed; /* from the file, else from the database */
};

struct marks {
	uint8_t public[PUBLIC_KEY_SIZE];
	char station[STATION_NAME_SIZE];
	struct mark *items; /* owned; well signed ones */
	size_t count, room;
	int64_t bad; /* how many are not */
	bool no_memory;
};

/* public and station are set by the caller before. */
void marks_add_file(struct marks *m, struct span file);
bool marks_add_database(struct marks *m, sqlite3 *db, struct err *e);
void marks_sort(struct marks *m);
/* The size of the first that the file has and the database has not, or 0.  Sorted marks only. */
int64_t marks_missing(const struct marks *m);
void marks_clear(struct marks *m);

#endif
