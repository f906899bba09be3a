-- When customers of a unit, and of those below it, may report their registers, from a day on. Whoever reports has to know it, so the
-- table is open within the platform.
CREATE TABLE self_read_days (
    org text NOT NULL,
    from_day date NOT NULL,
    days_before int,
    days_after int,
    reason text NOT NULL,
    stated_by text NOT NULL,
    stated_at timestamptz NOT NULL,
    replaced_at timestamptz,
    CHECK (num_nulls(days_before, days_after) IN (0, 2))
);
CREATE UNIQUE INDEX self_read_days_stands ON self_read_days (org, from_day) WHERE replaced_at IS NULL;
