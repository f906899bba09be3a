-- Plans beside the month's (临时抄表、线损抄表). Their registers stand apart: no month's energy is made of them.
CREATE TABLE special_plan (
    plan_no int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('temporary', 'loss')),
    area_no text,
    read_on date NOT NULL,
    since date CHECK (since < read_on),
    reader text,
    org text NOT NULL,
    reason text NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    CHECK ((kind = 'loss') = (area_no IS NOT NULL AND since IS NOT NULL))
);

CREATE TABLE special_read (
    plan_no int NOT NULL REFERENCES special_plan,
    point_no text NOT NULL,
    read_on date NOT NULL,
    quantity text NOT NULL,
    band text NOT NULL,
    piece int NOT NULL,
    meter_no text NOT NULL,
    account_no text,
    org text NOT NULL,
    role text NOT NULL,
    route text NOT NULL,
    multiplier bigint NOT NULL,
    integer_digits int NOT NULL,
    decimal_digits int NOT NULL,
    shown_e4 bigint,
    shown_at timestamptz,
    source text CHECK (source IN ('collected', 'entered', 'field')),
    PRIMARY KEY (plan_no, point_no, read_on, quantity, band),
    CHECK (num_nulls(shown_e4, shown_at, source) IN (0, 3))
);
ALTER TABLE special_read ENABLE ROW LEVEL SECURITY;
CREATE POLICY special_read_visible ON special_read USING (denghuo.visible(org, ''));
ALTER TABLE special_plan ENABLE ROW LEVEL SECURITY;
-- A plan over several units is known in each of them, for its reader there may be named by it.
CREATE POLICY special_plan_visible ON special_plan USING (denghuo.visible(org, '')
    OR EXISTS (SELECT FROM special_read r WHERE r.plan_no = special_plan.plan_no AND denghuo.visible(r.org, '')));

-- An order of a plan asks for registers of the plan; its month is the one that its midnight ends or lies in.
ALTER TABLE field_order ADD COLUMN plan_no int REFERENCES special_plan;
DROP INDEX field_order_open;
CREATE UNIQUE INDEX field_order_open ON field_order (month, point_no, piece) WHERE state <> 'accepted' AND plan_no IS NULL;
CREATE UNIQUE INDEX field_order_plan ON field_order (plan_no, point_no, read_at) WHERE plan_no IS NOT NULL;
