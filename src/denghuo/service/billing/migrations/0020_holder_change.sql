-- Changes of customer (过户): the old customer is billed to the day by special readings and closed, the new one begins.

-- state: the step that comes next, or `settled` once the final bill was worked out (it may then wait for a person like any other);
-- failed: a step was refused, `trouble` says why. name, phone and kind of the new customer are kept by the customer service alone.
CREATE TABLE holder_change (
    change_no text PRIMARY KEY CHECK (change_no ~ '^GH[0-9]{10}$'),
    org text NOT NULL,
    account_no text NOT NULL,
    successor_no text NOT NULL UNIQUE,
    contract_no text NOT NULL,
    since date NOT NULL,
    readings jsonb NOT NULL,
    reason text NOT NULL,
    state text NOT NULL DEFAULT 'points'
        CHECK (state IN ('points', 'contract', 'readings', 'bill', 'settled')),
    trouble jsonb,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    settled_at timestamptz,
    UNIQUE (account_no)
);
CREATE SEQUENCE holder_change_number;
ALTER TABLE holder_change ENABLE ROW LEVEL SECURITY;
CREATE POLICY holder_change_visible ON holder_change USING (denghuo.visible(org, account_no));
