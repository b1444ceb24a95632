/* Yields and the CSV export: the same conditions as the lists, but looked at as a whole. */
#include "journal/query.h"

#include "journal/filter.h"
#include "os/text_out.h"

#include <stdlib.h>
#include <string.h>

#define CSV_PAGE 1000

/* clang-format off */
/* f: the attempts that count: those of batches, not those at a person's word.  Refused ones say nothing of a unit, so they stand apart. */
#define STATS_HEAD \
	"WITH f AS MATERIALIZED (SELECT a.id, a.uid, a.verdict, a.refused, a.code, a.slot," \
	" CAST(round((julianday(a.ended_at) - julianday(a.started_at)) * 86400000) AS INTEGER) AS ms FROM attempts a"
#define RATE(rows) "(SELECT round(avg(good), 6) FROM (" rows "))"
#define OF_A_UNIT(which) \
	RATE("SELECT verdict = 'PASS' AS good, " which "(id) FROM f WHERE verdict IN ('PASS', 'FAIL') GROUP BY uid")
#define STATS_TAIL \
	" AND a.ended_at IS NOT NULL AND a.kind = 'program')" \
	" SELECT json_object('from', ?18, 'to', ?19, 'attempts', count(*)," \
	" 'pass', coalesce(sum(verdict = 'PASS'), 0), 'fail', coalesce(sum(verdict = 'FAIL'), 0)," \
	" 'error', coalesce(sum(verdict = 'ERROR' AND NOT refused), 0)," \
	" 'aborted', coalesce(sum(verdict = 'ABORTED'), 0), 'refused', coalesce(sum(refused), 0)," \
	" 'units', count(DISTINCT uid)," \
	" 'yield', " RATE("SELECT verdict = 'PASS' AS good FROM f WHERE verdict IN ('PASS', 'FAIL')") "," \
	" 'first_pass_yield', " OF_A_UNIT("min") ", 'final_yield', " OF_A_UNIT("max") "," \
	" 'codes', json((SELECT json_group_array(json_object('code', code, 'count', n)) FROM" \
	" (SELECT code, count(*) AS n FROM f GROUP BY code ORDER BY n DESC, code)))," \
	" 'slots', json((SELECT json_group_array(json_object('slot', slot, 'pass', p, 'fail', q, 'error', x, 'aborted', y," \
	" 'ms', t)) FROM (SELECT slot, sum(verdict = 'PASS') AS p, sum(verdict = 'FAIL') AS q," \
	" sum(verdict = 'ERROR' AND NOT refused) AS x, sum(verdict = 'ABORTED') AS y," \
	" CAST(round(avg(iif(verdict = 'PASS', ms, NULL))) AS INTEGER) AS t FROM f GROUP BY slot ORDER BY slot)))) FROM f"

#define CSV_HEAD \
	"SELECT a.id, a.uid, u.serial, a.usb_serial, a.batch, a.order_no, a.recipe, r.name, r.version, a.slot," \
	" a.operator, (SELECT name FROM station), a.board, a.transport, a.started_at, a.ended_at, a.verdict," \
	" iif(a.refused, 'true', 'false'), a.code, a.message, a.retries, a.proof," \
	" (SELECT group_concat(partition || '=' || coalesce(crc32_read, ''), ' ') FROM" \
	" (SELECT * FROM attempt_regions WHERE attempt = a.id ORDER BY n)), a.kind" \
	" FROM attempts a LEFT JOIN units u ON u.uid = a.uid LEFT JOIN recipes r ON r.sha256 = a.recipe"
#define CSV_TAIL " AND a.id > ?17 ORDER BY a.id LIMIT ?20"
#define CSV_NAMES \
	"id,uid,serial,usb_serial,batch,order,recipe,recipe_name,recipe_version,slot,operator,station,board,transport," \
	"started_at,ended_at,verdict,refused,code,message,retries,proof,crc32_read,kind\r\n"
/* clang-format on */

static char *whole_sql(const char *head, const struct filter *f, const char *tail)
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

bool query_stats(struct journal_reader *r, const struct query_filter *asked, char **json, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	struct query_filter whole = *asked;
	struct filter f;
	whole.cursor = 0;
	*json = NULL;
	if (!g || !filter_make(g, &whole, OF_ATTEMPTS, &f, e))
		return false;
	AUTO_FREE char *sql = whole_sql(STATS_HEAD, &f, STATS_TAIL);
	if (!sql)
		return err_set(e, CODE_NO_MEMORY, "no memory for the yields");
	sqlite3_stmt *s = reading_prepare(g, sql, e);
	if (!s)
		return false;
	filter_bind(&f, s);
	sql_bind_text(s, 18, *f.from ? f.from : NULL);
	sql_bind_text(s, 19, *f.to ? f.to : NULL);
	if (reading_step(s, e) != 1)
		return false;
	const char *yields = sql_text(s, 0);
	if (!sql_row_whole(s, e))
		return false;
	*json = strdup(yields);
	return *json || err_set(e, CODE_NO_MEMORY, "no memory for the yields");
}

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

/* RFC 4180: a field with a comma, a quote or a line end is quoted, quotes inside are doubled.  What a spreadsheet would
 * run as a formula gets an apostrophe in front: a serial can come from anybody, even from a camera. */
static void print_field(const char *text, FILE *out)
{
	const char *guard = *text && strchr("=+-@\t", *text) ? "'" : "";
	if (!strpbrk(text, ",\"\r\n")) {
		fprintf(out, "%s%s", guard, text);
		return;
	}
	fprintf(out, "\"%s", guard);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
	putc('"', out);
}

static bool print_lines(sqlite3_stmt *s, int64_t *next, FILE *out, struct err *e)
{
	int64_t last = 0;
	int rc, n = 0, columns = sqlite3_column_count(s);
	while ((rc = reading_step(s, e)) == 1 && n++ < CSV_PAGE) {
		last = sqlite3_column_int64(s, 0);
		for (int c = 0; c < columns; c++) {
			print_field(sql_text(s, c), out);
			fputs(c + 1 < columns ? "," : "\r\n", out);
		}
		if (!sql_row_whole(s, e))
			return false;
	}
	*next = rc == 1 ? last : 0;
	return rc >= 0;
}

bool query_csv(struct journal_reader *r, const struct query_filter *asked, int64_t *next, char **csv, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	struct query_filter whole = *asked;
	struct filter f;
	struct text_out text;
	int64_t after = *next;
	whole.cursor = 0;
	*csv = NULL;
	if (!g || !filter_make(g, &whole, OF_ATTEMPTS, &f, e))
		return false;
	AUTO_FREE char *sql = whole_sql(CSV_HEAD, &f, CSV_TAIL);
	if (!sql)
		return err_set(e, CODE_NO_MEMORY, "no memory for the export");
	sqlite3_stmt *s = reading_prepare(g, sql, e);
	if (!s)
		return false;
	FILE *out = text_begin(&text);
	bool ok = true;
	if (out) {
		filter_bind(&f, s);
		sqlite3_bind_int64(s, 17, after);
		sqlite3_bind_int64(s, 20, CSV_PAGE + 1);
		if (!after)
			fputs(CSV_NAMES, out);
		ok = print_lines(s, next, out, e);
	}
	*csv = text_end(&text, NULL);
	if (ok && !*csv)
		return err_set(e, CODE_NO_MEMORY, "no memory for the export");
	if (!ok) {
		free(*csv);
		*csv = NULL;
	}
	return ok;
}
