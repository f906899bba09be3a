-- Contracts (合同) and their terms. Terms hold for a half-open range of days; a change ends one row and begins the next.

CREATE TABLE contract (
    contract_no text PRIMARY KEY,
    account_no text NOT NULL,
    org text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('supply', 'purchase')),
    -- what was signed, so that a repeat can be told from another contract with the same number
    signed jsonb NOT NULL,
    recorded_at timestamptz NOT NULL
);

CREATE INDEX contract_account ON contract (account_no);

ALTER TABLE contract ENABLE ROW LEVEL SECURITY;
CREATE POLICY contract_visible ON contract USING (denghuo.visible(org, account_no));

CREATE TABLE terms (
    contract_no text NOT NULL REFERENCES contract,
    account_no text NOT NULL,
    org text NOT NULL,
    kind text NOT NULL,
    valid daterange NOT NULL CHECK (NOT isempty(valid)),
    tariff_class text NOT NULL,
    tariff_code text,
    voltage_kv text NOT NULL,
    contract_w bigint,
    capacity_va bigint,
    pv_w bigint,
    settlement_mode text NOT NULL,
    pf_standard int,
    reason text NOT NULL DEFAULT '',
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (contract_no, valid),
    -- An account has one contract of a kind at a time. Equality in a GiST index would need an extension, so account and kind
    -- stand in it as a range of one number.
    CONSTRAINT terms_overlap EXCLUDE USING gist (
        int8range(account_no::bigint * 2 + (kind = 'purchase')::int, account_no::bigint * 2 + (kind = 'purchase')::int, '[]') WITH &&,
        valid WITH &&
    )
);

CREATE INDEX terms_account ON terms (account_no);

ALTER TABLE terms ENABLE ROW LEVEL SECURITY;
CREATE POLICY terms_visible ON terms USING (denghuo.visible(org, account_no));
