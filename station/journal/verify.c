/* The verifier. */
#include "journal/verify.h"

#include "base/hex.h"
#include "format/json.h"
#include "journal/apply.h"
#include "journal/compare.h"
#include "journal/marks.h"
#include "journal/schema.h"
#include "journal/witness.h"
#include "os/file.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct verifier {
	const struct verify_options *o;
	struct verify_report *report;
	uint8_t *file; /* of checkpoints, owned */
	size_t file_size;
	sqlite3 *db, *fresh; /* the journal, and the tables built once more */
	struct applier *applier;
	struct marks marks;
	size_t next_mark;  /* the first that no row was held against yet */
	int64_t good_mark; /* size of the last that agreed */
	/* the row before */
	int64_t seq;
	uint8_t hash[CHAIN_HASH_SIZE];
	char at[TIME_TEXT_SIZE];
};

const char *verify_result_name(enum verify_result result)
{
	switch (result) {
	case VERIFY_INTACT:
		return "intact";
	case VERIFY_TAMPERED:
		return "tampered";
	case VERIFY_TRUNCATED:
		return "truncated";
	case VERIFY_BADLY_SIGNED:
		return "badly-signed";
	case VERIFY_UNREADABLE:
		break;
	}
	return "unreadable";
}

/* Ends the verification with a finding; false, so that a step can return it. */
__attribute__((format(printf, 4, 5))) static bool found(
    struct verifier *v, enum verify_result result, int64_t first_bad, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(v->report->message, sizeof v->report->message, format, args);
	va_end(args);
	v->report->result = result;
	v->report->first_bad = first_bad;
	return false;
}

static bool unreadable(struct verifier *v, const struct err *why)
{
	return found(v, VERIFY_UNREADABLE, 0, "%s", why->msg);
}

/* ------------------------------------------------------------------ opening */

static bool read_file(struct verifier *v)
{
	struct err why = ERR_INIT;
	if (!v->o->checkpoints)
		return true;
	return file_read(v->o->checkpoints, WITNESS_MAX_FILE, &v->file, &v->file_size, &why) || unreadable(v, &why);
}

/* A copy in a folder that we may not write to, without its write-ahead log, can only be read as one that does not
 * change. */
static bool open_journal(struct verifier *v)
{
	struct err why = ERR_INIT;
	int64_t objects;
	char log[4200];
	if (sql_open_readonly(v->o->db, false, &v->db, &why) &&
	    sql_int(v->db, "SELECT count(*) FROM sqlite_schema", &objects, &why))
		return true;
	sqlite3_close(v->db);
	v->db = NULL;
	snprintf(log, sizeof log, "%s-wal", v->o->db);
	if (access(v->o->db, R_OK) == 0 && access(log, F_OK) != 0 && sql_open_readonly(v->o->db, true, &v->db, &why) &&
	    sql_int(v->db, "SELECT count(*) FROM sqlite_schema", &objects, &why))
		return true;
	return unreadable(v, &why);
}

/* A journal of an older program is brought forward in a copy, in a temporary file of SQLite's own. */
static bool bring_forward(struct verifier *v)
{
	struct err why = ERR_INIT;
	int64_t application, version;
	sqlite3 *copy = NULL;
	if (!sql_int(v->db, "PRAGMA application_id", &application, &why) ||
	    !sql_int(v->db, "PRAGMA user_version", &version, &why))
		return unreadable(v, &why);
	if (application != SCHEMA_APPLICATION || version < 1 || version >= schema_newest())
		return true;
	sqlite3_backup *b =
	    sqlite3_open("", &copy) == SQLITE_OK ? sqlite3_backup_init(copy, "main", v->db, "main") : NULL;
	bool copied = b && sqlite3_backup_step(b, -1) == SQLITE_DONE;
	sqlite3_backup_finish(b);
	if (!copied)
		err_set(&why, CODE_JOURNAL_FAILED, "a journal of schema %lld cannot be copied", (long long)version);
	sqlite3_close(v->db);
	v->db = copy;
	return (copied && sql_harden(copy, &why) && schema_migrate(copy, &why)) || unreadable(v, &why);
}

/* The tables are built in a temporary file of SQLite's own: a year of work does not fit into memory. */
static bool open_fresh(struct verifier *v)
{
	struct err why = ERR_INIT;
	sql_begin();
	if (sqlite3_open("", &v->fresh) != SQLITE_OK)
		return found(v, VERIFY_UNREADABLE, 0, "no memory for a database of what the rows give");
	if (!sql_harden(v->fresh, &why) ||
	    !sql_exec(v->fresh, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", &why) ||
	    !schema_migrate(v->fresh, &why) || !sql_exec(v->fresh, "BEGIN", &why) ||
	    !applier_create(v->fresh, &v->applier, &why))
		return unreadable(v, &why);
	return true;
}

/* Is it a journal of this schema, with the three tables that the walk needs? */
static bool check_kind(struct verifier *v)
{
	struct err why = ERR_INIT;
	struct difference core;
	if (!sql_exec(v->db, "BEGIN", &why) || !schema_check(v->db, &why) ||
	    !compare_schema(v->db, v->fresh, true, &core, &why))
		return unreadable(v, &why);
	return !*core.what || found(v, VERIFY_UNREADABLE, 0, "%s, so the rows cannot be read", core.what);
}

static bool read_station(struct verifier *v)
{
	struct err why = ERR_INIT;
	AUTO_STMT sqlite3_stmt *s = sql_prepare(v->db, "SELECT name, public_key FROM station", &why);
	if (!s || sqlite3_step(s) != SQLITE_ROW || sqlite3_column_bytes(s, 1) != PUBLIC_KEY_SIZE)
		return found(v, VERIFY_UNREADABLE, 0, "the journal does not say whose it is");
	sql_copy(s, 0, v->marks.station, sizeof v->marks.station);
	if (!sql_row_whole(s, &why))
		return unreadable(v, &why);
	memcpy(v->marks.public, sqlite3_column_blob(s, 1), PUBLIC_KEY_SIZE);
	if (v->o->public_key && !public_key_read(v->o->public_key, v->marks.public, &why))
		return unreadable(v, &why);
	if (v->o->public_key && memcmp(sqlite3_column_blob(s, 1), v->marks.public, PUBLIC_KEY_SIZE) != 0)
		v->marks.bad++;
	return true;
}

static bool collect_marks(struct verifier *v)
{
	struct err why = ERR_INIT;
	if (!marks_add_database(&v->marks, v->db, &why))
		return unreadable(v, &why);
	marks_add_file(&v->marks, span_of(v->file, v->file_size));
	if (v->marks.no_memory)
		return found(v, VERIFY_UNREADABLE, 0, "no memory for the checkpoints");
	marks_sort(&v->marks);
	v->report->checkpoints = (int64_t)v->marks.count;
	return true;
}

static bool count_rows(struct verifier *v)
{
	struct err why = ERR_INIT;
	AUTO_STMT sqlite3_stmt *s = sql_prepare(v->db, "SELECT hash FROM journal ORDER BY seq DESC LIMIT 1", &why);
	if (!s || !sql_int(v->db, "SELECT count(*) FROM journal", &v->report->rows, &why))
		return unreadable(v, &why);
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW && sqlite3_column_bytes(s, 0) == CHAIN_HASH_SIZE)
		hex_encode(v->report->head, sqlite3_column_blob(s, 0), CHAIN_HASH_SIZE);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ||
	       (sql_error(v->db, &why, "the rows cannot be read"), unreadable(v, &why));
}

/* ------------------------------------------------------------------- the walk */

enum { SEQ, AT, KIND, PREV, HASH, BODY, BODY_KIND, BODY_AT };

static bool is_hash(sqlite3_stmt *s, int column, const uint8_t *hash)
{
	return sqlite3_column_type(s, column) == SQLITE_BLOB && sqlite3_column_bytes(s, column) == CHAIN_HASH_SIZE &&
	       !memcmp(sqlite3_column_blob(s, column), hash, CHAIN_HASH_SIZE);
}

static bool check_link(struct verifier *v, sqlite3_stmt *s)
{
	uint8_t hash[CHAIN_HASH_SIZE];
	int64_t seq = sqlite3_column_int64(s, SEQ);
	if (seq != v->seq + 1)
		return found(v, VERIFY_TAMPERED, v->seq + 1, "row %lld is missing", (long long)v->seq + 1);
	if (!is_hash(s, PREV, v->hash))
		return found(v, VERIFY_TAMPERED, seq, "row %lld does not follow the one before", (long long)seq);
	const void *body = sqlite3_column_blob(s, BODY);
	chain_hash(v->marks.station, seq, v->hash, span_of(body, (size_t)sqlite3_column_bytes(s, BODY)), hash);
	if (!is_hash(s, HASH, hash))
		return found(v, VERIFY_TAMPERED, seq, "row %lld was changed: its hash is wrong", (long long)seq);
	memcpy(v->hash, hash, sizeof hash);
	v->seq = seq;
	return true;
}

static bool check_columns(struct verifier *v, sqlite3_stmt *s)
{
	int64_t ms;
	const char *at = sql_text(s, AT);
	if (strcmp(sql_text(s, KIND), sql_text(s, BODY_KIND)) != 0 || strcmp(at, sql_text(s, BODY_AT)) != 0)
		return found(
		    v, VERIFY_TAMPERED, v->seq, "row %lld: kind or time is not that of its body", (long long)v->seq);
	if (!time_parse(at, &ms) || strlen(at) + 1 != TIME_TEXT_SIZE || strcmp(at, v->at) < 0)
		return found(
		    v, VERIFY_TAMPERED, v->seq, "row %lld: its time is before the row before", (long long)v->seq);
	snprintf(v->at, sizeof v->at, "%s", at);
	return true;
}

/* The signed checkpoints of this size: each names the hash that the row must have. */
static bool check_marks(struct verifier *v)
{
	for (; v->next_mark < v->marks.count && v->marks.items[v->next_mark].size <= v->seq; v->next_mark++) {
		const struct mark *m = &v->marks.items[v->next_mark];
		if (m->size == v->seq && memcmp(m->head, v->hash, CHAIN_HASH_SIZE) != 0)
			return found(v, VERIFY_TAMPERED, v->good_mark + 1,
			    "rows %lld to %lld are not those that the checkpoint at %lld was signed over",
			    (long long)v->good_mark + 1, (long long)m->size, (long long)m->size);
		v->good_mark = m->size;
	}
	return true;
}

/* The tables refuse the row; all else is our own database that fails. */
static bool refused_by_tables(sqlite3 *fresh, const struct err *why)
{
	int rc = sqlite3_errcode(fresh);
	return why->code == CODE_CONFLICT || why->code == CODE_INTERNAL || why->code == CODE_JSON_INVALID ||
	       rc == SQLITE_ERROR || rc == SQLITE_CONSTRAINT || rc == SQLITE_MISMATCH || rc == SQLITE_TOOBIG;
}

static bool apply_row(struct verifier *v, sqlite3_stmt *s)
{
	struct err why = ERR_INIT;
	const char *body = sql_text(s, BODY);
	struct entry row = { v->seq, sql_text(s, KIND), sql_text(s, AT), NULL };
	if (!sql_row_whole(s, &why))
		return unreadable(v, &why);
	AUTO_JSON struct cJSON *tree = json_parse(span_of(body, (size_t)sqlite3_column_bytes(s, BODY)), &why);
	row.body = tree;
	if (tree && applier_apply(v->applier, &row, &why))
		return true;
	if (!refused_by_tables(v->fresh, &why))
		return unreadable(v, &why);
	return found(
	    v, VERIFY_TAMPERED, v->seq, "row %lld cannot have been written: %.120s", (long long)v->seq, why.msg);
}

static bool walk(struct verifier *v)
{
	struct err why = ERR_INIT;
	AUTO_STMT sqlite3_stmt *s = sql_prepare(v->db,
	    "SELECT seq, at, kind, prev, hash, body, iif(json_valid(body), body->>'kind', NULL),"
	    " iif(json_valid(body), body->>'at', NULL) FROM journal ORDER BY seq",
	    &why);
	if (!s)
		return unreadable(v, &why);
	int rc;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		if (!check_link(v, s) || !check_columns(v, s) || !check_marks(v) || !apply_row(v, s))
			return sql_row_whole(s, &why) ? false : unreadable(v, &why); /* a lost text is no lie */
	if (rc == SQLITE_DONE)
		return true;
	sql_error(v->db, &why, "the rows cannot be read");
	return unreadable(v, &why);
}

/* --------------------------------------------------------------- afterwards */

static bool check_end(struct verifier *v)
{
	if (!v->marks.count || v->marks.items[v->marks.count - 1].size <= v->seq)
		return true;
	return found(v, VERIFY_TRUNCATED, v->seq + 1, "a checkpoint was signed over %lld rows, but only %lld are here",
	    (long long)v->marks.items[v->marks.count - 1].size, (long long)v->seq);
}

static bool check_tables(struct verifier *v)
{
	struct err why = ERR_INIT;
	struct difference d;
	if (!compare_tables(v->db, v->fresh, &d, &why))
		return unreadable(v, &why);
	if (*d.what) {
		int64_t seq = d.seq >= 1 && d.seq <= v->seq ? d.seq : 0;
		return found(v, VERIFY_TAMPERED, seq, "%s that the journal's rows do not give", d.what);
	}
	if (!compare_schema(v->db, v->fresh, false, &d, &why))
		return unreadable(v, &why);
	return !*d.what || found(v, VERIFY_TAMPERED, 0, "%s", d.what);
}

static bool check_signatures(struct verifier *v)
{
	if (!v->marks.bad)
		return true;
	return found(v, VERIFY_BADLY_SIGNED, 0,
	    "%lld checkpoints (or the journal's own key) are not of the station's key", (long long)v->marks.bad);
}

/* The station keeps a checkpoint in the database before it appends it to the file, and takes none back. */
static bool check_kept(struct verifier *v)
{
	int64_t size = marks_missing(&v->marks);
	return !size ||
	       found(v, VERIFY_TAMPERED, size, "the checkpoint at %lld was taken out of the database", (long long)size);
}

/* Damage that no row above showed: an index that does not fit its table, a lost page. */
static bool check_structure(struct verifier *v)
{
	struct err why = ERR_INIT;
	AUTO_STMT sqlite3_stmt *s = sql_prepare(v->db, "PRAGMA integrity_check(1)", &why);
	if (!s || sqlite3_step(s) != SQLITE_ROW)
		return found(v, VERIFY_UNREADABLE, 0, "the database's structure cannot be checked");
	const char *word = sql_text(s, 0);
	if (!sql_row_whole(s, &why))
		return unreadable(v, &why);
	return !strcmp(word, "ok") || found(v, VERIFY_UNREADABLE, 0, "damaged: %.120s", word);
}

static void release(struct verifier *v)
{
	applier_destroy(v->applier);
	sqlite3_close(v->fresh);
	sqlite3_close(v->db);
	marks_clear(&v->marks);
	free(v->file);
}

void verify_journal(const struct verify_options *o, struct verify_report *out)
{
	struct verifier v = { .o = o, .report = out };
	*out = (struct verify_report){ .result = VERIFY_INTACT };
	if (sodium_init() < 0)
		found(&v, VERIFY_UNREADABLE, 0, "libsodium does not start");
	else if (read_file(&v) && open_fresh(&v) && open_journal(&v) && bring_forward(&v) && check_kind(&v) &&
		 read_station(&v) && collect_marks(&v) && count_rows(&v) && walk(&v) && check_end(&v) &&
		 check_tables(&v) && check_signatures(&v) && check_kept(&v))
		check_structure(&v);
	release(&v);
}
