-- Tasks (待办) and approvals (审批). The organisation is the subject's; whoever holds the role there or above it sees them.

CREATE TABLE task (
    task_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL UNIQUE,
    kind text NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    org text NOT NULL,
    role text NOT NULL,
    subject_noun text NOT NULL,
    subject_id text NOT NULL,
    page text NOT NULL,
    parameters jsonb NOT NULL,
    due_on date,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'claimed', 'done')),
    claimed_by text,
    raised_at timestamptz NOT NULL,
    finished_at timestamptz,
    finished_by text,
    remark text NOT NULL DEFAULT ''
);
CREATE INDEX task_list ON task (role, state, org text_pattern_ops);
CREATE INDEX task_subject ON task (subject_noun, subject_id);
ALTER TABLE task ENABLE ROW LEVEL SECURITY;
CREATE POLICY task_visible ON task USING (denghuo.in_scope(org));

CREATE TABLE approval (
    approval_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    subject_noun text NOT NULL,
    subject_id text NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    org text NOT NULL,
    role text NOT NULL,
    payload jsonb NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'agreed', 'refused', 'withdrawn')),
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    request_remark text NOT NULL,
    decided_by text,
    decided_at timestamptz,
    remark text NOT NULL DEFAULT '',
    -- the second person, held by the database as well
    CHECK (state NOT IN ('agreed', 'refused') OR decided_by <> requested_by)
);
CREATE UNIQUE INDEX approval_pending ON approval (org, kind, subject_noun, subject_id) WHERE state = 'pending';
ALTER TABLE approval ENABLE ROW LEVEL SECURITY;
CREATE POLICY approval_visible ON approval USING (denghuo.in_scope(org));
