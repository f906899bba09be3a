"""Entitlements to free energy (五保、低保): what of a list can be taken, and their rows."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import LiteralString

from pydantic import ValidationError

from denghuo.data.processing.work import Work
from denghuo.kernel.batch import ITEMS_MAX, RefusedItem, refused
from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.service.contract.api import (
    EndEntitlement,
    EntitledListRefused,
    Entitlement,
    EntitlementNotFound,
    EntitlementRefused,
    FindEntitled,
    NewEntitlement,
)
from denghuo.service.contract.rules import Span, Verdict

_COLUMNS = {
    "account_no": "户号",
    "kind": "优惠类别",
    "evidence_no": "证件编号",
    "from_month": "起始月",
    "until_month": "截止月",
}
_WITH_CONTRACT = "合同终止 with the contract"
_KINDS = {"五保": "five_guarantee", "五保户": "five_guarantee", "低保": "low_income", "低保户": "low_income"}
_FIX: dict[str, tuple[str, str]] = {
    "account_no": ("户号为 13 位数字，表格中请设为文本", "13 digits; keep the column as text in the spreadsheet"),
    "kind": ("请写 五保 或 低保", "write five_guarantee or low_income"),
    "evidence_no": ("最多 64 个字符", "at most 64 characters"),
    "from_month": ("月份写作 2026-04", "write a month as 2026-04"),
    "until_month": ("月份写作 2026-04", "write a month as 2026-04"),
}


@dataclass(frozen=True)
class Listed:
    """An entitlement that is known: as it was listed, and the first day without."""

    item: NewEntitlement
    ends: date


def judge(
    items: Sequence[NewEntitlement],
    accounts: Mapping[str, str],
    resident: Mapping[str, Sequence[Span]],
    known: Mapping[str, Sequence[Listed]],
) -> list[Verdict]:
    """For each item: new, unchanged, or why it is refused.

    accounts: unit by account. resident: when accounts are supplied as residents. known: by account, ended ones as well.
    """
    listed = {account_no: list(rows) for account_no, rows in known.items()}
    verdicts: list[Verdict] = []
    for place, item in enumerate(items):
        own = listed.setdefault(item.account_no, [])
        if any(one.item == item for one in own):
            verdicts.append("unchanged")
            continue
        fault = _fault(item, accounts, resident.get(item.account_no, ())) or _overlap(item, own)
        if fault is not None:
            name, what, remedy = fault
            verdicts.append(refused(place, item.account_no, name, getattr(item, name), what, remedy))
            continue
        own.append(Listed(item, _first(item.until_month)))
        verdicts.append("new")
    return verdicts


_Fault = tuple[str, tuple[str, str], tuple[str, str]]


def _fault(item: NewEntitlement, accounts: Mapping[str, str], resident: Sequence[Span]) -> _Fault | None:
    if item.account_no not in accounts:
        what = ("户号不存在，或不在管辖范围内", "there is no such account in your scope")
        return "account_no", what, ("请核对户号", "check the number")
    if not item.evidence_no:
        return "evidence_no", ("没有证件编号", "the evidence is missing"), ("请填写证件编号", "fill in its number")
    if item.until_month <= item.from_month:
        what = ("截止月（不含）不晚于起始月", "the first month without is not after the first month")
        return "until_month", what, ("请核对起止月", "check the months")
    starts, ends = _first(item.from_month), _first(item.until_month)
    if not any(span.overlaps(starts, ends) for span in resident):
        what = ("这些月份没有居民生活用电合同", "no residential supply contract in these months")
        return "account_no", what, ("免费电量只给居民；请核对户号与起止月", "free energy is for residents; check both")
    return None


def _overlap(item: NewEntitlement, own: Sequence[Listed]) -> _Fault | None:
    starts, ends = _first(item.from_month), _first(item.until_month)
    other = next((one for one in own if _first(one.item.from_month) < ends and starts < one.ends), None)
    if other is None or other.ends <= _first(other.item.from_month):
        return None
    said = f"{other.item.evidence_no}, {other.item.from_month} – {Month.holding(other.ends)}"
    what = (f"与已登记的优惠重叠（{said}）", f"overlaps another entitlement ({said})")
    return "from_month", what, ("请先终止原登记，或改正起止月", "end that one first or correct the months")


def _first(month: str) -> date:
    return Month.of(month).first_day


def _contract(item: NewEntitlement, resident: Sequence[Span]) -> Span:
    """The contract under which a household is listed: the first of those months."""
    starts, ends = _first(item.from_month), _first(item.until_month)
    return min((span for span in resident if span.overlaps(starts, ends)), key=lambda span: span.start)


# --- a list as CSV ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EntitledList:
    """What a list has, each with its line: rows that can be read and those that cannot. headings: of the columns, by field."""

    rows: list[tuple[int, NewEntitlement]]
    unread: list[RefusedItem]
    headings: Mapping[str, str] = field(default_factory=dict)


def read_list(content: str) -> "EntitledList":
    """Rows that can be read and those that cannot, each with its line in the list: the heading's is 1.

    Raises:
        EntitledListRefused: no list: the heading lacks a column, there is no row, or there are too many.
    """
    rows = csv.reader(io.StringIO(content.removeprefix("\ufeff")))
    try:
        heading = [cell.strip() for cell in next(rows, [])]
        cells = [(rows.line_num, row) for row in rows if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise _no_list(
            "text", str(error), "不是合法的 CSV，请另存为 CSV（UTF-8）。", "Not CSV; save it as CSV (UTF-8)."
        ) from error
    places: dict[str, int] = {}
    for name, zh in _COLUMNS.items():
        at = next((at for at, cell in enumerate(heading) if cell == name or cell.startswith(zh)), None)
        if at is None:
            raise _no_list(
                "text",
                ",".join(heading)[:80],
                f"表头缺少“{zh}”，请以 {','.join(_COLUMNS.values())} 为表头。",
                f"The heading lacks {name}; begin the list with {','.join(_COLUMNS)}.",
            )
        places[name] = at
    if not 0 < len(cells) <= ITEMS_MAX:
        raise _no_list(
            "text",
            str(len(cells)),
            f"名单应有 1 至 {ITEMS_MAX} 行，请分次导入。",
            f"A list has 1 to {ITEMS_MAX} rows; import it in parts.",
        )
    good: list[tuple[int, NewEntitlement]] = []
    bad: list[RefusedItem] = []
    for place, row in cells:
        named = {name: row[at].strip() if at < len(row) else "" for name, at in places.items()}
        named["kind"] = _KINDS.get(named["kind"], named["kind"])
        try:
            good.append((place, NewEntitlement.model_validate(named)))
        except ValidationError as error:
            name = str(error.errors()[0]["loc"][0])
            what = ("无法识别", "cannot be read")
            bad.append(refused(place, named["account_no"][:32], name, named[name], what, _FIX[name]))
    return EntitledList(good, bad, {name: heading[at] for name, at in places.items()})


def _no_list(field: str, value: str, zh: str, en: str) -> EntitledListRefused:
    return EntitledListRefused(text(zh, en), field=field, value=value)


# --- rows ------------------------------------------------------------------------------------------------------------------

# What holds of an entitlement as it was known at an instant, or as it is: its first day, and the first day without.
_HELD: LiteralString = (
    "SELECT account_no, contract_no, kind, evidence_no, starts,"
    " CASE WHEN ended_at <= coalesce(%(known_at)s::timestamptz, 'infinity') THEN ended_from ELSE ends END AS ends FROM entitlement"
    " WHERE (%(known_at)s::timestamptz IS NULL OR recorded_at <= %(known_at)s)"
)
SPECIAL: LiteralString = (
    "CASE WHEN kind = 'supply' AND tariff_class = 'resident' AND contract_no IN (SELECT contract_no FROM ("
    + _HELD
    + ") AS held WHERE starts <= %(first)s AND ends > %(first)s) THEN (SELECT (coalesce(terms.special, '{}'::jsonb) - 'free_until')"
    " || jsonb_build_object('free_energy', true, 'free_as', held.kind, 'free_evidence', right(held.evidence_no, 4)) FROM ("
    + _HELD
    + " AND entitlement.account_no = terms.account_no) AS held WHERE held.contract_no = terms.contract_no"
    " AND starts <= %(first)s AND ends > %(first)s) ELSE special END"
)
"""The special terms of a month as it is billed: an entitlement gives the free energy that the term gives, and not a second time. Of
its evidence no more than the last four characters leave this service. Parameters: first (day of the month), known_at."""


class Entitlements:
    def __init__(self, work: Work) -> None:
        self._work = work

    def known(self, accounts: Sequence[str]) -> dict[str, list[Listed]]:
        found: dict[str, list[Listed]] = {}
        for row in self._work.rows(
            "SELECT account_no, kind, evidence_no, to_char(starts, 'YYYY-MM') AS from_month,"
            " to_char(ends, 'YYYY-MM') AS until_month, coalesce(ended_from, ends) AS held_until FROM entitlement"
            " WHERE account_no = ANY (%s) ORDER BY entitlement_no",
            (list(accounts),),
        ):
            ends = row.pop("held_until")
            found.setdefault(row["account_no"], []).append(Listed(NewEntitlement(**row), ends))
        return found

    def resident(self, accounts: Sequence[str]) -> dict[str, list[Span]]:
        """When accounts are supplied as residents."""
        found: dict[str, list[Span]] = {}
        for row in self._work.rows(
            "SELECT account_no, contract_no, lower(valid) AS start, upper(valid) AS end FROM terms"
            " WHERE account_no = ANY (%s) AND kind = 'supply' AND tariff_class = 'resident'",
            (list(accounts),),
        ):
            found.setdefault(row["account_no"], []).append(Span(row["contract_no"], row["start"], row["end"]))
        return found

    def add(self, items: Sequence[NewEntitlement], orgs: Mapping[str, str], by: str, at: datetime) -> None:
        """Lists them under the contract that the household has in their months; where that has ended already, they end with it."""
        resident = self.resident([item.account_no for item in items])
        contracts = {
            (item.account_no, item.from_month): _contract(item, resident[item.account_no]).contract_no for item in items
        }
        self._work.copy_in(
            "entitlement",
            ("account_no", "contract_no", "org", "kind", "evidence_no", "starts", "ends", "listed_by", "recorded_at"),
            (
                (
                    item.account_no,
                    contracts[item.account_no, item.from_month],
                    orgs[item.account_no],
                    item.kind,
                    item.evidence_no,
                    _first(item.from_month),
                    _first(item.until_month),
                    by,
                    at,
                )
                for item in items
            ),
        )
        self._end_with(sorted(set(contracts.values())), by, at)

    def contract_ended(self, contract_no: str, by: str, at: datetime) -> None:
        """A household has moved out or changed its contract: what it was entitled to ends with the last month of that."""
        self._end_with([contract_no], by, at)

    def _end_with(self, contract_nos: Sequence[str], by: str, at: datetime) -> None:
        self._work.run(
            "UPDATE entitlement AS one SET ended_from = gone.without, ended_by = %(by)s, ended_at = %(at)s,"
            " ended_reason = %(reason)s FROM (SELECT e.entitlement_no, greatest(e.starts,"
            " date_trunc('month', ends_on - interval '1 day')::date + interval '1 month')::date AS without"
            " FROM entitlement AS e JOIN (SELECT contract_no, max(coalesce(upper(valid), 'infinity')) AS ends_on FROM terms"
            " WHERE contract_no = ANY (%(contract_nos)s) GROUP BY contract_no) AS ended USING (contract_no)"
            " WHERE ends_on < 'infinity') AS gone"
            " WHERE gone.entitlement_no = one.entitlement_no AND gone.without < coalesce(one.ended_from, one.ends)",
            {"by": by, "at": at, "reason": _WITH_CONTRACT, "contract_nos": list(contract_nos)},
        )

    def end(self, request: EndEntitlement, by: str, at: datetime, today: date) -> Entitlement:
        """Ends it before it expires.

        Raises:
            EntitlementNotFound: not known, or outside the scope.
            EntitlementRefused: it has ended already, or does not hold in the month.
        """
        row = self._work.row(
            "SELECT starts, coalesce(ended_from, ends) AS ends, ended_from FROM entitlement WHERE entitlement_no = %s FOR UPDATE",
            (request.entitlement_no,),
        )
        if row is None:
            raise EntitlementNotFound(
                text(
                    f"优惠登记 {request.entitlement_no} 不存在，或不在您的管辖范围内。",
                    f"Entitlement {request.entitlement_no} does not exist or is outside your scope.",
                ),
                entitlement_no=request.entitlement_no,
            )
        if row["ended_from"] is not None:
            raise EntitlementRefused(
                text(
                    f"该优惠已自 {row['ended_from']} 终止；终止有误的，请按正确的月份重新登记。",
                    f"It was ended from {row['ended_from']}; where that was wrong, list the household anew for the right months.",
                ),
                entitlement_no=request.entitlement_no,
                field="ends_from",
                value=request.ends_from,
            )
        if not row["starts"] <= _first(request.ends_from) < row["ends"]:
            raise EntitlementRefused(
                text(
                    f"该优惠自 {row['starts']} 起、至 {row['ends']} 前有效，请在其间选择月份。",
                    f"It holds from {row['starts']} until before {row['ends']}; choose a month in between.",
                ),
                entitlement_no=request.entitlement_no,
                field="ends_from",
                value=request.ends_from,
            )
        self._work.run(
            "UPDATE entitlement SET ended_from = %s, ended_by = %s, ended_at = %s, ended_reason = %s WHERE entitlement_no = %s",
            (_first(request.ends_from), by, at, request.reason, request.entitlement_no),
        )
        (row,) = self._work.rows(
            _ROWS + "WHERE entitlement_no = %(no)s", {"no": request.entitlement_no, "today": today}
        )
        return Entitlement(**row)

    def find(self, request: FindEntitled, today: date) -> tuple[list[Entitlement], int]:
        """A page of those that match, and how many match."""
        params = {
            "account_no": request.account_no,
            "kind": request.kind,
            "org": request.org,
            "past": request.past,
            "within": request.ends_within,
            "today": today,
            "after": request.after_number or 0,
            "limit": request.limit,
        }
        rows = self._work.rows(
            _ROWS + _MATCHING + " AND entitlement_no > %(after)s ORDER BY entitlement_no LIMIT %(limit)s", params
        )
        count = self._work.value("SELECT count(*) FROM entitlement " + _MATCHING, params)
        return [Entitlement(**row) for row in rows], int(count or 0)


_ROWS: LiteralString = (
    "SELECT entitlement_no, account_no, org, kind, evidence_no, to_char(starts, 'YYYY-MM') AS from_month,"
    " to_char(ends, 'YYYY-MM') AS until_month, greatest(coalesce(ended_from, ends) - %(today)s::date, 0) AS days_left, listed_by,"
    " recorded_at AS listed_at, ended_from, ended_by, ended_reason FROM entitlement "
)
_MATCHING: LiteralString = (
    "WHERE (%(account_no)s::text IS NULL OR account_no = %(account_no)s)"
    " AND (%(kind)s::text IS NULL OR kind = %(kind)s) AND denghuo.of_unit(org, %(org)s)"
    " AND (%(past)s OR coalesce(ended_from, ends) > %(today)s)"
    " AND (%(within)s::int IS NULL OR coalesce(ended_from, ends) - %(today)s::date BETWEEN 1 AND %(within)s)"
)
