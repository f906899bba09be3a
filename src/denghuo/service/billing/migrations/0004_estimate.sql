-- What accounts have used of a running month and were not billed for yet (费控日测算): the newest estimate of a month, never a bill.
-- That of a month that is over stands until its bill is issued.
CREATE TABLE estimate (
    account_no text NOT NULL,
    kind text NOT NULL,
    org text NOT NULL,
    tariff_class text NOT NULL,
    month text NOT NULL,
    through_on date NOT NULL,
    energy_wh bigint NOT NULL,
    amount_fen bigint NOT NULL,
    estimated_at timestamptz NOT NULL,
    PRIMARY KEY (account_no, kind, month)
);
CREATE INDEX estimate_month ON estimate (month);
ALTER TABLE estimate ENABLE ROW LEVEL SECURITY;
CREATE POLICY estimate_visible ON estimate USING (denghuo.visible(org, account_no));

-- What was forecast of bills, looked at again when they were issued (预测误差): a sample of accounts a month, at two days of it.
-- Without figures: of that account nothing could be told on that day.
CREATE TABLE forecast_check (
    month text NOT NULL,
    day int NOT NULL,
    account_no text NOT NULL,
    org text NOT NULL,
    low_fen bigint,
    expected_fen bigint,
    high_fen bigint,
    billed_fen bigint NOT NULL,
    PRIMARY KEY (month, day, account_no)
);
ALTER TABLE forecast_check ENABLE ROW LEVEL SECURITY;
CREATE POLICY forecast_check_visible ON forecast_check USING (denghuo.visible(org, account_no));
