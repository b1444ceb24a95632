/* The one read-write connection: opening, groups, checkpoints. */
#include "journal/store.h"

#include "base/hex.h"
#include "journal/inspect.h"
#include "journal/schema.h"
#include "journal/witness.h"
#include "os/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOKASIDE_SIZE  1200 /* SQLite's own */
#define LOOKASIDE_SLOTS 512

static const char *const texts[STORE_STATEMENTS] = {
	[STORE_BEGIN] = "BEGIN IMMEDIATE",
	[STORE_COMMIT] = "COMMIT",
	[STORE_ROLLBACK] = "ROLLBACK",
	[STORE_SAVE] = "SAVEPOINT row",
	[STORE_UNDO] = "ROLLBACK TO row",
	[STORE_KEEP] = "RELEASE row",
	[STORE_INSERT] = "INSERT INTO journal(seq, at, kind, prev, hash, body) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[STORE_MARK] = "INSERT INTO checkpoint(size, text, signature) VALUES(?1, ?2, ?3)",
};

static int count_pages(void *context, sqlite3 *db, const char *name, int pages)
{
	(void)db;
	(void)name;
	((struct store *)context)->wal_pages = pages;
	return SQLITE_OK;
}

static bool take_lock(struct store *s, struct err *e)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s.lock", s->path);
	s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (s->lock < 0)
		return err_sys(e, CODE_JOURNAL_FAILED, errno, "cannot open %s", path);
	if (flock(s->lock, LOCK_EX | LOCK_NB))
		return err_set(e, CODE_JOURNAL_FAILED, "another program holds the journal %s", s->path);
	return true;
}

static void disconnect(struct store *s)
{
	applier_destroy(s->applier);
	s->applier = NULL;
	for (int i = 0; i < STORE_STATEMENTS; i++) {
		sqlite3_finalize(s->stmts[i]);
		s->stmts[i] = NULL;
	}
	sqlite3_close(s->db);
	s->db = NULL;
}

static bool connect_file(struct store *s, struct err *e)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	sql_begin();
	if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK)
		return s->db ? sql_error(s->db, e, s->path)
			     : err_set(e, CODE_NO_MEMORY, "no memory to open %s", s->path);
	/* The registers that so many kept statements hold between their runs fill SQLite's own small store, and each
	 * further one would be a malloc.  Refused, it stays as it is. */
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, LOOKASIDE_SIZE, LOOKASIDE_SLOTS);
	return sql_harden(s->db, e);
}

/* WAL, so that readers and the writer do not wait for each other; FULL, so that a committed row survives a power
 * cut; no automatic checkpoints, since only this thread may do any. */
static bool configure(struct store *s, struct err *e)
{
	AUTO_STMT sqlite3_stmt *wal = sql_prepare(s->db, "PRAGMA journal_mode = WAL", e);
	if (!wal)
		return false;
	if (sqlite3_step(wal) != SQLITE_ROW || strcmp(sql_text(wal, 0), "wal") != 0)
		return sql_error(s->db, e, "the journal cannot be put into WAL mode");
	return sql_exec(
	    s->db, "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 16777216", e);
}

static bool prepare(struct store *s, struct err *e)
{
	for (int i = 0; i < STORE_STATEMENTS; i++) {
		s->stmts[i] = sql_prepare(s->db, texts[i], e);
		if (!s->stmts[i])
			return false;
	}
	sqlite3_wal_hook(s->db, count_pages, s);
	return applier_create(s->db, &s->applier, e);
}

/* A new journal is given its station and key; an old one has to be of this station and key. */
static bool settle_owner(struct store *s, const char *key_path, struct err *e)
{
	AUTO_STMT sqlite3_stmt *get = sql_prepare(s->db, "SELECT name, public_key FROM station", e);
	AUTO_STMT sqlite3_stmt *put =
	    sql_prepare(s->db, "INSERT INTO station(one, name, public_key) VALUES(1, ?1, ?2)", e);
	if (!get || !put)
		return false;
	int rc = sqlite3_step(get);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return sql_error(s->db, e, "the journal cannot be read");
	if (!station_key_load(key_path, rc == SQLITE_DONE, &s->key, e))
		return false;
	if (rc == SQLITE_DONE) {
		sql_bind_text(put, 1, s->station);
		sqlite3_bind_blob(put, 2, s->key.public, PUBLIC_KEY_SIZE, SQLITE_STATIC);
		return sql_run(put, NULL, e);
	}
	const char *name = sql_text(get, 0);
	if (!sql_row_whole(get, e))
		return false;
	if (strcmp(name, s->station) != 0)
		return err_set(e, CODE_JOURNAL_FAILED,
		    "the journal is of the station %.64s, not of %s; give this one its own", name, s->station);
	const void *public = sqlite3_column_blob(get, 1);
	if (sqlite3_column_bytes(get, 1) == PUBLIC_KEY_SIZE && !memcmp(public, s->key.public, PUBLIC_KEY_SIZE))
		return true;
	return err_set(
	    e, CODE_JOURNAL_FAILED, "%s is not the key that the journal was begun with; put that one back", key_path);
}

/* Was the journal left without a clean stop?  Then its write-ahead log is still there. */
static bool left_open(const struct store *s, int64_t *size)
{
	char log[PATH_MAX];
	struct stat st;
	*size = stat(s->path, &st) == 0 ? (int64_t)st.st_size : 0;
	snprintf(log, sizeof log, "%s-wal", s->path);
	return stat(log, &st) == 0 && st.st_size > 0;
}

static bool check_all(struct store *s, bool crashed, int64_t size, struct err *e)
{
	if ((crashed || size <= INSPECT_WHOLE_BYTES) && !inspect_structure(s->db, e))
		return false;
	return inspect_chain(s->db, s->station, INSPECT_ROWS, &s->head, e) &&
	       inspect_checkpoint(s->db, &s->marked, e) && inspect_witness(s, e);
}

/* The key is made after the tables: where there is a key and no table, the journal was lost, and a new one in its place
 * would know nothing of what has passed. */
static bool check_begun(struct store *s, const char *key_path, struct err *e)
{
	int64_t objects;
	if (!sql_int(s->db, "SELECT count(*) FROM sqlite_schema", &objects, e))
		return false;
	if (objects || access(key_path, F_OK) != 0)
		return true;
	return err_set(e, CODE_JOURNAL_FAILED,
	    "%s is missing or empty, but the station's key is there; put the journal back, or move %s away to begin a "
	    "new"
	    " one",
	    s->path, key_path);
}

/* A reader in the middle of a page of history must not hold up the rows that wait. */
static int move_log(struct store *s, int mode, int *logged, int *moved)
{
	sqlite3_busy_timeout(s->db, 0);
	int rc = sqlite3_wal_checkpoint_v2(s->db, NULL, mode, logged, moved);
	sqlite3_busy_timeout(s->db, SQL_BUSY_MS);
	return rc;
}

/* The log of a program that was killed, or whose disk failed, may hold pages that a sync failed for and that are in
 * memory only: they go into the database before anything is built on them. */
static void settle_log(struct store *s)
{
	int rc = move_log(s, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	if (rc != SQLITE_OK)
		log_warn("journal: the write-ahead log stays beside the database: %s", sqlite3_errstr(rc));
}

static bool open_all(struct store *s, const char *key_path, struct err *e)
{
	int64_t size;
	bool crashed = left_open(s, &size);
	if (!take_lock(s, e) || !connect_file(s, e) || !check_begun(s, key_path, e) || !schema_migrate(s->db, e) ||
	    !configure(s, e) || !settle_owner(s, key_path, e) || !check_all(s, crashed, size, e) || !prepare(s, e))
		return false;
	if (crashed)
		settle_log(s);
	return true;
}

bool store_open(
    struct store *s, const char *path, const char *station, const char *key_path, const char *witness, struct err *e)
{
	struct err why = ERR_INIT;
	s->lock = -1;
	s->path = strdup(path);
	s->witness = witness ? strdup(witness) : NULL;
	if (!s->path || (witness && !s->witness))
		return err_set(e, CODE_NO_MEMORY, "no memory for the journal");
	if (!station_name_valid(station))
		return err_set(e, CODE_JOURNAL_FAILED, "a station's name has 1 to 64 bytes and no control bytes");
	snprintf(s->station, sizeof s->station, "%s", station);
	if (open_all(s, key_path, &why))
		return true;
	return err_set(e, why.code == CODE_NO_MEMORY ? why.code : CODE_JOURNAL_FAILED, "%s", why.msg);
}

void store_close(struct store *s)
{
	disconnect(s);
	if (s->lock >= 0)
		close(s->lock);
	station_key_clear(&s->key);
	free(s->path);
	free(s->witness);
	s->path = s->witness = NULL;
	s->lock = -1;
}

/* After a failed commit nobody knows what the disk holds: begin from there again. */
static bool reconnect(struct store *s, struct err *e)
{
	disconnect(s);
	if (connect_file(s, e) && configure(s, e) && inspect_chain(s->db, s->station, 2, &s->head, e) &&
	    inspect_checkpoint(s->db, &s->marked, e) && prepare(s, e)) {
		settle_log(s);
		return true;
	}
	disconnect(s);
	return false;
}

bool store_begin(struct store *s, bool careful, struct err *e)
{
	if (!s->db && !reconnect(s, e))
		return false;
	s->next = s->head;
	s->careful = careful;
	if (sql_run(s->stmts[STORE_BEGIN], NULL, e))
		return true;
	disconnect(s);
	return false;
}

static bool insert_row(struct store *s, const struct wish *w, struct err *e)
{
	AUTO_RESET sqlite3_stmt *insert = s->stmts[STORE_INSERT];
	char text[TIME_TEXT_SIZE];
	struct head row = { s->next.seq + 1, w->at, { 0 } };
	struct entry entry = { row.seq, w->kind, text, w->tree };
	size_t size = strlen(w->body);
	time_format(text, w->at);
	chain_hash(s->station, row.seq, s->next.hash, span_of(w->body, size), row.hash);
	sqlite3_bind_int64(insert, 1, row.seq);
	sql_bind_text(insert, 2, text);
	sql_bind_text(insert, 3, w->kind);
	sqlite3_bind_blob(insert, 4, s->next.hash, CHAIN_HASH_SIZE, SQLITE_STATIC);
	sqlite3_bind_blob(insert, 5, row.hash, CHAIN_HASH_SIZE, SQLITE_STATIC);
	sqlite3_bind_text(insert, 6, w->body, (int)size, SQLITE_STATIC);
	if (!sql_run(insert, NULL, e) || !applier_apply(s->applier, &entry, e))
		return false;
	s->next = row;
	return true;
}

static int64_t add_plain(struct store *s, const struct wish *w, bool *lost, struct err *e)
{
	*lost = !insert_row(s, w, e);
	if (!*lost)
		return s->next.seq;
	if (sqlite3_get_autocommit(s->db) || !sql_run(s->stmts[STORE_ROLLBACK], NULL, NULL))
		disconnect(s);
	return 0;
}

static int64_t add_careful(struct store *s, const struct wish *w, bool *lost, struct err *e)
{
	*lost = !sql_run(s->stmts[STORE_SAVE], NULL, e);
	if (*lost)
		goto lost;
	if (insert_row(s, w, e)) {
		*lost = !sql_run(s->stmts[STORE_KEEP], NULL, e);
		if (!*lost)
			return s->next.seq;
		goto lost;
	}
	/* Some failures (no space, no memory, I/O) make SQLite roll the whole transaction back by itself. */
	*lost = sqlite3_get_autocommit(s->db) || !sql_run(s->stmts[STORE_UNDO], NULL, NULL) ||
		!sql_run(s->stmts[STORE_KEEP], NULL, NULL);
	if (!*lost)
		return 0;
lost:
	disconnect(s);
	return 0;
}

int64_t store_add(struct store *s, const struct wish *w, bool *lost, struct err *e)
{
	return s->careful ? add_careful(s, w, lost, e) : add_plain(s, w, lost, e);
}

bool store_commit(struct store *s, struct err *e)
{
	if (s->next.seq == s->head.seq) {
		if (!sql_run(s->stmts[STORE_ROLLBACK], NULL, NULL))
			disconnect(s);
		return true;
	}
	if (sql_run(s->stmts[STORE_COMMIT], NULL, e)) {
		s->head = s->next;
		return true;
	}
	disconnect(s);
	return false;
}

static bool keep_mark(struct store *s, const struct checkpoint *c, const char *text, const uint8_t *sign, struct err *e)
{
	AUTO_RESET sqlite3_stmt *mark = s->stmts[STORE_MARK];
	sqlite3_bind_int64(mark, 1, c->size);
	sql_bind_text(mark, 2, text);
	sqlite3_bind_blob(mark, 3, sign, SIGNATURE_SIZE, SQLITE_STATIC);
	return sql_run(mark, NULL, e);
}

/* Signs the head into s->mark and the database. */
static bool make_mark(struct store *s, int64_t at, struct err *e)
{
	struct checkpoint c = { .size = s->head.seq };
	char head[2 * CHAIN_HASH_SIZE + 1];
	snprintf(c.station, sizeof c.station, "%s", s->station);
	memcpy(c.head, s->head.hash, CHAIN_HASH_SIZE);
	time_format(c.at, at);
	checkpoint_print(&c, s->mark_text);
	station_key_sign(&s->key, span_of(s->mark_text, strlen(s->mark_text)), s->mark_signature);
	s->mark_waits = false;
	if (!keep_mark(s, &c, s->mark_text, s->mark_signature, e)) {
		disconnect(s);
		return false;
	}
	s->marked = c.size;
	s->mark_waits = s->witness != NULL;
	hex_encode(head, c.head, CHAIN_HASH_SIZE);
	log_info("journal: checkpoint %s %lld %s %s", c.station, (long long)c.size, head, c.at);
	return true;
}

bool store_checkpoint(struct store *s, int64_t at, struct err *e)
{
	if (!s->db && !reconnect(s, e))
		return false;
	if (s->head.seq != s->marked && !make_mark(s, at, e))
		return false;
	if (s->mark_waits && !witness_append(s->witness, s->mark_text, s->mark_signature, e))
		return false;
	s->mark_waits = false;
	return true;
}

void store_settle(struct store *s, bool all)
{
	if (!s->db || !s->wal_pages)
		return;
	int logged = 0, moved = 0;
	int rc = move_log(s, all ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, &logged, &moved);
	if (rc == SQLITE_OK && (all || logged == moved))
		s->wal_pages = 0;
	else if (rc != SQLITE_OK && rc != SQLITE_BUSY)
		log_error("journal: the write-ahead log cannot be moved into the database: %s", sqlite3_errstr(rc));
}
