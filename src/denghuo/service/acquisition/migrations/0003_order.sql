-- Orders to terminals (下行命令): what one is asked or told besides values.

CREATE TABLE terminal_order (
    order_no text PRIMARY KEY,
    kind text NOT NULL,
    terminal_no text NOT NULL REFERENCES terminal,
    -- the meter behind the terminal that it is for, and where it stands
    meter_no text,
    number int,
    address text,
    org text NOT NULL,
    -- what is ordered, and what was answered: by kind
    content jsonb NOT NULL,
    answer jsonb NOT NULL DEFAULT '{}',
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'answered', 'failed')),
    cause text,
    answered_at timestamptz
);
CREATE INDEX terminal_order_waiting ON terminal_order (terminal_no) WHERE state = 'waiting';
CREATE INDEX terminal_order_recent ON terminal_order (terminal_no, order_no);
ALTER TABLE terminal_order ENABLE ROW LEVEL SECURITY;
CREATE POLICY terminal_order_visible ON terminal_order USING (denghuo.in_scope(org));
