-- The sub-ledgers (分户账): bills with what was paid on them, prepaid balances, receipts and how they were allocated.

CREATE TABLE customer_account (
    account_no text PRIMARY KEY,
    org text NOT NULL,
    prepaid_fen bigint NOT NULL DEFAULT 0 CHECK (prepaid_fen >= 0)
);

CREATE TABLE item (
    bill_no text PRIMARY KEY,
    account_no text NOT NULL,
    org text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('supply', 'purchase')),
    month text NOT NULL,
    tariff_class text NOT NULL,
    issued_on date NOT NULL,
    due_on date NOT NULL,
    amount_fen bigint NOT NULL,
    -- the sum of the item's allocations; never beyond the amount
    paid_fen bigint NOT NULL DEFAULT 0,
    reverses text,
    posting_no bigint NOT NULL,
    CHECK (paid_fen BETWEEN least(amount_fen, 0) AND greatest(amount_fen, 0))
);

CREATE INDEX item_account ON item (account_no, due_on);
CREATE INDEX item_open ON item (account_no) WHERE paid_fen <> amount_fen;
CREATE INDEX item_month ON item (month, org);

-- One row for each time that money, a credit or a prepaid balance was set against a bill; a negative row takes it back.
CREATE TABLE allocation (
    allocation_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    document_kind text NOT NULL,
    document_no text NOT NULL,
    -- where it came from: the money of a receipt, the prepaid balance, or a negative bill
    source text NOT NULL CHECK (source IN ('receipt', 'prepaid', 'credit')),
    receipt_no text,
    bill_no text NOT NULL REFERENCES item (bill_no),
    account_no text NOT NULL,
    org text NOT NULL,
    amount_fen bigint NOT NULL CHECK (amount_fen <> 0),
    at timestamptz NOT NULL,
    CHECK ((source = 'receipt') = (receipt_no IS NOT NULL))
);

CREATE INDEX allocation_bill ON allocation (bill_no);
CREATE INDEX allocation_receipt ON allocation (receipt_no) WHERE receipt_no IS NOT NULL;
CREATE INDEX allocation_account ON allocation (account_no);

CREATE TABLE receipt (
    receipt_no text PRIMARY KEY,
    account_no text NOT NULL,
    org text NOT NULL,
    amount_fen bigint NOT NULL CHECK (amount_fen > 0),
    method text NOT NULL,
    paid_at timestamptz NOT NULL,
    day date NOT NULL,
    settled_fen bigint NOT NULL,
    prepaid_fen bigint NOT NULL,
    suspense_fen bigint NOT NULL,
    voucher_no text NOT NULL,
    posted_at timestamptz NOT NULL,
    reversal_no text UNIQUE,
    reopened_fen bigint,
    reversal_voucher_no text,
    CHECK (settled_fen + prepaid_fen + suspense_fen = amount_fen)
);

CREATE INDEX receipt_account ON receipt (account_no);
CREATE INDEX receipt_day ON receipt (day, method);

CREATE TABLE posting (
    posting_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    month text NOT NULL,
    run_no int NOT NULL,
    posted_at timestamptz NOT NULL,
    bills int NOT NULL DEFAULT 0,
    unchanged int NOT NULL DEFAULT 0,
    held int NOT NULL DEFAULT 0,
    amount_fen bigint NOT NULL DEFAULT 0
);

-- A bill that does not agree with its own lines, or with the same number known before: it is not posted, and does not stop the rest.
CREATE TABLE held_bill (
    bill_no text NOT NULL,
    posting_no bigint NOT NULL,
    org text NOT NULL,
    account_no text NOT NULL,
    amount_fen bigint NOT NULL,
    lines_fen bigint NOT NULL,
    cause text NOT NULL,
    PRIMARY KEY (bill_no, posting_no)
);

ALTER TABLE customer_account ENABLE ROW LEVEL SECURITY;
CREATE POLICY customer_account_visible ON customer_account USING (denghuo.visible(org, account_no));
ALTER TABLE item ENABLE ROW LEVEL SECURITY;
CREATE POLICY item_visible ON item USING (denghuo.visible(org, account_no));
ALTER TABLE allocation ENABLE ROW LEVEL SECURITY;
CREATE POLICY allocation_visible ON allocation USING (denghuo.visible(org, account_no));
ALTER TABLE receipt ENABLE ROW LEVEL SECURITY;
CREATE POLICY receipt_visible ON receipt USING (denghuo.visible(org, account_no));
ALTER TABLE held_bill ENABLE ROW LEVEL SECURITY;
CREATE POLICY held_bill_visible ON held_bill USING (denghuo.visible(org, account_no));
