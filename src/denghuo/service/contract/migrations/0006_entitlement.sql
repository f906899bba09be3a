-- Households entitled to free energy (五保、低保). An entitlement is proven and expires; it changes no terms and cuts no month into
-- stages, so it stands beside them, with whole months of its own. Nothing is deleted: what was ended early stays with its reason, so
-- that the terms of a month can be told as they were known at any time.
CREATE TABLE entitlement (
    entitlement_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_no text NOT NULL,
    org text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('five_guarantee', 'low_income')),
    evidence_no text NOT NULL CHECK (evidence_no <> ''),
    -- first days of months: the first with, and the first without
    starts date NOT NULL CHECK (extract(day FROM starts) = 1),
    ends date NOT NULL CHECK (extract(day FROM ends) = 1 AND ends > starts),
    listed_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    -- the first month without, where it was ended before it expired
    ended_from date CHECK (extract(day FROM ended_from) = 1 AND ended_from >= starts AND ended_from < ends),
    ended_by text,
    ended_at timestamptz,
    ended_reason text,
    CONSTRAINT entitlement_overlap EXCLUDE USING gist (
        int8range(account_no::bigint, account_no::bigint, '[]') WITH &&,
        daterange(starts, coalesce(ended_from, ends)) WITH &&
    )
);

CREATE INDEX entitlement_account ON entitlement (account_no);

ALTER TABLE entitlement ENABLE ROW LEVEL SECURITY;
CREATE POLICY entitlement_visible ON entitlement USING (denghuo.visible(org, account_no));
