-- Versions of a month's tariffs that a published correction of its price table replaced: no bill by them is issued any more.
CREATE TABLE replaced_tariff (
    code text NOT NULL,
    version int NOT NULL,
    month text NOT NULL,
    replaced_at timestamptz NOT NULL,
    PRIMARY KEY (code, version)
);
