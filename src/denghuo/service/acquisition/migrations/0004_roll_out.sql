-- Month-end registers are collected, and orders go to a group of terminals (批量下发).

ALTER TABLE collection DROP CONSTRAINT collection_kind_check;
ALTER TABLE collection ADD CHECK (kind IN ('freeze', 'month', 'curve'));

CREATE TABLE roll_out (
    roll_out_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('check_clock', 'set_clock', 'set_times')),
    content jsonb NOT NULL,
    org text NOT NULL,
    -- it halts when more terminals than these failed
    errors_max int NOT NULL,
    -- how many are asked at a time
    at_once int NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'running', 'halted', 'refused', 'done')),
    reason text NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    approval_no bigint,
    decided_by text,
    note text NOT NULL DEFAULT '',
    ended_at timestamptz
);
CREATE INDEX roll_out_running ON roll_out (roll_out_no) WHERE state = 'running';
ALTER TABLE roll_out ENABLE ROW LEVEL SECURITY;
CREATE POLICY roll_out_visible ON roll_out USING (denghuo.in_scope(org));

CREATE TABLE roll_out_member (
    roll_out_no bigint NOT NULL REFERENCES roll_out,
    terminal_no text NOT NULL REFERENCES terminal,
    org text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'ordered', 'done', 'failed')),
    cause text,
    order_no text REFERENCES terminal_order,
    PRIMARY KEY (roll_out_no, terminal_no)
);
CREATE INDEX roll_out_member_order ON roll_out_member (order_no);
ALTER TABLE roll_out_member ENABLE ROW LEVEL SECURITY;
CREATE POLICY roll_out_member_visible ON roll_out_member USING (denghuo.in_scope(org));
