-- How its sender says that a register was not read, where a read rests on what he estimated.
ALTER TABLE month_read ADD COLUMN start_mark text, ADD COLUMN end_mark text;
ALTER TABLE month_read_past ADD COLUMN start_mark text, ADD COLUMN end_mark text;
