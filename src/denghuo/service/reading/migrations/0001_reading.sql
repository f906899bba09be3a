-- Reading plans, the month's reads with their versions, and what clerks entered. Raw registers and curves lie in the day lake.

-- Whose registers and curves there are: the newest known piece of every meter, and every area with a gateway.
CREATE TABLE subject (
    subject text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('meter', 'area')),
    org text NOT NULL,
    account_no text,
    PRIMARY KEY (kind, subject)
);
ALTER TABLE subject ENABLE ROW LEVEL SECURITY;
CREATE POLICY subject_visible ON subject USING (denghuo.visible(org, account_no));

CREATE TABLE plan (
    month text NOT NULL,
    point_no text NOT NULL,
    piece int NOT NULL,
    account_no text,
    area_no text,
    feeder_no text,
    org text NOT NULL,
    role text NOT NULL,
    register text NOT NULL,
    meter_no text NOT NULL,
    multiplier bigint NOT NULL CHECK (multiplier > 0),
    integer_digits int NOT NULL,
    decimal_digits int NOT NULL,
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    start_e4 bigint,
    final_e4 bigint,
    start_rev_e4 bigint,
    final_rev_e4 bigint,
    pv_w bigint,
    route text NOT NULL,
    reading_day date NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (month, point_no, piece),
    CHECK (from_at < to_at)
);
CREATE INDEX plan_org ON plan (month, org text_pattern_ops);
CREATE INDEX plan_meter ON plan (meter_no, month);
ALTER TABLE plan ENABLE ROW LEVEL SECURITY;
CREATE POLICY plan_visible ON plan USING (denghuo.visible(org, account_no));

CREATE TABLE month_read (
    month text NOT NULL,
    point_no text NOT NULL,
    piece int NOT NULL,
    quantity text NOT NULL,
    band text NOT NULL,
    account_no text,
    area_no text,
    feeder_no text,
    org text NOT NULL,
    role text NOT NULL,
    meter_no text NOT NULL,
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    start_e4 bigint,
    end_e4 bigint,
    multiplier bigint NOT NULL,
    -- what the registers say, also while the read is held; only a read that is not held goes on to billing
    energy_wh bigint,
    status text NOT NULL CHECK (status IN ('valid', 'estimated', 'held')),
    rule text NOT NULL,
    method text NOT NULL,
    days_estimated int NOT NULL,
    days_missing int NOT NULL,
    notices text[] NOT NULL,
    accepted_by text,
    remark text,
    version int NOT NULL DEFAULT 1,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (month, point_no, piece, quantity, band),
    CHECK (status = 'held' OR energy_wh IS NOT NULL)
);
CREATE INDEX month_read_account ON month_read (account_no, month);
CREATE INDEX month_read_exceptions ON month_read (month, status) WHERE status <> 'valid';
ALTER TABLE month_read ENABLE ROW LEVEL SECURITY;
CREATE POLICY month_read_visible ON month_read USING (denghuo.visible(org, account_no));

-- What a read was before it changed.
CREATE TABLE month_read_past (LIKE month_read INCLUDING CONSTRAINTS, PRIMARY KEY (month, point_no, piece, quantity, band, version));
ALTER TABLE month_read_past ENABLE ROW LEVEL SECURITY;
CREATE POLICY month_read_past_visible ON month_read_past USING (denghuo.visible(org, account_no));

-- Registers that clerks entered. They stand before the raw value in the making of reads; the newest version of a key counts.
CREATE TABLE manual_read (
    meter_no text NOT NULL,
    quantity text NOT NULL,
    band text NOT NULL,
    read_at timestamptz NOT NULL,
    version int NOT NULL,
    value_e4 bigint NOT NULL CHECK (value_e4 >= 0),
    point_no text NOT NULL,
    org text NOT NULL,
    account_no text,
    reason text NOT NULL,
    entered_by text NOT NULL,
    entered_at timestamptz NOT NULL,
    PRIMARY KEY (meter_no, quantity, band, read_at, version)
);
ALTER TABLE manual_read ENABLE ROW LEVEL SECURITY;
CREATE POLICY manual_read_visible ON manual_read USING (denghuo.visible(org, account_no));

-- A clerk's word that a suspicious read is right: for these registers and this rule only.
CREATE TABLE acceptance (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    month text NOT NULL,
    point_no text NOT NULL,
    piece int NOT NULL,
    quantity text NOT NULL,
    band text NOT NULL,
    start_e4 bigint NOT NULL,
    end_e4 bigint NOT NULL,
    rule text NOT NULL,
    org text NOT NULL,
    account_no text,
    reason text NOT NULL,
    accepted_by text NOT NULL,
    accepted_at timestamptz NOT NULL
);
CREATE INDEX acceptance_month ON acceptance (month, point_no);
ALTER TABLE acceptance ENABLE ROW LEVEL SECURITY;
CREATE POLICY acceptance_visible ON acceptance USING (denghuo.visible(org, account_no));

-- Rows of intakes that were not taken, with what they said. Where the meter is unknown the unit is empty: only the company sees it.
CREATE TABLE refused_read (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    intake text NOT NULL,
    month text,
    subject text NOT NULL,
    at timestamptz,
    value text NOT NULL,
    code text NOT NULL,
    zh text NOT NULL,
    en text NOT NULL,
    org text NOT NULL,
    account_no text,
    refused_at timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (intake, subject, at, value, code)
);
ALTER TABLE refused_read ENABLE ROW LEVEL SECURITY;
CREATE POLICY refused_read_visible ON refused_read USING (denghuo.visible(org, account_no));
