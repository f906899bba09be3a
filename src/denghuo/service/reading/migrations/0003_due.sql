-- Whether reads were changed one account at a time since the month's dataset was last published.
ALTER TABLE publication ADD COLUMN due boolean NOT NULL DEFAULT false;
