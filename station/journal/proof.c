/* Takes the proof of an attempt out of the journal. */
#include "journal/proof.h"

#include "base/hex.h"
#include "format/json.h"
#include "journal/reader.h"

#include <stdlib.h>
#include <string.h>

/* What the proof begins and ends with. */
struct frame {
	int64_t first, last, size; /* rows: the attempt's first and last, the checkpoint's */
	bool unsigned_yet;
};

static bool find_attempt(struct reading *g, int64_t attempt, struct frame *out, struct err *e)
{
	sqlite3_stmt *s = reading_prepare(g, "SELECT ended_at IS NOT NULL, seq FROM attempts WHERE id = ?1", e);
	if (!s)
		return false;
	sqlite3_bind_int64(s, 1, attempt);
	int rc = reading_step(s, e);
	if (rc <= 0)
		return rc < 0 ? false : err_set(e, CODE_NOT_FOUND, "there is no attempt %lld", (long long)attempt);
	bool ended = sqlite3_column_int(s, 0) != 0;
	*out = (struct frame){ .first = attempt, .last = sqlite3_column_int64(s, 1) };
	return ended || err_set(e, CODE_CONFLICT, "attempt %lld has not ended yet", (long long)attempt);
}

static void add_bytes(struct cJSON *json, const char *key, sqlite3_stmt *s, int column)
{
	char text[BASE64_SIZE(SIGNATURE_SIZE) + 1] = "";
	int size = sqlite3_column_bytes(s, column);
	if (size > 0 && size <= SIGNATURE_SIZE)
		base64_print(sqlite3_column_blob(s, column), (size_t)size, text);
	json_add_string(json, key, text);
}

static bool add_station(struct reading *g, struct frame *f, struct cJSON *json, struct err *e)
{
	sqlite3_stmt *s =
	    reading_prepare(g, "SELECT name, public_key, (SELECT prev FROM journal WHERE seq = ?1) FROM station", e);
	char hex[2 * CHAIN_HASH_SIZE + 1];
	if (!s)
		return false;
	sqlite3_bind_int64(s, 1, f->first);
	int rc = reading_step(s, e);
	if (rc <= 0 || sqlite3_column_bytes(s, 2) != CHAIN_HASH_SIZE)
		return rc < 0 ? false : err_set(e, CODE_JOURNAL_FAILED, "row %lld is missing", (long long)f->first);
	json_add_string(json, "format", "romline.proof.1");
	json_add_string(json, "station", sql_text(s, 0));
	json_add_u64_text(json, "attempt", (uint64_t)f->first);
	add_bytes(json, "public_key", s, 1);
	hex_encode(hex, sqlite3_column_blob(s, 2), CHAIN_HASH_SIZE);
	json_add_string(json, "prev", hex);
	return sql_row_whole(s, e);
}

/* The first one that covers the attempt. */
static bool add_checkpoint(struct reading *g, struct frame *f, struct cJSON *json, struct err *e)
{
	sqlite3_stmt *s = reading_prepare(
	    g, "SELECT size, text, signature FROM checkpoint WHERE size >= ?1 ORDER BY size LIMIT 1", e);
	if (!s)
		return false;
	sqlite3_bind_int64(s, 1, f->last);
	int rc = reading_step(s, e);
	f->unsigned_yet = rc == 0;
	if (rc <= 0)
		return rc < 0 ? false : err_set(e, CODE_CONFLICT, "no checkpoint covers the attempt yet");
	f->size = sqlite3_column_int64(s, 0);
	struct cJSON *point = json_add_object(json, "checkpoint");
	json_add_string(point, "text", sql_text(s, 1));
	add_bytes(point, "signature", s, 2);
	if (f->size - f->first >= PROOF_ROWS)
		return err_set(e, CODE_TOO_LARGE, "the proof would have %lld rows; verify a copy of the journal",
		    (long long)(f->size - f->first + 1));
	return sql_row_whole(s, e);
}

static bool add_rows(struct reading *g, const struct frame *f, struct cJSON *json, struct err *e)
{
	sqlite3_stmt *s = reading_prepare(g, "SELECT body FROM journal WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq", e);
	struct cJSON *rows = json_add_array(json, "rows");
	size_t size = 0;
	int rc;
	if (!s)
		return false;
	sqlite3_bind_int64(s, 1, f->first);
	sqlite3_bind_int64(s, 2, f->size);
	while ((rc = reading_step(s, e)) == 1) {
		const char *body = sql_text(s, 0);
		size += strlen(body);
		if (!sql_row_whole(s, e))
			return false;
		if (size > PROOF_BYTES / 2) /* quotes are escaped */
			return err_set(e, CODE_TOO_LARGE, "the proof is too long; verify a copy of the journal");
		json_add_string(rows, NULL, body);
	}
	return rc == 0;
}

bool query_proof(struct journal_reader *r, int64_t attempt, char **json, bool *unsigned_yet, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	AUTO_JSON struct cJSON *tree = json_new_object();
	struct frame f = { .first = 0 };
	*json = NULL;
	bool done = g && find_attempt(g, attempt, &f, e) && add_station(g, &f, tree, e) &&
		    add_checkpoint(g, &f, tree, e) && add_rows(g, &f, tree, e);
	*unsigned_yet = f.unsigned_yet;
	if (!done)
		return false;
	*json = tree ? json_print(tree) : NULL;
	return *json || err_set(e, CODE_NO_MEMORY, "no memory for the proof");
}
