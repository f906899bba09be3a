-- Use of the tier year as it was before it was corrected, billed again or taken back: with when it was recorded and when it no longer
-- held, so that a month can be computed as it was known on a day. The rows of `year_use` are what is known now.
CREATE TABLE year_use_past (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    LIKE year_use,
    superseded_at timestamptz NOT NULL
);
CREATE INDEX year_use_past_account ON year_use_past (account_no, month);
ALTER TABLE year_use_past ENABLE ROW LEVEL SECURITY;
CREATE POLICY year_use_past_visible ON year_use_past USING (denghuo.visible(org, account_no));

-- Whoever changes a row: what it was is kept. Rows that are taken back are kept by the statement that does so, which knows the time.
CREATE FUNCTION keep_past_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO year_use_past (account_no, month, org, energy_wh, source, billed_on, recorded_at, superseded_at)
    VALUES (OLD.account_no, OLD.month, OLD.org, OLD.energy_wh, OLD.source, OLD.billed_on, OLD.recorded_at, NEW.recorded_at);
    RETURN NEW;
END $$;
CREATE TRIGGER year_use_changes BEFORE UPDATE ON year_use
    FOR EACH ROW EXECUTE FUNCTION keep_past_use();
