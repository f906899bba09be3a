-- When the dataset of a month was last published, so that a later one is always the newest, whatever its caller's clock says.

CREATE TABLE publication (
    month text PRIMARY KEY,
    published_at timestamptz NOT NULL
);
