-- Organisations (供电单位), roles, staff and appointments to posts.
-- Scope is a prefix of the organisation code, so a code always begins with its superior's.

CREATE TABLE organisation (
    code text NOT NULL,
    name text NOT NULL,
    name_en text NOT NULL,
    kind text NOT NULL,
    parent text,
    address text NOT NULL,
    phone text NOT NULL,
    -- half open: [from_day, to_day)
    from_day date NOT NULL,
    to_day date CHECK (to_day > from_day),
    PRIMARY KEY (code, from_day),
    CHECK (parent IS NULL OR code ^@ (parent || '.'))
);
CREATE UNIQUE INDEX organisation_standing ON organisation (code) WHERE to_day IS NULL;
ALTER TABLE organisation ENABLE ROW LEVEL SECURITY;
CREATE POLICY organisation_visible ON organisation USING (denghuo.in_scope(code));

-- Roles that differ from the delivered ones, or that a utility added.
CREATE TABLE role (
    code text PRIMARY KEY,
    name_zh text NOT NULL,
    name_en text NOT NULL,
    permits text[] NOT NULL
);

CREATE TABLE staff (
    user_name text PRIMARY KEY,
    name text NOT NULL,
    org text NOT NULL,
    phone text,
    state text NOT NULL DEFAULT 'active',
    recorded_at timestamptz NOT NULL
);
CREATE INDEX staff_org ON staff (org text_pattern_ops, user_name);
ALTER TABLE staff ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_visible ON staff USING (denghuo.in_scope(org));

CREATE TABLE appointment (
    appointment_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_name text NOT NULL REFERENCES staff,
    role text NOT NULL,
    org text NOT NULL,
    -- half open: [from_day, to_day); an appointment that was undone before its first day is empty
    from_day date NOT NULL,
    to_day date CHECK (to_day >= from_day),
    delegated_by text,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX appointment_user ON appointment (user_name);
CREATE INDEX appointment_role ON appointment (role);
ALTER TABLE appointment ENABLE ROW LEVEL SECURITY;
CREATE POLICY appointment_visible ON appointment USING (denghuo.in_scope(org));
