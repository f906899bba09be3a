"""From rows to what is shown: bills with explained lines, exceptions, the cycle's progress."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import midnight
from denghuo.kernel.values import ApparentPower, Energy, Money, Percent, Power, decimal_text, round_half_up
from denghuo.service.billing.api import (
    Bill,
    BillRow,
    Cycle,
    ExceptionRow,
    HeldException,
    MonthSummary,
    ReviewBoard,
    ReviewRule,
    ShownLine,
    ShownRegister,
    Stage,
    SummaryRow,
)
from denghuo.service.billing.api.bill import AveragePrice, Counted, Held
from denghuo.service.billing.api.exception import CAUSE_OF, HOLD_CODES, HeldPiece
from denghuo.service.billing.api.resting import BillEstimates
from denghuo.service.billing.lines import BillLine, Step
from denghuo.service.billing.review import MEANINGS
from denghuo.service.billing.rules.views import PRICE_PLACES, average_price, by_band, by_component
from denghuo.service.billing.store import STAGE_NAMES, CycleState, Hold, StageRow
from denghuo.service.customer.api import Account

_SHARES = {"plan": 5, "read": 25, "rate": 50, "review": 10, "issue": 10}
"""What part of a month's work a stage is, in percent, by what was measured."""
_REACTIVE = frozenset({"reactive_fwd", "reactive_rev"})


# --- bills -----------------------------------------------------------------------------------------------------------------


def bill_row(row: Mapping[str, Any], names: Mapping[str, Account]) -> BillRow:
    """A bill as a list shows it. names: the accounts that the caller may see."""
    account = names.get(row["account_no"])
    return BillRow(
        bill_no=row["bill_no"],
        account_no=row["account_no"],
        name=account.name if account else None,
        org=row["org"],
        month=row["month"],
        kind=row["kind"],
        tariff_class=row["tariff_class"],
        energy=Energy(row["energy_wh"]),
        amount=Money(row["amount_fen"]),
        state=row["state"],
        issued_on=row["issued_on"],
        due_on=row["due_on"],
        estimated_days=row["estimated_days"],
        illustrative=row["illustrative"],
        reverses=row["reverses"],
        case_no=row["case_no"],
    )


def month_summary(month: str, found: Sequence[Mapping[str, Any]], held: int, now: datetime) -> MonthSummary:
    """Sums of a month by kind and class, and the number of open exceptions."""
    rows = [
        SummaryRow(
            kind=row["kind"],
            tariff_class=row["tariff_class"],
            count=row["count"],
            issued=row["issued"],
            held=row["held"],
            energy=Energy(row["energy_wh"]),
            amount=Money(row["amount_fen"]),
        )
        for row in found
    ]
    supply = [row for row in rows if row.kind == "supply"]
    purchase = [row for row in rows if row.kind == "purchase"]
    return MonthSummary(
        month=month,
        rows=rows,
        supply_count=sum(row.issued for row in supply),
        supply_energy=sum((row.energy for row in supply), Energy(0)),
        supply_amount=sum((row.amount for row in supply), Money(0)),
        purchase_count=sum(row.issued for row in purchase),
        purchase_energy=sum((row.energy for row in purchase), Energy(0)),
        purchase_amount=sum((row.amount for row in purchase), Money(0)),
        held=held,
        as_of=now,
    )


def register(piece: Mapping[str, Any]) -> ShownRegister:
    """A register of a bill, as it was metered."""
    return ShownRegister.model_validate({name: value for name, value in piece.items() if name != "rule"})


def bill(
    row: Mapping[str, Any],
    lines: Sequence[BillLine],
    holds: Sequence[Hold],
    account: Account | None,
    unit: TextPair | None,
    call: Call,
) -> Bill:
    """A bill with its registers and its lines explained. account, unit: None where the caller may not see them."""
    registers = [register(piece) for piece in row["registers"]]
    return Bill(
        bill_no=row["bill_no"],
        account_no=row["account_no"],
        name=account.name if account else None,
        address=account.address if account else None,
        org=row["org"],
        unit_name=unit,
        month=row["month"],
        kind=row["kind"],
        state=row["state"],
        contract_no=row["contract_no"],
        tariff_class=row["tariff_class"],
        tariff_code=row["tariff_code"],
        tariff_version=row["tariff_version"],
        tariff_title=TextPair.model_validate(row["tariff_title"]),
        voltage=row["voltage"],
        contract_power=None if row["contract_w"] is None else Power(row["contract_w"]),
        capacity=None if row["capacity_va"] is None else ApparentPower(row["capacity_va"]),
        pv_power=None if row["pv_w"] is None else Power(row["pv_w"]),
        area_no=row["area_no"],
        from_on=row["from_on"],
        to_on=row["to_on"],
        energy=Energy(row["energy_wh"]),
        used_before=Energy(row["used_before_wh"]),
        amount=Money(row["amount_fen"]),
        estimated_days=row["estimated_days"],
        illustrative=row["illustrative"],
        registers=registers,
        lines=[shown_line(number, line, registers) for number, line in enumerate(lines, 1)],
        average_price=average_price(Money(row["amount_fen"]), row["energy_wh"], PRICE_PLACES),
        averages=_averages(lines, row["energy_wh"]),
        remarks=[TextPair(zh=remark["zh"], en=remark["en"]) for remark in row["remarks"]],
        held=[
            Held(
                exception_no=hold.exception_no,
                title=_code_title(hold.code),
                reason=TextPair.model_validate(hold.reason),
                open=hold.state == "open",
                noted=hold.state == "noted",
            )
            for hold in holds
        ],
        issued_on=row["issued_on"],
        due_on=row["due_on"],
        reverses=row["reverses"],
        case_no=row["case_no"],
        reversed_by=row["reversed_by"],
        run_no=row["run_no"],
        rated_at=row["rated_at"],
        as_of=call.now,
    )


def with_estimates(shown: Bill, estimates: BillEstimates | None) -> Bill:
    """A bill with what of it rests on estimates; the lines of energy that comes from such registers say it."""
    if estimates is None:
        return shown
    values = {"energy": str(estimates.energy), "per_mille": str(estimates.per_mille or 0)}
    said = Step(kind="estimate", values=values, text=estimates.said)
    lines = [line.model_copy(update=_explained(line, said)) if _estimated(line) else line for line in shown.lines]
    return shown.model_copy(update={"estimates": estimates, "lines": lines})


def _estimated(line: ShownLine) -> bool:
    by_points = line.code.startswith("market_") and line.quantity is not None
    return line.group == "energy" and (by_points or any(one.status == "estimated" for one in line.registers))


def _explained(line: ShownLine, said: Step) -> dict[str, Any]:
    sentence = TextPair(zh=line.sentence.zh + said.text.zh, en=f"{line.sentence.en} {said.text.en}")
    return {"steps": [*line.steps, said], "sentence": sentence}


def _averages(lines: Sequence[BillLine], energy_wh: int) -> list[AveragePrice]:
    return [
        AveragePrice(
            line=number, name=one.title, band=one.band, energy=one.energy, amount=one.amount, average=one.average
        )
        for number, one in enumerate([*by_component(lines, energy_wh), *by_band(lines)], 1)
    ]


def shown_line(number: int, line: BillLine, registers: Sequence[ShownRegister]) -> ShownLine:
    """A line of a bill with its steps in words."""
    return ShownLine(
        line=number,
        code=line.code,
        name=line.title,
        group=line.group,
        band=line.band,
        tier=line.tier,
        quantity=None if line.quantity_milli is None else Counted(line.quantity_milli),
        unit=line.unit,
        price=line.price,
        amount=line.amount,
        sentence=line.sentence,
        arithmetic=line.arithmetic,
        document_no=line.document_no,
        tariff_code=line.tariff_code,
        tariff_version=line.tariff_version,
        illustrative=line.illustrative,
        note=line.note,
        first_day=line.first_day,
        last_day=line.last_day,
        registers=[one for one in registers if _bears(one, line)],
        steps=line.steps,
    )


def _bears(one: ShownRegister, line: BillLine) -> bool:
    """Whether a register is part of how the line came about."""
    if line.first_day is not None and one.to_at <= midnight(line.first_day):
        return False
    if line.last_day is not None and one.from_at > midnight(line.last_day):
        return False
    if line.group == "basic":
        return one.quantity == "demand"
    if line.group == "power_factor":
        return one.quantity != "demand"
    if one.quantity == "demand" or one.quantity in _REACTIVE:
        return False
    return line.band in (None, "total", "flat") or one.band in (line.band, "total")


# --- exceptions --------------------------------------------------------------------------------------------------------------


def _code_title(code: str) -> TextPair:
    return TextPair(**HOLD_CODES.entries[code])


def releasable(hold: Hold) -> bool:
    """Whether a person may let pass what is held: it is open, and there is a bill."""
    return hold.bill_no is not None and hold.state == "open"


def exception_row(hold: Hold, names: Mapping[str, Account]) -> ExceptionRow:
    """What is held, as a list shows it. names: the accounts that the caller may see."""
    account = names.get(hold.account_no)
    return ExceptionRow.model_validate(_common(hold, account))


def exception(hold: Hold, account: Account | None, bill_state: str | None, call: Call) -> HeldException:
    """What is held, with its figures and what to do."""
    return HeldException.model_validate(
        _common(hold, account)
        | {
            "remedy": hold.remedy,
            "parameters": hold.parameters,
            "pieces": [_held_piece(piece) for piece in hold.pieces],
            "bill_state": bill_state,
            "before_bill_no": hold.before_bill_no,
            "difference": None if hold.difference_fen is None else Money(hold.difference_fen),
            "tested": hold.tested or [],
            "tested_at": hold.tested_at,
            "told_at": hold.told_at,
            "settled_at": hold.settled_at,
            "settled_by": hold.settled_by,
            "settled_why": hold.settled_why,
            "as_of": call.now,
        }
    )


def _common(hold: Hold, account: Account | None) -> dict[str, Any]:
    return {
        "exception_no": hold.exception_no,
        "month": hold.month,
        "account_no": hold.account_no,
        "name": account.name if account else None,
        "org": hold.org,
        "kind": hold.kind,
        "tariff_class": hold.tariff_class,
        "code": hold.code,
        "cause": CAUSE_OF[hold.code],
        "reason": hold.reason,
        "energy": None if hold.energy_wh is None else Energy(hold.energy_wh),
        "amount": None if hold.amount_fen is None else Money(hold.amount_fen),
        "bill_no": hold.bill_no,
        "releasable": releasable(hold),
        "state": hold.state,
        "raised_at": hold.raised_at,
    }


def _held_piece(piece: Mapping[str, Any]) -> HeldPiece:
    kept = {name: piece[name] for name in HeldPiece.model_fields if name != "multiplier"}
    return HeldPiece.model_validate(kept | {"multiplier": int(piece["multiplier"])})


def review_rule(row: Mapping[str, Any]) -> ReviewRule:
    """A rule of the review with its limit and what it means."""
    meaning, unit = MEANINGS[row["code"]]
    return ReviewRule.model_validate(
        {
            "row_key": " ".join((row["code"], row["kind"], row["tariff_class"])),
            "code": row["code"],
            "cause": CAUSE_OF[row["code"]],
            "severity": row["severity"],
            "title": HOLD_CODES.entries[row["code"]],
            "meaning": meaning,
            "kind": row["kind"],
            "tariff_class": row["tariff_class"] or None,
            "limit": row["limit"],
            "unit": unit,
            "on": row["active"],
        }
    )


# --- the cycle ---------------------------------------------------------------------------------------------------------------


def work_done(state: CycleState, stages: Mapping[str, StageRow]) -> int:
    """How much of the month's work is done, told as accounts."""
    if state.state == "done":
        return state.accounts
    percent_parts = 0
    for name, share in _SHARES.items():
        row = stages[name]
        if row.ended_at is not None:
            percent_parts += share * 10_000
        elif row.total:
            percent_parts += share * 10_000 * min(row.done, row.total) // row.total
    return state.accounts * percent_parts // 1_000_000


def cycle(state: CycleState, stages: Mapping[str, StageRow], figures: Mapping[str, int], now: datetime) -> Cycle:
    """A month's cycle: stages, figures, rate in accounts a second, and its expected end where it runs."""
    done = work_done(state, stages)
    running_ms = int((now - state.resumed_at) / timedelta(milliseconds=1)) if state.state == "running" else 0
    rate, ends_at = None, None
    if state.state == "running" and running_ms > 0 and done > state.resumed_done:
        rate = (done - state.resumed_done) * 1000 // running_ms
        if rate:
            ends_at = now + timedelta(seconds=(state.accounts - done) // rate)
    spent_ms = state.busy_ms + max(running_ms, 0)
    if state.state == "done" and spent_ms:
        rate = state.accounts * 1000 // spent_ms
    reviewed = figures["rated"] + figures["unrated"] if stages["review"].ended_at else 0
    return Cycle(
        month=state.month,
        run_no=state.run_no,
        state=state.state,  # type: ignore[arg-type]  # text of the table, validated here
        trouble=None if state.trouble is None else TextPair.model_validate(state.trouble),
        stages=[_stage(name, state, stages[name]) for name in STAGE_NAMES],
        done=done,
        total=state.accounts,
        rate=rate,
        started_at=state.started_at,
        ended_at=state.ended_at,
        ends_at=ends_at,
        seconds=decimal_text(round_half_up(spent_ms, 100), 1, 1),
        started_by=state.started_by,
        accounts=state.accounts,
        later=state.later,
        rated=figures["rated"],
        issued=figures["issued"],
        held=figures["held"],
        passed_share=_share(reviewed - figures["held_in_all"], reviewed),
        energy=Energy(figures["energy_wh"]),
        amount=Money(figures["amount_fen"]),
        purchase_energy=Energy(figures["purchase_energy_wh"]),
        purchase_amount=Money(figures["purchase_amount_fen"]),
        as_of=now,
    )


def _share(part: int, whole: int) -> str | None:
    return None if not whole else decimal_text(round_half_up(10_000 * part, whole), 2, 2) + "%"


def _stage(name: str, state: CycleState, row: StageRow) -> Stage:
    if row.ended_at is not None:
        shown = "done"
    elif state.stage != name or state.state == "units":
        shown = "waiting"
    else:
        shown = state.state if state.state in ("stopped", "failed") else "running"
    count = f"{row.done:,} / {row.total:,}" if row.total else ""
    return Stage(
        name=name,  # type: ignore[arg-type]
        state=shown,  # type: ignore[arg-type]
        count=count,
        done=row.done,
        total=row.total,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )


# --- rules of the review ---------------------------------------------------------------------------------------------------


def review_board(
    month: str | None, units: Sequence[Mapping[str, Any]], rules: Sequence[Mapping[str, Any]], now: datetime
) -> ReviewBoard:
    """units, rules: as the store counts them."""
    sums = {name: sum(row[name] for row in units) for name in ("accounts", "held", "open", "noted")}
    return ReviewBoard.model_validate(
        _passed(sums)
        | {
            "month": month,
            "units": [_passed(row) for row in units],
            "rules": [
                {
                    **row,
                    "cause": CAUSE_OF[row["code"]],
                    "passed_share": Percent.of_parts(sums["accounts"] - row["found"], sums["accounts"]),
                }
                for row in rules
            ],
            "as_of": now,
        }
    )


def _passed(row: Mapping[str, Any]) -> dict[str, Any]:
    passed = row["accounts"] - row["held"]
    return {**row, "passed": passed, "passed_share": Percent.of_parts(passed, row["accounts"])}
