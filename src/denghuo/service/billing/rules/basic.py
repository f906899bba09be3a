"""The basic charge of two-part tariffs (基本电费): by capacity or by demand, by days.

Days: the 2024 供电营业规则 divides the monthly charge by the calendar days of the month, a part of a day counting as a day; the old
rule divided by thirty and counted days with both ends included, so that a changed 31-day month could reach 31/30.
Demand: 发改办价格〔2016〕1583号, 国家电网财〔2016〕633号.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.kernel.values import Money, charge_fen, round_half_up
from denghuo.service.billing.lines import (
    BasicSpan,
    BillLine,
    CannotRate,
    MeteredPiece,
    RatingRemark,
    RatingSubject,
    Step,
    TransformerDays,
    Unit,
)
from denghuo.service.billing.rules.capacity import (
    capacity_spans,
    halves,
    installed_capacity,
    joined,
    with_contract_demand,
)
from denghuo.service.billing.rules.days import priced_month
from denghuo.service.billing.rules.making import made
from denghuo.service.billing.rules.prices import at_voltage
from denghuo.service.billing.rules.quantities import metered_demand
from denghuo.service.billing.rules.registry import RULES
from denghuo.service.billing.rules.resale import Resold
from denghuo.service.billing.rules.words import charge, milli, percent, registers, remark, step
from denghuo.service.tariff.api import BasicCharge, ChargedBy, DemandDiscount, DemandRule, PriceAt, TariffDocument

_KINDS: dict[ChargedBy, tuple[str, tuple[str, str], Unit]] = {
    "capacity": ("basic_capacity", ("基本电费（容量）", "Basic charge by capacity"), "kVA"),
    "demand": ("basic_demand", ("基本电费（需量）", "Basic charge by demand"), "kW"),
}
STATES = {
    "running": ("运行", "running"),
    "hot_standby": ("热备用", "hot standby"),
    "cold_standby": ("冷备用未加封", "cold standby, unsealed"),
    "sealed": ("冷备用加封", "cold standby, sealed"),
    "paused": ("暂停", "paused"),
    "half": ("减容", "reduced"),
}


def billed_demand(rule: DemandRule, actual_w: int, contract_w: int | None, capacity_va: int | None, on: date) -> int:
    """Demand to be charged in W. Without a contract demand the actual one; never below the floor share of the capacity.

    on: a day of the charge, for rules that changed.
    """
    billed = actual_w
    if contract_w is not None:
        free = round_half_up(contract_w * rule.free_share.number, 10_000)
        if actual_w <= free:
            billed = contract_w
        else:
            start = free if from_free_share(rule, on) else contract_w
            billed = start + rule.excess_times * (actual_w - start)
    if rule.floor_share is not None and capacity_va is not None:
        billed = max(billed, round_half_up(capacity_va * rule.floor_share.number, 10_000))
    return billed


def days_share(tariff: TariffDocument, month: Month, first: date, last: date) -> tuple[int, int]:
    """Days and divisor of the monthly charge for the days first..last, both included."""
    days = (last - first).days + 1
    if days == month.day_count:
        return 1, 1
    return days, (30 if thirtieths(tariff, first) else month.day_count)


def thirtieths(tariff: TariffDocument, on: date) -> bool:
    """Whether a part of a month counts by thirtieths: as the tariff says, else by the text in force on the day."""
    return tariff.days == "thirty" or (tariff.days == "dated" and RULES["basic.days.1996"].holds_on(on))


def from_free_share(rule: DemandRule, on: date) -> bool:
    """Whether the demand that counts twice begins at the free share: as the tariff says, else by the text in force on the day."""
    return rule.above == "free_share" or (rule.above == "dated" and RULES["basic.demand.2016"].holds_on(on))


@dataclass(frozen=True)
class _Measured:
    """The largest demand of the month in W (None = no register), and the registers that it was read from."""

    watts: int | None
    steps: list[Step]


def basic_lines(
    subject: RatingSubject,
    tariff: TariffDocument,
    basic: BasicCharge,
    first: date,
    last: date,
    energy_wh: int,
    pieces: Sequence[MeteredPiece],
    passed_on: Sequence[Resold] = (),
) -> tuple[list[BillLine], list[RatingRemark]]:
    """The lines of the basic charge, one for each span of unchanged terms, and the discount as a negative line.

    energy_wh: of the whole bill, for the discount; pieces: those of the main meters, whose demands are added. passed_on:
    what others behind them take off the demand.
    """
    if _exempt(subject, basic, first):
        return _exempted(subject, tariff, basic, first, last, energy_wh, pieces, passed_on)
    spans = [
        span.model_copy(update={"first_day": max(span.first_day, first), "last_day": min(span.last_day, last)})
        for span in subject.spans
        if span.first_day <= last and span.last_day >= first
    ]
    if subject.transformers:
        spans = with_contract_demand(capacity_spans(subject.transformers, first, last), spans)
    if basic.by == "capacity":
        spans = [span for span in spans if span.capacity_va is not None]
    spans = joined(spans, basic.by)
    if not spans:
        raise CannotRate(
            text(
                "合同没有计收基本电费的容量或需量。", "The contract gives no capacity or demand for the basic charge."
            ),
            code="no_terms",
            value=basic.by,
        )
    rows = at_voltage(basic.prices, subject.voltage)
    if not rows:
        raise CannotRate(
            text(f"电价没有 {subject.voltage} 千伏的基本电价。", f"No basic price at {subject.voltage} kV."),
            code="no_price",
            value=subject.voltage,
        )
    remarks: list[RatingRemark] = []
    demand = _measured(pieces, passed_on) if basic.by == "demand" else _Measured(None, [])
    if basic.by == "demand" and demand.watts is None:
        remarks.append(
            remark(
                "no_demand_register",
                "没有最大需量示数，也没有完整的实测 15 分钟曲线（最大需量不用估计值），按合同最大需量计收。",
                "There is neither a demand register nor a whole curve of measured values, and no demand is made of estimates; the"
                " contract demand is charged.",
            )
        )
    lines = [
        _span_line(tariff, basic, rows[0], span, priced_month(subject), demand, subject.transformers) for span in spans
    ]
    if basic.discount is not None:
        energy_wh = energy_wh if subject.customer_energy_wh is None else subject.customer_energy_wh
        lines += _discount(tariff, basic.discount, lines, _contract_capacity(subject, first, last), energy_wh)
    return lines, remarks


def _contract_capacity(subject: RatingSubject, first: date, last: date) -> int:
    """VA that the discount divides by: what the contract states, of all points of the customer where more are counted; a paused
    transformer is not charged and yet counts."""
    if subject.customer_capacity_va is not None:
        return subject.customer_capacity_va
    stated = [span.capacity_va for span in subject.spans if span.first_day <= last and span.last_day >= first]
    if any(stated):
        return max(capacity or 0 for capacity in stated)
    return installed_capacity(subject.transformers, first, last) if subject.transformers else 0


def _span_line(
    tariff: TariffDocument,
    basic: BasicCharge,
    row: PriceAt,
    span: BasicSpan,
    month: Month,
    demand: _Measured,
    transformers: Sequence[TransformerDays],
) -> BillLine:
    steps: list[Step] = []
    code, title, unit = _KINDS[basic.by]
    if basic.by == "capacity":
        quantity = span.capacity_va or 0
        steps.append(_capacity(span, transformers))
    else:
        quantity, said = _demand(basic.demand, span, demand.watts)
        steps += [*demand.steps, said]
    days, divisor = days_share(tariff, month, span.first_day, span.last_day)
    factor = "" if days == divisor else f" × {days}/{divisor}"
    if factor:
        steps.append(
            step(
                "days",
                {
                    "days": str(days),
                    "divisor": str(divisor),
                    "first": span.first_day.isoformat(),
                    "last": span.last_day.isoformat(),
                },
                f"{span.first_day} 至 {span.last_day} 共 {days} 天，除以 {divisor} 天。",
                f"{span.first_day} to {span.last_day}: {days} days of {divisor}. ",
                "basic.days.1996" if thirtieths(tariff, span.first_day) else "basic.days.2024",
            )
        )
    document = row.document or basic.document
    steps.append(_price_step(row, document, unit))
    amount = Money(
        charge_fen(row.price.e8, quantity)
        if days == divisor
        else round_half_up(row.price.e8 * quantity * days, 10**9 * divisor)
    )
    said, arithmetic = charge(quantity, unit, row.price, amount, factor)
    return made(
        code,
        title,
        "basic",
        tariff,
        row,
        document,
        quantity,
        unit,
        row.price,
        amount,
        [*steps, said],
        arithmetic,
    )


def _measured(pieces: Sequence[MeteredPiece], passed_on: Sequence[Resold]) -> _Measured:
    read = [piece for piece in pieces if piece.quantity == "demand" and piece.band == "total"]
    steps = [registers(piece, piece.value_milli or 0, "kW") for piece in read]
    watts, feeds = metered_demand(pieces), len({piece.point_no for piece in read})
    if watts is not None and feeds > 1:
        steps.append(
            step(
                "demand",
                {"feeds": str(feeds), "actual": milli(watts)},
                f"{feeds} 路供电的最大需量相加 {milli(watts)} 千瓦。",
                f"The largest demands of {feeds} feeds together: {milli(watts)} kW. ",
                "basic.feeds",
            )
        )
    if watts is not None:
        watts = max(watts - sum(one.watts for one in passed_on), 0)
        steps += [one.step for one in passed_on]
    return _Measured(watts, steps)


def _demand(rule: DemandRule, span: BasicSpan, demand: int | None) -> tuple[int, Step]:
    if demand is None:
        if span.contract_w is None:
            raise CannotRate(
                text("既无需量示数也无合同最大需量。", "There is neither a demand register nor a contract demand."),
                code="no_terms",
                value="demand",
            )
        contract = milli(span.contract_w)
        return span.contract_w, step(
            "demand",
            {"contract": contract, "billed": contract},
            f"合同最大需量 {contract} 千瓦。",
            f"Contract demand {contract} kW. ",
        )
    billed = billed_demand(rule, demand, span.contract_w, span.capacity_va, span.first_day)
    values = {"actual": milli(demand), "billed": milli(billed)}
    zh, en = f"实际最大需量 {milli(demand)} 千瓦", f"Actual demand {milli(demand)} kW"
    if span.contract_w is not None:
        share = percent(rule.free_share.number)
        values |= {"contract": milli(span.contract_w), "free_share": share, "excess_times": str(rule.excess_times)}
        over = demand > round_half_up(span.contract_w * rule.free_share.number, 10_000)
        zh += f"，合同 {milli(span.contract_w)} 千瓦，{'超过' if over else '未超过'} {share}%"
        en += f", contract {milli(span.contract_w)} kW, {'above' if over else 'within'} {share} %"
        if over:
            zh += f"，超出部分按 {rule.excess_times} 倍"
            en += f", the excess counted {rule.excess_times} times"
    if rule.floor_share is not None and span.capacity_va is not None:
        floor = percent(rule.floor_share.number)
        values |= {"floor_share": floor, "capacity": milli(span.capacity_va)}
        zh += f"，不低于容量 {milli(span.capacity_va)} 千伏安的 {floor}%"
        en += f", at least {floor} % of {milli(span.capacity_va)} kVA"
    return billed, step(
        "demand",
        values,
        f"{zh}，计费需量 {milli(billed)} 千瓦。",
        f"{en}; billed demand {milli(billed)} kW. ",
        ("basic.demand.2016" if from_free_share(rule, span.first_day) else "basic.demand.old")
        + (" basic.floor" if "floor_share" in values else ""),
    )


def _capacity(span: BasicSpan, transformers: Sequence[TransformerDays]) -> Step:
    """The capacity charged; with transformers, each with its state on these days."""
    capacity = milli(span.capacity_va or 0)
    values = {"capacity": capacity}
    zh, en = f"计费容量 {capacity} 千伏安", f"Capacity charged: {capacity} kVA"
    # A pause that counts in full lies within a span: every state that one has in it is told, once.
    within = [
        one
        for one in transformers
        if one.first_day <= span.last_day and (one.last_day is None or one.last_day >= span.first_day)
    ]
    here = list({(one.transformer_no, one.state): one for one in within}.values())
    rule = None
    if here:
        shown_zh, shown_en = [], []
        for one in here:
            state_zh, state_en = STATES[one.state]
            if one.state == "paused" and halves(one, span.first_day):
                state_zh, state_en = f"{state_zh}不足 15 天，全额", f"{state_en} for less than 15 days, in full"
            shown_zh.append(f"{one.transformer_no} {milli(one.capacity_va)} {state_zh}")
            shown_en.append(f"{one.transformer_no} {milli(one.capacity_va)} {state_en}")
        values["transformers"] = "; ".join(shown_en)
        zh, en = f"{zh}（{'，'.join(shown_zh)}）", f"{en} ({', '.join(shown_en)})"
        rule = "basic.interlock" if any(one.interlock for one in here) else "basic.standby"
        if any(one.state == "paused" for one in here):
            rule = f"{rule} basic.pause"
        if any(one.state == "half" and halves(one, span.first_day) for one in here):
            rule = f"{rule} basic.half"
    return step("demand", values, zh + "。", en + ". ", rule)


def _exempt(subject: RatingSubject, basic: BasicCharge, first: date) -> bool:
    exemption = basic.charging_stations
    return subject.charging_station and exemption is not None and first < exemption.until


def _exempted(
    subject: RatingSubject,
    tariff: TariffDocument,
    basic: BasicCharge,
    first: date,
    last: date,
    energy_wh: int,
    pieces: Sequence[MeteredPiece],
    passed_on: Sequence[Resold],
) -> tuple[list[BillLine], list[RatingRemark]]:
    """A charging station's line of zero, and the charge of the days after the exemption ended."""
    exemption = basic.charging_stations
    assert exemption is not None
    said = step(
        "base",
        {"until": exemption.until.isoformat(), "document": exemption.document},
        f"集中式充换电设施 {exemption.until} 前免收基本电费，依据{exemption.document}。",
        f"Central charging stations pay no basic charge before {exemption.until}, {exemption.document}. ",
        "basic.charging",
    )
    code, title, unit = _KINDS[basic.by]
    nothing = Money(0)
    line = made(
        code, title, "basic", tariff, None, exemption.document, None, unit, None, nothing, [said], f"0 = {nothing}"
    )
    if last < exemption.until:
        return [line], []
    paying = subject.model_copy(update={"charging_station": False})
    rest, remarks = basic_lines(paying, tariff, basic, exemption.until, last, energy_wh, pieces, passed_on)
    return [line, *rest], remarks


def _discount(
    tariff: TariffDocument, discount: DemandDiscount, lines: list[BillLine], capacity: int, energy_wh: int
) -> list[BillLine]:
    """The negative line where all points of the customer together reach the threshold."""
    if capacity == 0 or energy_wh * 1000 < discount.energy_per_kva.wh * capacity:
        return []
    charged = sum(line.amount.fen for line in lines)
    amount = Money(-round_half_up(charged * (10_000 - discount.price_share.number), 10_000))
    threshold = milli(discount.energy_per_kva.wh)
    reached = milli(round_half_up(energy_wh * 1000, capacity))
    off = percent(10_000 - discount.price_share.number)
    arithmetic = f"-{Money(charged)} × {off}% = {amount}"
    steps = [
        step(
            "base",
            {"per_kva": reached, "threshold": threshold, "charged": str(Money(charged)), "off": off},
            f"每千伏安用电 {reached} 千瓦时，达到 {threshold}，需量电价减 {off}%，依据{discount.document}。",
            f"{reached} kWh per kVA reach {threshold}: {off} % off the demand price, {discount.document}. ",
            "basic.discount",
        ),
        step("charge", {"amount": str(amount)}, f"金额：{arithmetic} 元。", f"Amount: {arithmetic} yuan. "),
    ]
    return [
        made(
            "basic_discount",
            ("需量电价优惠", "Demand price discount"),
            "basic",
            tariff,
            None,
            discount.document,
            None,
            "%",
            None,
            amount,
            steps,
            arithmetic,
        )
    ]


def _price_step(row: PriceAt, document: str, unit: str) -> Step:
    mark = ("（示例价）", " (illustrative)") if row.illustrative else ("", "")
    values = {"price": str(row.price), "document": document, "unit": unit}
    if row.illustrative:
        values["illustrative"] = "true"
    return step(
        "price",
        values,
        f"基本电价每月 {row.price} 元/{unit}，依据{document}{mark[0]}。",
        f"Basic price {row.price} yuan per {unit} and month, {document}{mark[1]}. ",
    )
