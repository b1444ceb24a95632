/* The one read-write connection: rows in, chained and applied, in groups; checkpoints.  No threads in here: the
 * writer owns the store.
 *
 * A group: store_begin, store_add for each row, store_commit.  A plain group is lost with its first refused row; in a
 * careful one, which costs a savepoint for each row, that row leaves no trace and the others stay.  When store_add or
 * store_commit says that the group is lost, the store goes back to what is on disk, and may be used again; when it was
 * store_add, nothing of the group is there. */
#ifndef STATION_JOURNAL_STORE_H
#define STATION_JOURNAL_STORE_H

#include "journal/apply.h"
#include "journal/key.h"

struct head {
	int64_t seq; /* of the newest row; 0: none */
	int64_t at;  /* its time, ms since 1970 */
	uint8_t hash[CHAIN_HASH_SIZE];
};

enum {
	STORE_BEGIN,
	STORE_COMMIT,
	STORE_ROLLBACK,
	STORE_SAVE,
	STORE_UNDO,
	STORE_KEEP,
	STORE_INSERT,
	STORE_MARK,
	STORE_STATEMENTS
};

struct store {
	char *path, *witness; /* owned; witness: file of checkpoints, NULL: none */
	char station[STATION_NAME_SIZE];
	struct station_key key;
	int lock;    /* holds PATH.lock, so that no second program writes */
	sqlite3 *db; /* NULL after a failure, until it can be opened again */
	struct applier *applier;
	sqlite3_stmt *stmts[STORE_STATEMENTS];
	struct head head; /* on disk */
	struct head next; /* behind the last row added to the open group */
	bool careful;     /* the open group */
	int64_t marked;   /* size of the newest checkpoint */
	char mark_text[CHECKPOINT_TEXT_SIZE];
	uint8_t mark_signature[SIGNATURE_SIZE];
	bool mark_waits; /* the newest checkpoint is not in the file yet */
	int wal_pages;   /* in the write-ahead log after the last commit */
};

/* out is all zero before.  store_close afterwards, also on failure. */
bool store_open(
    struct store *s, const char *path, const char *station, const char *key_path, const char *witness, struct err *e);
void store_close(struct store *s);

bool store_begin(struct store *s, bool careful, struct err *e);
/* A row that asks to be written: body is the text that is chained and kept, tree the same without "kind" and "at". */
struct wish {
	const char *kind, *body;
	const struct cJSON *tree;
	int64_t at;
};

/* The row's seq, 0 when it is refused; *lost: the whole group is. */
int64_t store_add(struct store *s, const struct wish *w, bool *lost, struct err *e);
bool store_commit(struct store *s, struct err *e);

/* Signs the head, unless it has a checkpoint already; into the database, the log and the file.  A file that cannot
 * be written is false; the next call tries it again. */
bool store_checkpoint(struct store *s, int64_t at, struct err *e);
/* Moves the write-ahead log into the database; all: down to the last page, and shortens the log. */
void store_settle(struct store *s, bool all);

#endif
