/* What is looked at before a journal is written to. */
#include "journal/inspect.h"

#include <string.h>

#define HELP "keep the files, restore a backup or call engineering"

bool inspect_structure(sqlite3 *db, struct err *e)
{
	AUTO_STMT sqlite3_stmt *s = sql_prepare(db, "PRAGMA quick_check(1)", e);
	if (!s)
		return false;
	if (sqlite3_step(s) != SQLITE_ROW)
		return sql_error(db, e, "the journal's database cannot be checked");
	if (!strcmp(sql_text(s, 0), "ok"))
		return true;
	return err_set(e, CODE_JOURNAL_FAILED, "the journal's database is damaged (%.100s); " HELP, sql_text(s, 0));
}

/* One row against what was before it; *head becomes this row. */
static bool inspect_row(sqlite3_stmt *s, const char *station, bool first, struct head *head, struct err *e)
{
	uint8_t hash[CHAIN_HASH_SIZE];
	int64_t seq = sqlite3_column_int64(s, 0);
	const void *prev = sqlite3_column_blob(s, 2), *stored = sqlite3_column_blob(s, 3),
		   *body = sqlite3_column_blob(s, 4);
	bool sizes = sqlite3_column_bytes(s, 2) == CHAIN_HASH_SIZE && sqlite3_column_bytes(s, 3) == CHAIN_HASH_SIZE;
	if (!first && seq != head->seq + 1)
		return err_set(
		    e, CODE_JOURNAL_FAILED, "row %lld of the journal is missing; " HELP, (long long)head->seq + 1);
	if (!sizes || !body || (!first && memcmp(prev, head->hash, CHAIN_HASH_SIZE) != 0))
		return err_set(
		    e, CODE_JOURNAL_FAILED, "row %lld does not follow the one before; " HELP, (long long)seq);
	chain_hash(station, seq, prev, span_of(body, (size_t)sqlite3_column_bytes(s, 4)), hash);
	if (memcmp(hash, stored, sizeof hash) != 0)
		return err_set(
		    e, CODE_JOURNAL_FAILED, "row %lld was changed: its hash is wrong; " HELP, (long long)seq);
	if (!time_parse(sql_text(s, 1), &head->at))
		return err_set(e, CODE_JOURNAL_FAILED, "row %lld has no time; " HELP, (long long)seq);
	head->seq = seq;
	memcpy(head->hash, stored, sizeof hash);
	return true;
}

bool inspect_chain(sqlite3 *db, const char *station, int64_t rows, struct head *head, struct err *e)
{
	AUTO_STMT sqlite3_stmt *s = sql_prepare(db,
	    "SELECT seq, at, prev, hash, body FROM journal"
	    " WHERE seq > (SELECT coalesce(max(seq), 0) FROM journal) - ?1 ORDER BY seq",
	    e);
	if (!s)
		return false;
	sqlite3_bind_int64(s, 1, rows);
	*head = (struct head){ 0 };
	int rc;
	for (bool first = true; (rc = sqlite3_step(s)) == SQLITE_ROW; first = false) {
		bool begin = first && sqlite3_column_int64(s, 0) != 1;
		if (!inspect_row(s, station, begin, head, e))
			return false;
	}
	return rc == SQLITE_DONE || sql_error(db, e, "the journal cannot be read");
}

bool inspect_checkpoint(sqlite3 *db, int64_t *size, struct err *e)
{
	AUTO_STMT sqlite3_stmt *s = sql_prepare(db,
	    "SELECT c.size, c.text, j.hash FROM checkpoint c LEFT JOIN journal j ON j.seq = c.size"
	    " ORDER BY c.size DESC LIMIT 1",
	    e);
	struct checkpoint c;
	*size = 0;
	if (!s)
		return false;
	int rc = sqlite3_step(s);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE || sql_error(db, e, "the journal's checkpoints cannot be read");
	*size = sqlite3_column_int64(s, 0);
	const char *text = sql_text(s, 1);
	const void *hash = sqlite3_column_blob(s, 2);
	if (checkpoint_parse(span_of(text, strlen(text)), &c) && c.size == *size && hash &&
	    sqlite3_column_bytes(s, 2) == CHAIN_HASH_SIZE && !memcmp(c.head, hash, CHAIN_HASH_SIZE))
		return true;
	return err_set(e, CODE_JOURNAL_FAILED, "the journal does not hold what its checkpoint at row %lld says; " HELP,
	    (long long)*size);
}
