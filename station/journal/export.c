/* Exports: attempts or actions that a filter leaves, oldest first, as CSV or as JSON, a page at a time. */
#include "journal/query.h"

#include "journal/filter.h"
#include "journal/shapes.h"
#include "os/text_out.h"

#include <stdlib.h>
#include <string.h>

#define EXPORT_PAGE 1000

/* clang-format off */
#define JSON_HEAD "SELECT a.id, " SHAPE_ATTEMPT " FROM attempts a LEFT JOIN units u ON u.uid = a.uid"
#define CSV_HEAD \
	"SELECT a.id, a.uid, u.serial, a.usb_serial, a.batch, a.order_no, a.recipe, r.name, r.version, a.slot," \
	" a.operator, (SELECT name FROM station), a.board, a.transport, a.started_at, a.ended_at, a.verdict," \
	" iif(a.refused, 'true', 'false'), a.code, a.message, a.retries, a.proof," \
	" (SELECT group_concat(partition || '=' || coalesce(crc32_read, ''), ' ') FROM" \
	" (SELECT * FROM attempt_regions WHERE attempt = a.id ORDER BY n)), a.kind" \
	" FROM attempts a LEFT JOIN units u ON u.uid = a.uid LEFT JOIN recipes r ON r.sha256 = a.recipe"
#define PAGE_TAIL(of) " AND " of ".id > ?17 ORDER BY " of ".id LIMIT ?20"
#define AUDIT_HEAD \
	"SELECT c.id, c.at, c.by, c.origin, c.kind, " SHAPE_DETAILS " FROM actions c JOIN journal j ON j.seq = c.id"
#define AUDIT_NAMES "id,at,who,from,what,details\r\n"
#define CSV_NAMES \
	"id,uid,serial,usb_serial,batch,order,recipe,recipe_name,recipe_version,slot,operator,station,board,transport," \
	"started_at,ended_at,verdict,refused,code,message,retries,proof,crc32_read,kind\r\n"
/* clang-format on */

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

/* How a kind of export is asked for and written. */
struct shape {
	enum filter_of of;
	const char *head, *tail;                             /* of the statement, around the conditions */
	const char *before, *after;                          /* of the whole text */
	void (*row)(sqlite3_stmt *s, bool first, FILE *out); /* first: of the whole text */
};

static void csv_row(sqlite3_stmt *s, bool first, FILE *out)
{
	int columns = sqlite3_column_count(s);
	(void)first;
	for (int c = 0; c < columns; c++) {
		print_field(sql_text(s, c), out);
		fputs(c + 1 < columns ? "," : "\r\n", out);
	}
}

static void json_row(sqlite3_stmt *s, bool first, FILE *out)
{
	fprintf(out, "%s%s", first ? "" : ",\n", sql_text(s, 1));
}

static const struct shape shapes[] = {
	[EXPORT_CSV] = { OF_ATTEMPTS, CSV_HEAD, PAGE_TAIL("a"), CSV_NAMES, "", csv_row },
	[EXPORT_JSON] = { OF_ATTEMPTS, JSON_HEAD, PAGE_TAIL("a"), "[\n", "\n]\n", json_row },
	[EXPORT_AUDIT] = { OF_ACTIONS, AUDIT_HEAD, PAGE_TAIL("c"), AUDIT_NAMES, "", csv_row },
};

static bool print_page(sqlite3_stmt *s, const struct shape *shape, int64_t *next, FILE *out, struct err *e)
{
	bool begun = *next != 0;
	int64_t last = *next;
	int rc, n = 0;
	if (!begun)
		fputs(shape->before, out);
	while ((rc = reading_step(s, e)) == 1 && n++ < EXPORT_PAGE) {
		last = sqlite3_column_int64(s, 0);
		shape->row(s, !begun, out);
		begun = true;
		if (!sql_row_whole(s, e))
			return false;
	}
	if (rc == 0)
		fputs(shape->after, out);
	*next = rc == 1 ? last : 0;
	return rc >= 0;
}

bool query_export(struct journal_reader *r, const struct query_filter *asked, enum export_kind kind, int64_t *next,
    char **out, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	struct query_filter whole = *asked;
	struct filter f;
	struct text_out text;
	whole.cursor = 0;
	*out = NULL;
	if (!g || !filter_make(g, &whole, shapes[kind].of, &f, e))
		return false;
	AUTO_FREE char *sql = filter_sql(shapes[kind].head, &f, shapes[kind].tail);
	if (!sql)
		return err_set(e, CODE_NO_MEMORY, "no memory for the export");
	sqlite3_stmt *s = reading_prepare(g, sql, e);
	if (!s)
		return false;
	FILE *file = text_begin(&text);
	bool ok = true;
	if (file) {
		filter_bind(&f, s);
		sqlite3_bind_int64(s, 17, *next);
		sqlite3_bind_int64(s, 20, EXPORT_PAGE + 1);
		ok = print_page(s, &shapes[kind], next, file, e);
	}
	*out = text_end(&text, NULL);
	if (ok && !*out)
		return err_set(e, CODE_NO_MEMORY, "no memory for the export");
	if (!ok) {
		free(*out);
		*out = NULL;
	}
	return ok;
}
