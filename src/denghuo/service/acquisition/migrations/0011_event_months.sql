-- Events by the month of their beginning, so that a storm stays in its month and old months go as a whole
-- (see processing/housekeeping.py, which makes the months ahead).

ALTER TABLE event RENAME TO event_before;
ALTER TABLE event_before RENAME CONSTRAINT event_pkey TO event_before_pkey;
ALTER INDEX event_alarm RENAME TO event_before_alarm;
ALTER INDEX event_meter RENAME TO event_before_meter;
ALTER INDEX event_terminal RENAME TO event_before_terminal;

CREATE TABLE event (
    event_no bigint GENERATED ALWAYS AS IDENTITY,
    subject text NOT NULL,
    kind text NOT NULL,
    code text NOT NULL,
    phases text NOT NULL,
    begun_at timestamptz NOT NULL,
    ended_at timestamptz,
    terminal_no text NOT NULL,
    meter_no text,
    place text NOT NULL,
    org text NOT NULL,
    told_at timestamptz NOT NULL,
    alarm_no bigint REFERENCES alarm,
    PRIMARY KEY (event_no, begun_at),
    -- what is told again is the same event
    UNIQUE (subject, kind, code, phases, begun_at)
) PARTITION BY RANGE (begun_at);

-- What a clock that is wrong says of another time, and what is told late of months before these, is kept here.
CREATE TABLE event_rest PARTITION OF event DEFAULT;

CREATE INDEX event_alarm ON event (alarm_no, event_no);
CREATE INDEX event_meter ON event (meter_no, event_no);
CREATE INDEX event_terminal ON event (terminal_no, event_no);
ALTER TABLE event ENABLE ROW LEVEL SECURITY;
CREATE POLICY event_visible ON event USING (denghuo.in_scope(org));

INSERT INTO event OVERRIDING SYSTEM VALUE SELECT * FROM event_before;
DO $$ BEGIN
    PERFORM setval(pg_get_serial_sequence('event', 'event_no'), coalesce((SELECT max(event_no) FROM event), 0) + 1, false);
END $$;
DROP TABLE event_before;
