-- The books (总账): chart of accounts, vouchers and entries. Entries are added by whole documents that balance, and never change.

CREATE TABLE chart (
    code text PRIMARY KEY,
    zh text NOT NULL,
    en text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('asset', 'liability', 'income', 'expense')),
    -- what postings call it; the code is the company's own
    use text NOT NULL UNIQUE
);

INSERT INTO chart (code, zh, en, kind, use) VALUES
    ('1001', '库存现金', 'Cash in hand', 'asset', 'cash'),
    ('1002', '银行存款', 'Bank', 'asset', 'bank'),
    ('1012', '在途资金（刷卡、扫码、线上）', 'Bank in transit (card, QR, online)', 'asset', 'transit'),
    ('1122', '应收电费', 'Receivable from customers', 'asset', 'receivable'),
    ('2202', '应付购电费', 'Payable to generators', 'liability', 'payable'),
    ('2203', '预收电费', 'Prepaid by customers', 'liability', 'prepaid'),
    ('224101', '代征政府性基金及附加', 'Funds collected for the government', 'liability', 'fund'),
    ('224102', '暂存款', 'Suspense', 'liability', 'suspense'),
    ('600101', '电度电费收入', 'Revenue: energy', 'income', 'energy'),
    ('600102', '基本电费收入', 'Revenue: basic charge', 'income', 'basic'),
    ('600103', '功率因数调整电费收入', 'Revenue: power factor adjustment', 'income', 'power_factor'),
    ('600104', '退补电费收入', 'Revenue: adjustments', 'income', 'adjustment'),
    ('605101', '违约金收入', 'Late fees', 'income', 'late_fee'),
    ('640101', '购电成本', 'Purchase of energy', 'expense', 'purchase');

-- Which account of the chart a way of paying goes to.
CREATE TABLE method_account (
    method text PRIMARY KEY,
    code text NOT NULL REFERENCES chart (code)
);

INSERT INTO method_account (method, code) VALUES
    ('cash', '1001'), ('card', '1012'), ('qr', '1012'), ('online', '1012'), ('bank', '1002'), ('debit', '1002');

CREATE TABLE closed_month (
    month text PRIMARY KEY,
    closed_at timestamptz NOT NULL,
    closed_by text NOT NULL,
    reason text NOT NULL
);

-- Vouchers of a month are numbered without gaps: the row is locked until the voucher is committed.
CREATE TABLE voucher_number (
    month text PRIMARY KEY,
    last int NOT NULL
);

CREATE TABLE voucher (
    voucher_no text PRIMARY KEY,
    month text NOT NULL,
    org text NOT NULL,
    posted_at timestamptz NOT NULL,
    posted_by text NOT NULL,
    document_kind text NOT NULL,
    zh text NOT NULL,
    en text NOT NULL
);

CREATE INDEX voucher_month ON voucher (month, voucher_no);

CREATE TABLE entry (
    entry_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    voucher_no text NOT NULL REFERENCES voucher (voucher_no),
    month text NOT NULL,
    posted_at timestamptz NOT NULL,
    document_kind text NOT NULL CHECK (document_kind IN ('bill', 'receipt', 'reversal', 'offset')),
    document_no text NOT NULL,
    code text NOT NULL REFERENCES chart (code),
    org text NOT NULL,
    account_no text,
    debit_fen bigint NOT NULL DEFAULT 0 CHECK (debit_fen >= 0),
    credit_fen bigint NOT NULL DEFAULT 0 CHECK (credit_fen >= 0),
    CHECK ((debit_fen = 0) <> (credit_fen = 0))
);

CREATE INDEX entry_voucher ON entry (voucher_no, entry_no);
CREATE INDEX entry_account ON entry (account_no, entry_no) WHERE account_no IS NOT NULL;
CREATE INDEX entry_document ON entry (document_no);
CREATE INDEX entry_code ON entry (code, entry_no);

-- Every statement that adds entries must add documents that balance, each in the books of one organisation, and none into a
-- month that is closed. So the books balance after every statement, whoever writes.
CREATE FUNCTION entries_balance() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE
    wrong record;
BEGIN
    SELECT document_kind, document_no, sum(debit_fen) AS debit, sum(credit_fen) AS credit, count(DISTINCT org) AS orgs
        INTO wrong FROM added GROUP BY document_kind, document_no, voucher_no
        HAVING sum(debit_fen) <> sum(credit_fen) OR count(DISTINCT org) > 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'document % % does not balance: debit % fen, credit % fen, % organisations',
            wrong.document_kind, wrong.document_no, wrong.debit, wrong.credit, wrong.orgs USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT 1 FROM added JOIN closed_month USING (month)) THEN
        RAISE EXCEPTION 'the booking month is closed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$function$;

CREATE TRIGGER entries_balance AFTER INSERT ON entry
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION entries_balance();

CREATE FUNCTION books_never_change() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    RAISE EXCEPTION '% on % refused: what is in the books is reversed, never changed', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'check_violation';
END
$function$;

CREATE TRIGGER entry_never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON entry
    FOR EACH STATEMENT EXECUTE FUNCTION books_never_change();
CREATE TRIGGER voucher_never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON voucher
    FOR EACH STATEMENT EXECUTE FUNCTION books_never_change();

ALTER TABLE voucher ENABLE ROW LEVEL SECURITY;
CREATE POLICY voucher_visible ON voucher USING (denghuo.visible(org, ''));
ALTER TABLE entry ENABLE ROW LEVEL SECURITY;
CREATE POLICY entry_visible ON entry USING (denghuo.visible(org, account_no));
