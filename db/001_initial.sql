-- The journal, and the tables that screens read.
--
-- The rows of `journal` are the truth.  Every other table but `station` and `checkpoint` is filled from their bodies
-- alone, in the same transaction, and can be rebuilt from them; `seq` in each is the newest journal row that touched
-- the row.  Migrations are numbered and only go forward; PRAGMA user_version is the number of the last one applied.

-- hash = BLAKE2b-256 over 'romline.journal.1' 00, u16 length and station name, u64 seq, prev, u32 length and body,
-- integers big-endian; prev is the hash of the row before, 32 zero bytes for the first.
CREATE TABLE journal (
	seq  INTEGER PRIMARY KEY CHECK (seq > 0),
	at   TEXT NOT NULL,
	kind TEXT NOT NULL,
	prev BLOB NOT NULL CHECK (length(prev) = 32),
	hash BLOB NOT NULL CHECK (length(hash) = 32),
	body TEXT NOT NULL
) STRICT;
CREATE TRIGGER journal_no_gap BEFORE INSERT ON journal
WHEN new.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM journal)
BEGIN SELECT raise(ABORT, 'the journal has no gaps'); END;
CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal
BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal
BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;

-- text: the five lines that are signed; signature: Ed25519 over them by the station key.
CREATE TABLE checkpoint (
	size      INTEGER PRIMARY KEY CHECK (size > 0),
	text      TEXT NOT NULL,
	signature BLOB NOT NULL CHECK (length(signature) = 64)
) STRICT;
CREATE TRIGGER checkpoint_no_update BEFORE UPDATE ON checkpoint
BEGIN SELECT raise(ABORT, 'checkpoints are append-only'); END;
CREATE TRIGGER checkpoint_no_delete BEFORE DELETE ON checkpoint
BEGIN SELECT raise(ABORT, 'checkpoints are append-only'); END;

-- Whose journal this is.
CREATE TABLE station (
	one        INTEGER PRIMARY KEY CHECK (one = 1),
	name       TEXT NOT NULL,
	public_key BLOB NOT NULL CHECK (length(public_key) = 32)
) STRICT;
CREATE TRIGGER station_no_update BEFORE UPDATE ON station
BEGIN SELECT raise(ABORT, 'a journal keeps its station'); END;
CREATE TRIGGER station_no_delete BEFORE DELETE ON station
BEGIN SELECT raise(ABORT, 'a journal keeps its station'); END;

CREATE TABLE runs (
	id         INTEGER PRIMARY KEY,
	seq        INTEGER NOT NULL,
	started_at TEXT NOT NULL,
	version    TEXT NOT NULL,
	slots      INTEGER,
	note       TEXT,
	stopped_at TEXT,
	reason     TEXT
) STRICT;

CREATE TABLE station_events (
	id      INTEGER PRIMARY KEY,
	seq     INTEGER NOT NULL,
	at      TEXT NOT NULL,
	kind    TEXT NOT NULL,
	code    TEXT,
	message TEXT,
	slot    INTEGER,
	path    TEXT,
	by      TEXT
) STRICT;

CREATE TABLE recipes (
	id             INTEGER PRIMARY KEY,
	seq            INTEGER NOT NULL,
	sha256         TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64),
	name           TEXT NOT NULL,
	version        TEXT NOT NULL,
	rollback       INTEGER NOT NULL,
	board          TEXT NOT NULL,
	bytes          INTEGER NOT NULL,
	not_before     TEXT,
	not_after      TEXT,
	units          INTEGER,
	after          TEXT NOT NULL,
	regions        TEXT NOT NULL, -- JSON, as in the manifest
	signers        TEXT NOT NULL, -- JSON
	added_at       TEXT NOT NULL,
	added_by       TEXT,
	revoked_at     TEXT,
	revoked_by     TEXT,
	revoked_reason TEXT,
	written        INTEGER NOT NULL DEFAULT 0 -- rows of recipe_units
) STRICT;

-- Distinct units that reached `written` with a recipe.
CREATE TABLE recipe_units (
	recipe TEXT NOT NULL REFERENCES recipes(sha256),
	uid    TEXT NOT NULL REFERENCES units(uid),
	seq    INTEGER NOT NULL,
	PRIMARY KEY (recipe, uid)
) STRICT, WITHOUT ROWID;

-- The highest rollback number with which a product reached `written`.
CREATE TABLE products (
	board    TEXT NOT NULL,
	name     TEXT NOT NULL,
	rollback INTEGER NOT NULL,
	seq      INTEGER NOT NULL,
	PRIMARY KEY (board, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE batches (
	id        INTEGER PRIMARY KEY,
	seq       INTEGER NOT NULL,
	order_no  TEXT NOT NULL,
	recipe    TEXT NOT NULL REFERENCES recipes(sha256),
	board     TEXT NOT NULL,
	quantity  INTEGER NOT NULL CHECK (quantity > 0),
	state     TEXT NOT NULL CHECK (state IN ('open', 'held', 'closed')),
	code      TEXT, -- why it is held
	message   TEXT,
	opened_at TEXT NOT NULL,
	opened_by TEXT,
	closed_at TEXT,
	closed_by TEXT,
	cleared   INTEGER NOT NULL DEFAULT 0, -- seq of the last batch-resumed
	passed    INTEGER NOT NULL DEFAULT 0, -- rows of batch_units
	-- ended attempts
	pass      INTEGER NOT NULL DEFAULT 0,
	fail      INTEGER NOT NULL DEFAULT 0,
	error     INTEGER NOT NULL DEFAULT 0, -- without refused ones
	aborted   INTEGER NOT NULL DEFAULT 0,
	refused   INTEGER NOT NULL DEFAULT 0,
	key       TEXT UNIQUE,
	request   TEXT
) STRICT;
CREATE UNIQUE INDEX batches_open ON batches(board) WHERE state <> 'closed';
CREATE INDEX batches_order ON batches(order_no);

-- Distinct units that passed in a batch, with the first attempt that did.
CREATE TABLE batch_units (
	batch   INTEGER NOT NULL REFERENCES batches(id),
	uid     TEXT NOT NULL REFERENCES units(uid),
	attempt INTEGER NOT NULL REFERENCES attempts(id),
	seq     INTEGER NOT NULL,
	PRIMARY KEY (batch, uid)
) STRICT, WITHOUT ROWID;

CREATE TABLE units (
	id         INTEGER PRIMARY KEY, -- seq of the row that first named it
	seq        INTEGER NOT NULL,
	uid        TEXT NOT NULL UNIQUE,
	board      TEXT NOT NULL,
	serial     TEXT,
	first_seen TEXT NOT NULL,
	last_seen  TEXT NOT NULL,
	unfinished INTEGER NOT NULL DEFAULT 0 CHECK (unfinished IN (0, 1)), -- written to, not proved since
	passed     INTEGER REFERENCES attempts(id) -- whose bytes it still holds
) STRICT;
CREATE INDEX units_serial ON units(serial) WHERE serial IS NOT NULL;

CREATE TABLE attempts (
	id         INTEGER PRIMARY KEY,
	seq        INTEGER NOT NULL,
	uid        TEXT REFERENCES units(uid),
	usb_serial TEXT,
	batch      INTEGER REFERENCES batches(id),
	order_no   TEXT,
	recipe     TEXT REFERENCES recipes(sha256),
	slot       INTEGER NOT NULL,
	path       TEXT NOT NULL,
	operator   TEXT,
	board      TEXT NOT NULL,
	transport  TEXT NOT NULL,
	started_at TEXT NOT NULL,
	step       TEXT, -- the last one finished
	writing_at TEXT, -- when it reached `written`
	ended_at   TEXT,
	verdict    TEXT CHECK (verdict IN ('PASS', 'FAIL', 'ERROR', 'ABORTED')),
	refused    INTEGER NOT NULL DEFAULT 0 CHECK (refused IN (0, 1)),
	code       TEXT,
	message    TEXT,
	action     TEXT,
	retries    INTEGER NOT NULL DEFAULT 0,
	proof      TEXT,
	versions   TEXT NOT NULL, -- JSON
	CHECK ((ended_at IS NULL) = (verdict IS NULL)),
	CHECK (verdict IS NOT 'PASS' OR (uid IS NOT NULL AND recipe IS NOT NULL AND code = 'ok' AND refused = 0)),
	CHECK (verdict IS NULL OR verdict = 'PASS' OR code <> 'ok')
) STRICT;
CREATE INDEX attempts_uid ON attempts(uid);
CREATE INDEX attempts_batch ON attempts(batch);
CREATE INDEX attempts_order ON attempts(order_no);
CREATE INDEX attempts_slot ON attempts(slot);
CREATE INDEX attempts_operator ON attempts(operator);
CREATE INDEX attempts_recipe ON attempts(recipe);
-- What did not pass is rare and is what people look for, so it has small indexes of its own.
CREATE INDEX attempts_bad_batch ON attempts(batch) WHERE code <> 'ok';
CREATE INDEX attempts_bad_order ON attempts(order_no) WHERE code <> 'ok';
CREATE INDEX attempts_bad_slot ON attempts(slot) WHERE code <> 'ok';
CREATE INDEX attempts_bad_code ON attempts(code) WHERE code <> 'ok';
CREATE INDEX attempts_bad_operator ON attempts(operator) WHERE code <> 'ok';
CREATE INDEX attempts_bad_recipe ON attempts(recipe) WHERE code <> 'ok';
CREATE INDEX attempts_bad_verdict ON attempts(verdict) WHERE code <> 'ok';
CREATE INDEX attempts_running ON attempts(id) WHERE ended_at IS NULL;

-- How far, in seconds, an attempt's start lies from the time of its first journal row, at most: a refused camera may
-- have waited for hours.  With it a time can be found by row, without an index on times.
CREATE TABLE lateness (
	one     INTEGER PRIMARY KEY CHECK (one = 1),
	seconds INTEGER NOT NULL,
	seq     INTEGER NOT NULL
) STRICT;

CREATE TABLE attempt_steps (
	attempt    INTEGER NOT NULL REFERENCES attempts(id),
	seq        INTEGER NOT NULL,
	n          INTEGER NOT NULL, -- within its row
	step       TEXT NOT NULL,
	started_at TEXT NOT NULL,
	ms         INTEGER NOT NULL,
	bytes      INTEGER NOT NULL,
	units      INTEGER NOT NULL,
	skipped    INTEGER NOT NULL,
	outcome    TEXT NOT NULL,
	PRIMARY KEY (attempt, seq, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempt_regions (
	attempt     INTEGER NOT NULL REFERENCES attempts(id),
	n           INTEGER NOT NULL,
	seq         INTEGER NOT NULL,
	partition   TEXT NOT NULL,
	length      INTEGER NOT NULL,
	crc32       TEXT NOT NULL,
	crc32_read  TEXT,
	sha256_read TEXT,
	files       INTEGER,
	PRIMARY KEY (attempt, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE slots (
	slot    INTEGER PRIMARY KEY CHECK (slot > 0),
	seq     INTEGER NOT NULL,
	name    TEXT,
	path    TEXT,
	enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
	code    TEXT, -- why the station holds it
	message TEXT,
	cleared INTEGER NOT NULL DEFAULT 0 -- seq of the last slot-enabled
) STRICT;
