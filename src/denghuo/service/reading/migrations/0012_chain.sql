-- Which source each end of a read came from: with the order of the sources it tells what was tried and what answered. Reads made
-- before know only the weaker method of both.
ALTER TABLE month_read ADD COLUMN start_source text, ADD COLUMN end_source text;
ALTER TABLE month_read_past ADD COLUMN start_source text, ADD COLUMN end_source text;
