/* Prints a page of a list. */
#include "journal/page.h"

#include "os/text_out.h"

#include <stdlib.h>

static bool print_rows(sqlite3_stmt *s, unsigned limit, FILE *out, struct err *e)
{
	int64_t last = 0;
	int rc;
	fputs("{\"items\":[", out);
	unsigned n = 0;
	while ((rc = reading_step(s, e)) == 1 && n < limit) {
		const char *object = sql_text(s, 1);
		if (!sql_row_whole(s, e))
			return false;
		fprintf(out, "%s%s", n++ ? "," : "", object);
		last = sqlite3_column_int64(s, 0);
	}
	if (rc < 0)
		return false;
	if (rc == 1)
		fprintf(out, "],\"next\":\"%lld\"}", (long long)last);
	else
		fputs("],\"next\":null}", out);
	return true;
}

bool page_print(sqlite3_stmt *s, unsigned limit, char **json, struct err *e)
{
	struct text_out text;
	FILE *out = text_begin(&text);
	bool ok = !out || print_rows(s, limit, out, e);
	*json = text_end(&text, NULL);
	if (ok && !*json)
		return err_set(e, CODE_NO_MEMORY, "no memory for a page");
	if (!ok) {
		free(*json);
		*json = NULL;
	}
	return ok;
}
