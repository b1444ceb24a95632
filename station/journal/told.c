/* Reads what the MES is to be told. */
#include "journal/told.h"

#include "journal/page.h"
#include "journal/shapes.h"

#include <stdlib.h>
#include <string.h>

static bool take_row(sqlite3_stmt *s, struct told_row *out, struct err *e)
{
	out->seq = sqlite3_column_int64(s, 0);
	sql_copy(s, 1, out->at, sizeof out->at);
	sql_copy(s, 2, out->kind, sizeof out->kind);
	if (sqlite3_column_bytes(s, 3) == CHAIN_HASH_SIZE)
		memcpy(out->hash, sqlite3_column_blob(s, 3), CHAIN_HASH_SIZE);
	out->body = strdup(sql_text(s, 4));
	if (out->body && sql_row_whole(s, e))
		return true;
	free(out->body);
	out->body = NULL;
	return err_set(e, CODE_NO_MEMORY, "no memory for a row of the journal");
}

bool query_told_next(struct journal_reader *r, int64_t after, told_wanted *wanted, void *context, struct told_row *out,
    bool *found, int64_t *passed, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(
	    g, "SELECT seq, at, kind, hash, " SHAPE_TOLD " FROM journal WHERE seq > ?1 ORDER BY seq LIMIT ?2", e);
	int rc = -1;
	*found = false;
	*passed = after;
	if (!s)
		return false;
	sqlite3_bind_int64(s, 1, after);
	sqlite3_bind_int64(s, 2, TOLD_LOOK);
	while ((rc = reading_step(s, e)) == 1) {
		*found = wanted(context, sql_text(s, 2));
		if (*found)
			return take_row(s, out, e);
		*passed = sqlite3_column_int64(s, 0);
	}
	return rc == 0;
}

bool query_told_row(struct journal_reader *r, int64_t seq, struct told_row *out, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s =
	    reading_prepare(g, "SELECT seq, at, kind, hash, " SHAPE_TOLD " FROM journal WHERE seq = ?1", e);
	if (!s)
		return false;
	sqlite3_bind_int64(s, 1, seq);
	int rc = reading_step(s, e);
	if (rc == 0)
		return err_set(e, CODE_NOT_FOUND, "the journal has no row %lld", (long long)seq);
	return rc == 1 && take_row(s, out, e);
}

/* The one number of a statement; ?1 is `bound`. */
static bool number_of(struct journal_reader *r, const char *sql, int64_t bound, int64_t *out, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g, sql, e);
	*out = 0;
	if (!s)
		return false;
	if (sqlite3_bind_parameter_count(s))
		sqlite3_bind_int64(s, 1, bound);
	return sql_run(s, out, e);
}

bool query_told_start(struct journal_reader *r, int64_t *seq, struct err *e)
{
	return number_of(r, "SELECT seq FROM mes_start", 0, seq, e);
}

bool query_parked_next(struct journal_reader *r, int64_t after, int64_t *row, struct err *e)
{
	return number_of(r, "SELECT min(row) FROM mes_parked WHERE row > ?1", after, row, e);
}

bool query_parked_has(struct journal_reader *r, int64_t row, bool *has, struct err *e)
{
	int64_t n;
	bool ok = number_of(r, "SELECT count(*) FROM mes_parked WHERE row = ?1", row, &n, e);
	*has = ok && n > 0;
	return ok;
}

bool query_parked_count(struct journal_reader *r, int64_t *count, struct err *e)
{
	return number_of(r, "SELECT count(*) FROM mes_parked", 0, count, e);
}

bool query_parked(struct journal_reader *r, const struct query_filter *f, char **json, struct err *e)
{
	unsigned limit = f->limit ? f->limit : QUERY_LIMIT;
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g,
	    "SELECT row, json_object('row', cast(row AS TEXT), 'id', id, 'event', kind, 'status', status, 'at', at)"
	    " FROM mes_parked WHERE row > ?1 ORDER BY row LIMIT ?2",
	    e);
	if (!s)
		return false;
	sqlite3_bind_int64(s, 1, f->cursor);
	sqlite3_bind_int64(s, 2, (int64_t)limit + 1);
	return page_print(s, limit, json, e);
}
