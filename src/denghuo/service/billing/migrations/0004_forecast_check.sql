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
