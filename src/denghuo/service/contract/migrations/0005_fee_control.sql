-- Fee control (费控): whose energy is reckoned day by day against what was paid in advance. It prices nothing and cuts no month
-- into stages, so it stands beside the terms, with days of its own. Nearly all corrections end a row and begin the next.
CREATE TABLE fee_control (
    contract_no text NOT NULL REFERENCES contract,
    account_no text NOT NULL,
    org text NOT NULL,
    valid daterange NOT NULL CHECK (NOT isempty(valid)),
    way text NOT NULL CHECK (way IN ('prepaid', 'remote')),
    -- told with every balance: supply to this customer must not be interrupted without more ado
    protected boolean NOT NULL,
    reason text NOT NULL DEFAULT '',
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (contract_no, valid),
    CONSTRAINT fee_control_overlap EXCLUDE USING gist (
        int8range(account_no::bigint, account_no::bigint, '[]') WITH &&,
        valid WITH &&
    )
);

ALTER TABLE fee_control ENABLE ROW LEVEL SECURITY;
CREATE POLICY fee_control_visible ON fee_control USING (denghuo.visible(org, account_no));
