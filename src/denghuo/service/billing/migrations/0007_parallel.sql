-- The parallel run of a migration (双轨对账): bills of the old system, and what came of comparing them with ours.

-- A month and a file. `place` is where comparing stands (account and kind), so that a run that was broken off goes on from there.
CREATE TABLE parallel_run (
    run_no int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    month text NOT NULL,
    digest text NOT NULL,
    file_name text NOT NULL,
    -- the company, which an account that is unknown here counts with
    org text NOT NULL,
    state text NOT NULL DEFAULT 'taking',
    place_account text NOT NULL DEFAULT '',
    place_kind text NOT NULL DEFAULT '',
    -- bills that nothing explains, counted over the whole company when the run ended
    unexplained_in_all int,
    started_by text NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    UNIQUE (month, digest)
);

-- Rows of the file that were no old bill.
CREATE TABLE parallel_refusal (
    run_no int NOT NULL REFERENCES parallel_run,
    file text NOT NULL,
    line int NOT NULL,
    field text NOT NULL,
    value text NOT NULL,
    what jsonb NOT NULL,
    remedy jsonb NOT NULL,
    PRIMARY KEY (run_no, file, line, field)
);

-- An account of either side. Without an old amount: only ours; without a bill: only the old one. `causes` add up to ours less the
-- old amount; `verdict` is null until it was compared.
CREATE TABLE parallel_bill (
    run_no int NOT NULL REFERENCES parallel_run,
    account_no text NOT NULL,
    kind text NOT NULL,
    org text NOT NULL,
    file_line int,
    old_energy_wh bigint,
    old_amount_fen bigint,
    old_class text,
    old_used_before_wh bigint,
    bill_no text,
    new_energy_wh bigint,
    new_amount_fen bigint,
    verdict text,
    difference_fen bigint NOT NULL DEFAULT 0,
    unexplained_fen bigint NOT NULL DEFAULT 0,
    causes jsonb NOT NULL DEFAULT '[]',
    accepted_by text,
    accepted_at timestamptz,
    accepted_why text,
    PRIMARY KEY (run_no, account_no, kind)
);
CREATE INDEX parallel_bill_verdict ON parallel_bill (run_no, verdict, org);
ALTER TABLE parallel_bill ENABLE ROW LEVEL SECURITY;
CREATE POLICY parallel_bill_visible ON parallel_bill USING (denghuo.visible(org, account_no));

-- Lines of old bills by their line of the file, so that a batch that comes twice is kept once.
CREATE TABLE parallel_line (
    run_no int NOT NULL REFERENCES parallel_run,
    account_no text NOT NULL,
    kind text NOT NULL,
    file_line int NOT NULL,
    component text NOT NULL,
    band text,
    tier int,
    quantity_milli bigint,
    price_e8 bigint,
    amount_fen bigint NOT NULL,
    PRIMARY KEY (run_no, account_no, kind, file_line)
);
