/* Lists and single objects, as JSON text that SQLite builds. */
#include "journal/query.h"

#include "journal/filter.h"
#include "journal/page.h"
#include "journal/shapes.h"
#include "os/text_out.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------- lists */

struct list {
	enum filter_of of;
	const char *head, *tail; /* of the statement, around the conditions */
};

/* Column 0 is the id, column 1 the object. */
static const struct list lists[] = {
	[OF_ATTEMPTS] = { OF_ATTEMPTS,
	    "SELECT a.id, " SHAPE_ATTEMPT " FROM attempts a LEFT JOIN units u ON u.uid = a.uid",
	    " ORDER BY a.id DESC LIMIT ?20" },
	[OF_BATCHES] = { OF_BATCHES, "SELECT b.id, " SHAPE_BATCH " FROM batches b", " ORDER BY b.id DESC LIMIT ?20" },
	[OF_UNITS] = { OF_UNITS, "SELECT u.id, " SHAPE_UNIT("") " FROM units u", " ORDER BY u.id DESC LIMIT ?20" },
	[OF_RECIPES] = { OF_RECIPES, "SELECT r.id, " SHAPE_RECIPE " FROM recipes r", " ORDER BY r.id DESC LIMIT ?20" },
	[OF_ACTIONS] = { OF_ACTIONS, "SELECT c.id, " SHAPE_ACTION " FROM actions c JOIN journal j ON j.seq = c.id",
	    " ORDER BY c.id DESC LIMIT ?20" },
	[OF_PEOPLE] = { OF_PEOPLE, "SELECT p.id, " SHAPE_PERSON " FROM people p",
	    " AND p.removed_at IS NULL ORDER BY p.id DESC LIMIT ?20" },
	[OF_TOKENS] = { OF_TOKENS, "SELECT t.id, " SHAPE_TOKEN " FROM tokens t", " ORDER BY t.id DESC LIMIT ?20" },
};

static bool run_list(
    struct journal_reader *r, enum filter_of of, const struct query_filter *asked, char **json, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	struct filter f;
	*json = NULL;
	if (!g || !filter_make(g, asked, of, &f, e))
		return false;
	AUTO_FREE char *sql = filter_sql(lists[of].head, &f, lists[of].tail);
	if (!sql)
		return err_set(e, CODE_NO_MEMORY, "no memory for a page");
	sqlite3_stmt *s = reading_prepare(g, sql, e);
	if (!s)
		return false;
	filter_bind(&f, s);
	sqlite3_bind_int64(s, 20, (int64_t)filter_limit(asked) + 1);
	return page_print(s, filter_limit(asked), json, e);
}

bool query_attempts(struct journal_reader *r, const struct query_filter *f, char **json, struct err *e)
{
	return run_list(r, OF_ATTEMPTS, f, json, e);
}

bool query_batches(struct journal_reader *r, const struct query_filter *f, char **json, struct err *e)
{
	return run_list(r, OF_BATCHES, f, json, e);
}

bool query_units(struct journal_reader *r, const struct query_filter *f, char **json, struct err *e)
{
	return run_list(r, OF_UNITS, f, json, e);
}

bool query_recipes(struct journal_reader *r, const struct query_filter *f, char **json, struct err *e)
{
	return run_list(r, OF_RECIPES, f, json, e);
}

bool query_actions(struct journal_reader *r, const struct query_filter *f, char **json, struct err *e)
{
	return run_list(r, OF_ACTIONS, f, json, e);
}

bool query_people(struct journal_reader *r, const struct query_filter *f, char **json, struct err *e)
{
	return run_list(r, OF_PEOPLE, f, json, e);
}

bool query_tokens(struct journal_reader *r, const struct query_filter *f, char **json, struct err *e)
{
	return run_list(r, OF_TOKENS, f, json, e);
}

/* ------------------------------------------------------------- single objects */

/* The first row's first column, which is JSON.  text NULL: id is bound. */
static bool run_one(struct journal_reader *r, const char *sql, int64_t id, const char *text, char **json, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g, sql, e);
	*json = NULL;
	if (!s)
		return false;
	if (text)
		sql_bind_text(s, 1, text);
	else
		sqlite3_bind_int64(s, 1, id);
	int rc = reading_step(s, e);
	if (rc < 0)
		return false;
	if (rc == 0)
		return err_set(e, CODE_NOT_FOUND, "the journal knows nothing of that name");
	const char *object = sql_text(s, 0);
	if (!sql_row_whole(s, e))
		return false;
	*json = strdup(object);
	return *json || err_set(e, CODE_NO_MEMORY, "no memory for an object");
}

bool query_attempt(struct journal_reader *r, int64_t id, char **json, struct err *e)
{
	return run_one(r, "SELECT " SHAPE_ATTEMPT " FROM attempts a LEFT JOIN units u ON u.uid = a.uid WHERE a.id = ?1",
	    id, NULL, json, e);
}

bool query_batch(struct journal_reader *r, int64_t id, char **json, struct err *e)
{
	return run_one(r, "SELECT " SHAPE_BATCH " FROM batches b WHERE b.id = ?1", id, NULL, json, e);
}

bool query_recipe(struct journal_reader *r, const char *sha256, char **json, struct err *e)
{
	return run_one(r, "SELECT " SHAPE_RECIPE " FROM recipes r WHERE r.sha256 = ?1", 0, sha256, json, e);
}

static bool count_units(struct journal_reader *r, const char *serial, unsigned *found, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g, "SELECT count(*) FROM units WHERE serial = ?1", e);
	int64_t n = 0;
	if (!s)
		return false;
	sql_bind_text(s, 1, serial);
	*found = 0;
	if (!sql_run(s, &n, e))
		return false;
	*found = (unsigned)n;
	return true;
}

bool query_unit(struct journal_reader *r, const char *name, char **json, unsigned *found, struct err *e)
{
	struct err why = ERR_INIT;
	*found = 1;
	if (run_one(r, "SELECT " SHAPE_UNIT(SHAPE_UNIT_ATTEMPTS) " FROM units u WHERE u.uid = ?1", 0, name, json, &why))
		return true;
	if (why.code != CODE_NOT_FOUND)
		return err_set(e, why.code, "%s", why.msg);
	if (!count_units(r, name, found, e))
		return false;
	if (*found > 1)
		return run_one(r,
		    "SELECT json_group_array(json(o.j)) FROM (SELECT " SHAPE_UNIT(
			"") " AS j FROM units u"
			    " WHERE u.serial = ?1 ORDER BY u.id LIMIT 1000) o",
		    0, name, json, e);
	return run_one(
	    r, "SELECT " SHAPE_UNIT(SHAPE_UNIT_ATTEMPTS) " FROM units u WHERE u.serial = ?1", 0, name, json, e);
}

bool query_unit_alone(struct journal_reader *r, const char *uid, char **json, struct err *e)
{
	return run_one(r, "SELECT " SHAPE_UNIT("") " FROM units u WHERE u.uid = ?1", 0, uid, json, e);
}

bool query_batch_by_key(struct journal_reader *r, const char *key, int64_t *id, char request[65], struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g, "SELECT id, request FROM batches WHERE key = ?1", e);
	if (!s)
		return false;
	sql_bind_text(s, 1, key);
	int rc = reading_step(s, e);
	if (rc < 0)
		return false;
	if (rc == 0)
		return err_set(e, CODE_NOT_FOUND, "no batch was opened with that key");
	*id = sqlite3_column_int64(s, 0);
	sql_copy(s, 1, request, 65);
	return sql_row_whole(s, e);
}

bool query_batch_version(struct journal_reader *r, int64_t id, int64_t *seq, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g, "SELECT seq FROM batches WHERE id = ?1", e);
	*seq = 0;
	if (!s)
		return false;
	sqlite3_bind_int64(s, 1, id);
	return sql_run(s, seq, e) && (*seq || err_set(e, CODE_NOT_FOUND, "there is no such batch"));
}

/* -------------------------------------------------------------------- events */

bool query_events(
    struct journal_reader *r, int64_t after, unsigned limit, query_row *each, void *context, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(
	    g, "SELECT seq, at, kind, " SHAPE_TOLD " FROM journal WHERE seq > ?1 ORDER BY seq LIMIT ?2", e);
	if (!s)
		return false;
	sqlite3_bind_int64(s, 1, after);
	sqlite3_bind_int64(s, 2, limit);
	int rc;
	while ((rc = reading_step(s, e)) == 1) {
		const char *at = sql_text(s, 1), *kind = sql_text(s, 2), *body = sql_text(s, 3);
		if (!sql_row_whole(s, e))
			return false;
		if (!each(context, sqlite3_column_int64(s, 0), at, kind, body))
			return true;
	}
	return rc == 0;
}

bool query_newest(struct journal_reader *r, int64_t *seq, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g, "SELECT coalesce(max(seq), 0) FROM journal", e);
	return s && sql_run(s, seq, e);
}
