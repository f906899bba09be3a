-- What customers report of their meters (客户自报读数). Of a meter's month the newest report stands; what it was before is kept, with
-- the time in which it counted, so that a past state can be computed again.
CREATE TABLE self_read (
    self_read_no int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    report_no text NOT NULL,
    month text NOT NULL,
    meter_no text NOT NULL,
    point_no text NOT NULL,
    account_no text NOT NULL,
    org text NOT NULL,
    -- the midnight that the month is read at, and the one that begins the day of the report
    due_at timestamptz NOT NULL,
    read_at timestamptz NOT NULL,
    registers jsonb NOT NULL,
    warnings text[] NOT NULL,
    confirmed boolean NOT NULL,
    reason text,
    reported_by text NOT NULL,
    reported_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('counted', 'waiting', 'superseded', 'accepted', 'refused')),
    counts_from timestamptz,
    counts_to timestamptz,
    decided_by text,
    decided_at timestamptz,
    remark text,
    UNIQUE (account_no, report_no),
    CHECK ((state IN ('counted', 'accepted')) = (counts_from IS NOT NULL AND counts_to IS NULL))
);
CREATE UNIQUE INDEX self_read_standing ON self_read (month, meter_no) WHERE state IN ('counted', 'waiting', 'accepted');
CREATE INDEX self_read_at ON self_read (read_at) WHERE counts_from IS NOT NULL;
ALTER TABLE self_read ENABLE ROW LEVEL SECURITY;
CREATE POLICY self_read_visible ON self_read USING (denghuo.visible(org, account_no));
-- When their meters are read customers may know.
CREATE POLICY route_cycle_told ON route_cycle FOR SELECT USING (denghuo.in_scope(org));
