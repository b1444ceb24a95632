/* A query's conditions as SQL.
 *
 * SQLite keeps no statistics here, so it cannot know that `uid` finds three rows and `slot` thousands: the first
 * condition that is given, in the tables' order, may use its index; a '+' keeps the others from theirs.  Attempts that
 * did not pass have indexes of their own, which SQLite uses when the statement says code <> 'ok'. */
#include "journal/filter.h"

#include "base/timefmt.h"
#include "os/text_out.h"

#include <stddef.h>
#include <string.h>

struct condition {
	size_t field;              /* of struct query_filter */
	const char *column, *test; /* column test ?N */
	bool number;
};

#define TEXT(f, column)                                                                                                \
	{                                                                                                              \
		offsetof(struct query_filter, f), column, " = ", false                                                 \
	}
#define NUMBER(f, column)                                                                                              \
	{                                                                                                              \
		offsetof(struct query_filter, f), column, " = ", true                                                  \
	}
#define SERIAL                                                                                                         \
	{                                                                                                              \
		offsetof(struct query_filter, serial), "a.uid", " IN (SELECT uid FROM units WHERE serial = ", false    \
	}
/* Units that were worked on for it, whatever came of it. */
#define WORKED_ON(f, column, number)                                                                                   \
	{                                                                                                              \
		offsetof(struct query_filter, f), "u.uid", " IN (SELECT uid FROM attempts WHERE " column " = ", number \
	}
#define END                                                                                                            \
	{                                                                                                              \
		0, NULL, NULL, false                                                                                   \
	}

/* In the order of how few rows each leaves. */
static const struct condition attempts[] = { TEXT(uid, "a.uid"), SERIAL, NUMBER(batch, "a.batch"),
	TEXT(order, "a.order_no"), NUMBER(slot, "a.slot"), TEXT(code, "a.code"), TEXT(operator, "a.operator"),
	TEXT(recipe, "a.recipe"), TEXT(verdict, "a.verdict"), TEXT(board, "+a.board"), END };
static const struct condition batches[] = { NUMBER(batch, "b.id"), TEXT(order, "b.order_no"), TEXT(recipe, "+b.recipe"),
	TEXT(board, "+b.board"), TEXT(state, "+b.state"), END };
static const struct condition units[] = { TEXT(uid, "u.uid"), TEXT(serial, "u.serial"), WORKED_ON(batch, "batch", true),
	WORKED_ON(order, "order_no", false), WORKED_ON(recipe, "recipe", false), TEXT(board, "+u.board"), END };
static const struct condition recipes[] = { TEXT(recipe, "r.sha256"), TEXT(board, "+r.board"), END };

static const struct condition actions[] = { TEXT(who, "c.by"), TEXT(what, "c.kind"), END };
static const struct condition none[] = { END };

static const struct {
	const struct condition *conditions;
	const char *id, *started;
} shapes[] = {
	[OF_ATTEMPTS] = { attempts, "a.id", "a.started_at" },
	[OF_BATCHES] = { batches, "b.id", "b.opened_at" },
	[OF_UNITS] = { units, "u.id", "u.first_seen" },
	[OF_RECIPES] = { recipes, "r.id", "r.added_at" },
	[OF_ACTIONS] = { actions, "c.id", "c.at" },
	[OF_PEOPLE] = { none, "p.id", "p.added_at" },
	[OF_TOKENS] = { none, "t.id", "t.created_at" },
};

enum { P_FROM = 12, P_TO, P_FIRST, P_BEHIND, P_CURSOR };

static const char *text_of(const struct query_filter *f, const struct condition *c)
{
	return *(const char *const *)((const char *)f + c->field);
}

static int64_t number_of(const struct query_filter *f, const struct condition *c)
{
	return *(const int64_t *)((const char *)f + c->field);
}

static bool given(const struct query_filter *f, const struct condition *c)
{
	return c->number ? number_of(f, c) != 0 : text_of(f, c) != NULL;
}

/* The first row at or after that time, by bisection: times never go back along the journal. */
static bool first_at(struct reading *g, int64_t ms, int64_t *seq, struct err *e)
{
	sqlite3_stmt *newest = reading_prepare(g, "SELECT max(seq) FROM journal", e);
	sqlite3_stmt *at = newest ? reading_prepare(g, "SELECT at FROM journal WHERE seq = ?1", e) : NULL;
	char text[TIME_TEXT_SIZE];
	int64_t high;
	if (!at || !sql_run(newest, &high, e))
		return false;
	time_format(text, ms);
	for (*seq = 1, high++; *seq < high;) {
		int64_t middle = *seq + (high - *seq) / 2;
		sqlite3_reset(at);
		sqlite3_bind_int64(at, 1, middle);
		int rc = reading_step(at, e);
		if (rc <= 0)
			return rc < 0 ? false
				      : err_set(e, CODE_JOURNAL_FAILED, "row %lld is missing", (long long)middle);
		bool before = strcmp(sql_text(at, 0), text) < 0;
		if (!sql_row_whole(at, e))
			return false;
		if (before)
			*seq = middle + 1;
		else
			high = middle;
	}
	sqlite3_reset(at);
	return true;
}

/* One end of the time asked for: its text in one form, and the row that bounds it.  side -1: from, 1: to. */
static bool bound(
    struct reading *g, const char *asked, int side, char text[TIME_TEXT_SIZE], int64_t *row, struct err *e)
{
	sqlite3_stmt *late = reading_prepare(g, "SELECT seconds FROM lateness", e);
	int64_t ms, seconds = 0;
	if (!asked)
		return true;
	if (!time_parse(asked, &ms))
		return err_set(e, CODE_BAD_REQUEST, "'%s' is no RFC 3339 time in UTC", side < 0 ? "from" : "to");
	time_format(text, ms);
	return late && sql_run(late, &seconds, e) && first_at(g, ms + side * (seconds + 1) * 1000, row, e);
}

bool filter_make(struct reading *g, const struct query_filter *f, enum filter_of of, struct filter *out, struct err *e)
{
	*out = (struct filter){ .asked = f, .of = of };
	return bound(g, f->from, -1, out->from, &out->first, e) && bound(g, f->to, 1, out->to, &out->behind, e);
}

/* Are only attempts asked for that did not pass? */
static bool bad_only(const struct filter *f)
{
	return f->of == OF_ATTEMPTS && ((f->asked->code && strcmp(f->asked->code, "ok") != 0) ||
					   (f->asked->verdict && strcmp(f->asked->verdict, "PASS") != 0));
}

void filter_print(const struct filter *f, FILE *sql)
{
	const char *id = shapes[f->of].id, *plus = "";
	fputs(" WHERE true", sql);
	int number = 1;
	for (const struct condition *c = shapes[f->of].conditions; c->column; c++, number++) {
		if (!given(f->asked, c))
			continue;
		const char *close = strchr(c->test, '(') ? ")" : "";
		fprintf(sql, " AND %s%s%s?%d%s", c->column[0] == '+' ? "" : plus, c->column, c->test, number, close);
		plus = "+";
	}
	if (bad_only(f))
		fputs(" AND a.code <> 'ok'", sql);
	if (*f->from)
		fprintf(sql, " AND +%s >= ?%d AND %s >= ?%d", shapes[f->of].started, P_FROM, id, P_FIRST);
	if (*f->to)
		fprintf(sql, " AND +%s < ?%d AND %s < ?%d", shapes[f->of].started, P_TO, id, P_BEHIND);
	if (f->asked->cursor)
		fprintf(sql, " AND %s < ?%d", id, P_CURSOR);
}

char *filter_sql(const char *head, const struct filter *f, const char *tail)
{
	struct text_out text;
	FILE *out = text_begin(&text);
	if (out) {
		fputs(head, out);
		filter_print(f, out);
		fputs(tail, out);
	}
	return text_end(&text, NULL);
}

static void bind_if_used(sqlite3_stmt *s, int index, const char *text)
{
	if (index <= sqlite3_bind_parameter_count(s))
		sql_bind_text(s, index, text);
}

void filter_bind(const struct filter *f, sqlite3_stmt *s)
{
	int number = 1;
	for (const struct condition *c = shapes[f->of].conditions; c->column; c++, number++) {
		if (!given(f->asked, c))
			continue;
		if (c->number)
			sqlite3_bind_int64(s, number, number_of(f->asked, c));
		else
			sql_bind_text(s, number, text_of(f->asked, c));
	}
	bind_if_used(s, P_FROM, f->from);
	bind_if_used(s, P_TO, f->to);
	sqlite3_bind_int64(s, P_FIRST, f->first);
	sqlite3_bind_int64(s, P_BEHIND, f->behind);
	sqlite3_bind_int64(s, P_CURSOR, f->asked->cursor);
}

unsigned filter_limit(const struct query_filter *f)
{
	if (!f->limit)
		return QUERY_LIMIT;
	return f->limit < QUERY_MAX_LIMIT ? f->limit : QUERY_MAX_LIMIT;
}
