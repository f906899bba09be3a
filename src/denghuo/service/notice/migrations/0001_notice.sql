-- Notices to accounts and to staff. The text is made from template and parameters when it is read, in the reader's language.

CREATE TABLE notice (
    notice_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text UNIQUE,
    template text NOT NULL,
    account_no text,
    user_name text,
    org text NOT NULL,
    parameters jsonb NOT NULL,
    sent_at timestamptz NOT NULL,
    read_at timestamptz,
    CHECK ((account_no IS NULL) <> (user_name IS NULL))
);
CREATE INDEX notice_account ON notice (account_no, notice_no) WHERE account_no IS NOT NULL;
CREATE INDEX notice_staff ON notice (user_name, notice_no) WHERE user_name IS NOT NULL;
ALTER TABLE notice ENABLE ROW LEVEL SECURITY;
CREATE POLICY notice_visible ON notice USING (denghuo.visible(org, account_no));
