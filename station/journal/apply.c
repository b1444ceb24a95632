/* What each kind of row does to the relational tables: a table of statements per kind.
 *
 * In a statement :seq, :kind and :at are the row's own and any other :NAME is that member of its body, as SQL's ->>
 * would give it: null when it is missing, an object or array as its text.  A statement for EACH item of a list has
 * @n, the item's number from 0, and @NAME, its member.  So a body is read once however many statements a kind has.
 * MUST marks those that have to change a row: when they do not, the journal row contradicts the ones before and is
 * refused. */
#include "journal/apply.h"

#include "format/json.h"
#include "journal/kinds.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
#define AT      ":at"
#define BATCH   "cast(:batch AS INTEGER)"
#define ATTEMPT "cast(:attempt AS INTEGER)"

/* The unit that a row names is known from then on. */
#define SEE_UNIT \
	"INSERT INTO units(id, seq, uid, board, first_seen, last_seen)" \
	" SELECT :seq, :seq, :uid, :board, " AT ", " AT " WHERE :uid IS NOT NULL" \
	" ON CONFLICT(uid) DO UPDATE SET seq = :seq, board = excluded.board, last_seen = excluded.last_seen"

#define START_ATTEMPT(more, values) \
	"INSERT INTO attempts(id, seq, uid, usb_serial, batch, order_no, recipe, slot, path, operator, board, transport," \
	" started_at, kind, permit, permit_message, new_serial, new_mac, unit_data, versions" more ") VALUES(:seq, :seq, :uid, :usb_serial, " BATCH ", :order," \
	" :recipe, :slot, :path, :operator, :board, :transport," \
	" :started_at, coalesce(:attempt_kind, 'program'), :permit, :permit_message, :new_serial, :new_mac, :unit_data, json_patch('{}', coalesce(:versions, '{}'))" values ")"

#define SEE_LATENESS \
	"INSERT INTO lateness(one, seconds, seq)" \
	" SELECT 1, abs(unixepoch(" AT ") - unixepoch(:started_at)), :seq WHERE true" \
	" ON CONFLICT(one) DO UPDATE SET seconds = excluded.seconds, seq = :seq WHERE excluded.seconds > seconds"

#define ADD_STEP "INSERT INTO attempt_steps(attempt, seq, n, step, started_at, ms, bytes, units, skipped, outcome) "
#define STEP_OF(of) \
	of "step, " of "started_at, " of "ms, " of "bytes, " of "units, " of "skipped, " of "outcome"

#define THIS_ATTEMPT " FROM attempts a WHERE a.id = " ATTEMPT
#define THIS_UNIT    " WHERE uid = (SELECT uid" THIS_ATTEMPT ")"
#define PASSED       " AND :verdict = 'PASS'"

#define ANY_BY     "*"
#define ANY_KEY    "="
/* A request's key, where it came with one: for a day it is answered as the first time. */
#define SEE_KEY \
	"INSERT INTO request_keys(key, seq, at, request, status) SELECT :key, :seq, " AT ", :request, :status" \
	" WHERE true ON CONFLICT(key) DO UPDATE SET seq = :seq, at = excluded.at, request = excluded.request," \
	" status = excluded.status"

/* A number that the attempt is to give: known from then on, and its.  One that is another's, or void, makes `state` null,
 * which the table refuses, and with it the row. */
#define SEE_NUMBER(n, column, source) \
	"INSERT INTO numbers(kind, value, id, seq, source, state) SELECT '" column "', :new_" column "," \
	" :seq * 65536 + " n ", :seq, coalesce(" source "'scan'), 'free' WHERE :new_" column " IS NOT NULL" \
	" ON CONFLICT(kind, value) DO NOTHING"
#define RESERVE_NUMBER(column, list) \
	"UPDATE numbers SET seq = :seq, uid = :uid, attempt = :seq, state = CASE WHEN state = 'free' AND batch IS " list \
	" OR state = 'reserved' AND uid = :uid AND coalesce(batch = " list ", " list " IS NULL) THEN 'reserved' END" \
	" WHERE kind = '" column "' AND value = :new_" column
/* The attempt's batch, if it has a list; a free number is on it then, and else on none. */
#define ITS_LIST "(SELECT iif(b.listed IS NULL, NULL, b.id) FROM batches b WHERE b.id = " BATCH ")"
#define NO_LIST  "NULL"

#define STILL_LISTED "EXISTS(SELECT 1 FROM batches b WHERE b.id = numbers.batch AND b.state <> 'closed')"

/* What a unit has shown, when the running shift waits for it. */
#define SEE_CHALLENGE(attempt_is, verdict_is, uid_is) \
	"UPDATE challenges AS c SET seq = :seq, attempt = " attempt_is ", shown_verdict = " verdict_is ", shown_code = :code," \
	" met = (verdict = " verdict_is " AND code = :code) WHERE met = 0" \
	" AND shift = (SELECT max(id) FROM shifts WHERE ended_at IS NULL)" \
	" AND (uid = " uid_is " OR serial = (SELECT u.serial FROM units u WHERE u.uid = " uid_is "))"

#define MUST       true, NULL
#define MAY        false, NULL
#define EACH(list) false, list

static const struct rule {
	const char *kind;
	bool must;
	const char *each; /* once for each item of this list; NULL: once */
	const char *sql;
} rules[] = {
	{ KIND_STATION_STARTED, MUST,
	  "INSERT INTO runs(id, seq, started_at, version, slots, note)"
	  " SELECT :seq, :seq, " AT ", :version, :slots, :note" },
	{ KIND_STATION_STOPPED, MUST,
	  "UPDATE runs SET seq = :seq, stopped_at = " AT ", reason = :reason WHERE id = (SELECT max(id) FROM runs)" },
#define EVENT \
	"INSERT INTO station_events(id, seq, at, kind, code, message, slot, path, by) SELECT :seq, :seq, " AT "," \
	" :kind, :code, :message, :slot, :path, :by"
	{ KIND_STATION_EVENT, MUST, EVENT },
	{ KIND_STATION_HELD, MUST, EVENT },
	{ KIND_STATION_RESUMED, MUST, EVENT },

	{ KIND_RECIPE_ADDED, MUST,
	  "INSERT INTO recipes(id, seq, sha256, name, version, rollback, board, bytes, not_before, not_after, units, after,"
	  " regions, signers, added_at, added_by, state) SELECT :seq, :seq, :sha256, :name, :version,"
	  " :rollback, :board, :bytes, :not_before, :not_after, :units, :after,"
	  " :regions, :signers, " AT ", :by, coalesce(:state, 'active')" },
	{ KIND_RECIPE_SIGNATURES, MUST,
	  "UPDATE recipes SET seq = :seq, signers = :signers WHERE sha256 = :sha256" },
	{ KIND_RECIPE_REVOKED, MUST,
	  "UPDATE recipes SET seq = :seq, revoked_at = " AT ", revoked_by = :by, revoked_reason = :reason"
	  " WHERE sha256 = :sha256" },

	{ KIND_RECIPE_APPROVED, MUST,
	  "INSERT INTO recipe_approvals(recipe, seq, at, by) SELECT sha256, :seq, " AT ", :by FROM recipes"
	  " WHERE sha256 = :sha256 AND state = 'draft' AND revoked_at IS NULL" },
	{ KIND_RECIPE_APPROVED, MUST, "UPDATE recipes SET seq = :seq, state = :state WHERE sha256 = :sha256" },
	{ KIND_RECIPE_ACTIVATED, MUST,
	  "UPDATE recipes SET seq = :seq, state = 'active', activated_at = " AT ", activated_by = :by"
	  " WHERE sha256 = :sha256 AND state IN ('approved', 'retired') AND revoked_at IS NULL" },
	{ KIND_RECIPE_RETIRED, MUST,
	  "UPDATE recipes SET seq = :seq, state = 'retired', retired_at = " AT ", retired_by = :by"
	  " WHERE sha256 = :sha256 AND state IN ('approved', 'active')" },

	{ KIND_BATCH_OPENED, MUST,
	  "INSERT INTO batches(id, seq, order_no, recipe, board, quantity, state, opened_at, opened_by, key, request,"
	  " listed) SELECT :seq, :seq, :order, :recipe, :board, :quantity, 'open', " AT ", :by,"
	  " :key, :request, json_array_length(:serials)" },
	/* its list: new ones, free ones, and what a closed batch has left; any other, and one that stands there twice, makes
	 * `state` null, which refuses the row */
	{ KIND_BATCH_OPENED, MAY,
	  "INSERT INTO numbers(kind, value, id, seq, source, state, batch, place) SELECT 'serial', s.value,"
	  " :seq * 65536 + s.key, :seq, 'pool', iif(EXISTS(SELECT 1 FROM units u WHERE u.serial = s.value), NULL, 'free'),"
	  " :seq, :seq * 65536 + s.key FROM json_each(:serials) s WHERE true"
	  " ON CONFLICT(kind, value) DO UPDATE SET seq = excluded.seq, source = excluded.source, batch = excluded.batch,"
	  " place = excluded.place, state = iif(state = 'free' AND NOT " STILL_LISTED ", 'free', NULL)" },
	{ KIND_BATCH_HELD, MUST,
	  "UPDATE batches SET seq = :seq, state = 'held', code = :code, message = :message"
	  " WHERE id = " BATCH " AND state <> 'closed'" },
	{ KIND_BATCH_RESUMED, MUST,
	  "UPDATE batches SET seq = :seq, state = 'open', code = NULL, message = NULL, cleared = :seq"
	  " WHERE id = " BATCH " AND state <> 'closed'" },
	{ KIND_BATCH_CLOSED, MUST,
	  "UPDATE batches SET seq = :seq, state = 'closed', closed_at = " AT ", closed_by = :by"
	  " WHERE id = " BATCH " AND state <> 'closed'" },

	{ KIND_ATTEMPT_STARTED, MAY, SEE_UNIT },
	{ KIND_ATTEMPT_STARTED, MUST, START_ATTEMPT("", "") },
	{ KIND_ATTEMPT_STARTED, MAY, SEE_NUMBER("0", "serial", ":number_source, ") },
	{ KIND_ATTEMPT_STARTED, MAY, SEE_NUMBER("1", "mac", ":mac_source, :number_source, ") },
	{ KIND_ATTEMPT_STARTED, MAY, RESERVE_NUMBER("serial", ITS_LIST) },
	{ KIND_ATTEMPT_STARTED, MAY, RESERVE_NUMBER("mac", NO_LIST) },
	{ KIND_ATTEMPT_STARTED, MAY, SEE_LATENESS },

	{ KIND_ATTEMPT_STEP, MAY,
	  "INSERT INTO units(id, seq, uid, board, first_seen, last_seen)"
	  " SELECT :seq, :seq, :uid, a.board, " AT ", " AT THIS_ATTEMPT " AND :uid IS NOT NULL"
	  " ON CONFLICT(uid) DO UPDATE SET seq = :seq, board = excluded.board, last_seen = excluded.last_seen" },
	{ KIND_ATTEMPT_STEP, MUST,
	  "UPDATE attempts SET seq = :seq, step = :step, uid = coalesce(:uid, uid),"
	  " usb_serial = coalesce(:usb_serial, usb_serial), batch = coalesce(" BATCH ", batch),"
	  " order_no = coalesce(:order, order_no), recipe = coalesce(:recipe, recipe),"
	  " versions = iif(:versions IS NULL, versions, json_patch(versions, :versions))"
	  " WHERE id = " ATTEMPT " AND ended_at IS NULL" },
	{ KIND_ATTEMPT_STEP, MUST, ADD_STEP "VALUES(" ATTEMPT ", :seq, 0, " STEP_OF(":") ")" },
	/* Every byte was read back and is right: whatever was cut before is repaired. */
	{ KIND_ATTEMPT_STEP, MAY,
	  "UPDATE units SET seq = :seq, unfinished = 0" THIS_UNIT
	  " AND unfinished = 1 AND :step = 'proved' AND :outcome = 'ok'" },

	{ KIND_ATTEMPT_WRITING, MUST,
	  "UPDATE attempts SET seq = :seq, writing_at = coalesce(writing_at, " AT ") WHERE id = " ATTEMPT
	  " AND ended_at IS NULL AND uid IS NOT NULL AND recipe IS NOT NULL" },
	{ KIND_ATTEMPT_WRITING, MUST,
	  "UPDATE units SET seq = :seq, unfinished = 1, passed = NULL, changed = changed OR ((SELECT a.kind" THIS_ATTEMPT
	  ") = 'deploy' AND EXISTS(SELECT 1 FROM attempts p WHERE p.uid = units.uid AND p.verdict = 'PASS'"
	  " AND p.kind = 'program'))" THIS_UNIT },
	{ KIND_ATTEMPT_WRITING, MAY,
	  "INSERT INTO recipe_units(recipe, uid, seq) SELECT a.recipe, a.uid, :seq" THIS_ATTEMPT
	  " ON CONFLICT DO NOTHING" },
	{ KIND_ATTEMPT_WRITING, MAY,
	  "UPDATE recipes SET seq = :seq, written = written + 1 WHERE sha256 = (SELECT a.recipe" THIS_ATTEMPT ")"
	  " AND EXISTS(SELECT 1 FROM recipe_units u WHERE u.recipe = sha256"
	  " AND u.uid = (SELECT a.uid" THIS_ATTEMPT ") AND u.seq = :seq)" },
	{ KIND_ATTEMPT_WRITING, MAY,
	  "INSERT INTO products(board, name, rollback, seq) SELECT r.board, r.name, r.rollback, :seq FROM recipes r"
	  " WHERE r.sha256 = (SELECT a.recipe" THIS_ATTEMPT ")"
	  " ON CONFLICT(board, name) DO UPDATE SET rollback = excluded.rollback, seq = :seq"
	  " WHERE excluded.rollback > rollback" },

	{ KIND_ATTEMPT_ENDED, MUST,
	  "UPDATE attempts NOT INDEXED SET seq = :seq, ended_at = " AT ", verdict = :verdict, refused = :refused,"
	  " code = :code, message = :message, action = :action, retries = :retries,"
	  " proof = :proof, versions = iif(:versions IS NULL, versions, json_patch(versions, :versions))"
	  " WHERE id = " ATTEMPT " AND ended_at IS NULL" },
	{ KIND_ATTEMPT_ENDED, EACH("regions"),
	  "INSERT INTO attempt_regions(attempt, n, seq, partition, length, crc32, crc32_read, sha256_read, files,"
	  " crc32_core, files_core)"
	  " VALUES(" ATTEMPT ", @n, :seq, @partition, @length, @crc32, @crc32_read, @sha256_read, @files, @crc32_core, @files_core)" },
	{ KIND_ATTEMPT_ENDED, MAY,
	  "UPDATE units SET seq = :seq, unfinished = 0, changed = 0, passed = " ATTEMPT THIS_UNIT PASSED
	  " AND (SELECT a.kind" THIS_ATTEMPT ") = 'program'" },
	{ KIND_ATTEMPT_ENDED, MAY,
	  "INSERT INTO batch_units(batch, uid, attempt, seq) SELECT a.batch, a.uid, a.id, :seq" THIS_ATTEMPT PASSED
	  " AND a.batch IS NOT NULL ON CONFLICT DO NOTHING" },
	{ KIND_ATTEMPT_ENDED, MAY,
	  "UPDATE batches SET seq = :seq, pass = pass + (:verdict = 'PASS'), fail = fail + (:verdict = 'FAIL'),"
	  " error = error + (:verdict = 'ERROR' AND NOT :refused),"
	  " aborted = aborted + (:verdict = 'ABORTED'), refused = refused + :refused,"
	  /* the statement before has just named the unit, unless an earlier attempt had */
	  " passed = passed + EXISTS(SELECT 1 FROM batch_units u WHERE u.batch = batches.id"
	  " AND u.uid = (SELECT a.uid" THIS_ATTEMPT ") AND u.seq = :seq)"
	  " WHERE id = (SELECT a.batch" THIS_ATTEMPT ")" },

	/* what it reserved is the unit's by its PASS, else free again, but for what it may have written into the camera */
	{ KIND_ATTEMPT_ENDED, MAY,
	  "UPDATE units SET seq = :seq, serial = coalesce((SELECT a.new_serial" THIS_ATTEMPT "), serial),"
	  " mac = coalesce((SELECT a.new_mac" THIS_ATTEMPT "), mac)" THIS_UNIT PASSED
	  " AND EXISTS(SELECT 1" THIS_ATTEMPT " AND coalesce(a.new_serial, a.new_mac) IS NOT NULL)" },
	{ KIND_ATTEMPT_ENDED, MAY,
	  "UPDATE numbers SET seq = :seq, state = iif(:verdict = 'PASS', 'bound', state), kept = CASE WHEN :verdict <> 'PASS'"
	  " THEN coalesce(kept, (SELECT a.id FROM attempts a, json_each(a.unit_data) d WHERE a.id = " ATTEMPT
	  " AND a.writing_at IS NOT NULL AND d.value = numbers.kind)) END WHERE attempt = " ATTEMPT " AND state = 'reserved'" },
	{ KIND_ATTEMPT_ENDED, MAY,
	  "UPDATE numbers SET seq = :seq, state = 'free', uid = NULL, attempt = NULL WHERE attempt = " ATTEMPT
	  " AND state = 'reserved' AND kept IS NULL" },

	{ KIND_ATTEMPT_ENDED, MAY,
	  SEE_CHALLENGE(ATTEMPT, ":verdict", "(SELECT a.uid" THIS_ATTEMPT ")") " AND " ATTEMPT " > c.shift" },

	{ KIND_ATTEMPT_REFUSED, MAY, SEE_UNIT },
	{ KIND_ATTEMPT_REFUSED, MAY, SEE_CHALLENGE(":seq", "'ERROR'", ":uid") },
	{ KIND_ATTEMPT_REFUSED, MAY, SEE_LATENESS },
	{ KIND_ATTEMPT_REFUSED, MUST,
	  START_ATTEMPT(", step, ended_at, verdict, refused, code, message, action",
	  ", :steps->>'$[#-1].step', " AT ", 'ERROR', 1, :code, :message, :action") },
	{ KIND_ATTEMPT_REFUSED, EACH("steps"), ADD_STEP "VALUES(:seq, :seq, @n, " STEP_OF("@") ")" },
	{ KIND_ATTEMPT_REFUSED, MAY, "UPDATE batches SET seq = :seq, refused = refused + 1 WHERE id = " BATCH },

#define SLOT(columns, values, changes) \
	"INSERT INTO slots(slot, seq" columns ") SELECT :slot, :seq" values " WHERE true" \
	" ON CONFLICT(slot) DO UPDATE SET seq = :seq" changes
	{ KIND_SLOT_ADDED, MUST,
	  SLOT(", name, path", ", :name, :path", ", name = excluded.name, path = excluded.path") },
	{ KIND_SLOT_ENABLED, MUST,
	  SLOT(", enabled, cleared", ", 1, :seq", ", enabled = 1, cleared = :seq, code = NULL, message = NULL") },
	{ KIND_SLOT_DISABLED, MUST,
	  SLOT(", enabled", ", 0", ", enabled = 0, code = NULL, message = NULL") },
	{ KIND_SLOT_HELD, MUST,
	  SLOT(", enabled, code, message", ", 0, :code, :message",
	       ", enabled = 0, code = excluded.code, message = excluded.message") },

	/* the serial that it had is not given to another one; one of the pool is bound from then on, one of a batch's list
	 * if the unit was worked on for that batch */
	{ KIND_UNIT_SERIAL, MAY,
	  "UPDATE numbers SET seq = :seq, state = 'void', reason = 'the unit has another serial' WHERE kind = 'serial'"
	  " AND state = 'bound' AND uid = :uid AND value IS NOT :serial" },
	{ KIND_UNIT_SERIAL, MAY,
	  "UPDATE numbers SET seq = :seq, uid = :uid, kept = NULL, state = CASE WHEN (state = 'free' OR (state <> 'void' AND uid = :uid))"
	  " AND (batch IS NULL OR EXISTS(SELECT 1 FROM attempts a WHERE a.uid = :uid AND +a.batch = numbers.batch))"
	  " THEN 'bound' END WHERE kind = 'serial' AND value = :serial" },
	{ KIND_UNIT_SERIAL, MUST,
	  "UPDATE units SET seq = :seq, serial = :serial WHERE uid = :uid" },

	/* one that a unit has already is its */
	{ KIND_NUMBERS_ADDED, EACH("numbers"),
	  "INSERT INTO numbers(kind, value, id, seq, source, state, uid) SELECT :number_kind, @value, :seq * 65536 + @n, :seq,"
	  " 'pool', iif(u.uid IS NULL, 'free', 'bound'), u.uid FROM (SELECT 1) LEFT JOIN (SELECT min(uid) AS uid FROM units"
	  " WHERE :number_kind = 'serial' AND serial = @value) u WHERE true ON CONFLICT(kind, value) DO NOTHING" },
	{ KIND_NUMBER_VOIDED, MUST,
	  "UPDATE numbers SET seq = :seq, state = 'void', kept = NULL, reason = :reason WHERE kind = :number_kind"
	  " AND value = :value AND (state = 'free' OR (state = 'reserved' AND kept IS NOT NULL"
	  " AND (SELECT a.ended_at FROM attempts a WHERE a.id = numbers.attempt) IS NOT NULL))" },
	{ KIND_SHIFT_STARTED, MUST,
	  "INSERT INTO shifts(id, seq, started_at, started_by, hours) SELECT :seq, :seq, " AT ", :by, :hours" },
	{ KIND_SHIFT_STARTED, EACH("units"),
	  "INSERT INTO challenges(shift, n, seq, uid, serial, verdict, code) VALUES(:seq, @n, :seq, @uid, @serial, @verdict,"
	  " @code)" },
	{ KIND_SHIFT_ENDED, MUST,
	  "UPDATE shifts SET seq = :seq, ended_at = " AT ", ended_by = :by WHERE id = cast(:shift AS INTEGER)"
	  " AND ended_at IS NULL" },
	{ KIND_LABEL_PRINTED, MUST,
	  "INSERT INTO labels(id, seq, at, attempt, code, message, reason, by) VALUES(:seq, :seq, " AT ", " ATTEMPT
	  ", :code, :message, :reason, :by)" },

	{ KIND_MES_STARTED, MUST, "INSERT INTO mes_start(one, seq, at) VALUES(1, :seq, " AT ")" },
	{ KIND_MES_PARKED, MUST,
	  "INSERT INTO mes_parked(row, seq, id, kind, status, at) VALUES(cast(:row AS INTEGER), :seq, :id, :event, :status,"
	  " " AT ") ON CONFLICT(row) DO UPDATE SET seq = :seq, status = excluded.status, at = excluded.at" },
	{ KIND_MES_PARKED, MUST, EVENT },
	{ KIND_MES_RESOLVED, MUST, "DELETE FROM mes_parked WHERE row = cast(:row AS INTEGER)" },
	/* A name that was removed may be given again; one that is there is not overwritten. */
	{ KIND_PERSON_ADDED, MUST,
	  "INSERT INTO people(id, seq, name, role, pin, badge, added_at, added_by)"
	  " SELECT :seq, :seq, :person, :role, :pin, :badge, " AT ", :by WHERE true"
	  " ON CONFLICT(name) DO UPDATE SET seq = :seq, role = excluded.role, pin = excluded.pin, badge = excluded.badge,"
	  " added_at = excluded.added_at, added_by = excluded.added_by, removed_at = NULL WHERE removed_at IS NOT NULL" },
#define PERSON " WHERE name = :person AND removed_at IS NULL"
	{ KIND_PERSON_REMOVED, MUST,
	  "UPDATE people SET seq = :seq, removed_at = " AT ", pin = NULL, badge = NULL" PERSON },
	{ KIND_PERSON_ROLE, MUST, "UPDATE people SET seq = :seq, role = :role" PERSON },
	{ KIND_PERSON_PIN, MUST, "UPDATE people SET seq = :seq, pin = :pin" PERSON },
	{ KIND_PERSON_BADGE, MUST, "UPDATE people SET seq = :seq, badge = :badge" PERSON },
	{ KIND_TOKEN_CREATED, MUST,
	  "INSERT INTO tokens(id, seq, name, hash, scopes, created_at, created_by, expires_at)"
	  " SELECT :seq, :seq, :name, :hash, :scopes, " AT ", :by, :expires_at" },
	{ KIND_TOKEN_REVOKED, MUST,
	  "UPDATE tokens SET seq = :seq, revoked_at = " AT " WHERE id = cast(:token AS INTEGER) AND revoked_at IS NULL" },

	/* Whatever its kind, the row of a request with a key answers that key, */
	{ ANY_KEY, MUST, SEE_KEY },
	/* and a row that says by whom stands in the audit. */
	{ ANY_BY, MUST,
	  "INSERT INTO actions(id, seq, at, kind, by, origin) SELECT :seq, :seq, " AT ", :kind, :by, :from" },
};
/* clang-format on */

#define RULES      (sizeof rules / sizeof *rules)
#define MOST_NAMES 24

struct statement {
	sqlite3_stmt *stmt; /* owned */
	int count;
	const char *names[MOST_NAMES]; /* of its parameters, with their sign; the statement's */
};

struct applier {
	sqlite3 *db; /* borrowed */
	struct statement statements[RULES];
};

static bool prepare(struct applier *a, size_t i, struct err *e)
{
	struct statement *s = &a->statements[i];
	s->stmt = sql_prepare(a->db, rules[i].sql, e);
	if (!s->stmt)
		return err_prefix(e, "%s", rules[i].kind);
	s->count = sqlite3_bind_parameter_count(s->stmt);
	if (s->count > MOST_NAMES)
		return err_set(e, CODE_INTERNAL, "%s: too many parameters", rules[i].kind);
	for (int n = 0; n < s->count; n++)
		s->names[n] = sqlite3_bind_parameter_name(s->stmt, n + 1);
	return true;
}

bool applier_create(sqlite3 *db, struct applier **out, struct err *e)
{
	struct applier *a = calloc(1, sizeof *a);
	*out = NULL;
	if (!a)
		return err_set(e, CODE_NO_MEMORY, "no memory for the journal's statements");
	a->db = db;
	for (size_t i = 0; i < RULES; i++) {
		if (!prepare(a, i, e)) {
			applier_destroy(a);
			return false;
		}
	}
	*out = a;
	return true;
}

void applier_destroy(struct applier *a)
{
	for (size_t i = 0; a && i < RULES; i++)
		sqlite3_finalize(a->statements[i].stmt);
	free(a);
}

/* False only for want of memory.  A missing member stays unbound, which is null. */
static bool bind_member(sqlite3_stmt *s, int index, const struct cJSON *member)
{
	int64_t whole;
	bool truth;
	if (!member || json_is_null(member))
		return true;
	const char *text = json_text(member);
	if (text)
		return sqlite3_bind_text(s, index, text, -1, SQLITE_STATIC) == SQLITE_OK;
	if (json_whole(member, INT64_MIN, INT64_MAX, &whole))
		return sqlite3_bind_int64(s, index, whole) == SQLITE_OK;
	if (json_truth(member, &truth))
		return sqlite3_bind_int(s, index, truth) == SQLITE_OK;
	char *printed = json_print(member);
	return printed && sqlite3_bind_text(s, index, printed, -1, free) == SQLITE_OK;
}

/* A list's item and its number; members NULL: the statement is for the whole row. */
struct item {
	int64_t n;
	const struct cJSON *members;
};

static bool bind_name(sqlite3_stmt *s, int index, const char *name, const struct entry *row, const struct item *item)
{
	if (!strcmp(name, ":seq"))
		return sqlite3_bind_int64(s, index, row->seq) == SQLITE_OK;
	if (!strcmp(name, ":at"))
		return sqlite3_bind_text(s, index, row->at, -1, SQLITE_STATIC) == SQLITE_OK;
	if (!strcmp(name, ":kind"))
		return sqlite3_bind_text(s, index, row->kind, -1, SQLITE_STATIC) == SQLITE_OK;
	if (!strcmp(name, "@n"))
		return sqlite3_bind_int64(s, index, item->n) == SQLITE_OK;
	return bind_member(s, index, json_member(*name == '@' ? item->members : row->body, name + 1));
}

static bool run_statement(struct applier *a, size_t i, const struct entry *row, const struct item *item, struct err *e)
{
	const struct statement *s = &a->statements[i];
	AUTO_RESET sqlite3_stmt *stmt = s->stmt;
	int64_t before = sqlite3_total_changes64(a->db);
	for (int n = 0; n < s->count; n++)
		if (!bind_name(stmt, n + 1, s->names[n], row, item))
			return err_set(e, CODE_NO_MEMORY, "no memory for a row of the journal");
	if (!sql_run(stmt, NULL, e))
		return false;
	if (rules[i].must && sqlite3_total_changes64(a->db) == before)
		return err_set(e, CODE_CONFLICT, "it does not fit the rows before");
	return true;
}

static bool run_rule(struct applier *a, size_t i, const struct entry *row, struct err *e)
{
	struct item item = { 0, NULL };
	if (!rules[i].each)
		return run_statement(a, i, row, &item, e);
	const struct cJSON *list = json_member(row->body, rules[i].each);
	for (item.members = json_first(list); item.members; item.members = json_after(item.members), item.n++)
		if (!run_statement(a, i, row, &item, e))
			return false;
	return true;
}

/* A batch's key is a member of its own, without a status. */
static bool rule_fits(const char *kind, const struct entry *row)
{
	if (!strcmp(kind, ANY_BY))
		return json_member(row->body, "by") != NULL;
	if (!strcmp(kind, ANY_KEY))
		return json_text(json_member(row->body, "key")) && json_member(row->body, "request") &&
		       json_member(row->body, "status");
	return !strcmp(kind, row->kind);
}

bool applier_apply(struct applier *a, const struct entry *row, struct err *e)
{
	bool known = false;
	for (size_t i = 0; i < RULES; i++) {
		if (!rule_fits(rules[i].kind, row))
			continue;
		known = true;
		if (!run_rule(a, i, row, e))
			return err_prefix(e, "row %lld, %s", (long long)row->seq, row->kind);
	}
	return known ||
	       err_set(e, CODE_INTERNAL, "row %lld is of the unknown kind %.40s", (long long)row->seq, row->kind);
}
