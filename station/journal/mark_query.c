/* What the station's health needs to know of the journal. */
#include "journal/query.h"

#include "journal/chain.h"
#include "journal/reader.h"

#include <stdio.h>
#include <string.h>

bool query_checkpoint(struct journal_reader *r, struct query_mark *out, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g, "SELECT size, text FROM checkpoint ORDER BY size DESC LIMIT 1", e);
	struct checkpoint point;
	*out = (struct query_mark){ .size = 0 };
	if (!s)
		return false;
	int rc = reading_step(s, e);
	if (rc <= 0)
		return rc == 0;
	const char *text = sql_text(s, 1);
	if (!sql_row_whole(s, e))
		return false;
	out->size = sqlite3_column_int64(s, 0);
	if (checkpoint_parse(span_of(text, strlen(text)), &point))
		snprintf(out->at, sizeof out->at, "%s", point.at);
	return true;
}

const char *journal_library(void)
{
	return sqlite3_libversion();
}
