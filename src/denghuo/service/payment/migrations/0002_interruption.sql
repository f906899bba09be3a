-- Interruptions under fee control (费控停复电): the ledger's newest word on each account, and how far each meter is.

CREATE TABLE balance_word (
    account_no text PRIMARY KEY,
    warning_no bigint NOT NULL,
    exhausted boolean NOT NULL
);

CREATE TABLE interruption (
    interruption_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_no text NOT NULL REFERENCES balance_word,
    meter_no text NOT NULL,
    org text NOT NULL,
    state text NOT NULL DEFAULT 'new' CHECK
        (state IN ('new', 'noticed', 'called', 'asked', 'held', 'off', 'unknown', 'restoring', 'closed')),
    -- when it goes on by itself; null where it waits for an event
    due_at timestamptz,
    switching_no bigint,
    note_zh text NOT NULL DEFAULT '',
    note_en text NOT NULL DEFAULT '',
    opened_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX interruption_open ON interruption (meter_no) WHERE state <> 'closed';
CREATE INDEX interruption_due ON interruption (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX interruption_account ON interruption (account_no, interruption_no);
ALTER TABLE interruption ENABLE ROW LEVEL SECURITY;
CREATE POLICY interruption_visible ON interruption USING (denghuo.visible(org, account_no));
