-- Monthly price tables (月度价格表) as they came in, and the versions that were drafted from each.

CREATE TABLE price_table (
    area text NOT NULL,
    month text NOT NULL CHECK (month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    status text NOT NULL CHECK (status IN ('draft', 'published')),
    document_no text NOT NULL,
    -- the source and the file itself, so that what was published can be read again as it came
    source jsonb NOT NULL,
    content text NOT NULL,
    notices jsonb NOT NULL,
    drafted_by text NOT NULL,
    drafted_at timestamptz NOT NULL,
    published_by text,
    published_at timestamptz,
    PRIMARY KEY (area, month),
    CHECK (published_by IS DISTINCT FROM drafted_by),
    CHECK ((status = 'published') = (published_by IS NOT NULL))
);

CREATE TABLE price_table_version (
    area text NOT NULL,
    month text NOT NULL,
    code text NOT NULL,
    version int NOT NULL,
    -- of the content: the number of a draft is used again when another draft replaces it
    digest text NOT NULL,
    -- what it was compared with
    before_version int,
    PRIMARY KEY (area, month, code),
    FOREIGN KEY (area, month) REFERENCES price_table ON DELETE CASCADE
);
