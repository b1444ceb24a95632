/* One box for everything that a person may hold in hand: the beginning of a UID, a serial or an order, or a batch's
 * number.  Each is a range of an index, so that a search of a million units costs what it shows. */
#include "journal/query.h"

#include "journal/reader.h"
#include "journal/shapes.h"
#include "os/text_out.h"

#include <stdlib.h>
#include <string.h>

#define SHOWN 20

/* clang-format off */
/* ?1: as it was typed; ?2: in small letters; a prefix ends before itself and the last character there is. */
#define FROM_PREFIX(column, n) column " >= ?" n " AND " column " < ?" n " || char(0x10ffff)"
#define UNITS \
	"SELECT " SHAPE_UNIT("") " FROM units u WHERE u.id IN (SELECT id FROM (SELECT id FROM units WHERE " \
	FROM_PREFIX("uid", "2") " ORDER BY uid LIMIT 21) UNION SELECT id FROM (SELECT id FROM units WHERE" \
	" serial IS NOT NULL AND " FROM_PREFIX("serial", "1") " ORDER BY serial LIMIT 21))" \
	" ORDER BY u.serial IS ?1 OR u.uid = ?2 DESC, u.seq DESC LIMIT 21"
#define BATCHES \
	"SELECT " SHAPE_BATCH " FROM batches b WHERE b.id IN (SELECT id FROM batches WHERE id = ?3 UNION SELECT id" \
	" FROM (SELECT id FROM batches WHERE " FROM_PREFIX("order_no", "1") " ORDER BY order_no LIMIT 21))" \
	" ORDER BY b.order_no = ?1 DESC, b.id DESC LIMIT 21"
/* clang-format on */

/* text, its small letters, and the number that it is, or 0. */
struct asked {
	const char *text, *small;
	int64_t number;
};

static bool print_found(
    struct reading *g, const char *sql, const struct asked *asked, FILE *out, bool *more, struct err *e)
{
	sqlite3_stmt *s = reading_prepare(g, sql, e);
	int rc, n = 0;
	if (!s)
		return false;
	sql_bind_text(s, 1, asked->text);
	if (sqlite3_bind_parameter_count(s) > 1)
		sql_bind_text(s, 2, asked->small);
	if (sqlite3_bind_parameter_count(s) > 2)
		sqlite3_bind_int64(s, 3, asked->number);
	while ((rc = reading_step(s, e)) == 1 && n < SHOWN) {
		fprintf(out, "%s%s", n++ ? "," : "", sql_text(s, 0));
		if (!sql_row_whole(s, e))
			return false;
	}
	*more = *more || rc == 1;
	sqlite3_reset(s);
	return rc >= 0;
}

static bool print_all(struct reading *g, const struct asked *asked, FILE *out, struct err *e)
{
	bool more = false;
	fputs("{\"units\":[", out);
	if (!print_found(g, UNITS, asked, out, &more, e))
		return false;
	fputs("],\"batches\":[", out);
	if (!print_found(g, BATCHES, asked, out, &more, e))
		return false;
	fprintf(out, "],\"more\":%s}", more ? "true" : "false");
	return true;
}

bool query_search(struct journal_reader *r, const char *text, char **json, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	struct text_out printed;
	*json = NULL;
	if (!g)
		return false;
	AUTO_FREE char *small = strdup(text);
	if (!small)
		return err_set(e, CODE_NO_MEMORY, "no memory for a search");
	for (char *c = small; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 'a' - 'A' : *c);
	size_t digits = strspn(text, "0123456789");
	bool number = digits && digits < 19 && !text[digits];
	struct asked asked = { text, small, number ? strtoll(text, NULL, 10) : 0 };
	FILE *out = text_begin(&printed);
	bool ok = !out || print_all(g, &asked, out, e);
	*json = text_end(&printed, NULL);
	if (ok && !*json)
		return err_set(e, CODE_NO_MEMORY, "no memory for a search");
	if (!ok) {
		free(*json);
		*json = NULL;
	}
	return ok;
}
