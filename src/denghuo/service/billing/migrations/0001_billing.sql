-- Billing (核算): the cycle of a month, bills with their lines, what is held for a person, energy of the tier year.

-- One row per month. `epoch` counts the runs of the job (a resume begins a new one), so that an older job ends by itself.
-- `terms` and `energy` are references to the datasets that the month is rated from.
CREATE TABLE cycle (
    month text PRIMARY KEY,
    state text NOT NULL,
    stage text NOT NULL,
    epoch int NOT NULL DEFAULT 1,
    run_no int NOT NULL DEFAULT 0,
    accounts int NOT NULL DEFAULT 0,
    terms jsonb,
    energy jsonb,
    started_at timestamptz NOT NULL,
    started_by text NOT NULL,
    ended_at timestamptz,
    -- since when and from how much work done the present run counts its rate
    resumed_at timestamptz NOT NULL,
    resumed_done int NOT NULL DEFAULT 0,
    busy_ms bigint NOT NULL DEFAULT 0,
    trouble jsonb
);

CREATE TABLE cycle_stage (
    month text NOT NULL REFERENCES cycle,
    stage text NOT NULL,
    done int NOT NULL DEFAULT 0,
    total int NOT NULL DEFAULT 0,
    started_at timestamptz,
    ended_at timestamptz,
    PRIMARY KEY (month, stage)
);

-- The number of a bill is fixed when it is rated (month, account, kind, sequence); it is issued once and never changed afterwards.
CREATE TABLE bill (
    bill_no text PRIMARY KEY CHECK (bill_no ~ '^[0-9]{22}$'),
    month text NOT NULL,
    account_no text NOT NULL,
    org text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    contract_no text NOT NULL,
    tariff_class text NOT NULL,
    tariff_code text NOT NULL,
    tariff_version int NOT NULL,
    tariff_title jsonb NOT NULL,
    voltage text,
    contract_w bigint,
    capacity_va bigint,
    pv_w bigint,
    area_no text,
    from_on date NOT NULL,
    to_on date NOT NULL,
    energy_wh bigint NOT NULL,
    used_before_wh bigint NOT NULL,
    amount_fen bigint NOT NULL,
    estimated_days int NOT NULL,
    illustrative boolean NOT NULL,
    registers jsonb NOT NULL,
    remarks jsonb NOT NULL,
    rated_at timestamptz NOT NULL,
    issued_on date,
    due_on date,
    run_no int,
    -- a reversal is a bill of its own with the amounts negated; both know each other
    reverses text REFERENCES bill,
    reversed_by text REFERENCES bill
);
CREATE INDEX bill_month ON bill (month, state, bill_no);
CREATE INDEX bill_account ON bill (account_no, month);
-- one bill of a kind stands for an account and month; a reversed one and its reversal stand beside it
CREATE UNIQUE INDEX bill_standing ON bill (month, account_no, kind) WHERE state <> 'reversed' AND reverses IS NULL;
ALTER TABLE bill ENABLE ROW LEVEL SECURITY;
CREATE POLICY bill_visible ON bill USING (denghuo.visible(org, account_no));

-- `detail` is the line as the rules gave it: title, steps, sentence, arithmetic, price version, document.
CREATE TABLE bill_line (
    bill_no text NOT NULL,
    line int NOT NULL,
    org text NOT NULL,
    account_no text NOT NULL,
    code text NOT NULL,
    "group" text NOT NULL,
    band text,
    tier int,
    quantity_milli bigint,
    price_e8 bigint,
    amount_fen bigint NOT NULL,
    detail jsonb NOT NULL,
    PRIMARY KEY (bill_no, line)
);
ALTER TABLE bill_line ENABLE ROW LEVEL SECURITY;
CREATE POLICY bill_line_visible ON bill_line USING (denghuo.visible(org, account_no));

-- What is held and why. Without a bill (bill_no is null) nothing could be rated, so nothing can be let pass.
CREATE TABLE hold (
    exception_no text PRIMARY KEY,
    month text NOT NULL,
    account_no text NOT NULL,
    org text NOT NULL,
    kind text NOT NULL,
    tariff_class text NOT NULL,
    code text NOT NULL,
    reason jsonb NOT NULL,
    remedy jsonb NOT NULL,
    parameters jsonb NOT NULL,
    pieces jsonb NOT NULL,
    energy_wh bigint,
    amount_fen bigint,
    bill_no text,
    state text NOT NULL DEFAULT 'open',
    raised_at timestamptz NOT NULL,
    settled_at timestamptz,
    settled_by text,
    settled_why text,
    -- what the to-do list was told: nothing yet, that it is open, that it is done
    task text NOT NULL DEFAULT 'none'
);
CREATE INDEX hold_month ON hold (month, state, exception_no);
CREATE INDEX hold_bill ON hold (bill_no);
CREATE INDEX hold_untold ON hold (month) WHERE (state = 'open') <> (task = 'raised');
ALTER TABLE hold ENABLE ROW LEVEL SECURITY;
CREATE POLICY hold_visible ON hold USING (denghuo.visible(org, account_no));

-- Energy billed in a month of the tier year (阶梯累计电量). `source`: billed here, or taken over from the system before.
CREATE TABLE year_use (
    account_no text NOT NULL,
    month text NOT NULL,
    org text NOT NULL,
    energy_wh bigint NOT NULL,
    source text NOT NULL,
    billed_on date,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (account_no, month)
);
ALTER TABLE year_use ENABLE ROW LEVEL SECURITY;
CREATE POLICY year_use_visible ON year_use USING (denghuo.visible(org, account_no));

-- Limits of the review rules. An empty class holds for all classes that have no row of their own.
CREATE TABLE review_rule (
    code text NOT NULL,
    kind text NOT NULL,
    tariff_class text NOT NULL DEFAULT '',
    "limit" bigint NOT NULL,
    active boolean NOT NULL DEFAULT true,
    PRIMARY KEY (code, kind, tariff_class)
);
INSERT INTO review_rule (code, kind, tariff_class, "limit") VALUES
    ('negative', 'supply', '', 0),
    ('negative', 'purchase', '', 0),
    ('zero_use', 'supply', 'resident', 0),
    ('zero_use', 'supply', 'general_single_part', 0),
    ('zero_use', 'supply', 'two_part_capacity', 0),
    ('zero_use', 'supply', 'two_part_demand', 0),
    -- percent of what the contract power, or the generating power of a solar plant, can give in all hours of the month
    ('over_capacity', 'supply', '', 100),
    ('over_capacity', 'purchase', '', 40),
    -- percent of the average of earlier months of the tier year
    ('spike', 'supply', '', 500),
    -- percent of the days of the month
    ('estimated_share', 'supply', '', 30),
    ('estimated_share', 'purchase', '', 30),
    -- yuan
    ('outlier_amount', 'supply', 'resident', 5000),
    ('outlier_amount', 'supply', 'agricultural', 50000),
    ('outlier_amount', 'supply', 'general_single_part', 100000),
    ('outlier_amount', 'supply', 'two_part_capacity', 2000000),
    ('outlier_amount', 'supply', 'two_part_demand', 2000000),
    ('outlier_amount', 'purchase', '', 1000000);
