/* Looks people and tokens up. */
#include "journal/people.h"

#include "journal/reader.h"
#include "journal/shapes.h"

#include <string.h>

#define PERSON "SELECT name, role, pin, badge IS NOT NULL FROM people WHERE removed_at IS NULL AND "

static bool find_person(
    struct journal_reader *r, const char *sql, const char *key, struct journal_person *out, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g, sql, e);
	*out = (struct journal_person){ .known = false };
	if (!s)
		return false;
	sql_bind_text(s, 1, key);
	int rc = reading_step(s, e);
	if (rc <= 0)
		return rc == 0;
	out->known = true;
	sql_copy(s, 0, out->name, sizeof out->name);
	sql_copy(s, 1, out->role, sizeof out->role);
	sql_copy(s, 2, out->pin, sizeof out->pin);
	out->badge = sqlite3_column_int(s, 3) != 0;
	return sql_row_whole(s, e);
}

bool journal_person(struct journal_reader *r, const char *name, struct journal_person *out, struct err *e)
{
	return find_person(r, PERSON "name = ?1", name, out, e);
}

bool journal_person_by_badge(struct journal_reader *r, const char *badge, struct journal_person *out, struct err *e)
{
	return find_person(r, PERSON "badge = ?1", badge, out, e);
}

bool journal_people_with(struct journal_reader *r, const char *role, const char *but, int64_t *count, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g,
	    "SELECT count(*) FROM people WHERE removed_at IS NULL AND role = ?1 AND name <> ?2"
	    " AND (pin IS NOT NULL OR badge IS NOT NULL)",
	    e);
	if (!s)
		return false;
	sql_bind_text(s, 1, role);
	sql_bind_text(s, 2, but);
	return sql_run(s, count, e);
}

bool journal_token(struct journal_reader *r, const char *hash, struct journal_token *out, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(
	    g, "SELECT id, name, scopes, expires_at, revoked_at IS NOT NULL FROM tokens WHERE hash = ?1", e);
	*out = (struct journal_token){ .known = false };
	if (!s)
		return false;
	sql_bind_text(s, 1, hash);
	int rc = reading_step(s, e);
	if (rc <= 0)
		return rc == 0;
	out->known = true;
	out->id = sqlite3_column_int64(s, 0);
	out->revoked = sqlite3_column_int(s, 4) != 0;
	sql_copy(s, 1, out->name, sizeof out->name);
	sql_copy(s, 2, out->scopes, sizeof out->scopes);
	sql_copy(s, 3, out->expires_at, sizeof out->expires_at);
	return sql_row_whole(s, e);
}

static bool print_one(sqlite3_stmt *s, char **json, struct err *e)
{
	int rc = reading_step(s, e);
	if (rc <= 0)
		return rc < 0 ? false : err_set(e, CODE_NOT_FOUND, "the journal knows nothing of that name");
	const char *object = sql_text(s, 0);
	if (!sql_row_whole(s, e))
		return false;
	*json = strdup(object);
	return *json || err_set(e, CODE_NO_MEMORY, "no memory for an object");
}

bool query_token(struct journal_reader *r, int64_t id, char **json, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g, "SELECT " SHAPE_TOKEN " FROM tokens t WHERE t.id = ?1", e);
	*json = NULL;
	return s && sqlite3_bind_int64(s, 1, id) == SQLITE_OK && print_one(s, json, e);
}

bool query_person(struct journal_reader *r, const char *name, bool removed_too, char **json, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(
	    g, "SELECT " SHAPE_PERSON " FROM people p WHERE p.name = ?1 AND (?2 OR p.removed_at IS NULL)", e);
	*json = NULL;
	if (!s)
		return false;
	sql_bind_text(s, 1, name);
	sqlite3_bind_int(s, 2, removed_too);
	return print_one(s, json, e);
}
