/* Compares two databases of one schema, row by row in the order of their keys. */
#include "journal/compare.h"

#include <stdio.h>
#include <string.h>

#define CORE "('journal', 'checkpoint', 'station')"

/* ------------------------------------------------------------------- schema */

static const char all_objects[] = "SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_schema"
				  " WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1";
static const char core_objects[] = "SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_schema"
				   " WHERE type <> 'index' AND type <> 'trigger' AND name IN " CORE " ORDER BY 1";

static void note_object(struct difference *out, sqlite3_stmt *found, sqlite3_stmt *wanted, int order)
{
	const char *how = order == 0 ? "was changed" : order < 0 ? "does not belong here" : "is missing";
	snprintf(out->what, sizeof out->what, "the %.80s %s", sql_text(order < 0 ? found : wanted, 0), how);
}

bool compare_schema(sqlite3 *found, sqlite3 *wanted, bool core, struct difference *out, struct err *e)
{
	AUTO_STMT sqlite3_stmt *f = sql_prepare(found, core ? core_objects : all_objects, e);
	AUTO_STMT sqlite3_stmt *w = sql_prepare(wanted, core ? core_objects : all_objects, e);
	*out = (struct difference){ 0, "" };
	if (!f || !w)
		return false;
	for (;;) {
		int a = sqlite3_step(f), b = sqlite3_step(w);
		if ((a != SQLITE_ROW && a != SQLITE_DONE) || (b != SQLITE_ROW && b != SQLITE_DONE))
			return sql_error(found, e, "the schema cannot be read");
		if (a == SQLITE_DONE && b == SQLITE_DONE)
			return true;
		int order = a == SQLITE_DONE ? 1 : b == SQLITE_DONE ? -1 : strcmp(sql_text(f, 0), sql_text(w, 0));
		if (order != 0 || strcmp(sql_text(f, 1), sql_text(w, 1)) != 0) {
			note_object(out, f, w, order);
			return sql_row_whole(f, e) && sql_row_whole(w, e);
		}
	}
}

/* ------------------------------------------------------------------- tables */

/* One table of both, its key columns first, then seq, then all columns. */
struct pair {
	sqlite3_stmt *found, *wanted; /* owned */
	int keys;
	const char *table; /* borrowed */
};

/* Key values are integers or texts here; whatever else a foreign file holds comes last and differs. */
static int compare_value(sqlite3_stmt *a, sqlite3_stmt *b, int column)
{
	int type = sqlite3_column_type(a, column), other = sqlite3_column_type(b, column);
	if (type != other)
		return type < other ? -1 : 1;
	if (type == SQLITE_INTEGER) {
		int64_t x = sqlite3_column_int64(a, column), y = sqlite3_column_int64(b, column);
		return x < y ? -1 : x > y;
	}
	const void *x = sqlite3_column_blob(a, column), *y = sqlite3_column_blob(b, column);
	int n = sqlite3_column_bytes(a, column), m = sqlite3_column_bytes(b, column);
	int order = n && m ? memcmp(x, y, (size_t)(n < m ? n : m)) : 0;
	return order ? order : n < m ? -1 : n > m;
}

static int compare_columns(const struct pair *p, int from, int behind)
{
	int order = 0;
	for (int c = from; c < behind && !order; c++)
		order = compare_value(p->found, p->wanted, c);
	return order;
}

static void note_row(struct difference *out, const struct pair *p, int order)
{
	static const char *const how[] = { "a row too many", "a changed row", "a row too few" };
	/* The row as it should be names the journal row it came from; one that should not be there may lie. */
	int64_t seq = sqlite3_column_int64(order < 0 ? p->found : p->wanted, p->keys);
	if (*out->what && out->seq <= seq)
		return;
	out->seq = seq;
	snprintf(out->what, sizeof out->what, "the table %.40s has %s", p->table,
	    how[order < 0    ? 0
		: order == 0 ? 1
			     : 2]);
}

static bool walk_pair(const struct pair *p, struct difference *out, struct err *e)
{
	int a = sqlite3_step(p->found), b = sqlite3_step(p->wanted);
	int columns = sqlite3_column_count(p->wanted);
	while ((a == SQLITE_ROW || a == SQLITE_DONE) && (b == SQLITE_ROW || b == SQLITE_DONE)) {
		if (a == SQLITE_DONE && b == SQLITE_DONE)
			return true;
		int order = a == SQLITE_DONE ? 1 : b == SQLITE_DONE ? -1 : compare_columns(p, 0, p->keys);
		if (order != 0 || compare_columns(p, p->keys, columns) != 0)
			note_row(out, p, order);
		if (order <= 0)
			a = sqlite3_step(p->found);
		if (order >= 0)
			b = sqlite3_step(p->wanted);
	}
	return sql_error(sqlite3_db_handle(p->found), e, "a table cannot be read");
}

static bool compare_table(sqlite3 *found, sqlite3 *wanted, const char *table, const char *keys, int count,
    struct difference *out, struct err *e)
{
	char sql[400];
	if (snprintf(sql, sizeof sql, "SELECT %s, seq, * FROM %s ORDER BY %s", keys, table, keys) >= (int)sizeof sql)
		return err_set(e, CODE_INTERNAL, "the key of %s is too long", table);
	AUTO_STMT sqlite3_stmt *f = sql_prepare(found, sql, e);
	AUTO_STMT sqlite3_stmt *w = sql_prepare(wanted, sql, e);
	if (!f || !w)
		return false;
	struct pair p = { f, w, count, table };
	if (sqlite3_column_count(f) != sqlite3_column_count(w)) {
		snprintf(out->what, sizeof out->what, "the table %.40s has other columns", table);
		return true;
	}
	return walk_pair(&p, out, e);
}

/* The names come from the database that we made ourselves. */
bool compare_tables(sqlite3 *found, sqlite3 *wanted, struct difference *out, struct err *e)
{
	AUTO_STMT sqlite3_stmt *tables = sql_prepare(wanted,
	    "SELECT m.name, (SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_table_info(m.name) WHERE pk "
	    "> 0"
	    " ORDER BY pk)), (SELECT count(*) FROM pragma_table_info(m.name) WHERE pk > 0) FROM sqlite_schema m"
	    " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND m.name NOT IN " CORE
	    " ORDER BY m.name",
	    e);
	*out = (struct difference){ 0, "" };
	if (!tables)
		return false;
	int rc;
	while ((rc = sqlite3_step(tables)) == SQLITE_ROW) {
		char name[64], keys[120];
		sql_copy(tables, 0, name, sizeof name);
		sql_copy(tables, 1, keys, sizeof keys);
		if (!compare_table(found, wanted, name, keys, sqlite3_column_int(tables, 2), out, e))
			return false;
	}
	return rc == SQLITE_DONE || sql_error(wanted, e, "the list of tables cannot be read");
}
