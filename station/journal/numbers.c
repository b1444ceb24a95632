/* Reads the pool of numbers, and keys. */
#include "journal/numbers.h"

#include "base/timefmt.h"
#include "journal/page.h"

#include <stdio.h>
#include <string.h>

#define KEY_MS (24 * 3600 * INT64_C(1000))

const char *number_kind_name(enum number_kind kind)
{
	return kind == NUMBER_SERIAL ? "serial" : "mac";
}

bool journal_number_fits(
    struct journal_reader *r, enum number_kind kind, const char *value, const char *uid, bool *fits, struct err *e)
{
	int64_t others = 0;
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g,
	    "SELECT (SELECT count(*) FROM numbers WHERE kind = ?1 AND value = ?2 AND (state = 'void'"
	    " OR (state <> 'free' AND uid IS NOT ?3))) + (SELECT count(*) FROM units WHERE ?1 = 'serial' AND serial = "
	    "?2"
	    " AND uid <> ?3)",
	    e);
	*fits = false;
	if (!s)
		return false;
	sql_bind_text(s, 1, number_kind_name(kind));
	sql_bind_text(s, 2, value);
	sql_bind_text(s, 3, uid);
	if (!sql_run(s, &others, e))
		return false;
	*fits = others == 0;
	return true;
}

/* Given out unasked, to whichever unit. */
#define OF_THE_POOL "source = 'pool' AND batch IS NULL"

static bool each_of(sqlite3_stmt *s, journal_number_fn *each, void *context, struct err *e)
{
	int rc;
	while ((rc = reading_step(s, e)) == 1) {
		const char *value = sql_text(s, 0);
		if (!sql_row_whole(s, e))
			return false;
		if (!each(context, value))
			return true;
	}
	return rc == 0;
}

bool journal_free_numbers(
    struct journal_reader *r, enum number_kind kind, journal_number_fn *each, void *context, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(
	    g, "SELECT value FROM numbers WHERE kind = ?1 AND state = 'free' AND " OF_THE_POOL " ORDER BY id", e);
	if (!s)
		return false;
	sql_bind_text(s, 1, number_kind_name(kind));
	return each_of(s, each, context, e);
}

bool journal_listed_serials(
    struct journal_reader *r, int64_t batch, journal_number_fn *each, void *context, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s =
	    reading_prepare(g, "SELECT value FROM numbers WHERE batch = ?1 AND state = 'free' ORDER BY place", e);
	if (!s)
		return false;
	sqlite3_bind_int64(s, 1, batch);
	return each_of(s, each, context, e);
}

bool journal_kept_number(
    struct journal_reader *r, enum number_kind kind, const char *uid, char value[129], struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g,
	    "SELECT value FROM numbers WHERE uid = ?1 AND kind = ?2 AND state = 'reserved' AND kept IS NOT NULL"
	    " ORDER BY kept DESC LIMIT 1",
	    e);
	*value = '\0';
	if (!s)
		return false;
	sql_bind_text(s, 1, uid);
	sql_bind_text(s, 2, number_kind_name(kind));
	int rc = reading_step(s, e);
	if (rc <= 0)
		return rc == 0;
	sql_copy(s, 0, value, 129);
	return sql_row_whole(s, e);
}

bool journal_serial_list(struct journal_reader *r, const char *serial, int64_t *batch, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(
	    g, "SELECT coalesce((SELECT batch FROM numbers WHERE kind = 'serial' AND value = ?1), 0)", e);
	*batch = 0;
	if (!s)
		return false;
	sql_bind_text(s, 1, serial);
	return sql_run(s, batch, e);
}

/* Those of the list ?1 that are not free to be on it, and why. */
static const char unfit[] =
    "SELECT value, why FROM (SELECT s.key AS key, s.value AS value, CASE"
    " WHEN n.state IN ('bound', 'reserved', 'void') THEN n.state"
    " WHEN EXISTS(SELECT 1 FROM units u WHERE u.serial = s.value) THEN 'bound'"
    " WHEN EXISTS(SELECT 1 FROM batches b WHERE b.id = n.batch AND b.state <> 'closed') THEN 'of batch ' || n.batch"
    " END AS why FROM json_each(?1) s LEFT JOIN numbers n ON n.kind = 'serial' AND n.value = s.value)"
    " WHERE why IS NOT NULL ORDER BY key";

#define NAMED 2 /* so many have room in a message, however long they are */

bool journal_list_fits(struct journal_reader *r, const char *serials, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g, unfit, e);
	char named[200] = "";
	unsigned count = 0;
	int rc;
	if (!s)
		return false;
	sql_bind_text(s, 1, serials);
	while ((rc = reading_step(s, e)) == 1) {
		size_t used = strlen(named);
		if (count < NAMED)
			snprintf(named + used, sizeof named - used, "%s%.64s (%.24s)", count ? ", " : "",
			    sql_text(s, 0), sql_text(s, 1));
		count++;
		if (!sql_row_whole(s, e))
			return false;
	}
	if (rc < 0 || !count)
		return rc == 0;
	if (count > NAMED)
		return err_set(e, CODE_NUMBER_TAKEN, "not free: %s and %u more", named, count - NAMED);
	return err_set(e, CODE_NUMBER_TAKEN, "not free: %s", named);
}

/* As the API shows a number. */
#define NUMBER                                                                                                         \
	"json_object('id', cast(id AS TEXT), 'kind', kind, 'value', value, 'state', state, 'source', source,"          \
	" 'batch', cast(batch AS TEXT), 'uid', uid, 'attempt', cast(attempt AS TEXT), 'kept', cast(kept AS TEXT), "    \
	"'reason', reason) FROM numbers"
/* What is asked for besides. */
#define ASKED " AND (?3 IS NULL OR kind = ?3) AND (?4 IS NULL OR state = ?4)"

/* The condition that finds the fewest says by which index. */
static const char *numbers_sql(const struct query_filter *f)
{
	if (f->uid)
		return "SELECT id, " NUMBER " WHERE id > ?1" ASKED
		       " AND uid = ?5 AND (?6 = 0 OR +batch = ?6) ORDER BY +id LIMIT ?2";
	if (f->batch)
		return "SELECT place, " NUMBER " WHERE place > ?1" ASKED " AND batch = ?6 ORDER BY place LIMIT ?2";
	return "SELECT id, " NUMBER " WHERE id > ?1" ASKED " ORDER BY id LIMIT ?2";
}

bool query_numbers(struct journal_reader *r, const struct query_filter *f, char **json, struct err *e)
{
	unsigned limit = f->limit ? f->limit : QUERY_LIMIT;
	READING struct reading *g = reading_begin(r, e);
	*json = NULL;
	sqlite3_stmt *s = reading_prepare(g, numbers_sql(f), e);
	if (!s)
		return false;
	sqlite3_bind_int64(s, 1, f->cursor);
	sqlite3_bind_int64(s, 2, (int64_t)limit + 1);
	sql_bind_text(s, 3, f->kind);
	sql_bind_text(s, 4, f->status);
	if (f->uid)
		sql_bind_text(s, 5, f->uid);
	if (f->uid || f->batch)
		sqlite3_bind_int64(s, 6, f->batch);
	return page_print(s, limit, json, e);
}

/* The text in the first column of the one row. */
static bool text_of(sqlite3_stmt *s, char **json, struct err *e)
{
	int rc = reading_step(s, e);
	if (rc == 0)
		return err_set(e, CODE_NOT_FOUND, "the journal has no such row");
	const char *text = rc == 1 ? sql_text(s, 0) : NULL;
	if (!text || !sql_row_whole(s, e))
		return false;
	*json = strdup(text);
	return *json || err_set(e, CODE_NO_MEMORY, "no memory for an answer");
}

bool query_numbers_added(struct journal_reader *r, int64_t seq, char **json, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g,
	    "SELECT json_object('kind', body->>'number_kind', 'given', json_array_length(body, '$.numbers'), 'added',"
	    " (SELECT count(*) FROM numbers WHERE id >= ?1 * 65536 AND id < (?1 + 1) * 65536)) FROM journal WHERE seq "
	    "= ?1"
	    " AND kind = 'numbers-added'",
	    e);
	*json = NULL;
	if (!s)
		return false;
	sqlite3_bind_int64(s, 1, seq);
	return text_of(s, json, e);
}

#define COUNTS_OF(kind)                                                                                                \
	"'" kind "', json_object('free', coalesce(sum(kind = '" kind "' AND state = 'free' AND batch IS NULL), 0),"    \
	" 'listed', coalesce(sum(kind = '" kind "' AND state = 'free' AND batch IS NOT NULL), 0), 'reserved',"         \
	" coalesce(sum(kind = '" kind "' AND state = 'reserved'), 0), 'bound', coalesce(sum(kind = '" kind "' AND"     \
	" state = 'bound'), 0), 'void', coalesce(sum(kind = '" kind "' AND state = 'void'), 0))"

bool query_number_counts(struct journal_reader *r, char **json, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s =
	    reading_prepare(g, "SELECT json_object(" COUNTS_OF("serial") ", " COUNTS_OF("mac") ") FROM numbers", e);
	*json = NULL;
	return s && text_of(s, json, e);
}

bool query_numbers_free(struct journal_reader *r, enum number_kind kind, int64_t *count, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s =
	    reading_prepare(g, "SELECT count(*) FROM numbers WHERE kind = ?1 AND state = 'free' AND " OF_THE_POOL, e);
	if (!s)
		return false;
	sql_bind_text(s, 1, number_kind_name(kind));
	return sql_run(s, count, e);
}

bool query_request_key(
    struct journal_reader *r, const char *key, int64_t now_ms, struct request_key *out, struct err *e)
{
	char since[TIME_TEXT_SIZE];
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s =
	    reading_prepare(g, "SELECT seq, request, status FROM request_keys WHERE key = ?1 AND at > ?2", e);
	*out = (struct request_key){ .seq = 0 };
	if (!s)
		return false;
	time_format(since, now_ms > KEY_MS ? now_ms - KEY_MS : 0);
	sql_bind_text(s, 1, key);
	sql_bind_text(s, 2, since);
	int rc = reading_step(s, e);
	if (rc != 1)
		return rc == 0;
	out->seq = sqlite3_column_int64(s, 0);
	sql_copy(s, 1, out->request, sizeof out->request);
	out->status = (unsigned)sqlite3_column_int(s, 2);
	return sql_row_whole(s, e);
}

static bool any_since(struct journal_reader *r, const char *sql, int64_t seq, int64_t of, bool *out, struct err *e)
{
	int64_t found = 0;
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g, sql, e);
	*out = false;
	if (!s || sqlite3_bind_int64(s, 1, seq) != SQLITE_OK || (of && sqlite3_bind_int64(s, 2, of) != SQLITE_OK) ||
	    !sql_run(s, &found, e))
		return false;
	*out = found != 0;
	return true;
}

bool query_attempted_since(struct journal_reader *r, int64_t seq, unsigned slot, bool *out, struct err *e)
{
	return any_since(r,
	    slot ? "SELECT EXISTS(SELECT 1 FROM attempts WHERE slot = ?2 AND id > ?1)"
		 : "SELECT EXISTS(SELECT 1 FROM attempts WHERE id > ?1)",
	    seq, slot, out, e);
}

bool query_labelled_since(struct journal_reader *r, int64_t seq, int64_t attempt, bool *out, struct err *e)
{
	return any_since(r, "SELECT EXISTS(SELECT 1 FROM labels WHERE attempt = ?2 AND id > ?1)", seq, attempt, out, e);
}
