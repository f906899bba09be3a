-- Terms as they were before they were changed: with when they were recorded and when others took their place, so that a month
-- can be computed as it was known on a day. The rows of `terms` are what is known now.
CREATE TABLE terms_past (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    LIKE terms,
    superseded_at timestamptz NOT NULL
);
CREATE INDEX terms_past_account ON terms_past (account_no);
CREATE INDEX terms_past_contract ON terms_past (contract_no);
ALTER TABLE terms_past ENABLE ROW LEVEL SECURITY;
CREATE POLICY terms_past_visible ON terms_past USING (denghuo.visible(org, account_no));

-- Until now a change of terms ended the row before without a word of when: it was when the row that follows was recorded.
INSERT INTO terms_past (contract_no, account_no, org, kind, valid, tariff_class, tariff_code, voltage_kv, contract_w,
    capacity_va, pv_w, settlement_mode, pf_standard, reason, recorded_at, special, superseded_at)
SELECT t.contract_no, t.account_no, t.org, t.kind, daterange(lower(t.valid), NULL), t.tariff_class, t.tariff_code, t.voltage_kv,
    t.contract_w, t.capacity_va, t.pv_w, t.settlement_mode, t.pf_standard, t.reason, t.recorded_at, t.special, n.recorded_at
FROM terms t JOIN terms n ON n.contract_no = t.contract_no AND lower(n.valid) = upper(t.valid) AND n.recorded_at > t.recorded_at;
UPDATE terms SET recorded_at = n.recorded_at FROM terms n
WHERE n.contract_no = terms.contract_no AND lower(n.valid) = upper(terms.valid) AND n.recorded_at > terms.recorded_at;
