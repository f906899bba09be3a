-- Events of meters and terminals (事件), and the alarms (告警) that they raise: what is to be looked into.

CREATE TABLE alarm (
    alarm_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- the meter, or the terminal with the place it named where no meter is known there
    subject text NOT NULL,
    kind text NOT NULL,
    meter_no text,
    terminal_no text NOT NULL REFERENCES terminal,
    place text NOT NULL,
    org text NOT NULL,
    state text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'acknowledged', 'closed')),
    count int NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    -- when the last of its events ended; null while one goes on
    over_at timestamptz,
    raised_at timestamptz NOT NULL,
    acknowledged_by text,
    acknowledged_at timestamptz,
    closed_by text,
    closed_at timestamptz,
    reason text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX alarm_open ON alarm (subject, kind) WHERE state <> 'closed';
CREATE INDEX alarm_closed ON alarm (subject, kind, closed_at) WHERE state = 'closed';
CREATE INDEX alarm_org ON alarm (org text_pattern_ops, alarm_no);
ALTER TABLE alarm ENABLE ROW LEVEL SECURITY;
CREATE POLICY alarm_visible ON alarm USING (denghuo.in_scope(org));

CREATE TABLE event (
    event_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
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
    -- what is told again is the same event
    UNIQUE (subject, kind, code, phases, begun_at)
);
CREATE INDEX event_alarm ON event (alarm_no, event_no);
CREATE INDEX event_meter ON event (meter_no, event_no);
CREATE INDEX event_terminal ON event (terminal_no, event_no);
ALTER TABLE event ENABLE ROW LEVEL SECURITY;
CREATE POLICY event_visible ON event USING (denghuo.in_scope(org));
