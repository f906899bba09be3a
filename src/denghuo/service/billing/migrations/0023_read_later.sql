-- Accounts that the reading of a month leaves to a later one, because their routes are read every two months.
ALTER TABLE cycle ADD COLUMN later int NOT NULL DEFAULT 0;
ALTER TABLE billing_unit ADD COLUMN later int NOT NULL DEFAULT 0;
