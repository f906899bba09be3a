-- Bills made by columns: what is wide and never changes stands apart from what changes with the states of a bill, and a line may
-- stand without its explanation, which the rules give from what is kept.

-- What a bill was rated from: its registers and what rating was given beside them (decision 13). Written in the canonical form that
-- is hashed and kept as it was written, so that nobody has to read it for the hash; what was there before has the form of jsonb.
CREATE TABLE bill_basis (
    bill_no text PRIMARY KEY,
    org text NOT NULL,
    account_no text NOT NULL,
    registers json NOT NULL,
    rating json
);
INSERT INTO bill_basis (bill_no, org, account_no, registers, rating)
SELECT bill_no, org, account_no, registers::text::json, rating::text::json FROM bill;
ALTER TABLE bill DROP COLUMN registers, DROP COLUMN rating;
ALTER TABLE bill_basis ENABLE ROW LEVEL SECURITY;
CREATE POLICY bill_basis_visible ON bill_basis USING (denghuo.visible(org, account_no));

-- Where the price of a line stands: what its bill's file says of it beside the figures. A few rows for each tariff.
CREATE TABLE line_source (
    source_no int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit text NOT NULL,
    document_no text NOT NULL,
    illustrative boolean NOT NULL,
    UNIQUE (unit, document_no, illustrative)
);
ALTER TABLE bill_line
    ALTER COLUMN detail DROP NOT NULL,
    ADD COLUMN source_no int,
    ADD CONSTRAINT bill_line_told CHECK (detail IS NOT NULL OR source_no IS NOT NULL);

-- The limits by which bills were let pass as they were rated; where they were changed since, the review looks at all again.
ALTER TABLE cycle ADD COLUMN limits jsonb;
