-- Reversals (冲销): who asked that an issued bill be taken back, why, whether it is to be billed again, and what another person said.

-- state: waiting, done, refused, withdrawn; void: agreed to when the bill could no longer be taken back.
CREATE TABLE reversal_request (
    approval_no bigint PRIMARY KEY,
    bill_no text NOT NULL REFERENCES bill,
    org text NOT NULL,
    account_no text NOT NULL,
    rebill boolean NOT NULL,
    reason text NOT NULL,
    state text NOT NULL DEFAULT 'waiting',
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    decided_by text,
    decided_at timestamptz
);
CREATE UNIQUE INDEX reversal_request_waiting ON reversal_request (bill_no) WHERE state = 'waiting';
CREATE INDEX reversal_request_bill ON reversal_request (bill_no, requested_at);
ALTER TABLE reversal_request ENABLE ROW LEVEL SECURITY;
CREATE POLICY reversal_request_visible ON reversal_request USING (denghuo.visible(org, account_no));
