-- What the MES is told and asks.  Where its webhook stands is no table: the rows of `journal` are the queue, and the
-- position in it is a file beside the database.
-- Where delivering began; without the file it begins there anew.
CREATE TABLE mes_start (
	one    INTEGER PRIMARY KEY CHECK (one = 1),
	seq    INTEGER NOT NULL,
	at     TEXT NOT NULL
) STRICT;
-- Rows that the MES would not take; each waits for a person.
CREATE TABLE mes_parked (
	row    INTEGER PRIMARY KEY,
	seq    INTEGER NOT NULL,
	id     TEXT NOT NULL, -- of the event
	kind   TEXT NOT NULL, -- of the row
	status INTEGER NOT NULL,
	at     TEXT NOT NULL
) STRICT;
-- How the MES let the attempt begin: granted, cached, silent; NULL: it was not asked.
ALTER TABLE attempts ADD COLUMN permit TEXT CHECK (permit IN ('granted', 'cached', 'silent'));
