-- Meters (电能表) and their custody: at which metering point each was, and when.

CREATE TABLE meter (
    meter_no text PRIMARY KEY,
    kind text NOT NULL,
    multiplier bigint NOT NULL CHECK (multiplier > 0),
    integer_digits int NOT NULL CHECK (integer_digits BETWEEN 4 AND 9),
    decimal_digits int NOT NULL CHECK (decimal_digits BETWEEN 0 AND 4),
    installed_on date NOT NULL,
    -- the unit that has the meter: its store's, then that of the point where it hangs
    org text NOT NULL,
    -- the unit that it was registered for
    registered_org text NOT NULL,
    status text NOT NULL DEFAULT 'in_store',
    recorded_at timestamptz NOT NULL
);

CREATE INDEX meter_org ON meter (org text_pattern_ops, meter_no);

ALTER TABLE meter ENABLE ROW LEVEL SECURITY;
CREATE POLICY meter_visible ON meter USING (denghuo.in_scope(org));

-- A surplus household has two points on one meter, so a piece of custody belongs to the pair. The pair goes into the exclusion
-- constraint as a range over its hash, because equality in a GiST index would need an extension.
CREATE TABLE custody (
    meter_no text NOT NULL REFERENCES meter,
    point_no text NOT NULL,
    org text NOT NULL,
    valid tstzrange NOT NULL CHECK (NOT isempty(valid)),
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (meter_no, point_no, valid),
    EXCLUDE USING gist (
        int8range(hashtextextended(meter_no || ' ' || point_no, 0), hashtextextended(meter_no || ' ' || point_no, 0), '[]') WITH &&,
        valid WITH &&
    )
);

ALTER TABLE custody ENABLE ROW LEVEL SECURITY;
CREATE POLICY custody_visible ON custody USING (denghuo.in_scope(org));
