-- Terminals (终端), the meters behind them, who is connected where, what is to be collected, and reads on demand (召测).

CREATE TABLE terminal (
    -- its address on the wire: 9 digits of Q/GDW 376.1 (region, address), 12 of DL/T 698.45
    terminal_no text PRIMARY KEY,
    protocol text NOT NULL CHECK (protocol IN ('gdw3761', 'dlt698')),
    name text NOT NULL,
    vendor text NOT NULL,
    channel text NOT NULL,
    org text NOT NULL,
    area_no text,
    state text NOT NULL DEFAULT 'registered' CHECK (state IN ('registered', 'in_use', 'stopped')),
    recorded_at timestamptz NOT NULL
);
CREATE INDEX terminal_org ON terminal (org text_pattern_ops, terminal_no);
ALTER TABLE terminal ENABLE ROW LEVEL SECURITY;
CREATE POLICY terminal_visible ON terminal USING (denghuo.in_scope(org));

CREATE TABLE terminal_meter (
    terminal_no text NOT NULL REFERENCES terminal,
    -- the measuring point (测量点)
    number int NOT NULL CHECK (number BETWEEN 1 AND 2040),
    meter_no text NOT NULL UNIQUE,
    address text NOT NULL,
    org text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (terminal_no, number)
);
ALTER TABLE terminal_meter ENABLE ROW LEVEL SECURITY;
CREATE POLICY terminal_meter_visible ON terminal_meter USING (denghuo.in_scope(org));

-- One row for each front process; what it does not renew is gone.
CREATE TABLE front_node (
    node text PRIMARY KEY,
    address text NOT NULL,
    alive_at timestamptz NOT NULL
);

-- The newest connection of each terminal, whichever front it reached.
CREATE TABLE session (
    terminal_no text PRIMARY KEY REFERENCES terminal,
    node text NOT NULL,
    line bigint NOT NULL,
    peer text NOT NULL,
    online boolean NOT NULL,
    connected_at timestamptz NOT NULL,
    heard_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_by text,
    logins bigint NOT NULL DEFAULT 0,
    frames_in bigint NOT NULL DEFAULT 0,
    frames_out bigint NOT NULL DEFAULT 0,
    clock_offset_s bigint
);

-- Addresses that logged in and that nobody registered.
CREATE TABLE stranger (
    terminal_no text NOT NULL,
    protocol text NOT NULL,
    peer text NOT NULL,
    tries bigint NOT NULL,
    first_at timestamptz NOT NULL,
    heard_at timestamptz NOT NULL,
    PRIMARY KEY (terminal_no, protocol)
);

CREATE TABLE collection (
    day date NOT NULL,
    kind text NOT NULL CHECK (kind IN ('freeze', 'curve')),
    meter_no text NOT NULL,
    terminal_no text NOT NULL,
    number int NOT NULL,
    address text NOT NULL,
    org text NOT NULL,
    state text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'done', 'missing')),
    cause text,
    tries int NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL,
    deadline timestamptz NOT NULL,
    done_at timestamptz,
    PRIMARY KEY (day, kind, meter_no)
);
CREATE INDEX collection_due ON collection (terminal_no, next_at) WHERE state = 'due';
CREATE INDEX collection_left ON collection (day, kind, terminal_no) WHERE state <> 'done';
ALTER TABLE collection ENABLE ROW LEVEL SECURITY;
CREATE POLICY collection_visible ON collection USING (denghuo.in_scope(org));

CREATE TABLE on_demand_read (
    read_no text PRIMARY KEY,
    meter_no text NOT NULL,
    terminal_no text NOT NULL,
    number int NOT NULL,
    address text NOT NULL,
    org text NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'answered', 'failed')),
    cause text,
    answered_at timestamptz,
    rows jsonb NOT NULL DEFAULT '[]'
);
CREATE INDEX on_demand_waiting ON on_demand_read (terminal_no) WHERE state = 'waiting';
CREATE INDEX on_demand_recent ON on_demand_read (asked_at DESC);
ALTER TABLE on_demand_read ENABLE ROW LEVEL SECURITY;
CREATE POLICY on_demand_visible ON on_demand_read USING (denghuo.in_scope(org));
