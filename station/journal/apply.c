/* What each kind of row does to the relational tables: a table of statements per kind.
 *
 * In each statement ?1 is the row's seq and ?2 its body.  MUST marks those that have to change a row: when they do
 * not, the journal row contradicts the ones before and is refused. */
#include "journal/apply.h"

#include "journal/kinds.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
#define AT      "?2->>'at'"
#define BATCH   "cast(?2->>'batch' AS INTEGER)"
#define ATTEMPT "cast(?2->>'attempt' AS INTEGER)"

/* The unit that a row names is known from then on. */
#define SEE_UNIT \
	"INSERT INTO units(id, seq, uid, board, first_seen, last_seen)" \
	" SELECT ?1, ?1, ?2->>'uid', ?2->>'board', " AT ", " AT " WHERE ?2->>'uid' IS NOT NULL" \
	" ON CONFLICT(uid) DO UPDATE SET seq = ?1, board = excluded.board, last_seen = excluded.last_seen"

#define START_ATTEMPT(more, values) \
	"INSERT INTO attempts(id, seq, uid, usb_serial, batch, order_no, recipe, slot, path, operator, board, transport," \
	" started_at, versions" more ") SELECT ?1, ?1, ?2->>'uid', ?2->>'usb_serial', " BATCH ", ?2->>'order'," \
	" ?2->>'recipe', ?2->>'slot', ?2->>'path', ?2->>'operator', ?2->>'board', ?2->>'transport'," \
	" ?2->>'started_at', json_patch('{}', coalesce(?2->>'versions', '{}'))" values

#define SEE_LATENESS \
	"INSERT INTO lateness(one, seconds, seq)" \
	" SELECT 1, abs(unixepoch(" AT ") - unixepoch(?2->>'started_at')), ?1 WHERE true" \
	" ON CONFLICT(one) DO UPDATE SET seconds = excluded.seconds, seq = ?1 WHERE excluded.seconds > seconds"

#define ADD_STEP "INSERT INTO attempt_steps(attempt, seq, n, step, started_at, ms, bytes, units, skipped, outcome) "
#define STEP_OF(j) \
	j "->>'step', " j "->>'started_at', " j "->>'ms', " j "->>'bytes', " j "->>'units', " j "->>'skipped', " \
	j "->>'outcome'"

#define THIS_ATTEMPT " FROM attempts a WHERE a.id = " ATTEMPT
#define THIS_UNIT    " WHERE uid = (SELECT uid" THIS_ATTEMPT ")"
#define PASSED       " AND ?2->>'verdict' = 'PASS'"

#define MUST true
#define MAY  false

static const struct rule {
	const char *kind;
	bool must;
	const char *sql;
} rules[] = {
	{ KIND_STATION_STARTED, MUST,
	  "INSERT INTO runs(id, seq, started_at, version, slots, note)"
	  " SELECT ?1, ?1, " AT ", ?2->>'version', ?2->>'slots', ?2->>'note'" },
	{ KIND_STATION_STOPPED, MUST,
	  "UPDATE runs SET seq = ?1, stopped_at = " AT ", reason = ?2->>'reason' WHERE id = (SELECT max(id) FROM runs)" },
#define EVENT \
	"INSERT INTO station_events(id, seq, at, kind, code, message, slot, path, by) SELECT ?1, ?1, " AT "," \
	" ?2->>'kind', ?2->>'code', ?2->>'message', ?2->>'slot', ?2->>'path', ?2->>'by'"
	{ KIND_STATION_EVENT, MUST, EVENT },
	{ KIND_STATION_HELD, MUST, EVENT },
	{ KIND_STATION_RESUMED, MUST, EVENT },

	{ KIND_RECIPE_ADDED, MUST,
	  "INSERT INTO recipes(id, seq, sha256, name, version, rollback, board, bytes, not_before, not_after, units, after,"
	  " regions, signers, added_at, added_by) SELECT ?1, ?1, ?2->>'sha256', ?2->>'name', ?2->>'version',"
	  " ?2->>'rollback', ?2->>'board', ?2->>'bytes', ?2->>'not_before', ?2->>'not_after', ?2->>'units', ?2->>'after',"
	  " ?2->'regions', ?2->'signers', " AT ", ?2->>'by'" },
	{ KIND_RECIPE_SIGNATURES, MUST,
	  "UPDATE recipes SET seq = ?1, signers = ?2->'signers' WHERE sha256 = ?2->>'sha256'" },
	{ KIND_RECIPE_REVOKED, MUST,
	  "UPDATE recipes SET seq = ?1, revoked_at = " AT ", revoked_by = ?2->>'by', revoked_reason = ?2->>'reason'"
	  " WHERE sha256 = ?2->>'sha256'" },

	{ KIND_BATCH_OPENED, MUST,
	  "INSERT INTO batches(id, seq, order_no, recipe, board, quantity, state, opened_at, opened_by, key, request)"
	  " SELECT ?1, ?1, ?2->>'order', ?2->>'recipe', ?2->>'board', ?2->>'quantity', 'open', " AT ", ?2->>'by',"
	  " ?2->>'key', ?2->>'request'" },
	{ KIND_BATCH_HELD, MUST,
	  "UPDATE batches SET seq = ?1, state = 'held', code = ?2->>'code', message = ?2->>'message'"
	  " WHERE id = " BATCH " AND state <> 'closed'" },
	{ KIND_BATCH_RESUMED, MUST,
	  "UPDATE batches SET seq = ?1, state = 'open', code = NULL, message = NULL, cleared = ?1"
	  " WHERE id = " BATCH " AND state <> 'closed'" },
	{ KIND_BATCH_CLOSED, MUST,
	  "UPDATE batches SET seq = ?1, state = 'closed', closed_at = " AT ", closed_by = ?2->>'by'"
	  " WHERE id = " BATCH " AND state <> 'closed'" },

	{ KIND_ATTEMPT_STARTED, MAY, SEE_UNIT },
	{ KIND_ATTEMPT_STARTED, MUST, START_ATTEMPT("", "") },
	{ KIND_ATTEMPT_STARTED, MAY, SEE_LATENESS },

	{ KIND_ATTEMPT_STEP, MAY,
	  "INSERT INTO units(id, seq, uid, board, first_seen, last_seen)"
	  " SELECT ?1, ?1, ?2->>'uid', a.board, " AT ", " AT THIS_ATTEMPT " AND ?2->>'uid' IS NOT NULL"
	  " ON CONFLICT(uid) DO UPDATE SET seq = ?1, board = excluded.board, last_seen = excluded.last_seen" },
	{ KIND_ATTEMPT_STEP, MUST,
	  "UPDATE attempts SET seq = ?1, step = ?2->>'step', uid = coalesce(?2->>'uid', uid),"
	  " usb_serial = coalesce(?2->>'usb_serial', usb_serial), batch = coalesce(" BATCH ", batch),"
	  " order_no = coalesce(?2->>'order', order_no), recipe = coalesce(?2->>'recipe', recipe),"
	  " versions = json_patch(versions, coalesce(?2->>'versions', '{}'))"
	  " WHERE id = " ATTEMPT " AND ended_at IS NULL" },
	{ KIND_ATTEMPT_STEP, MUST, ADD_STEP "SELECT " ATTEMPT ", ?1, 0, " STEP_OF("?2") },
	/* Every byte was read back and is right: whatever was cut before is repaired. */
	{ KIND_ATTEMPT_STEP, MAY,
	  "UPDATE units SET seq = ?1, unfinished = 0" THIS_UNIT
	  " AND unfinished = 1 AND ?2->>'step' = 'proved' AND ?2->>'outcome' = 'ok'" },

	{ KIND_ATTEMPT_WRITING, MUST,
	  "UPDATE attempts SET seq = ?1, writing_at = coalesce(writing_at, " AT ") WHERE id = " ATTEMPT
	  " AND ended_at IS NULL AND uid IS NOT NULL AND recipe IS NOT NULL" },
	{ KIND_ATTEMPT_WRITING, MUST, "UPDATE units SET seq = ?1, unfinished = 1, passed = NULL" THIS_UNIT },
	{ KIND_ATTEMPT_WRITING, MAY,
	  "INSERT INTO recipe_units(recipe, uid, seq) SELECT a.recipe, a.uid, ?1" THIS_ATTEMPT
	  " ON CONFLICT DO NOTHING" },
	{ KIND_ATTEMPT_WRITING, MAY,
	  "UPDATE recipes SET seq = ?1, written = written + 1 FROM recipe_units u WHERE u.recipe = sha256"
	  " AND (u.recipe, u.uid) = (SELECT a.recipe, a.uid" THIS_ATTEMPT ") AND u.seq = ?1" },
	{ KIND_ATTEMPT_WRITING, MAY,
	  "INSERT INTO products(board, name, rollback, seq) SELECT r.board, r.name, r.rollback, ?1 FROM recipes r"
	  " WHERE r.sha256 = (SELECT a.recipe" THIS_ATTEMPT ")"
	  " ON CONFLICT(board, name) DO UPDATE SET rollback = excluded.rollback, seq = ?1"
	  " WHERE excluded.rollback > rollback" },

	{ KIND_ATTEMPT_ENDED, MUST,
	  "UPDATE attempts SET seq = ?1, ended_at = " AT ", verdict = ?2->>'verdict', refused = ?2->>'refused',"
	  " code = ?2->>'code', message = ?2->>'message', action = ?2->>'action', retries = ?2->>'retries',"
	  " proof = ?2->>'proof', versions = json_patch(versions, coalesce(?2->>'versions', '{}'))"
	  " WHERE id = " ATTEMPT " AND ended_at IS NULL" },
	{ KIND_ATTEMPT_ENDED, MAY,
	  "INSERT INTO attempt_regions(attempt, n, seq, partition, length, crc32, crc32_read, sha256_read, files)"
	  " SELECT " ATTEMPT ", key, ?1, value->>'partition', value->>'length', value->>'crc32', value->>'crc32_read',"
	  " value->>'sha256_read', value->>'files' FROM json_each(?2, '$.regions')" },
	{ KIND_ATTEMPT_ENDED, MAY,
	  "UPDATE units SET seq = ?1, unfinished = 0, passed = " ATTEMPT THIS_UNIT PASSED },
	{ KIND_ATTEMPT_ENDED, MAY,
	  "INSERT INTO batch_units(batch, uid, attempt, seq) SELECT a.batch, a.uid, a.id, ?1" THIS_ATTEMPT PASSED
	  " AND a.batch IS NOT NULL ON CONFLICT DO NOTHING" },
	{ KIND_ATTEMPT_ENDED, MAY,
	  "UPDATE batches SET seq = ?1, pass = pass + (?2->>'verdict' = 'PASS'), fail = fail + (?2->>'verdict' = 'FAIL'),"
	  " error = error + (?2->>'verdict' = 'ERROR' AND NOT ?2->>'refused'),"
	  " aborted = aborted + (?2->>'verdict' = 'ABORTED'), refused = refused + ?2->>'refused'"
	  " WHERE id = (SELECT a.batch" THIS_ATTEMPT ")" },
	{ KIND_ATTEMPT_ENDED, MAY,
	  "UPDATE batches SET seq = ?1, passed = passed + 1 FROM batch_units u WHERE u.batch = batches.id"
	  " AND (u.batch, u.uid) = (SELECT a.batch, a.uid" THIS_ATTEMPT ") AND u.seq = ?1" },

	{ KIND_ATTEMPT_REFUSED, MAY, SEE_UNIT },
	{ KIND_ATTEMPT_REFUSED, MAY, SEE_LATENESS },
	{ KIND_ATTEMPT_REFUSED, MUST,
	  START_ATTEMPT(", step, ended_at, verdict, refused, code, message, action",
	  ", ?2->>'$.steps[#-1].step', " AT ", 'ERROR', 1, ?2->>'code', ?2->>'message', ?2->>'action'") },
	{ KIND_ATTEMPT_REFUSED, MAY,
	  ADD_STEP "SELECT ?1, ?1, key, " STEP_OF("value") " FROM json_each(?2, '$.steps')" },
	{ KIND_ATTEMPT_REFUSED, MAY, "UPDATE batches SET seq = ?1, refused = refused + 1 WHERE id = " BATCH },

#define SLOT(columns, values, changes) \
	"INSERT INTO slots(slot, seq" columns ") SELECT ?2->>'slot', ?1" values " WHERE true" \
	" ON CONFLICT(slot) DO UPDATE SET seq = ?1" changes
	{ KIND_SLOT_ADDED, MUST,
	  SLOT(", name, path", ", ?2->>'name', ?2->>'path'", ", name = excluded.name, path = excluded.path") },
	{ KIND_SLOT_ENABLED, MUST,
	  SLOT(", enabled, cleared", ", 1, ?1", ", enabled = 1, cleared = ?1, code = NULL, message = NULL") },
	{ KIND_SLOT_DISABLED, MUST,
	  SLOT(", enabled", ", 0", ", enabled = 0, code = NULL, message = NULL") },
	{ KIND_SLOT_HELD, MUST,
	  SLOT(", enabled, code, message", ", 0, ?2->>'code', ?2->>'message'",
	       ", enabled = 0, code = excluded.code, message = excluded.message") },

	{ KIND_UNIT_SERIAL, MUST,
	  "UPDATE units SET seq = ?1, serial = ?2->>'serial' WHERE uid = ?2->>'uid'" },
};
/* clang-format on */

#define RULES (sizeof rules / sizeof *rules)

struct applier {
	sqlite3 *db;                /* borrowed */
	sqlite3_stmt *stmts[RULES]; /* owned */
};

bool applier_create(sqlite3 *db, struct applier **out, struct err *e)
{
	struct applier *a = calloc(1, sizeof *a);
	*out = NULL;
	if (!a)
		return err_set(e, CODE_NO_MEMORY, "no memory for the journal's statements");
	a->db = db;
	for (size_t i = 0; i < RULES; i++) {
		a->stmts[i] = sql_prepare(db, rules[i].sql, e);
		if (!a->stmts[i]) {
			applier_destroy(a);
			return err_prefix(e, "%s", rules[i].kind);
		}
	}
	*out = a;
	return true;
}

void applier_destroy(struct applier *a)
{
	for (size_t i = 0; a && i < RULES; i++)
		sqlite3_finalize(a->stmts[i]);
	free(a);
}

static bool run_rule(struct applier *a, size_t i, int64_t seq, const char *body, struct err *e)
{
	AUTO_RESET sqlite3_stmt *s = a->stmts[i];
	int64_t before = sqlite3_total_changes64(a->db);
	sqlite3_bind_int64(s, 1, seq);
	sql_bind_text(s, 2, body);
	if (!sql_run(s, NULL, e))
		return false;
	if (rules[i].must && sqlite3_total_changes64(a->db) == before)
		return err_set(e, CODE_CONFLICT, "it does not fit the rows before");
	return true;
}

bool applier_apply(struct applier *a, int64_t seq, const char *kind, const char *body, struct err *e)
{
	bool known = false;
	for (size_t i = 0; i < RULES; i++) {
		if (strcmp(rules[i].kind, kind) != 0)
			continue;
		known = true;
		if (!run_rule(a, i, seq, body, e))
			return err_prefix(e, "row %lld, %s", (long long)seq, kind);
	}
	return known || err_set(e, CODE_INTERNAL, "row %lld is of the unknown kind %.40s", (long long)seq, kind);
}
