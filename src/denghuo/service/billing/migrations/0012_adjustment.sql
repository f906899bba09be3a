-- Cases of back-billing and refund (退补): opened by one person, agreed to by another, settled by one adjustment bill.

-- facts: what the case states, by its kind. state: waiting, done, refused, withdrawn; void: agreed to when a bill had changed since;
-- reversed: its adjustment bill was taken back.
CREATE TABLE adjustment_case (
    case_no text PRIMARY KEY CHECK (case_no ~ '^TB[0-9]{10}$'),
    org text NOT NULL,
    account_no text NOT NULL,
    kind text NOT NULL,
    cause text NOT NULL,
    from_on date NOT NULL,
    to_on date NOT NULL,
    reason text NOT NULL,
    evidence text NOT NULL,
    facts jsonb NOT NULL,
    energy_wh bigint NOT NULL,
    amount_fen bigint NOT NULL,
    state text NOT NULL DEFAULT 'waiting',
    approval_no bigint UNIQUE,
    bill_no text REFERENCES bill,
    opened_by text NOT NULL,
    opened_at timestamptz NOT NULL,
    decided_by text,
    decided_at timestamptz
);
CREATE SEQUENCE adjustment_case_number;
CREATE INDEX adjustment_case_account ON adjustment_case (account_no, kind, cause);
ALTER TABLE adjustment_case ENABLE ROW LEVEL SECURITY;
CREATE POLICY adjustment_case_visible ON adjustment_case USING (denghuo.visible(org, account_no));

-- A month of a case: the bill that it settles, and what stands of that month before and after. `after_case`: the adjustment that
-- stood last for the month when this one was worked out (none: the bill itself), so that none is settled from what no longer holds.
-- segment is null where the month is not rated again: the case states what is owed, and is only linked to the bill.
CREATE TABLE adjustment_segment (
    case_no text NOT NULL REFERENCES adjustment_case,
    month text NOT NULL,
    org text NOT NULL,
    account_no text NOT NULL,
    kind text NOT NULL,
    bill_no text NOT NULL REFERENCES bill,
    after_case text REFERENCES adjustment_case,
    segment json,
    was_wh bigint NOT NULL,
    now_wh bigint NOT NULL,
    was_fen bigint NOT NULL,
    now_fen bigint NOT NULL,
    PRIMARY KEY (case_no, month)
);
CREATE INDEX adjustment_segment_bill ON adjustment_segment (bill_no);
ALTER TABLE adjustment_segment ENABLE ROW LEVEL SECURITY;
CREATE POLICY adjustment_segment_visible ON adjustment_segment USING (denghuo.visible(org, account_no));

-- The lines of the adjustment bill while the case waits: what the other person agrees to is what is issued.
CREATE TABLE adjustment_line (
    case_no text NOT NULL REFERENCES adjustment_case,
    line int NOT NULL,
    org text NOT NULL,
    account_no text NOT NULL,
    detail jsonb NOT NULL,
    PRIMARY KEY (case_no, line)
);
ALTER TABLE adjustment_line ENABLE ROW LEVEL SECURITY;
CREATE POLICY adjustment_line_visible ON adjustment_line USING (denghuo.visible(org, account_no));

-- An adjustment bill is of a case; it stands beside the bill of its month, which it does not replace. One for each case, and one
-- that takes it back.
ALTER TABLE bill ADD COLUMN case_no text REFERENCES adjustment_case;
CREATE UNIQUE INDEX bill_case ON bill (case_no) WHERE case_no IS NOT NULL AND reverses IS NULL;
DROP INDEX bill_standing;
CREATE UNIQUE INDEX bill_standing ON bill (month, account_no, kind)
    WHERE state <> 'reversed' AND reverses IS NULL AND case_no IS NULL;
