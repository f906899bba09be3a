-- Line loss (线损) by month: areas and feeders. A computation replaces its month.

CREATE TABLE area_month (
    month text NOT NULL,
    area_no text NOT NULL,
    name text NOT NULL,
    feeder_no text NOT NULL,
    org text NOT NULL,
    supply_wh bigint,
    generation_wh bigint NOT NULL,
    sale_wh bigint NOT NULL,
    loss_wh bigint,
    rate_e2 int,
    rank int,
    sale_points int NOT NULL,
    held int NOT NULL,
    estimated int NOT NULL,
    flags jsonb NOT NULL,
    computed_at timestamptz NOT NULL,
    PRIMARY KEY (month, area_no)
);
ALTER TABLE area_month ENABLE ROW LEVEL SECURITY;
CREATE POLICY area_month_visible ON area_month USING (denghuo.in_scope(org));

CREATE TABLE feeder_month (
    month text NOT NULL,
    feeder_no text NOT NULL,
    name text NOT NULL,
    org text NOT NULL,
    supply_wh bigint,
    generation_wh bigint NOT NULL,
    sale_wh bigint NOT NULL,
    loss_wh bigint,
    rate_e2 int,
    rank int,
    held int NOT NULL,
    computed_at timestamptz NOT NULL,
    PRIMARY KEY (month, feeder_no)
);
ALTER TABLE feeder_month ENABLE ROW LEVEL SECURITY;
CREATE POLICY feeder_month_visible ON feeder_month USING (denghuo.in_scope(org));
