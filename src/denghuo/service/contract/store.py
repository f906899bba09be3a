"""Queries on the contract schema."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, LiteralString

import pyarrow as pa
from psycopg.types.json import Jsonb
from psycopg.types.range import Range

from denghuo.data.processing.bulk import arrow_rows
from denghuo.data.processing.work import Work
from denghuo.kernel.period import Month
from denghuo.kernel.values import ApparentPower, Power
from denghuo.service.contract.api import (
    TERMS,
    Contract,
    FindContracts,
    MainMeter,
    MainsOf,
    MarketIn,
    NewContract,
    Terms,
    TermsIn,
)
from denghuo.service.contract.entitlement import SPECIAL
from denghuo.service.contract.fee_control import FeeControls
from denghuo.service.contract.rules import Span, TermsRow
from denghuo.service.contract.special import kept_special, said, special_json
from denghuo.service.contract.standards import standard_of

_TERMS: LiteralString = (
    "tariff_class, tariff_code, voltage_kv, contract_w, capacity_va, pv_w, settlement_mode, pf_standard, special,"
    " lower(valid) AS effective_from, upper(valid) AS effective_to"
)
# The terms in force on a day, else the last that were, else the first to come.
_CURRENT: LiteralString = (
    "SELECT * FROM (SELECT contract_no, account_no, org, kind, "
    + _TERMS
    + " FROM (SELECT DISTINCT ON (contract_no) * FROM terms ORDER BY contract_no, valid @> %(today)s::date DESC,"
    " lower(valid) <= %(today)s::date DESC, lower(valid) DESC) AS terms) AS terms LEFT JOIN (SELECT contract_no,"
    " way AS fee_control, protected FROM fee_control WHERE valid @> %(today)s::date) AS fee USING (contract_no) "
)
# The terms as they were known at an instant, or as they are.
_KNOWN: LiteralString = (
    "(SELECT contract_no, account_no, org, kind, valid, tariff_class, tariff_code, voltage_kv, contract_w, capacity_va, pv_w,"
    " settlement_mode, pf_standard, special FROM terms"
    " WHERE %(known_at)s::timestamptz IS NULL OR recorded_at <= %(known_at)s"
    " UNION ALL SELECT contract_no, account_no, org, kind, valid, tariff_class, tariff_code, voltage_kv, contract_w, capacity_va,"
    " pv_w, settlement_mode, pf_standard, special FROM terms_past"
    " WHERE recorded_at <= %(known_at)s AND superseded_at > %(known_at)s) AS terms"
)
# The settlement stands in it as a word, not as a parameter: the index on such rows is found by it.
MARKET_ACCOUNTS: LiteralString = (
    "SELECT DISTINCT account_no FROM "
    + _KNOWN
    + " WHERE settlement_mode = 'market' AND valid && daterange(%(first)s, %(last)s, '[]')"
    " AND (%(after)s::text IS NULL OR account_no > %(after)s) ORDER BY account_no LIMIT %(most)s"
)
_PAST: LiteralString = (
    "INSERT INTO terms_past (contract_no, account_no, org, kind, valid, tariff_class, tariff_code, voltage_kv, contract_w,"
    " capacity_va, pv_w, settlement_mode, pf_standard, reason, recorded_at, special, superseded_at)"
    " SELECT contract_no, account_no, org, kind, valid, tariff_class, tariff_code, voltage_kv, contract_w, capacity_va, pv_w,"
    " settlement_mode, pf_standard, reason, recorded_at, special, %(at)s FROM terms"
)


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    body = dict(row)
    stored = body.pop("special")
    special = kept_special(stored)
    contract_w, capacity_va, pv_w = body.pop("contract_w"), body.pop("capacity_va"), body.pop("pv_w")
    return body | {
        "contract_kw": None if contract_w is None else Power(contract_w),
        "capacity_kva": None if capacity_va is None else ApparentPower(capacity_va),
        "pv_kw": None if pv_w is None else Power(pv_w),
        "special": special,
        "special_said": None if special is None else said(special),
    }


class ContractStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    def signed(self, numbers: Sequence[str]) -> dict[str, dict[str, Any]]:
        """What was signed under these numbers, in its wire form."""
        rows = self._work.rows(
            "SELECT contract_no, signed FROM contract WHERE contract_no = ANY (%s)", (list(numbers),)
        )
        return {row["contract_no"]: row["signed"] for row in rows}

    def spans(self, accounts: Sequence[str]) -> dict[tuple[str, str], list[Span]]:
        """When the accounts have contracts, by account and kind."""
        found: dict[tuple[str, str], list[Span]] = {}
        for row in self._work.rows(
            "SELECT account_no, kind, contract_no, lower(valid) AS start, upper(valid) AS end FROM terms"
            " WHERE account_no = ANY (%s)",
            (list(accounts),),
        ):
            span = Span(row["contract_no"], row["start"], row["end"])
            found.setdefault((row["account_no"], row["kind"]), []).append(span)
        return found

    def add(self, contracts: Sequence[NewContract], orgs: Mapping[str, str], at: datetime) -> None:
        self._work.copy_in(
            "contract",
            ("contract_no", "account_no", "org", "kind", "signed", "recorded_at"),
            (
                (
                    item.contract_no,
                    item.account_no,
                    orgs[item.account_no],
                    item.kind,
                    Jsonb(item.model_dump(mode="json")),
                    at,
                )
                for item in contracts
            ),
        )
        self._work.copy_in(
            "terms",
            (
                "contract_no",
                "account_no",
                "org",
                "kind",
                "valid",
                "tariff_class",
                "tariff_code",
                "voltage_kv",
                "contract_w",
                "capacity_va",
                "pv_w",
                "settlement_mode",
                "pf_standard",
                "special",
                "recorded_at",
            ),
            (_terms_of(item, orgs[item.account_no], at) for item in contracts),
        )
        FeeControls(self._work).begin([item for item in contracts if item.fee_control is not None], orgs, at)

    def kind_of(self, contract_no: str) -> str | None:
        kind = self._work.value("SELECT kind FROM contract WHERE contract_no = %s", (contract_no,))
        return None if kind is None else str(kind)

    def terms(self, contract_no: str, lock: bool = False) -> list[TermsRow]:
        query: LiteralString = (
            "SELECT lower(valid) AS start, upper(valid) AS end, tariff_class, tariff_code, voltage_kv, contract_w,"
            " capacity_va, pv_w, settlement_mode, pf_standard, special FROM terms WHERE contract_no = %s"
        )
        return self._work.rows(query + (" FOR UPDATE" if lock else ""), (contract_no,), TermsRow)

    def end(self, contract_no: str, on: date, at: datetime) -> None:
        self._keep_past(contract_no, None, at)
        self._work.run(
            "UPDATE terms SET valid = daterange(lower(valid), %s), recorded_at = greatest(recorded_at, %s)"
            " WHERE contract_no = %s AND upper_inf(valid)",
            (on, at, contract_no),
        )

    def _keep_past(self, contract_no: str, start: date | None, at: datetime) -> None:
        """Keeps the terms that begin on a day (or those without an end) as they are, before they are changed."""
        self._work.run(
            _PAST + " WHERE contract_no = %(contract_no)s AND CASE WHEN %(start)s::date IS NULL THEN upper_inf(valid)"
            " ELSE lower(valid) = %(start)s END",
            {"contract_no": contract_no, "start": start, "at": at},
        )

    def follow(self, contract_no: str, row: TermsRow, reason: str, at: datetime) -> None:
        """Ends the row in force where the new one begins, and adds the new one."""
        self.end(contract_no, row.start, at)
        self._work.run(
            "INSERT INTO terms (contract_no, account_no, org, kind, valid, tariff_class, tariff_code, voltage_kv, contract_w,"
            " capacity_va, pv_w, settlement_mode, pf_standard, special, reason, recorded_at)"
            " SELECT contract_no, account_no, org, kind, daterange(%s, NULL), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s"
            " FROM contract WHERE contract_no = %s",
            (
                row.start,
                row.tariff_class,
                row.tariff_code,
                row.voltage_kv,
                row.contract_w,
                row.capacity_va,
                row.pv_w,
                row.settlement_mode,
                row.pf_standard,
                _jsonb(row.special),
                reason,
                at,
                contract_no,
            ),
        )

    def put_right(self, contract_no: str, row: TermsRow, reason: str, at: datetime) -> None:
        """Other special terms in the row that begins on its day; those before are kept as they were known until now."""
        self._keep_past(contract_no, row.start, at)
        self._work.run(
            "UPDATE terms SET special = %s, pf_standard = %s, reason = %s, recorded_at = greatest(recorded_at, %s)"
            " WHERE contract_no = %s AND lower(valid) = %s",
            (_jsonb(row.special), row.pf_standard, reason, at, contract_no, row.start),
        )

    def find(self, request: FindContracts, today: date) -> tuple[list[Contract], int]:
        params = {
            "today": today,
            "keyword": request.keyword.strip().upper(),
            "kind": request.kind,
            "tariff_class": request.tariff_class,
            "settlement_mode": request.settlement_mode,
            "fee_control": request.fee_control,
            "org": request.org,
            "after": request.after,
            "limit": request.limit,
        }
        matching: LiteralString = (
            "WHERE (position(%(keyword)s in upper(contract_no)) > 0 OR position(%(keyword)s in account_no) > 0)"
            " AND (%(kind)s::text IS NULL OR kind = %(kind)s)"
            " AND (%(tariff_class)s::text IS NULL OR tariff_class = %(tariff_class)s)"
            " AND (%(settlement_mode)s::text IS NULL OR settlement_mode = %(settlement_mode)s)"
            " AND (%(fee_control)s::text IS NULL OR fee_control = %(fee_control)s) AND denghuo.of_unit(org, %(org)s)"
        )
        rows = self._work.rows(
            "SELECT *, count(*) OVER () AS total FROM (" + _CURRENT + matching + ") AS found ORDER BY contract_no",
            params,
        )
        total = rows[0]["total"] if rows else 0
        page = [row for row in rows if request.after is None or row["contract_no"] > request.after][: request.limit]
        return [_contract(row) for row in page], int(total)

    def of_account(self, account_no: str, today: date) -> list[Contract]:
        rows = self._work.rows(
            _CURRENT + "WHERE account_no = %(account_no)s ORDER BY kind DESC, contract_no",
            {"today": today, "account_no": account_no},
        )
        return [_contract(row) for row in rows]

    def one(self, contract_no: str, today: date) -> Contract | None:
        row = self._work.row(
            _CURRENT + "WHERE contract_no = %(contract_no)s", {"today": today, "contract_no": contract_no}
        )
        return None if row is None else _contract(row)

    def history(self, contract_no: str, known_at: datetime | None = None) -> list[Terms]:
        rows = self._work.rows(
            "SELECT " + _TERMS + " FROM " + _KNOWN + " WHERE contract_no = %(contract_no)s ORDER BY lower(valid) DESC",
            {"contract_no": contract_no, "known_at": known_at},
        )
        return [Terms(**_values(row)) for row in rows]

    def terms_in(self, request: TermsIn) -> list[Contract]:
        """What `published` has of some accounts."""
        month = Month.of(request.month)
        rows = self._work.rows(
            "SELECT contract_no, account_no, org, kind, tariff_class, tariff_code, voltage_kv, contract_w, capacity_va, pv_w,"
            " settlement_mode, pf_standard, "
            + SPECIAL
            + " AS special, lower(valid) AS effective_from, upper(valid) AS effective_to FROM "
            + _KNOWN
            + " WHERE account_no = ANY (%(account_nos)s) AND valid && daterange(%(first)s, %(end)s)"
            " ORDER BY account_no, kind DESC, lower(valid)",
            {
                "account_nos": request.account_nos,
                "known_at": request.known_at,
                "first": month.first_day,
                "end": month.next.first_day,
            },
        )
        return [_contract(row) for row in rows]

    def market_accounts(self, request: MarketIn, most: int) -> list[str]:
        """In the order of accounts."""
        return self._work.values(
            MARKET_ACCOUNTS,
            {
                "first": request.first_day,
                "last": request.last_day,
                "known_at": request.known_at,
                "after": request.after,
                "most": most,
            },
        )

    def lock_mains(self) -> None:
        """Until the end of the transaction nobody else agrees on main meters above meters of others."""
        self._work.run("SELECT pg_advisory_xact_lock(hashtextextended('contract mains', 22))")

    def mains_of(self, request: MainsOf) -> list[MainMeter]:
        """In the order of accounts, main accounts and days."""
        rows = self._work.rows(
            "SELECT part->>'account_no' AS account_no, account_no AS main_account_no, org, part->>'point_no' AS point_no,"
            " lower(valid) AS effective_from, upper(valid) AS effective_to"
            " FROM terms, jsonb_array_elements(special->'parts') AS part"
            " WHERE special ? 'parts' AND part->>'account_no' = ANY (%s) AND valid && daterange(%s, %s, '[]') ORDER BY 1, 2, 5",
            (request.account_nos, request.first_day, request.last_day),
        )
        return [MainMeter.model_validate(row) for row in rows]

    def published(self, month: Month) -> pa.Table:
        """The rows of `contract.terms` of a month."""
        return arrow_rows(
            self._work,
            TERMS,
            "SELECT contract_no, account_no, org, kind, tariff_class, tariff_code, voltage_kv, contract_w, capacity_va, pv_w,"
            " settlement_mode, pf_standard, (" + SPECIAL + ")::text, lower(valid), upper(valid) FROM terms"
            " WHERE valid && daterange(%(first)s, %(end)s) ORDER BY account_no, kind DESC, lower(valid)",
            {"first": month.first_day, "end": month.next.first_day, "known_at": None},
        )


def _jsonb(special: dict[str, Any] | None) -> Jsonb | None:
    return None if special is None else Jsonb(special)


def _contract(row: Mapping[str, Any]) -> Contract:
    body = _values(row)
    body.pop("total", None)
    return Contract(**body | {"protected": bool(body.get("protected"))})


def _terms_of(item: NewContract, org: str, at: datetime) -> tuple[Any, ...]:
    contract_w = None if item.contract_kw is None else item.contract_kw.number
    capacity_va = None if item.capacity_kva is None else item.capacity_kva.number
    return (
        item.contract_no,
        item.account_no,
        org,
        item.kind,
        Range(item.effective_from, item.effective_to, "[)"),
        item.tariff_class,
        item.tariff_code,
        item.voltage_kv,
        contract_w,
        capacity_va,
        None if item.pv_kw is None else item.pv_kw.number,
        item.settlement_mode,
        standard_of(
            item.kind,
            item.tariff_class,
            item.voltage_kv,
            capacity_va,
            contract_w,
            item.special,
            item.effective_from,
        ),
        _jsonb(special_json(item.special)),
        at,
    )
