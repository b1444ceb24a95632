-- Attempts at a person's word, outside of any batch: what they wrote is in the unit's history, and a unit that had
-- passed is no longer what passed.
ALTER TABLE attempts ADD COLUMN kind TEXT NOT NULL DEFAULT 'program' CHECK (kind IN ('program', 'deploy'));
-- Written to by a deploy after it had passed, and not passed again since.
ALTER TABLE units ADD COLUMN changed INTEGER NOT NULL DEFAULT 0 CHECK (changed IN (0, 1));
-- Deploys are rare and stand apart from what is counted.
CREATE INDEX attempts_deploys ON attempts(code) WHERE kind <> 'program';
