-- Entries are checked by whole statements: that their vouchers and accounts of the chart exist is asked once for each, not row by row,
-- which took half of the time of a run's posting.

ALTER TABLE entry DROP CONSTRAINT entry_voucher_no_fkey, DROP CONSTRAINT entry_code_fkey;

-- Vouchers exist for every organisation, whoever adds the entries: the owner looks, past the row security of the caller.
CREATE FUNCTION vouchers_exist(numbers text[]) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = ledger, pg_temp
RETURN NOT EXISTS (
    SELECT FROM unnest(numbers) AS named (voucher_no)
    WHERE NOT EXISTS (SELECT FROM ledger.voucher WHERE voucher.voucher_no = named.voucher_no)
);

CREATE OR REPLACE FUNCTION entries_balance() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE
    wrong record;
BEGIN
    SELECT document_kind, document_no, sum(debit_fen) AS debit, sum(credit_fen) AS credit,
           CASE WHEN min(org) = max(org) THEN 'one organisation' ELSE 'several organisations' END AS orgs
        INTO wrong FROM added GROUP BY document_kind, document_no, voucher_no
        HAVING sum(debit_fen) <> sum(credit_fen) OR min(org) <> max(org) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'document % % does not balance: debit % fen, credit % fen, %',
            wrong.document_kind, wrong.document_no, wrong.debit, wrong.credit, wrong.orgs USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT 1 FROM added JOIN closed_month USING (month)) THEN
        RAISE EXCEPTION 'the booking month is closed' USING ERRCODE = 'check_violation';
    END IF;
    SELECT code INTO wrong FROM (SELECT DISTINCT code FROM added) AS used
        WHERE NOT EXISTS (SELECT FROM chart WHERE chart.code = used.code) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'account % is not in the chart', wrong.code USING ERRCODE = 'foreign_key_violation';
    END IF;
    IF NOT vouchers_exist((SELECT array_agg(voucher_no) FROM (SELECT DISTINCT voucher_no FROM added) AS named)) THEN
        RAISE EXCEPTION 'an entry has no voucher' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END
$function$;

-- What entries are booked on stays in the chart.
CREATE FUNCTION chart_in_use() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $function$
BEGIN
    IF EXISTS (SELECT FROM entry WHERE code = OLD.code) THEN
        RAISE EXCEPTION 'account % has entries', OLD.code USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$function$;
CREATE TRIGGER chart_in_use BEFORE DELETE OR UPDATE OF code ON chart FOR EACH ROW EXECUTE FUNCTION chart_in_use();
