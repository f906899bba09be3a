-- What clerks said of spans of meter-days. It counts for a slot as long as what was received there is what they saw (-1: nothing).
CREATE TABLE curve_edit (
    edit_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    series text NOT NULL,
    subject text NOT NULL,
    day date NOT NULL,
    first_slot int NOT NULL,
    last_slot int NOT NULL,
    way text NOT NULL,
    seen int[] NOT NULL,
    given int[] NOT NULL,
    org text NOT NULL,
    account_no text,
    reason text NOT NULL,
    entered_by text NOT NULL,
    entered_at timestamptz NOT NULL,
    CHECK (first_slot >= 0 AND first_slot <= last_slot AND last_slot < 96),
    CHECK (cardinality(seen) = last_slot - first_slot + 1 AND cardinality(given) = cardinality(seen))
);
CREATE INDEX curve_edit_day ON curve_edit (day, series, subject);
ALTER TABLE curve_edit ENABLE ROW LEVEL SECURITY;
CREATE POLICY curve_edit_visible ON curve_edit USING (denghuo.visible(org, account_no));

-- What the capacity allowed a slot when the meter-day was judged.
ALTER TABLE curve_exception ADD COLUMN limit_wh bigint;
