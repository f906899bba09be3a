-- An entitlement is that of a customer: it holds for the contract under which it was listed, and ends with it.
ALTER TABLE entitlement ADD COLUMN contract_no text;
UPDATE entitlement SET contract_no = (
    SELECT contract_no FROM terms
    WHERE terms.account_no = entitlement.account_no AND kind = 'supply' AND tariff_class = 'resident'
        AND valid && daterange(starts, ends)
    ORDER BY lower(valid) LIMIT 1
);
