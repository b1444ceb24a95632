-- Who may do what, and who did it.
--
-- pin and badge are Argon2id over what was typed or scanned and a secret of the station's own key, so that these rows
-- alone give nobody a way in.  A person who was removed keeps the row, without them; the name may be given again.
CREATE TABLE people (
	id         INTEGER PRIMARY KEY, -- seq of the row that first named it
	seq        INTEGER NOT NULL,
	name       TEXT NOT NULL UNIQUE,
	role       TEXT NOT NULL,
	pin        TEXT,
	badge      TEXT,
	added_at   TEXT NOT NULL,
	added_by   TEXT,
	removed_at TEXT
) STRICT;
CREATE UNIQUE INDEX people_badge ON people(badge) WHERE badge IS NOT NULL;

-- hash: BLAKE2b-256 of a bearer token of 256 random bits.
CREATE TABLE tokens (
	id         INTEGER PRIMARY KEY,
	seq        INTEGER NOT NULL,
	name       TEXT NOT NULL,
	hash       TEXT NOT NULL UNIQUE CHECK (length(hash) = 64),
	scopes     TEXT NOT NULL, -- JSON
	created_at TEXT NOT NULL,
	created_by TEXT,
	expires_at TEXT NOT NULL,
	revoked_at TEXT
) STRICT;
CREATE UNIQUE INDEX tokens_name ON tokens(name) WHERE revoked_at IS NULL;

-- Every row of the journal that says by whom: the audit.
CREATE TABLE actions (
	id     INTEGER PRIMARY KEY,
	seq    INTEGER NOT NULL,
	at     TEXT NOT NULL,
	kind   TEXT NOT NULL,
	by     TEXT,
	origin TEXT
) STRICT;
CREATE INDEX actions_by ON actions(by);
CREATE INDEX actions_kind ON actions(kind);
INSERT INTO actions(id, seq, at, kind, by, origin)
	SELECT seq, seq, at, kind, body->>'by', body->>'from' FROM journal WHERE json_type(body, '$.by') IS NOT NULL;
