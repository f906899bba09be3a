-- The register of invoices (发票): a blue one for what a bill asks, a red letter for what takes it back in whole or in part.

-- amount_fen holds the tax; both are negative on a red letter. state: waiting (for the tax authority), issued, refused.
-- reds: the blue one that a red letter takes back. bill_no: the bill for which it was made. tax_number: that of the authority.
CREATE TABLE invoice (
    invoice_no text PRIMARY KEY CHECK (invoice_no ~ '^FP[0-9]{12}$'),
    colour text NOT NULL CHECK (colour IN ('blue', 'red')),
    bill_no text NOT NULL REFERENCES item (bill_no),
    account_no text NOT NULL,
    org text NOT NULL,
    month text NOT NULL,
    reds text REFERENCES invoice,
    buyer text NOT NULL,
    buyer_code text,
    amount_fen bigint NOT NULL CHECK (amount_fen <> 0),
    tax_fen bigint NOT NULL,
    rate int NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'issued', 'refused')),
    tax_number text UNIQUE,
    sandbox boolean,
    refusal jsonb,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    issued_at timestamptz,
    CHECK ((colour = 'red') = (reds IS NOT NULL)),
    CHECK ((colour = 'red') = (amount_fen < 0)),
    CHECK ((state = 'issued') = (tax_number IS NOT NULL))
);
CREATE SEQUENCE invoice_number;
-- A bill is invoiced once; one that was refused may be asked for again. A bill takes a blue invoice back once.
CREATE UNIQUE INDEX invoice_blue ON invoice (bill_no) WHERE colour = 'blue' AND state <> 'refused';
CREATE UNIQUE INDEX invoice_red ON invoice (bill_no, reds) WHERE colour = 'red';
CREATE INDEX invoice_reds ON invoice (reds) WHERE reds IS NOT NULL;
CREATE INDEX invoice_account ON invoice (account_no, month);
CREATE INDEX invoice_waiting ON invoice (invoice_no) WHERE state = 'waiting';
ALTER TABLE invoice ENABLE ROW LEVEL SECURITY;
CREATE POLICY invoice_visible ON invoice USING (denghuo.visible(org, account_no));
