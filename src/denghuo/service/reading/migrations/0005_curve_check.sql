-- Days whose curves were checked, or are due to be because something came in since.
CREATE TABLE curve_check (
    day date PRIMARY KEY,
    due boolean NOT NULL,
    checked_at timestamptz
);

-- Meter-days with a value that was estimated or is held. Values, estimates and verdicts of each slot lie in the day lake.
CREATE TABLE curve_exception (
    day date NOT NULL,
    series text NOT NULL,
    subject text NOT NULL,
    org text NOT NULL,
    account_no text,
    status text NOT NULL CHECK (status IN ('estimated', 'held')),
    rule text NOT NULL,
    method text NOT NULL,
    slots_estimated int NOT NULL,
    slots_held int NOT NULL,
    estimated_wh bigint NOT NULL,
    checked_at timestamptz NOT NULL,
    PRIMARY KEY (day, series, subject)
);
ALTER TABLE curve_exception ENABLE ROW LEVEL SECURITY;
CREATE POLICY curve_exception_visible ON curve_exception USING (denghuo.visible(org, account_no));
