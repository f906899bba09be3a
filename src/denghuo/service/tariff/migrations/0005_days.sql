-- What calendars and weather say of days (日历): tables of holidays of a year and of highest temperatures of a month, as they came in.
-- One of a kind, area and period stands; what held until `replaced_at` is still told as known then.

CREATE TABLE day_table (
    kind text NOT NULL CHECK (kind IN ('holidays', 'temperatures')),
    area text NOT NULL,
    period text NOT NULL CHECK (period ~ '^[0-9]{4}(-(0[1-9]|1[0-2]))?$'),
    issue int NOT NULL CHECK (issue > 0),
    status text NOT NULL CHECK (status IN ('draft', 'published', 'replaced')),
    document_no text NOT NULL,
    days jsonb NOT NULL,
    drafted_by text NOT NULL,
    drafted_at timestamptz NOT NULL,
    published_by text,
    published_at timestamptz,
    replaced_at timestamptz,
    PRIMARY KEY (kind, area, period, issue),
    CHECK (published_by IS DISTINCT FROM drafted_by),
    CHECK ((status = 'draft') = (published_by IS NULL)),
    CHECK ((status = 'replaced') = (replaced_at IS NOT NULL))
);
CREATE UNIQUE INDEX day_table_draft ON day_table (kind, area, period) WHERE status = 'draft';
CREATE UNIQUE INDEX day_table_stands ON day_table (kind, area, period) WHERE status = 'published';
