-- A batch with a list of serials: its units get these, in the list's order, and no other batch's units do.
ALTER TABLE batches ADD COLUMN listed INTEGER; -- how many its list had; null: it has none
ALTER TABLE numbers ADD COLUMN batch INTEGER;  -- on whose list it is; null: on none
ALTER TABLE numbers ADD COLUMN place INTEGER;  -- there: 65536 times that batch, and the place in its list
CREATE INDEX numbers_listed ON numbers(batch, place, state) WHERE batch IS NOT NULL;
CREATE INDEX numbers_listed_free ON numbers(batch, place) WHERE batch IS NOT NULL AND state = 'free';
DROP INDEX numbers_free;
CREATE INDEX numbers_free ON numbers(kind, id) WHERE state = 'free' AND source = 'pool' AND batch IS NULL;

-- A number that stands in a camera's flash, though the attempt that wrote it there did not pass, stays that unit's.
ALTER TABLE attempts ADD COLUMN unit_data TEXT; -- which kinds of what it reserved are written into the camera, a list
ALTER TABLE numbers ADD COLUMN kept INTEGER;    -- the attempt that may have written it, while the unit has not passed with it
