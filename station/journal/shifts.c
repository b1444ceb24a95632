/* Reads shifts. */
#include "journal/shifts.h"

#include "base/timefmt.h"
#include "journal/reader.h"
#include "journal/shapes.h"

#include <string.h>

bool journal_shift(struct journal_reader *r, struct journal_shift *out, struct err *e)
{
	int64_t started;
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g,
	    "SELECT s.id, s.started_at, s.hours, s.ended_at IS NOT NULL, (SELECT count(*) FROM challenges c"
	    " WHERE c.shift = s.id AND c.met = 0) FROM shifts s ORDER BY s.id DESC LIMIT 1",
	    e);
	*out = (struct journal_shift){ .id = 0 };
	if (!s)
		return false;
	int rc = reading_step(s, e);
	if (rc != 1)
		return rc == 0;
	out->id = sqlite3_column_int64(s, 0);
	if (time_parse(sql_text(s, 1), &started))
		out->ends = started + sqlite3_column_int64(s, 2) * 3600000;
	out->ended = sqlite3_column_int(s, 3) != 0;
	out->unmet = sqlite3_column_int64(s, 4);
	return sql_row_whole(s, e);
}

bool query_shift(struct journal_reader *r, char **json, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g,
	    "SELECT json_object('id', cast(s.id AS TEXT), 'started_at', s.started_at, 'started_by', s.started_by, "
	    "'ends_at',"
	    " strftime('%Y-%m-%dT%H:%M:%fZ', s.started_at, '+' || s.hours || ' hours'), 'ended_at', s.ended_at, "
	    "'units',"
	    " json((SELECT json_group_array(json_object('uid', c.uid, 'serial', c.serial, 'verdict', c.verdict, "
	    "'code', c.code,"
	    " 'met', " SHAPE_BOOL("c.met") ", 'attempt', cast(c.attempt AS TEXT), 'shown_verdict', c.shown_verdict,"
					   " 'shown_code', c.shown_code)) FROM (SELECT * FROM challenges WHERE shift = "
					   "s.id ORDER BY n) c)))"
					   " FROM shifts s ORDER BY s.id DESC LIMIT 1",
	    e);
	*json = NULL;
	if (!s)
		return false;
	int rc = reading_step(s, e);
	if (rc == 0)
		return err_set(e, CODE_NOT_FOUND, "no shift was ever started");
	const char *text = rc == 1 ? sql_text(s, 0) : NULL;
	if (!text || !sql_row_whole(s, e))
		return false;
	*json = strdup(text);
	return *json || err_set(e, CODE_NO_MEMORY, "no memory for an answer");
}
