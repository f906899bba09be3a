-- Balances of accounts under fee control (费控余额): who they are, what they used and were not billed for, and when little or
-- nothing was left. Prepaid money and open bills stand in the sub-ledgers; nothing here is booked.

CREATE TABLE fee_account (
    account_no text PRIMARY KEY,
    org text NOT NULL,
    tariff_class text NOT NULL,
    way text NOT NULL,
    protected boolean NOT NULL,
    -- the publication of all accounts under fee control from which this is known
    as_of timestamptz NOT NULL,
    -- of the newest estimate that a bill took the place of
    billed_through date,
    billed_daily_wh bigint,
    billed_daily_fen bigint,
    -- unknown: nothing was estimated and nothing is owed yet
    level text NOT NULL DEFAULT 'unknown' CHECK (level IN ('unknown', 'enough', 'low', 'exhausted')),
    level_since timestamptz
);
CREATE INDEX fee_account_level ON fee_account (level, account_no) WHERE level IN ('low', 'exhausted');
ALTER TABLE fee_account ENABLE ROW LEVEL SECURITY;
CREATE POLICY fee_account_visible ON fee_account USING (denghuo.visible(org, account_no));

-- Estimates of months that are not billed yet, of accounts under fee control.
CREATE TABLE unbilled (
    account_no text NOT NULL,
    month text NOT NULL,
    org text NOT NULL,
    through_on date NOT NULL,
    days int NOT NULL CHECK (days > 0),
    energy_wh bigint NOT NULL,
    amount_fen bigint NOT NULL,
    estimated_at timestamptz NOT NULL,
    PRIMARY KEY (account_no, month)
    -- all rows are written anew every day: half of a page is left for them
) WITH (fillfactor = 50);
ALTER TABLE unbilled ENABLE ROW LEVEL SECURITY;
CREATE POLICY unbilled_visible ON unbilled USING (denghuo.visible(org, account_no));

-- From which balance on an account is told that little is left (预警限额): of a unit and what lies below it, of a class or of all,
-- from a day on. The nearest unit rules, within it the class before all. Without figures: from then on nobody is told.
CREATE TABLE balance_limit (
    org text NOT NULL,
    tariff_class text NOT NULL DEFAULT '',
    effective_from date NOT NULL,
    low_fen bigint CHECK (low_fen > 0),
    low_days int CHECK (low_days > 0),
    reason text NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL,
    PRIMARY KEY (org, tariff_class, effective_from)
);
ALTER TABLE balance_limit ENABLE ROW LEVEL SECURITY;
-- A station is told by the limits of the units above it as well.
CREATE POLICY balance_limit_known ON balance_limit FOR SELECT USING (true);
CREATE POLICY balance_limit_set ON balance_limit FOR INSERT WITH CHECK (denghuo.visible(org, ''));
CREATE POLICY balance_limit_put_right ON balance_limit FOR UPDATE USING (denghuo.visible(org, ''));

-- One row for each time that a balance fell below its limit or was used up. told: the customer was told and the event is out.
CREATE TABLE balance_warning (
    warning_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_no text NOT NULL,
    org text NOT NULL,
    level text NOT NULL CHECK (level IN ('low', 'exhausted')),
    balance_fen bigint NOT NULL,
    daily_fen bigint,
    days_left int,
    through_on date,
    protected boolean NOT NULL,
    at timestamptz NOT NULL,
    told boolean NOT NULL DEFAULT false
);
CREATE INDEX balance_warning_untold ON balance_warning (warning_no) WHERE NOT told;
CREATE INDEX balance_warning_account ON balance_warning (account_no, warning_no);
ALTER TABLE balance_warning ENABLE ROW LEVEL SECURITY;
CREATE POLICY balance_warning_visible ON balance_warning USING (denghuo.visible(org, account_no));
