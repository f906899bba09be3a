"""Rules of contracts: what of a batch can be taken, and how terms follow each other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

from denghuo.kernel.batch import RefusedItem, refused
from denghuo.kernel.problem import Text, text
from denghuo.service.contract.api import ChangeTerms, NewContract, Part, SpecialTerms
from denghuo.service.contract.special import faults, kept_special, special_json
from denghuo.service.contract.standards import standard_of
from denghuo.service.contract.sub_meters import NOTHING_ABOVE, Above, of_others, sub_meter_faults
from denghuo.service.point.api import Point

Verdict = Literal["new", "unchanged"] | RefusedItem
FEED_IN = frozenset({"surplus_feed_in", "full_feed_in"})


@dataclass(frozen=True)
class Span:
    """Days on which an account has a contract of a kind; `end` is the first day without, None without an end."""

    contract_no: str
    start: date
    end: date | None

    def overlaps(self, start: date, end: date | None) -> bool:
        return (self.end is None or start < self.end) and (end is None or self.start < end)


def common(one: Span, other: Span) -> Span | None:
    """The days that two spans have in common."""
    if not one.overlaps(other.start, other.end):
        return None
    ends = [end for end in (one.end, other.end) if end is not None]
    return Span(one.contract_no, max(one.start, other.start), min(ends, default=None))


def judge(
    items: Sequence[NewContract],
    accounts: Mapping[str, str],
    signed: Mapping[str, Mapping[str, Any]],
    spans: Mapping[tuple[str, str], Sequence[Span]],
    points: Mapping[str, Point],
    above: Callable[[str, NewContract], Above],
) -> list[Verdict]:
    """For each contract: new, unchanged, or why it is refused.

    accounts: unit by account number. signed: known contracts by number, in their wire form. spans: by account and kind. points:
    those of sub-meters that special terms name. above: the main meters of others above an account for the days of a contract.
    """
    known = dict(signed)
    taken = {key: list(value) for key, value in spans.items()}
    links: list[tuple[Part, NewContract]] = []
    verdicts: list[Verdict] = []
    for place, item in enumerate(items):
        body = item.model_dump(mode="json")
        fault = _fault(item, accounts, points, _above(item, links, above))
        if item.contract_no in known:
            before = known[item.contract_no]
            name = next((name for name in body if body[name] != before.get(name)), None)
            if name is None:
                verdicts.append("unchanged")
                continue
            fault = (
                name,
                (f"合同编号已存在，{name} 不同", f"the number is known with another {name}"),
                ("请核对编号；变更条款请办理变更", "check the number; change terms by a change"),
            )
        pair = (item.account_no, item.kind)
        other = next(
            (span for span in taken.get(pair, ()) if span.overlaps(item.effective_from, item.effective_to)), None
        )
        if fault is None and other is not None:
            fault = (
                "effective_from",
                (f"与合同 {other.contract_no} 的有效期重叠", f"overlaps contract {other.contract_no} in time"),
                ("请先终止原合同或改正日期", "end that contract first or correct the dates"),
            )
        if fault is not None:
            verdicts.append(refused(place, item.contract_no, fault[0], _value(body, fault[0]), fault[1], fault[2]))
            continue
        known[item.contract_no] = body
        links += [(part, item) for part in of_others(item.special.parts)] if item.special else []
        taken.setdefault(pair, []).append(Span(item.contract_no, item.effective_from, item.effective_to))
        verdicts.append("new")
    return verdicts


def _value(body: Any, field: str) -> Any:
    """What stands under a dotted path of a wire form."""
    for name in field.split("."):
        if body is None:
            return None
        body = body[int(name)] if isinstance(body, list) else body.get(name)
    return body


_Fault = tuple[str, tuple[str, str], tuple[str, str]]


def _above(
    item: NewContract, links: Sequence[tuple[Part, NewContract]], above: Callable[[str, NewContract], Above]
) -> Above:
    """The main meters of others above an account, also by contracts of the same batch. links: what these take off, and the contract
    of the main meter."""
    if item.special is None or not of_others(item.special.parts):
        return NOTHING_ABOVE
    near = [
        (part, one)
        for part, one in links
        if Span("", one.effective_from, one.effective_to).overlaps(item.effective_from, item.effective_to)
    ]
    own = above(item.account_no, item)
    found: dict[str, Sequence[str]] = {}
    edge: list[tuple[str, tuple[str, ...]]] = [(item.account_no, ())]
    while edge:
        account, path = edge.pop()
        known = own if account == item.account_no else above(account, item)
        further = {main: (*path, *chain) for main, chain in known.behind.items()}
        further |= {one.account_no: (*path, account) for part, one in near if part.account_no == account}
        edge += [(main, chain) for main, chain in further.items() if main not in found]
        found |= {main: chain for main, chain in further.items() if main not in found}
    taken = {part.point_no: one.account_no for part, one in near if one.account_no != item.account_no}
    return Above(found, {**own.taken, **taken})


def _fault(item: NewContract, accounts: Mapping[str, str], points: Mapping[str, Point], above: Above) -> _Fault | None:
    fill = ("请填写", "fill it in")
    if item.account_no not in accounts:
        what = ("户号不存在，或不在管辖范围内", "there is no such account in your scope")
        return "account_no", what, ("请先立户或核对户号", "open the account first or check the number")
    if item.effective_to is not None and item.effective_to <= item.effective_from:
        return "effective_to", ("不晚于生效日期", "not after the first day"), ("请核对日期", "check the dates")
    if (item.kind == "purchase") != (item.tariff_class == "generation"):
        what = ("合同类别与用电类别不符", "the kind of contract and the tariff class do not agree")
        return "tariff_class", what, ("购售电合同为发电上网类", "a purchase contract is of the class generation")
    if (item.kind == "purchase") != (item.settlement_mode in FEED_IN):
        what = ("合同类别与结算方式不符", "the kind of contract and the settlement do not agree")
        return "settlement_mode", what, ("请核对结算方式", "check the settlement")
    if item.kind == "purchase" and item.pv_kw is None:
        return "pv_kw", ("购售电合同须有发电容量", "a purchase contract states the generating capacity"), fill
    if item.kind == "supply" and item.tariff_class == "two_part_capacity" and item.capacity_kva is None:
        return "capacity_kva", ("按容量计费须有受电容量", "billing by capacity needs the capacity"), fill
    if item.kind == "supply" and item.contract_kw is None and item.capacity_kva is None:
        return "contract_kw", ("供用电合同须有合同功率或容量", "a supply contract states power or capacity"), fill
    if item.kind != "supply" and item.fee_control is not None:
        what = ("购售电合同没有费控", "a purchase contract has no fee control")
        return "fee_control", what, ("请清空", "leave it empty")
    if item.protected and item.fee_control is None:
        what = ("保电标志只用于费控用户", "only an account under fee control is marked as protected")
        return "protected", what, ("请填写费控方式或清空", "state the fee control or leave it empty")
    terms = item.kind, item.tariff_class, item.settlement_mode, item.account_no
    found = faults(*terms, item.special) if item.special else []
    if item.special is not None:
        found += sub_meter_faults(item.account_no, item.special.parts, points, above)
    for special in found:
        return (
            f"special.{special['field']}",
            (special["zh"], special["en"]),
            ("请改正专用条款", "correct the special terms"),
        )
    for name in ("contract_kw", "capacity_kva", "pv_kw"):
        value = getattr(item, name)
        if value is not None and value.number < 0:
            return name, ("不能为负", "must not be negative"), ("请核对数值", "check the value")
    return None


@dataclass(frozen=True)
class TermsRow:
    """A row of terms as it is stored."""

    start: date
    end: date | None
    tariff_class: str
    tariff_code: str | None
    voltage_kv: str
    contract_w: int | None
    capacity_va: int | None
    pv_w: int | None
    settlement_mode: str
    pf_standard: int | None
    special: dict[str, Any] | None = None


def follow(kind: str, rows: Sequence[TermsRow], change: ChangeTerms) -> TermsRow | Text:
    """The row that a change adds after the newest of `rows`, or why it cannot be added."""
    last = max(rows, key=lambda row: row.start)
    if last.end is not None:
        return text("合同已终止，不能变更。", "The contract has ended and cannot be changed.")
    if change.effective_from <= last.start:
        return text(
            f"新条款须晚于现行条款的生效日期 {last.start}。",
            f"New terms begin after {last.start}, the first day of those in force.",
        )
    tariff_class = change.tariff_class or last.tariff_class
    if (kind == "purchase") != (tariff_class == "generation"):
        return text("合同类别与用电类别不符。", "The kind of contract and the tariff class do not agree.")
    settlement = change.settlement_mode or last.settlement_mode
    if (kind == "purchase") != (settlement in FEED_IN):
        return text("合同类别与结算方式不符。", "The kind of contract and the settlement do not agree.")
    voltage = change.voltage_kv or last.voltage_kv
    contract_w = change.contract_kw.number if change.contract_kw is not None else last.contract_w
    capacity_va = change.capacity_kva.number if change.capacity_kva is not None else last.capacity_va
    if tariff_class == "two_part_capacity" and capacity_va is None:
        return text("按容量计费须有受电容量。", "Billing by capacity needs the capacity.")
    changed = replace(
        last,
        tariff_class=tariff_class,
        tariff_code=None if change.plan_default else change.tariff_code or last.tariff_code,
        voltage_kv=voltage,
        contract_w=contract_w,
        capacity_va=capacity_va,
        pv_w=change.pv_kw.number if change.pv_kw is not None else last.pv_w,
        settlement_mode=settlement,
    )
    return under(kind, changed, change.effective_from, kept_special(last.special))


def under(kind: str, row: TermsRow, start: date, special: SpecialTerms | None) -> TermsRow:
    """Terms from a day on with these special terms, and the power factor standard that follows from both."""
    size = row.capacity_va, row.contract_w
    standard = standard_of(kind, row.tariff_class, row.voltage_kv, *size, special, start)
    return replace(row, start=start, special=special_json(special), pf_standard=standard)
