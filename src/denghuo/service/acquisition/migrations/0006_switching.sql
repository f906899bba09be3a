-- Customers switched off and on from afar (远程停复电), and what forbids it on some days (停电闭锁).

CREATE TABLE guard (
    guard_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('protected', 'holiday', 'storm')),
    org text NOT NULL,
    -- of one meter, or of all of the unit and what lies below it
    meter_no text,
    valid daterange NOT NULL CHECK (NOT isempty(valid)),
    reason text NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL
);
CREATE INDEX guard_valid ON guard USING gist (valid);
ALTER TABLE guard ENABLE ROW LEVEL SECURITY;
-- A guard of a unit above protects those below, who must see it.
CREATE POLICY guard_seen ON guard FOR SELECT USING (true);
CREATE POLICY guard_set ON guard FOR INSERT WITH CHECK (denghuo.in_scope(org));
CREATE POLICY guard_ended ON guard FOR UPDATE USING (denghuo.in_scope(org));

CREATE TABLE switching (
    switching_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    meter_no text NOT NULL,
    account_no text,
    action text NOT NULL CHECK (action IN ('off', 'on')),
    terminal_no text NOT NULL REFERENCES terminal,
    number int NOT NULL,
    address text NOT NULL,
    org text NOT NULL,
    -- as far as people decide; what became of an order stands with the order
    state text NOT NULL CHECK (state IN ('waiting', 'refused', 'blocked', 'ordered')),
    reason text NOT NULL,
    note_zh text NOT NULL DEFAULT '',
    note_en text NOT NULL DEFAULT '',
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    approval_no bigint,
    decided_by text,
    order_no text REFERENCES terminal_order
);
CREATE UNIQUE INDEX switching_waiting ON switching (meter_no) WHERE state = 'waiting';
CREATE INDEX switching_order ON switching (order_no);
CREATE INDEX switching_meter ON switching (meter_no, switching_no);
ALTER TABLE switching ENABLE ROW LEVEL SECURITY;
CREATE POLICY switching_visible ON switching USING (denghuo.in_scope(org));
