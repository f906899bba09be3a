-- The estimates of a running month are written anew every day: half of a page is left for them, so that no index row moves.
ALTER TABLE estimate SET (fillfactor = 50);

-- A rule holds a bill for a person, or only notes a remark with which the bill passes. A remark is a row of hold whose
-- state is 'noted': nobody has to settle it.
ALTER TABLE review_rule ADD COLUMN severity text NOT NULL DEFAULT 'hold' CHECK (severity IN ('hold', 'note'));
