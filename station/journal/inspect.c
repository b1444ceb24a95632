/* What is looked at before a journal is written to. */
#include "journal/inspect.h"

#include "journal/marks.h"
#include "os/file.h"
#include "os/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of the checkpoints file: some two hundred records. */
#define WITNESS_TAIL 65536

#define HELP "keep the files, restore a backup or call engineering"

bool inspect_structure(sqlite3 *db, struct err *e)
{
	AUTO_STMT sqlite3_stmt *s = sql_prepare(db, "PRAGMA quick_check(1)", e);
	if (!s)
		return false;
	if (sqlite3_step(s) != SQLITE_ROW)
		return sql_error(db, e, "the journal's database cannot be checked");
	const char *word = sql_text(s, 0);
	if (!sql_row_whole(s, e))
		return false;
	return !strcmp(word, "ok") ||
	       err_set(e, CODE_JOURNAL_FAILED, "the journal's database is damaged (%.100s); " HELP, word);
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
	bool timed = time_parse(sql_text(s, 1), &head->at);
	if (!sql_row_whole(s, e))
		return false;
	if (!timed)
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
	if (!sql_row_whole(s, e))
		return false;
	const void *hash = sqlite3_column_blob(s, 2);
	if (checkpoint_parse(span_of(text, strlen(text)), &c) && c.size == *size && hash &&
	    sqlite3_column_bytes(s, 2) == CHAIN_HASH_SIZE && !memcmp(c.head, hash, CHAIN_HASH_SIZE))
		return true;
	return err_set(e, CODE_JOURNAL_FAILED, "the journal does not hold what its checkpoint at row %lld says; " HELP,
	    (long long)*size);
}

/* The end of the file, from its first whole record on; size 0 when there is nothing to read. */
static size_t read_tail(const char *path, uint8_t *tail)
{
	struct stat st;
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		log_warn("journal: the checkpoints file %s cannot be read, so nothing is held against it", path);
		return 0;
	}
	off_t from = st.st_size > WITNESS_TAIL ? st.st_size - WITNESS_TAIL : 0;
	ssize_t n = pread(fd, tail, WITNESS_TAIL, from);
	if (n <= 0 || !from)
		return n > 0 ? (size_t)n : 0;
	const uint8_t *gap = memmem(tail, (size_t)n, "\n\n", 2);
	size_t skip = gap ? (size_t)(gap - tail) : (size_t)n;
	memmove(tail, tail + skip, (size_t)n - skip);
	return (size_t)n - skip;
}

static bool agrees(const struct store *s, const struct mark *m, struct err *e)
{
	if (m->size > s->head.seq)
		return err_set(e, CODE_JOURNAL_FAILED,
		    "the journal holds %lld rows, but %s was signed over %lld: rows are missing; put back what was "
		    "taken"
		    " away (journal.db-wal?), or, to go on with an old copy, begin another checkpoints file",
		    (long long)s->head.seq, s->witness, (long long)m->size);
	AUTO_STMT sqlite3_stmt *row = sql_prepare(s->db, "SELECT hash FROM journal WHERE seq = ?1", e);
	if (!row)
		return false;
	sqlite3_bind_int64(row, 1, m->size);
	if (sqlite3_step(row) == SQLITE_ROW && sqlite3_column_bytes(row, 0) == CHAIN_HASH_SIZE &&
	    !memcmp(sqlite3_column_blob(row, 0), m->head, CHAIN_HASH_SIZE))
		return true;
	return err_set(e, CODE_JOURNAL_FAILED, "row %lld of the journal is not the one that %s was signed over; " HELP,
	    (long long)m->size, s->witness);
}

bool inspect_witness(const struct store *s, struct err *e)
{
	struct marks m = { .items = NULL };
	if (!s->witness)
		return true;
	uint8_t *tail = malloc(WITNESS_TAIL);
	if (!tail)
		return err_set(e, CODE_NO_MEMORY, "no memory for the checkpoints");
	memcpy(m.public, s->key.public, sizeof m.public);
	memcpy(m.station, s->station, sizeof m.station);
	marks_add_file(&m, span_of(tail, read_tail(s->witness, tail)));
	free(tail);
	marks_sort(&m);
	bool ok = !m.count || agrees(s, &m.items[m.count - 1], e);
	marks_clear(&m);
	return ok;
}
