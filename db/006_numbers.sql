-- Serials and MAC numbers of products.  free -> reserved (for an attempt) -> bound (by its PASS) or free again; void ones
-- and bound ones are never given out again.
CREATE TABLE numbers (
	kind    TEXT NOT NULL CHECK (kind IN ('serial', 'mac')),
	value   TEXT NOT NULL,
	id      INTEGER NOT NULL, -- they are given out in this order: 65536 times the row that brought it, and its place there
	seq     INTEGER NOT NULL,
	source  TEXT NOT NULL CHECK (source IN ('pool', 'scan', 'mes')), -- only those of the pool are given out unasked
	state   TEXT NOT NULL CHECK (state IN ('free', 'reserved', 'bound', 'void')),
	uid     TEXT,    -- whom it is reserved for or bound to
	attempt INTEGER, -- likewise
	reason  TEXT,    -- why it is void
	PRIMARY KEY (kind, value)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX numbers_order ON numbers(id);
CREATE INDEX numbers_free ON numbers(kind, id) WHERE state = 'free' AND source = 'pool';
CREATE INDEX numbers_attempt ON numbers(attempt) WHERE attempt IS NOT NULL;
CREATE INDEX numbers_uid ON numbers(uid) WHERE uid IS NOT NULL;
-- What the attempt reserved.
ALTER TABLE attempts ADD COLUMN new_serial TEXT;
ALTER TABLE attempts ADD COLUMN new_mac TEXT;
ALTER TABLE units ADD COLUMN mac TEXT;

-- Idempotency-Keys of requests that created something, but for batches, which keep theirs.
CREATE TABLE request_keys (
	key     TEXT PRIMARY KEY,
	seq     INTEGER NOT NULL, -- the row that the request led to
	at      TEXT NOT NULL,
	request TEXT NOT NULL, -- SHA-256 of its body
	status  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Shifts, and what their challenge units must show and have shown.
CREATE TABLE shifts (
	id         INTEGER PRIMARY KEY,
	seq        INTEGER NOT NULL,
	started_at TEXT NOT NULL,
	started_by TEXT,
	hours      INTEGER NOT NULL,
	ended_at   TEXT,
	ended_by   TEXT
) STRICT;
CREATE TABLE challenges (
	shift         INTEGER NOT NULL REFERENCES shifts(id),
	n             INTEGER NOT NULL,
	seq           INTEGER NOT NULL,
	uid           TEXT,
	serial        TEXT,
	verdict       TEXT NOT NULL,
	code          TEXT NOT NULL,
	attempt       INTEGER, -- the last one at it in this shift, until one showed what it must
	shown_verdict TEXT,
	shown_code    TEXT,
	met           INTEGER NOT NULL DEFAULT 0 CHECK (met IN (0, 1)),
	PRIMARY KEY (shift, n)
) STRICT, WITHOUT ROWID;

-- Labels of units that passed.
CREATE TABLE labels (
	id      INTEGER PRIMARY KEY,
	seq     INTEGER NOT NULL,
	at      TEXT NOT NULL,
	attempt INTEGER NOT NULL REFERENCES attempts(id),
	code    TEXT NOT NULL, -- ok, label-failed
	message TEXT,
	reason  TEXT, -- of a reprint
	by      TEXT
) STRICT;
CREATE INDEX labels_attempt ON labels(attempt);
