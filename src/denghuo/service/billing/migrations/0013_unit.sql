-- A month billed unit by unit (按供电单位核算). The month's row of `cycle` then has the state 'units', until the whole month is run.

-- due, read: meters of the unit to be read at the end of the month and how many were, as the reading service told. `terms` and
-- `energy` are references to what the unit is rated from; done, accounts: contracts rated and contracts to rate.
CREATE TABLE billing_unit (
    month text NOT NULL,
    org text NOT NULL,
    state text NOT NULL DEFAULT 'planned',
    failed_in text,
    epoch int NOT NULL DEFAULT 0,
    due int NOT NULL DEFAULT 0,
    read int NOT NULL DEFAULT 0,
    terms jsonb,
    energy jsonb,
    limits jsonb,
    done int NOT NULL DEFAULT 0,
    accounts int NOT NULL DEFAULT 0,
    started_at timestamptz,
    started_by text,
    rated_from timestamptz,
    rated_until timestamptz,
    ended_at timestamptz,
    trouble jsonb,
    PRIMARY KEY (month, org)
);
ALTER TABLE billing_unit ENABLE ROW LEVEL SECURITY;
CREATE POLICY billing_unit_visible ON billing_unit USING (denghuo.visible(org, ''));

-- Whether units begin by themselves, and from which percent of their meters on. One row; delivered off.
CREATE TABLE auto_start (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    active boolean NOT NULL,
    share int NOT NULL CHECK (share BETWEEN 1 AND 100)
);
INSERT INTO auto_start (active, share) VALUES (false, 100);
