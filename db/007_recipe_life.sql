-- A recipe's life: draft, approved by so many people as the station asks for, active, retired.  What was there before is
-- in use, as it was.
ALTER TABLE recipes ADD COLUMN state TEXT NOT NULL DEFAULT 'active'
	CHECK (state IN ('draft', 'approved', 'active', 'retired'));
ALTER TABLE recipes ADD COLUMN activated_at TEXT;
ALTER TABLE recipes ADD COLUMN activated_by TEXT;
ALTER TABLE recipes ADD COLUMN retired_at TEXT;
ALTER TABLE recipes ADD COLUMN retired_by TEXT;

-- Who approved it, each person once.
CREATE TABLE recipe_approvals (
	recipe TEXT NOT NULL REFERENCES recipes(sha256),
	seq    INTEGER NOT NULL,
	at     TEXT NOT NULL,
	by     TEXT,
	PRIMARY KEY (recipe, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX recipe_approvals_once ON recipe_approvals(recipe, coalesce(by, ''));
