-- The network (网络): feeders, nodes, lines, transformer areas. Nodes and lines belong to whom their feeder belongs to; those
-- without a feeder (substation, ties) to everybody.

CREATE TABLE feeder (
    feeder_no text PRIMARY KEY,
    name text NOT NULL,
    org text NOT NULL,
    voltage_kv text NOT NULL,
    head_meter_no text,
    head_multiplier bigint,
    recorded_at timestamptz NOT NULL
);
ALTER TABLE feeder ENABLE ROW LEVEL SECURITY;
CREATE POLICY feeder_visible ON feeder USING (denghuo.in_scope(org));

CREATE TABLE node (
    node_no text PRIMARY KEY,
    kind text NOT NULL,
    feeder_no text REFERENCES feeder,
    x_m int NOT NULL,
    y_m int NOT NULL,
    recorded_at timestamptz NOT NULL
);
ALTER TABLE node ENABLE ROW LEVEL SECURITY;
CREATE POLICY node_visible ON node
    USING (feeder_no IS NULL OR EXISTS (SELECT 1 FROM feeder WHERE feeder.feeder_no = node.feeder_no));

CREATE TABLE line (
    line_no text PRIMARY KEY,
    feeder_no text REFERENCES feeder,
    from_node_no text NOT NULL REFERENCES node,
    to_node_no text NOT NULL REFERENCES node,
    length_m int NOT NULL,
    normally_open boolean NOT NULL,
    recorded_at timestamptz NOT NULL
);
ALTER TABLE line ENABLE ROW LEVEL SECURITY;
CREATE POLICY line_visible ON line
    USING (feeder_no IS NULL OR EXISTS (SELECT 1 FROM feeder WHERE feeder.feeder_no = line.feeder_no));

CREATE TABLE area (
    area_no text PRIMARY KEY,
    name text NOT NULL,
    org text NOT NULL,
    feeder_no text NOT NULL REFERENCES feeder,
    transformer_va bigint NOT NULL,
    no_load_loss_w bigint NOT NULL,
    gateway_meter_no text,
    gateway_multiplier bigint,
    node_no text REFERENCES node,
    x_m int,
    y_m int,
    recorded_at timestamptz NOT NULL
);
ALTER TABLE area ENABLE ROW LEVEL SECURITY;
CREATE POLICY area_visible ON area USING (denghuo.in_scope(org));

-- Metering points (计量点) and the meters installed at them, each for a half-open range of instants.

CREATE TABLE point (
    point_no text PRIMARY KEY,
    role text NOT NULL,
    direction text NOT NULL,
    account_no text,
    area_no text REFERENCES area,
    feeder_no text REFERENCES feeder,
    org text NOT NULL,
    voltage_kv text NOT NULL,
    pv_w bigint,
    pv_mode text,
    node_no text,
    -- as it was registered, so that a repeat can be told from another point with the same number
    registered jsonb NOT NULL,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX point_account ON point (account_no);
CREATE INDEX point_area ON point (area_no);
CREATE INDEX point_feeder ON point (feeder_no);
ALTER TABLE point ENABLE ROW LEVEL SECURITY;
CREATE POLICY point_visible ON point USING (denghuo.visible(org, account_no));

-- Equality in a GiST index would need an extension, so what must be equal stands in the constraints as a range over its hash.
CREATE TABLE installation (
    point_no text NOT NULL REFERENCES point,
    account_no text,
    org text NOT NULL,
    meter_no text NOT NULL,
    direction text NOT NULL,
    multiplier bigint NOT NULL CHECK (multiplier > 0),
    integer_digits int NOT NULL,
    decimal_digits int NOT NULL,
    valid tstzrange NOT NULL CHECK (NOT isempty(valid)),
    -- registers at an exchange, in 1e-4 kWh: at the beginning, and at the end
    start_e4 bigint,
    final_e4 bigint,
    start_rev_e4 bigint,
    final_rev_e4 bigint,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (point_no, valid),
    CONSTRAINT installation_point EXCLUDE USING gist (
        int8range(hashtextextended(point_no, 0), hashtextextended(point_no, 0), '[]') WITH &&, valid WITH &&
    ),
    CONSTRAINT installation_register EXCLUDE USING gist (
        int8range(hashtextextended(meter_no || ' ' || direction, 0), hashtextextended(meter_no || ' ' || direction, 0), '[]')
            WITH &&,
        valid WITH &&
    )
);
CREATE INDEX installation_meter ON installation (meter_no);
CREATE UNIQUE INDEX installation_open ON installation (point_no) WHERE upper_inf(valid);
ALTER TABLE installation ENABLE ROW LEVEL SECURITY;
CREATE POLICY installation_visible ON installation USING (denghuo.visible(org, account_no));

CREATE TABLE exchange (
    point_no text NOT NULL REFERENCES point,
    account_no text,
    org text NOT NULL,
    exchanged_at timestamptz NOT NULL,
    body jsonb NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (point_no, exchanged_at)
);
CREATE INDEX exchange_time ON exchange (exchanged_at);
ALTER TABLE exchange ENABLE ROW LEVEL SECURITY;
CREATE POLICY exchange_visible ON exchange USING (denghuo.visible(org, account_no));
