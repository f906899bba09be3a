-- What of an issued bill rests on estimates (估计电量), noted once by a job; parts: by meter and method. What it came to when it was
-- last calculated by what came since: again_fen (none: it cannot be rated), again_days of it are still estimated.
CREATE TABLE bill_estimate (
    bill_no text PRIMARY KEY REFERENCES bill,
    org text NOT NULL,
    account_no text NOT NULL,
    month text NOT NULL,
    energy_wh bigint NOT NULL,
    per_mille int,
    parts jsonb NOT NULL,
    noted_at timestamptz NOT NULL,
    again_at timestamptz,
    again_fen bigint,
    again_days int
);
CREATE INDEX bill_estimate_month ON bill_estimate (month, bill_no);
ALTER TABLE bill_estimate ENABLE ROW LEVEL SECURITY;
CREATE POLICY bill_estimate_visible ON bill_estimate USING (denghuo.visible(org, account_no));
