/* Yields and totals: the same conditions as the lists, but looked at as a whole. */
#include "journal/query.h"

#include "base/timefmt.h"
#include "journal/filter.h"
#include "journal/tally.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
/* The attempts that count: those of batches, not those at a person's word. */
#define STATS_HEAD \
	"SELECT a.id, a.uid, a.code, a.verdict, a.refused, a.slot, a.started_at, a.ended_at, a.retries FROM attempts a"
#define STATS_TAIL " AND a.ended_at IS NOT NULL AND +a.kind = 'program' ORDER BY a.id"
#define STATS_STEPS "SELECT step, ms, bytes FROM attempt_steps WHERE attempt = ?1 AND outcome = 'ok' ORDER BY seq, n"
/* clang-format on */

/* --- figures ------------------------------------------------------------------------------------------------------ */

static enum verdict verdict_of(const char *name)
{
	static const enum verdict all[] = { VERDICT_PASS, VERDICT_FAIL, VERDICT_ERROR, VERDICT_ABORTED };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (!strcmp(name, verdict_name(all[i])))
			return all[i];
	return VERDICT_NONE;
}

static bool count_rows(struct tally *t, sqlite3_stmt *s, struct err *e)
{
	int rc;
	while ((rc = reading_step(s, e)) == 1) {
		struct tally_row row = { .id = sqlite3_column_int64(s, 0),
			.uid = sql_text(s, 1),
			.code = sql_text(s, 2),
			.verdict = verdict_of(sql_text(s, 3)),
			.refused = sqlite3_column_int(s, 4) != 0,
			.slot = sqlite3_column_int64(s, 5),
			.retries = sqlite3_column_int64(s, 8) };
		const char *started = sql_text(s, 6), *ended = sql_text(s, 7);
		if (!sql_row_whole(s, e))
			return false;
		if (!time_parse(started, &row.started) || !time_parse(ended, &row.ended))
			return err_set(e, CODE_JOURNAL_FAILED, "attempt %lld has no times", (long long)row.id);
		if (!tally_add(t, &row, e))
			return false;
	}
	return rc == 0;
}

/* Of the newest attempts only: what a step takes is no matter of last year's, and the answer's time has a bound. */
static bool count_steps(struct reading *g, struct tally *t, struct err *e)
{
	const int64_t *ids;
	const int32_t *slots;
	size_t n = tally_passes(t, &ids, &slots);
	sqlite3_stmt *s = reading_prepare(g, STATS_STEPS, e);
	for (size_t i = 0; s && i < n; i++) {
		int rc;
		sqlite3_reset(s);
		sqlite3_bind_int64(s, 1, ids[i]);
		while ((rc = reading_step(s, e)) == 1) {
			const char *step = sql_text(s, 0);
			if (!sql_row_whole(s, e) ||
			    !tally_step(t, step, slots[i], sqlite3_column_int64(s, 1), sqlite3_column_int64(s, 2), e))
				return false;
		}
		if (rc < 0)
			return false;
	}
	if (s)
		sqlite3_reset(s);
	return s != NULL;
}

static bool fill_tally(
    struct journal_reader *r, const struct query_filter *whole, struct tally *t, struct filter *f, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	if (!g || !filter_make(g, whole, OF_ATTEMPTS, f, e))
		return false;
	AUTO_FREE char *sql = filter_sql(STATS_HEAD, f, STATS_TAIL);
	if (!sql)
		return err_set(e, CODE_NO_MEMORY, "no memory for the figures");
	sqlite3_stmt *s = reading_prepare(g, sql, e);
	if (!s)
		return false;
	filter_bind(f, s);
	return count_rows(t, s, e) && count_steps(g, t, e);
}

/* The slot is the tally's condition, not the statement's: where else a slot's units went is asked, too. */
bool query_stats(struct journal_reader *r, const struct query_filter *asked, char **json, struct err *e)
{
	struct query_filter whole = *asked;
	struct filter f;
	struct tally *t;
	whole.cursor = whole.slot = 0;
	*json = NULL;
	if (!tally_create(asked->slot, &t, e))
		return false;
	bool done = fill_tally(r, &whole, t, &f, e);
	if (done) {
		*json = tally_print(t, f.from, f.to);
		done = *json || err_set(e, CODE_NO_MEMORY, "no memory for the figures");
	}
	tally_free(t);
	return done;
}

/* --- totals ------------------------------------------------------------------------------------------------------- */

bool query_totals(struct journal_reader *r, query_total *each, void *context, struct err *e)
{
	/* what is neither running nor bad has passed: only its number is needed, so no row is read */
	static const char sql[] =
	    "SELECT code, sum(n) FROM (SELECT code, count(*) AS n FROM attempts WHERE code <> 'ok' GROUP BY code"
	    " UNION ALL SELECT 'ok', (SELECT count(*) FROM attempts) - (SELECT count(*) FROM attempts WHERE ended_at"
	    " IS NULL) - (SELECT count(*) FROM attempts WHERE code <> 'ok')"
	    " UNION ALL SELECT code, -count(*) FROM attempts WHERE kind <> 'program' AND code IS NOT NULL GROUP BY"
	    " code) GROUP BY code";
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g, sql, e);
	int rc = s ? 0 : -1;
	while (s && (rc = reading_step(s, e)) == 1) {
		const char *code = sql_text(s, 0);
		if (!sql_row_whole(s, e))
			return false;
		each(context, code, sqlite3_column_int64(s, 1));
	}
	return rc == 0;
}
