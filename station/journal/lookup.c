/* The line's own questions to the journal. */
#include "journal/lookup.h"

#include "journal/reader.h"

#include <stdlib.h>
#include <string.h>

bool journal_unit(struct journal_reader *r, const char *uid, struct journal_unit *out, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g,
	    "SELECT u.unfinished, u.passed, a.batch, p.sha256, p.board, p.name, u.serial, u.mac"
	    " FROM units u LEFT JOIN attempts a ON a.id = u.passed"
	    " LEFT JOIN recipes p ON p.sha256 = a.recipe WHERE u.uid = ?1",
	    e);
	*out = (struct journal_unit){ 0 };
	if (!s)
		return false;
	sql_bind_text(s, 1, uid);
	int rc = reading_step(s, e);
	if (rc <= 0)
		return rc == 0;
	out->known = true;
	out->unfinished = sqlite3_column_int(s, 0) != 0;
	out->passed = sqlite3_column_int64(s, 1);
	out->passed_batch = sqlite3_column_int64(s, 2);
	sql_copy(s, 3, out->passed_recipe, sizeof out->passed_recipe);
	sql_copy(s, 4, out->passed_board, sizeof out->passed_board);
	sql_copy(s, 5, out->passed_name, sizeof out->passed_name);
	sql_copy(s, 6, out->serial, sizeof out->serial);
	sql_copy(s, 7, out->mac, sizeof out->mac);
	return sql_row_whole(s, e);
}

/* A count and whether uid is in: columns 0 and 1 of one row, all zero without one. */
static bool count_and_among(sqlite3_stmt *s, const char *uid, int64_t *units, bool *among, struct err *e)
{
	*units = 0;
	*among = false;
	sql_bind_text(s, 2, uid);
	int rc = reading_step(s, e);
	if (rc <= 0)
		return rc == 0;
	*units = sqlite3_column_int64(s, 0);
	*among = sqlite3_column_int(s, 1) != 0;
	return true;
}

bool journal_recipe_units(
    struct journal_reader *r, const char *sha256, const char *uid, int64_t *units, bool *among, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g,
	    "SELECT written, EXISTS(SELECT 1 FROM recipe_units WHERE recipe = ?1 AND uid = ?2)"
	    " FROM recipes WHERE sha256 = ?1",
	    e);
	if (!s)
		return false;
	sql_bind_text(s, 1, sha256);
	return count_and_among(s, uid, units, among, e);
}

bool journal_batch_units(
    struct journal_reader *r, int64_t batch, const char *uid, int64_t *units, bool *among, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g,
	    "SELECT passed, EXISTS(SELECT 1 FROM batch_units WHERE batch = ?1 AND uid = ?2)"
	    " FROM batches WHERE id = ?1",
	    e);
	if (!s)
		return false;
	sqlite3_bind_int64(s, 1, batch);
	return count_and_among(s, uid, units, among, e);
}

bool journal_max_rollback(struct journal_reader *r, const char *board, const char *name, int64_t *out, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g, "SELECT rollback FROM products WHERE board = ?1 AND name = ?2", e);
	*out = -1;
	if (!s)
		return false;
	sql_bind_text(s, 1, board);
	sql_bind_text(s, 2, name);
	int rc = reading_step(s, e);
	if (rc == 1)
		*out = sqlite3_column_int64(s, 0);
	return rc >= 0;
}

bool journal_unfinished(struct journal_reader *r, journal_attempt_fn *each, void *context, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g,
	    "SELECT id, batch, slot, writing_at IS NOT NULL, uid, path, board, recipe, step"
	    " FROM attempts WHERE ended_at IS NULL ORDER BY id",
	    e);
	if (!s)
		return false;
	int rc;
	while ((rc = reading_step(s, e)) == 1) {
		struct journal_attempt a = { .id = sqlite3_column_int64(s, 0),
			.batch = sqlite3_column_int64(s, 1),
			.slot = sqlite3_column_int64(s, 2),
			.writing = sqlite3_column_int(s, 3) != 0 };
		sql_copy(s, 4, a.uid, sizeof a.uid);
		sql_copy(s, 5, a.path, sizeof a.path);
		sql_copy(s, 6, a.board, sizeof a.board);
		sql_copy(s, 7, a.recipe, sizeof a.recipe);
		sql_copy(s, 8, a.step, sizeof a.step);
		each(context, &a);
	}
	return rc == 0;
}

bool journal_open_batches(struct journal_reader *r, journal_batch_fn *each, void *context, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g,
	    "SELECT id, quantity, passed, state = 'held', board, recipe, order_no, code, message, opened_by, listed"
	    " FROM batches WHERE state <> 'closed' ORDER BY id",
	    e);
	if (!s)
		return false;
	int rc;
	while ((rc = reading_step(s, e)) == 1) {
		struct journal_batch b = { .id = sqlite3_column_int64(s, 0),
			.quantity = sqlite3_column_int64(s, 1),
			.passed = sqlite3_column_int64(s, 2),
			.held = sqlite3_column_int(s, 3) != 0,
			.listed = sqlite3_column_type(s, 10) != SQLITE_NULL };
		sql_copy(s, 4, b.board, sizeof b.board);
		sql_copy(s, 5, b.recipe, sizeof b.recipe);
		sql_copy(s, 6, b.order, sizeof b.order);
		sql_copy(s, 7, b.code, sizeof b.code);
		sql_copy(s, 8, b.message, sizeof b.message);
		sql_copy(s, 9, b.opened_by, sizeof b.opened_by);
		each(context, &b);
	}
	return rc == 0;
}

bool journal_slots(struct journal_reader *r, journal_slot_fn *each, void *context, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s =
	    reading_prepare(g, "SELECT slot, enabled, name, path, code, message FROM slots ORDER BY slot", e);
	if (!s)
		return false;
	int rc;
	while ((rc = reading_step(s, e)) == 1) {
		struct journal_slot slot = { .slot = sqlite3_column_int64(s, 0),
			.enabled = sqlite3_column_int(s, 1) != 0 };
		sql_copy(s, 2, slot.name, sizeof slot.name);
		sql_copy(s, 3, slot.path, sizeof slot.path);
		sql_copy(s, 4, slot.code, sizeof slot.code);
		sql_copy(s, 5, slot.message, sizeof slot.message);
		each(context, &slot);
	}
	return rc == 0;
}

/* Newest end first, since the last time a person cleared it.  Of a batch's million attempts only the last ones started
 * are put into the order of their ends: at most one per slot is under way. */
#define CODES_OF(what, cleared_of)                                                                                     \
	"SELECT code, slot FROM (SELECT code, slot, seq FROM attempts WHERE " what " = ?1 AND ended_at IS NOT NULL"    \
	" AND refused = 0 AND verdict <> 'ABORTED' AND code <> ?2 AND kind = 'program' ORDER BY id DESC LIMIT 1000)"   \
	" WHERE seq > coalesce((SELECT cleared FROM " cleared_of " = ?1), 0) ORDER BY seq DESC"

bool journal_equal_codes(
    struct journal_reader *r, int64_t slot, int64_t batch, struct journal_equal *out, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s =
	    reading_prepare(g, slot ? CODES_OF("slot", "slots WHERE slot") : CODES_OF("batch", "batches WHERE id"), e);
	*out = (struct journal_equal){ .count = 0 };
	if (!s)
		return false;
	sqlite3_bind_int64(s, 1, slot ? slot : batch);
	sql_bind_text(s, 2, code_name(CODE_STATION_STOPPED));
	int rc;
	while ((rc = reading_step(s, e)) == 1) {
		const char *text = sql_text(s, 0);
		if (!sql_row_whole(s, e))
			return false;
		unsigned from = (unsigned)sqlite3_column_int64(s, 1);
		if (!strcmp(text, "ok") || (out->count && strcmp(text, out->code) != 0))
			return true;
		if (!out->count)
			out->slot = from;
		out->across = out->across || from != out->slot;
		sql_copy(s, 0, out->code, sizeof out->code);
		out->count++;
	}
	return rc == 0;
}

bool journal_recipe(struct journal_reader *r, const char *sha256, struct journal_recipe *out, struct err *e)
{
	READING struct reading *g = reading_begin(r, e);
	sqlite3_stmt *s = reading_prepare(g,
	    "SELECT revoked_at IS NOT NULL, state, (SELECT count(*) FROM recipe_approvals WHERE recipe = ?1) FROM "
	    "recipes"
	    " WHERE sha256 = ?1",
	    e);
	*out = (struct journal_recipe){ .known = false };
	if (!s)
		return false;
	sql_bind_text(s, 1, sha256);
	int rc = reading_step(s, e);
	if (rc <= 0)
		return rc == 0;
	out->known = true;
	out->revoked = sqlite3_column_int(s, 0) != 0;
	sql_copy(s, 1, out->state, sizeof out->state);
	out->approvals = sqlite3_column_int64(s, 2);
	return sql_row_whole(s, e);
}
