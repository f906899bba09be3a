-- Over how many months the energy of a bill runs, the last of which is `month`: two where a route is read every two months.
ALTER TABLE year_use ADD COLUMN months smallint NOT NULL DEFAULT 1 CHECK (months BETWEEN 1 AND 12);
ALTER TABLE year_use_past ADD COLUMN months smallint NOT NULL DEFAULT 1;

CREATE OR REPLACE FUNCTION keep_past_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO year_use_past (account_no, month, org, energy_wh, source, billed_on, recorded_at, months, superseded_at)
    VALUES (OLD.account_no, OLD.month, OLD.org, OLD.energy_wh, OLD.source, OLD.billed_on, OLD.recorded_at, OLD.months,
            NEW.recorded_at);
    RETURN NEW;
END $$;
