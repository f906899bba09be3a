-- Spot prices (现货电价) by the quarter, half or whole hour: files as they came in, and the days of each by node and series. Only days that
-- are published and not replaced stand; what held until `replaced_at` is still told as known then.

CREATE TABLE spot_table (
    area text NOT NULL,
    month text NOT NULL CHECK (month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    issue int NOT NULL CHECK (issue > 0),
    status text NOT NULL CHECK (status IN ('draft', 'published')),
    correction boolean NOT NULL,
    document_no text NOT NULL,
    lowest_e8 bigint NOT NULL,
    highest_e8 bigint NOT NULL,
    content text NOT NULL,
    drafted_by text NOT NULL,
    drafted_at timestamptz NOT NULL,
    published_by text,
    published_at timestamptz,
    PRIMARY KEY (area, month, issue),
    CHECK (published_by IS DISTINCT FROM drafted_by),
    CHECK ((status = 'published') = (published_by IS NOT NULL))
);
CREATE UNIQUE INDEX spot_table_draft ON spot_table (area, month) WHERE status = 'draft';

CREATE TABLE spot_day (
    area text NOT NULL,
    month text NOT NULL,
    issue int NOT NULL,
    node text NOT NULL,
    series text NOT NULL CHECK (series IN ('day_ahead', 'real_time')),
    day date NOT NULL,
    -- 1e-8 yuan per kWh, in the order of the day
    prices bigint[] NOT NULL CHECK (cardinality(prices) IN (24, 48, 96)),
    published_at timestamptz,
    replaced_at timestamptz,
    PRIMARY KEY (area, month, issue, node, series, day),
    FOREIGN KEY (area, month, issue) REFERENCES spot_table ON DELETE CASCADE
);
CREATE UNIQUE INDEX spot_day_stands ON spot_day (area, node, series, day)
    WHERE published_at IS NOT NULL AND replaced_at IS NULL;
