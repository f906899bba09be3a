-- How often a route (抄表段) is read, from the first day of a month on; what was said last of a day counts. A route without a row is
-- read every month.
CREATE TABLE route_cycle (
    route text NOT NULL,
    effective_from date NOT NULL CHECK (extract(day FROM effective_from) = 1),
    version int NOT NULL,
    cycle text NOT NULL CHECK (cycle IN ('monthly', 'even', 'odd')),
    org text NOT NULL,
    reason text NOT NULL,
    stated_by text NOT NULL,
    stated_at timestamptz NOT NULL,
    PRIMARY KEY (route, effective_from, version)
);
ALTER TABLE route_cycle ENABLE ROW LEVEL SECURITY;
CREATE POLICY route_cycle_visible ON route_cycle USING (denghuo.visible(org, ''));
CREATE INDEX month_read_route ON month_read ((coalesce(area_no, feeder_no, org)), month);
