/* The shapes of the API's objects, as SQL expressions that give JSON text.  64-bit numbers are decimal text. */
#ifndef STATION_JOURNAL_SHAPES_H
#define STATION_JOURNAL_SHAPES_H

/* clang-format off */
#define SHAPE_BOOL(x) "json(iif(" x ", 'true', 'false'))"

#define SHAPE_STEPS \
	"json((SELECT json_group_array(json_object('step', s.step, 'started_at', s.started_at, 'ms', s.ms," \
	" 'bytes', s.bytes, 'units', s.units, 'skipped', s.skipped, 'outcome', s.outcome))" \
	" FROM (SELECT * FROM attempt_steps WHERE attempt = a.id ORDER BY seq, n) s))"

#define SHAPE_REGIONS \
	"json((SELECT json_group_array(json_object('partition', g.partition, 'length', g.length, 'crc32', g.crc32," \
	" 'crc32_read', g.crc32_read, 'sha256_read', g.sha256_read, 'files', g.files," \
	" 'crc32_core', g.crc32_core, 'files_core', g.files_core))" \
	" FROM (SELECT * FROM attempt_regions WHERE attempt = a.id ORDER BY n) g))"

/* Of attempts a left join units u. */
#define SHAPE_ATTEMPT \
	"json_object('id', cast(a.id AS TEXT), 'kind', a.kind, 'uid', a.uid, 'serial', u.serial, 'usb_serial', a.usb_serial," \
	" 'batch', cast(a.batch AS TEXT), 'order', a.order_no, 'recipe', a.recipe, 'slot', a.slot," \
	" 'operator', a.operator, 'permit', a.permit, 'permit_message', a.permit_message, 'station', (SELECT name FROM station), 'board', a.board, 'transport', a.transport," \
	" 'started_at', a.started_at, 'ended_at', a.ended_at, 'verdict', a.verdict, 'refused', " SHAPE_BOOL("a.refused") "," \
	" 'code', a.code, 'message', a.message, 'action', a.action, 'retries', a.retries, 'steps', " SHAPE_STEPS "," \
	" 'regions', " SHAPE_REGIONS ", 'proof', a.proof, 'versions', json(a.versions)," \
	" 'label', json((SELECT json_object('at', l.at, 'code', l.code, 'message', l.message, 'reason', l.reason," \
	" 'prints', (SELECT count(*) FROM labels k WHERE k.attempt = a.id AND k.code = 'ok'))" \
	" FROM labels l WHERE l.attempt = a.id ORDER BY l.id DESC LIMIT 1)))"

/* Of batches b: where the serials of its list stand.  Moved ones are on the list of a later batch. */
#define SHAPE_SERIALS \
	"json(CASE WHEN b.listed IS NOT NULL THEN (SELECT json_object('listed', b.listed," \
	" 'bound', coalesce(sum(n.state = 'bound'), 0), 'reserved', coalesce(sum(n.state = 'reserved'), 0)," \
	" 'free', coalesce(sum(n.state = 'free'), 0), 'void', coalesce(sum(n.state = 'void'), 0)," \
	" 'moved', b.listed - count(*)) FROM numbers n WHERE n.batch = b.id) END)"

/* Of batches b. */
#define SHAPE_BATCH \
	"json_object('id', cast(b.id AS TEXT), 'order', b.order_no, 'recipe', b.recipe, 'board', b.board," \
	" 'quantity', b.quantity, 'passed', b.passed, 'state', b.state, 'code', b.code, 'message', b.message," \
	" 'opened_at', b.opened_at, 'opened_by', b.opened_by, 'closed_at', b.closed_at, 'closed_by', b.closed_by," \
	" 'attempts', json_object('pass', b.pass, 'fail', b.fail, 'error', b.error, 'aborted', b.aborted," \
	" 'refused', b.refused), 'serials', " SHAPE_SERIALS ")"

/* Of recipes r. */
#define SHAPE_RECIPE \
	"json_object('sha256', r.sha256, 'name', r.name, 'version', r.version, 'rollback', r.rollback," \
	" 'board', r.board, 'bytes', r.bytes, 'regions', json(r.regions), 'limits', json_object('not_before', r.not_before," \
	" 'not_after', r.not_after, 'units', r.units), 'after', json_object('mode', r.after), 'signers', json(r.signers)," \
	" 'added_at', r.added_at, 'added_by', r.added_by, 'revoked', " SHAPE_BOOL("r.revoked_at IS NOT NULL") "," \
	" 'revoked_at', r.revoked_at, 'revoked_by', r.revoked_by, 'revoked_reason', r.revoked_reason," \
	" 'units_written', r.written, 'state', r.state, 'approvals', json((SELECT json_group_array(json_object('by', p.by," \
	" 'at', p.at)) FROM (SELECT * FROM recipe_approvals WHERE recipe = r.sha256 ORDER BY seq) p))," \
	" 'activated_at', r.activated_at, 'activated_by', r.activated_by, 'retired_at', r.retired_at," \
	" 'retired_by', r.retired_by)"

/* Of actions c and their rows j; what nobody needs to see is left out. */
#define SHAPE_DETAILS \
	"json_remove(j.body, '$.kind', '$.at', '$.by', '$.from', '$.pin', '$.badge', '$.hash', '$.key', '$.request'," \
	" '$.status', '$.regions', '$.signers', '$.serials')"
#define SHAPE_ACTION \
	"json_object('id', cast(c.id AS TEXT), 'at', c.at, 'what', c.kind, 'who', c.by, 'from', c.origin," \
	" 'details', " SHAPE_DETAILS ")"

/* Of journal: a row's body for who is told of rows; a list of serials, which may have a megabyte, is for who asks. */
#define SHAPE_TOLD "iif(kind = 'batch-opened', json_remove(body, '$.serials'), body)"

/* Of people p. */
#define SHAPE_PERSON \
	"json_object('name', p.name, 'role', p.role, 'pin', " SHAPE_BOOL("p.pin IS NOT NULL") ", 'badge', " \
	SHAPE_BOOL("p.badge IS NOT NULL") ", 'added_at', p.added_at, 'added_by', p.added_by)"

/* Of tokens t. */
#define SHAPE_TOKEN \
	"json_object('id', cast(t.id AS TEXT), 'name', t.name, 'scopes', json(t.scopes), 'created_at', t.created_at," \
	" 'created_by', t.created_by, 'expires_at', t.expires_at, 'revoked_at', t.revoked_at, 'last_change_at'," \
	" (SELECT x.at FROM actions x WHERE x.by = 'token:' || t.name AND x.id > t.id" \
	" AND (t.revoked_at IS NULL OR x.at <= t.revoked_at) ORDER BY x.id DESC LIMIT 1))"

/* Of units u; more: further members. */
#define SHAPE_UNIT(more) \
	"json_object('uid', u.uid, 'serial', u.serial, 'mac', u.mac, 'board', u.board, 'first_seen', u.first_seen," \
	" 'last_seen', u.last_seen, 'passed', cast(u.passed AS TEXT), 'unfinished', " SHAPE_BOOL("u.unfinished") "," \
	" 'status', CASE WHEN u.changed THEN 'changed after PASS' WHEN u.unfinished THEN 'unfinished'" \
	" WHEN u.passed IS NOT NULL THEN 'passed' ELSE 'not passed' END" more ")"

/* A unit's newest attempts. */
#define SHAPE_UNIT_ATTEMPTS \
	", 'attempts', json((SELECT json_group_array(json(o.j)) FROM (SELECT " SHAPE_ATTEMPT " AS j FROM attempts a" \
	" WHERE a.uid = u.uid ORDER BY a.id DESC LIMIT 100) o))"
/* clang-format on */

#endif
