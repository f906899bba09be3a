-- What accounts have used of a running month and were not billed for yet (费控日测算): the newest estimate of each, never a bill.
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
    PRIMARY KEY (account_no, kind)
);
CREATE INDEX estimate_amount ON estimate (amount_fen DESC, account_no);
ALTER TABLE estimate ENABLE ROW LEVEL SECURITY;
CREATE POLICY estimate_visible ON estimate USING (denghuo.visible(org, account_no));
