-- Tariffs (电价) and their versions. Published spans of one code do not overlap; a draft is in force nowhere.

CREATE TABLE tariff (
    tariff_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL UNIQUE
);

CREATE TABLE version (
    tariff_id bigint NOT NULL REFERENCES tariff,
    code text NOT NULL,
    version int NOT NULL CHECK (version > 0),
    status text NOT NULL CHECK (status IN ('draft', 'published', 'withdrawn')),
    area text NOT NULL,
    kind text NOT NULL,
    classes text[] NOT NULL,
    settlements text[] NOT NULL,
    is_default boolean NOT NULL,
    -- the days in force; may be cut short when a successor is published, the document stays as it was
    in_force daterange NOT NULL CHECK (NOT isempty(in_force)),
    document jsonb NOT NULL,
    search text NOT NULL,
    drafted_by text NOT NULL,
    drafted_at timestamptz NOT NULL,
    published_by text,
    published_at timestamptz,
    PRIMARY KEY (code, version),
    -- Two persons: whoever drafted does not publish.
    CHECK (published_by IS DISTINCT FROM drafted_by),
    CHECK ((status = 'published') = (published_by IS NOT NULL)),
    -- Equality in a GiST index would need an extension, so the tariff stands in it as a range of one number.
    CONSTRAINT version_overlap EXCLUDE USING gist (
        int8range(tariff_id, tariff_id, '[]') WITH &&,
        in_force WITH &&
    ) WHERE (status = 'published')
);

CREATE UNIQUE INDEX version_draft ON version (code) WHERE status = 'draft';
CREATE INDEX version_in_force ON version USING gist (in_force) WHERE status = 'published';
