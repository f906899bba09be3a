-- The manifest of the day lake (see analysis/lake.py): every version of every day, the newest of which is read.

CREATE TABLE lake_file (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    class text NOT NULL,
    day date NOT NULL,
    shard text NOT NULL,
    version int NOT NULL CHECK (version > 0),
    digest text NOT NULL,
    row_count bigint NOT NULL,
    byte_count bigint NOT NULL,
    path text NOT NULL,
    source text NOT NULL,
    recorded_at timestamptz NOT NULL,
    UNIQUE (class, day, shard, version)
);
