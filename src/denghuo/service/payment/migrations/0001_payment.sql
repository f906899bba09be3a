-- Payments (收费流水) and what they came from: counter, bank files, direct debit, online orders. Posting to the ledger follows.

CREATE SEQUENCE receipt_serial;
CREATE SEQUENCE batch_serial;
CREATE SEQUENCE order_serial;

CREATE TABLE payment (
    receipt_no text PRIMARY KEY,
    account_no text NOT NULL,
    org text NOT NULL,
    amount_fen bigint NOT NULL CHECK (amount_fen > 0),
    method text NOT NULL,
    tendered_fen bigint,
    reference text,
    cashier text NOT NULL,
    taken_at timestamptz NOT NULL,
    day date NOT NULL,
    remark text NOT NULL DEFAULT '',
    -- the bank file or online order that it came with
    source text,
    bank_code text,
    bank_serial text,
    bill_nos text[] NOT NULL DEFAULT '{}',
    known_account boolean NOT NULL DEFAULT true,
    sandbox boolean NOT NULL DEFAULT false,
    state text NOT NULL DEFAULT 'taken' CHECK (state IN ('taken', 'posted', 'reversing', 'reversed')),
    posted_at timestamptz,
    settled_fen bigint,
    prepaid_fen bigint,
    suspense_fen bigint,
    voucher_no text,
    reversal_reason text,
    reversed_by text,
    reversed_day date,
    reversal_approval_no bigint
);

CREATE INDEX payment_account ON payment (account_no, receipt_no);
CREATE INDEX payment_day ON payment (day, cashier);
CREATE INDEX payment_source ON payment (source) WHERE source IS NOT NULL;
CREATE INDEX payment_pending ON payment (receipt_no) WHERE posted_at IS NULL OR state = 'reversing';
-- A bank's serial number is one payment, in whatever file it comes.
CREATE UNIQUE INDEX payment_bank_serial ON payment (bank_code, bank_serial) WHERE bank_serial IS NOT NULL;

CREATE TABLE day_close (
    cashier text NOT NULL,
    day date NOT NULL,
    org text NOT NULL,
    expected_fen bigint NOT NULL,
    counted_fen bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'closed')),
    reason text,
    approval_no bigint,
    closed_at timestamptz NOT NULL,
    PRIMARY KEY (cashier, day)
);

-- Reversals that wait for another person's agreement.
CREATE TABLE reversal_request (
    approval_no bigint PRIMARY KEY,
    receipt_no text NOT NULL REFERENCES payment (receipt_no),
    reason text NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL
);

CREATE TABLE bank_file (
    file_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bank_code text NOT NULL,
    batch_no text NOT NULL,
    file_kind text NOT NULL,
    org text NOT NULL,
    file_name text NOT NULL,
    digest text NOT NULL,
    bank_day date NOT NULL,
    lines int NOT NULL,
    amount_fen bigint NOT NULL,
    payments int NOT NULL,
    paid_fen bigint NOT NULL,
    failed int NOT NULL,
    suspense int NOT NULL,
    imported_by text NOT NULL,
    imported_at timestamptz NOT NULL,
    sandbox boolean NOT NULL,
    reply jsonb NOT NULL,
    UNIQUE (bank_code, file_kind, batch_no)
);

CREATE TABLE agreement (
    account_no text NOT NULL,
    effective_from date NOT NULL,
    -- half open; null is in force
    effective_to date,
    org text NOT NULL,
    bank_code text NOT NULL,
    bank_account text NOT NULL,
    holder text NOT NULL,
    recorded_at timestamptz NOT NULL
);

CREATE UNIQUE INDEX agreement_in_force ON agreement (account_no) WHERE effective_to IS NULL;

CREATE TABLE debit_batch (
    batch_no text PRIMARY KEY,
    month text NOT NULL,
    bank_code text NOT NULL,
    org text NOT NULL,
    state text NOT NULL CHECK (state IN ('building', 'ready', 'sent', 'returned', 'empty')),
    -- whether accounts that failed in an earlier batch of the month are asked again
    retry boolean NOT NULL,
    reached text NOT NULL DEFAULT '',
    made_at timestamptz NOT NULL,
    sandbox boolean NOT NULL
);

-- One batch at a time for a bank and a company: otherwise an account would be charged twice.
CREATE UNIQUE INDEX debit_batch_under_way ON debit_batch (bank_code, org) WHERE state IN ('building', 'ready', 'sent');

CREATE TABLE debit_line (
    batch_no text NOT NULL REFERENCES debit_batch (batch_no),
    line int NOT NULL,
    account_no text NOT NULL,
    org text NOT NULL,
    amount_fen bigint NOT NULL CHECK (amount_fen > 0),
    bank_account text NOT NULL,
    holder text NOT NULL,
    result text NOT NULL DEFAULT 'wait',
    receipt_no text,
    PRIMARY KEY (batch_no, line)
);

CREATE INDEX debit_line_account ON debit_line (account_no);

CREATE TABLE online_order (
    order_no text PRIMARY KEY,
    account_no text NOT NULL,
    org text NOT NULL,
    amount_fen bigint NOT NULL CHECK (amount_fen > 0),
    bill_nos text[] NOT NULL,
    channel text NOT NULL,
    sandbox boolean NOT NULL,
    request text NOT NULL,
    signature text NOT NULL,
    state text NOT NULL DEFAULT 'created' CHECK (state IN ('created', 'paid')),
    receipt_no text,
    created_at timestamptz NOT NULL,
    paid_at timestamptz
);

CREATE INDEX online_order_account ON online_order (account_no);

-- Reports of channels as they came, kept before anything is done with them. Channels have no organisation, so no row security here;
-- no operation lists this table.
CREATE TABLE callback (
    order_no text PRIMARY KEY,
    channel text NOT NULL,
    body text NOT NULL,
    received_at timestamptz NOT NULL,
    done_at timestamptz
);

CREATE INDEX callback_waiting ON callback (order_no) WHERE done_at IS NULL;

-- The secret that is shared with a channel. The sandbox's is made here at its first use.
CREATE TABLE channel_key (
    channel text PRIMARY KEY,
    secret bytea NOT NULL
);

ALTER TABLE payment ENABLE ROW LEVEL SECURITY;
CREATE POLICY payment_visible ON payment USING (denghuo.visible(org, account_no));
ALTER TABLE day_close ENABLE ROW LEVEL SECURITY;
CREATE POLICY day_close_visible ON day_close USING (denghuo.visible(org, ''));
ALTER TABLE bank_file ENABLE ROW LEVEL SECURITY;
CREATE POLICY bank_file_visible ON bank_file USING (denghuo.visible(org, ''));
ALTER TABLE agreement ENABLE ROW LEVEL SECURITY;
CREATE POLICY agreement_visible ON agreement USING (denghuo.visible(org, account_no));
ALTER TABLE debit_batch ENABLE ROW LEVEL SECURITY;
CREATE POLICY debit_batch_visible ON debit_batch USING (denghuo.visible(org, ''));
ALTER TABLE debit_line ENABLE ROW LEVEL SECURITY;
CREATE POLICY debit_line_visible ON debit_line USING (denghuo.visible(org, account_no));
ALTER TABLE online_order ENABLE ROW LEVEL SECURITY;
CREATE POLICY online_order_visible ON online_order USING (denghuo.visible(org, account_no));
