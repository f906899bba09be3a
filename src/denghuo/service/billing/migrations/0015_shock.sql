-- Bills out of the ordinary (账单冲击): a limit on the amount beside the bill before, what was tested of a held bill, and when the
-- customer was told, before the issue. What was tested is null until it is, and again once the bill is another.
INSERT INTO review_rule (code, kind, tariff_class, "limit") VALUES ('bill_jump', 'supply', '', 300);

ALTER TABLE hold ADD COLUMN before_bill_no text, ADD COLUMN difference_fen bigint, ADD COLUMN tested jsonb,
    ADD COLUMN tested_at timestamptz, ADD COLUMN told_at timestamptz;
