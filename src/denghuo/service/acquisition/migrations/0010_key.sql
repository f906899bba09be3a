-- Which keys of a direct meter are in force (电表密钥): their version and check value; the keys themselves lie in a safe elsewhere.

CREATE TABLE meter_key (
    key_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    terminal_no text NOT NULL REFERENCES terminal,
    org text NOT NULL,
    version int NOT NULL CHECK (version > 0),
    check_value text NOT NULL,
    -- whether the meter is to be told them, or has them already
    transfer boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'refused', 'ordered', 'in_force', 'replaced', 'failed')),
    cause text,
    reason text NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    approval_no bigint,
    decided_by text,
    order_no text REFERENCES terminal_order,
    since timestamptz
);
CREATE UNIQUE INDEX meter_key_in_force ON meter_key (terminal_no) WHERE state = 'in_force';
CREATE UNIQUE INDEX meter_key_open ON meter_key (terminal_no) WHERE state IN ('waiting', 'ordered');
CREATE INDEX meter_key_order ON meter_key (order_no);
ALTER TABLE meter_key ENABLE ROW LEVEL SECURITY;
CREATE POLICY meter_key_visible ON meter_key USING (denghuo.in_scope(org));

-- The invocation counters that were given out: none is used twice under a key, by whichever front.
CREATE TABLE key_counter (
    terminal_no text NOT NULL REFERENCES terminal,
    version int NOT NULL,
    given bigint NOT NULL,
    PRIMARY KEY (terminal_no, version)
);
