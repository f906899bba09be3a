-- When the estimates of a day will stand in bills, as long as a job waits for it.
ALTER TABLE curve_check ADD COLUMN released_at timestamptz;
