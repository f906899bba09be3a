-- What bills were rated by and a publication replaced since: versions of tariffs (a correction of a month's price table), versions
-- whose hours hang on days that were published anew, and price nodes, which have the version 0. No bill that was rated before is
-- issued any more.
CREATE TABLE replaced_fact (
    subject text NOT NULL CHECK (subject IN ('prices', 'days', 'spot_prices')),
    name text NOT NULL,
    version int NOT NULL,
    month text NOT NULL,
    replaced_at timestamptz NOT NULL,
    PRIMARY KEY (subject, name, version, month)
);
INSERT INTO replaced_fact SELECT 'prices', code, version, month, replaced_at FROM replaced_tariff;
DROP TABLE replaced_tariff;

-- Accounts of a unit that are calculated again for one cause (批量重算), by one job. outcome: NULL until it was.
CREATE TABLE recalculation (
    recalculation_no int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    month text NOT NULL,
    org text NOT NULL,
    cause text NOT NULL,
    ordered_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE UNIQUE INDEX recalculation_open ON recalculation (month, org, cause) WHERE ended_at IS NULL;
ALTER TABLE recalculation ENABLE ROW LEVEL SECURITY;
CREATE POLICY recalculation_visible ON recalculation USING (denghuo.visible(org, ''));
CREATE TABLE recalculation_account (
    recalculation_no int NOT NULL REFERENCES recalculation,
    account_no text NOT NULL,
    outcome text,
    PRIMARY KEY (recalculation_no, account_no)
);
