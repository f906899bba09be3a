-- Supply accounts (用电户). A row is visible to the organisations above it and, for a customer's own session, to its holder.

CREATE TABLE account (
    account_no text PRIMARY KEY CHECK (account_no ~ '^[0-9]{13}$'),
    name text NOT NULL,
    kind text NOT NULL,
    tariff_class text NOT NULL,
    address text NOT NULL,
    phone text,
    org text NOT NULL,
    industry_code text,
    opened_on date NOT NULL,
    status text NOT NULL DEFAULT 'active',
    -- name, address, phone and pinyin in one text, so that one index-friendly search covers them
    search text NOT NULL,
    recorded_at timestamptz NOT NULL
);

CREATE INDEX account_org ON account (org text_pattern_ops, account_no);

ALTER TABLE account ENABLE ROW LEVEL SECURITY;
CREATE POLICY account_visible ON account USING (denghuo.visible(org, account_no));
