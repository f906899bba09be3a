-- How far a terminal's clock was ahead when that was stated last.
ALTER TABLE session ADD COLUMN clock_told_s bigint;
