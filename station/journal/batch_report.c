/* A batch as a report has it: what was ordered, what was made, which units, and the checkpoint that stands for it. */
#include "journal/query.h"

#include "format/json.h"
#include "journal/key.h"
#include "journal/reader.h"
#include "journal/shapes.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
#define REPORT_UNITS "5000"
/* Units that passed in the batch, in the order of their passing. */
#define PASSED \
	"json((SELECT json_group_array(json_object('uid', o.uid, 'serial', o.serial, 'attempt', cast(o.attempt AS TEXT)," \
	" 'slot', o.slot, 'ended_at', o.ended_at)) FROM (SELECT x.uid, u.serial, x.attempt, a.slot, a.ended_at" \
	" FROM batch_units x JOIN units u ON u.uid = x.uid JOIN attempts a ON a.id = x.attempt WHERE x.batch = b.id" \
	" ORDER BY x.attempt LIMIT " REPORT_UNITS ") o))"
/* Units that were worked on for it and did not pass in it, each with its last attempt. */
#define OTHERS \
	"json((SELECT json_group_array(json_object('uid', o.uid, 'serial', o.serial, 'attempts', o.n, 'attempt'," \
	" cast(o.last AS TEXT), 'verdict', a.verdict, 'code', a.code)) FROM (SELECT a.uid, u.serial, count(*) AS n," \
	" max(a.id) AS last FROM attempts a JOIN units u ON u.uid = a.uid WHERE a.batch = b.id AND a.refused = 0" \
	" AND a.kind = 'program' AND NOT EXISTS(SELECT 1 FROM batch_units x WHERE x.batch = b.id AND x.uid = a.uid)" \
	" GROUP BY a.uid ORDER BY last LIMIT " REPORT_UNITS ") o JOIN attempts a ON a.id = o.last))"
/* Of its list, those that no unit has. */
#define LEFT \
	"json((SELECT json_group_array(json_object('serial', o.value, 'state', o.state, 'uid', o.uid, 'reason', o.reason))" \
	" FROM (SELECT n.value, n.state, n.uid, n.reason FROM numbers n WHERE n.batch = b.id AND n.state <> 'bound'" \
	" ORDER BY n.place LIMIT " REPORT_UNITS ") o))"
#define REPORT \
	"SELECT json_object('batch', " SHAPE_BATCH ", 'recipe', (SELECT " SHAPE_RECIPE " FROM recipes r" \
	" WHERE r.sha256 = b.recipe), 'station', (SELECT name FROM station), 'passed', " PASSED ", 'not_passed', " OTHERS \
	", 'serials_left', " LEFT "), b.seq FROM batches b WHERE b.id = ?1"
/* The first that covers the batch's last row. */
#define POINT \
	"SELECT text, signature, (SELECT public_key FROM station) FROM checkpoint WHERE size >= ?1 ORDER BY size LIMIT 1"
/* clang-format on */

static void add_base64(struct cJSON *json, const char *key, sqlite3_stmt *s, int column)
{
	char text[BASE64_SIZE(SIGNATURE_SIZE) + 1] = "";
	int size = sqlite3_column_bytes(s, column);
	if (size > 0 && size <= SIGNATURE_SIZE)
		base64_print(sqlite3_column_blob(s, column), (size_t)size, text);
	json_add_string(json, key, text);
}

static bool add_point(struct reading *g, int64_t seq, struct cJSON *json, struct err *e)
{
	sqlite3_stmt *s = reading_prepare(g, POINT, e);
	if (!s)
		return false;
	sqlite3_bind_int64(s, 1, seq);
	int rc = reading_step(s, e);
	if (rc == 0)
		json_add_null(json, "checkpoint");
	if (rc <= 0)
		return rc == 0;
	struct cJSON *point = json_add_object(json, "checkpoint");
	json_add_string(point, "text", sql_text(s, 0));
	add_base64(point, "signature", s, 1);
	add_base64(point, "public_key", s, 2);
	return sql_row_whole(s, e);
}

bool query_batch_report(struct journal_reader *r, int64_t id, char **json, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g, REPORT, e);
	*json = NULL;
	if (!s)
		return false;
	sqlite3_bind_int64(s, 1, id);
	int rc = reading_step(s, e);
	if (rc <= 0)
		return rc < 0 ? false : err_set(e, CODE_NOT_FOUND, "there is no batch %lld", (long long)id);
	const char *text = sql_text(s, 0);
	if (!sql_row_whole(s, e))
		return false;
	AUTO_JSON struct cJSON *tree = json_parse(span_of(text, strlen(text)), e);
	if (!tree || !add_point(g, sqlite3_column_int64(s, 1), tree, e))
		return false;
	*json = json_print(tree);
	return *json || err_set(e, CODE_NO_MEMORY, "no memory for a report");
}
