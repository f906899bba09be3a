-- What must have been told before a customer is disconnected (停电通知): policies by unit and day, and what was told.

ALTER TABLE switching ADD COLUMN ground text NOT NULL DEFAULT 'arrears'
    CHECK (ground IN ('arrears', 'fee_control', 'customer_request'));

CREATE TABLE switching_policy (
    policy_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org text NOT NULL,
    effective_from date NOT NULL,
    notice_days int NOT NULL CHECK (notice_days >= 0),
    call_minutes int NOT NULL CHECK (call_minutes >= 0),
    -- whether who paid under fee control is reconnected without a second person
    reconnect_alone boolean NOT NULL,
    source text NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL,
    UNIQUE (org, effective_from)
);
ALTER TABLE switching_policy ENABLE ROW LEVEL SECURITY;
-- The policy of a unit above holds for those below, who must see it.
CREATE POLICY switching_policy_seen ON switching_policy FOR SELECT USING (true);
CREATE POLICY switching_policy_set ON switching_policy FOR INSERT WITH CHECK (denghuo.in_scope(org));
CREATE POLICY switching_policy_righted ON switching_policy FOR UPDATE USING (denghuo.in_scope(org));

CREATE TABLE disconnection_notice (
    notice_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    meter_no text NOT NULL,
    org text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('notice', 'call')),
    given_at timestamptz NOT NULL,
    way text NOT NULL,
    note text NOT NULL,
    told_by text NOT NULL,
    told_at timestamptz NOT NULL
);
CREATE INDEX disconnection_notice_meter ON disconnection_notice (meter_no, given_at);
ALTER TABLE disconnection_notice ENABLE ROW LEVEL SECURITY;
CREATE POLICY disconnection_notice_visible ON disconnection_notice USING (denghuo.in_scope(org));
