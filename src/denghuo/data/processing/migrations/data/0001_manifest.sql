-- The manifest of datasets (see processing/dataset.py) and of the day lake (see analysis/lake.py).

CREATE TABLE dataset (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    version int NOT NULL,
    period text NOT NULL,
    shard text NOT NULL,
    digest text NOT NULL,
    row_count bigint NOT NULL,
    path text NOT NULL,
    published_at timestamptz NOT NULL,
    UNIQUE (name, period, shard, digest)
);
