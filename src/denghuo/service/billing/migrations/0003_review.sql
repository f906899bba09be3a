-- Review rules on what changed since the last bill. A drop is a percent of the average of earlier months; the others have no limit.

INSERT INTO review_rule (code, kind, tariff_class, "limit") VALUES
    ('drop', 'supply', '', 10),
    ('first_bill', 'supply', '', 0),
    ('first_bill', 'purchase', '', 0),
    ('new_tariff', 'supply', '', 0),
    ('new_tariff', 'purchase', '', 0),
    ('old_price', 'supply', '', 0);
