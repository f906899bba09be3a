-- Plans beside the month's are gathered on every morning on which one waits for registers, each morning ordered once.
ALTER TABLE special_plan ADD COLUMN gathered_at timestamptz;
CREATE TABLE special_gathering (day date PRIMARY KEY);
CREATE INDEX special_read_absent ON special_read (read_on) WHERE shown_e4 IS NULL;
