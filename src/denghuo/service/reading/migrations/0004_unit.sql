-- How many meters of a unit are to be read at the midnight that ends a month, and how many were: what was last told of it.
CREATE TABLE unit_read (
    month text NOT NULL,
    org text NOT NULL,
    due int NOT NULL,
    read int NOT NULL,
    told_at timestamptz NOT NULL,
    PRIMARY KEY (month, org)
);
ALTER TABLE unit_read ENABLE ROW LEVEL SECURITY;
CREATE POLICY unit_read_visible ON unit_read USING (denghuo.visible(org, ''));
