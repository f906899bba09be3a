"""Review rules (电费审核): pure decisions on whether a rated bill may pass or is held for a person, and what is said about it.

The limits are data (table `review_rule`); a rule without a limit, or one that is off, holds nothing. A held bill is never wrong in
itself: a person looks, then releases it with a reason or has the cause put right and the account calculated again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Energy, Money, decimal_text, round_half_up

Limits = Mapping[tuple[str, str, str], int]
"""(code, kind, tariff class or "" for the others) -> limit; rules that are off are left out."""

JUMP_FLOOR_FEN = 100_00
"""A bill that is no more than this above the one before is no shock, however small that one was."""


@dataclass(frozen=True)
class Figures:
    """What the review looks at. `earlier_wh`: energy of earlier months that is known; `hours`: length of the billed period.

    tariff, tariff_before: of this bill and of the account's bill before it; amount_before_fen: what that bill came to. first:
    nothing of the account was billed or taken over before, though the platform has billed earlier months. old_price_from: the day
    from which a price holds that is published month by month, where that day is in an earlier month. months, months_before: that
    this bill and the one before it cover.
    """

    kind: str
    tariff_class: str
    energy_wh: int
    amount_fen: int
    days: int
    hours: int
    estimated_days: int = 0
    contract_w: int | None = None
    pv_w: int | None = None
    earlier_wh: tuple[int, ...] = ()
    questions: tuple[TextPair, ...] = ()
    tariff: str = ""
    tariff_before: str | None = None
    first: bool = False
    old_price_from: date | None = None
    amount_before_fen: int | None = None
    months: int = 1
    months_before: int = 1

    @property
    def average_wh(self) -> int:
        """What the earlier months would have had in as many months as this bill covers."""
        return sum(self.earlier_wh) * self.months // len(self.earlier_wh) if self.earlier_wh else 0


@dataclass(frozen=True)
class Finding:
    """Why an account is held, in both languages, with the figures behind it and what to do."""

    code: str
    reason: TextPair
    remedy: TextPair
    parameters: dict[str, str] = field(default_factory=dict)


REMEDIES: dict[str, TextPair] = {
    "read_held": TextPair(
        zh="在抄表异常中补录或确认示数并写明依据；系统随后自动重算该户。",
        en="Enter or accept the register among the reading exceptions, with the reason; the account is then calculated again.",
    ),
    "read_awaited": TextPair(
        zh="等待采集或补抄月末示数，到达后自动核算；确需先行的，补录示数，或重算该户按估算规则出账。",
        en="Wait for the register of the month's end or enter it: the account is then billed by itself; or calculate it again, with"
        " what the rules estimate.",
    ),
    "no_reading": TextPair(
        zh="核对计量点与合同是否对应、表计是否已装；更正后重算该户。",
        en="Check that the contract has a metering point with a meter; put it right, then calculate again.",
    ),
    "tariff_unknown": TextPair(
        zh="发布该类别在本月适用的电价，或更正合同的用电类别、电压等级后重算。",
        en="Publish a tariff for this class and month, or correct class and voltage in the contract, then calculate again.",
    ),
    "contract_changed": TextPair(
        zh="月内两份合同先后生效；请先终结原合同电费，再重算该户。",
        en="Two contracts followed each other within the month; settle the first one, then calculate again.",
    ),
    "rating_failed": TextPair(
        zh="按原因更正合同或示数后重算该户。",
        en="Correct the contract or the register as the reason says, then calculate again.",
    ),
    "curve_missing": TextPair(
        zh="补召该表 15 分钟曲线，到后该户自动重算；或核对示数与曲线，更正示数后自动重算。",
        en="Have the meter's 15-minute curve collected: the account is then calculated again by itself. Or compare register and"
        " curve; a corrected register has it calculated again as well.",
    ),
    "spot_price_missing": TextPair(
        zh="导入并发布该价格节点的现货价格，该户随即自动重算；或更正合同的价格节点后重算。",
        en="Take in and publish the spot prices of the node: the account is then calculated again by itself. Or correct the"
        " node in the contract and calculate again.",
    ),
    "review_remark": TextPair(
        zh="核对提示内容；无误则说明理由放行，有误则更正后重算。",
        en="Check what the remark says; release with the reason if it is right, else correct it and calculate again.",
    ),
    "zero_use": TextPair(
        zh="核实是否停用、表计停走或窃电；属实则说明理由放行，否则更正示数后重算。",
        en="Find out whether the premises are empty or the meter stands still; release with the reason, or correct the register.",
    ),
    "over_capacity": TextPair(
        zh="核对倍率、示数与合同容量；无误则说明理由放行，有误则更正后重算。",
        en="Check multiplier, register and contract power; release with the reason if right, else correct and calculate again.",
    ),
    "negative": TextPair(
        zh="核对起止示数、翻转、换表记录与电价；有误则更正后重算，属实则说明理由放行。",
        en="Check registers, rollover, exchange records and prices; correct them and calculate again, or release with the reason.",
    ),
    "spike": TextPair(
        zh="与以往月份比对并核实示数；属实则说明理由放行。",
        en="Compare with earlier months and check the register; release with the reason if it is real.",
    ),
    "drop": TextPair(
        zh="核实是否停用、表计停走、接线错误或窃电；属实则说明理由放行，否则更正示数后重算。",
        en="Find out whether use stopped, the meter stands still, is miswired or bypassed; release with the reason, or correct it.",
    ),
    "first_bill": TextPair(
        zh="对照装表接电记录核对起码、倍率、容量与电价；无误则说明理由放行。",
        en="Check first register, multiplier, capacity and tariff against the connection; release with the reason if right.",
    ),
    "new_tariff": TextPair(
        zh="对照变更申请核对新电价与生效日；无误则说明理由放行，有误则更正合同后重算。",
        en="Check the new tariff and its first day against the application; release if right, else correct the contract.",
    ),
    "old_price": TextPair(
        zh="导入并发布本月的月度价格表后重算；确实沿用上月价格的说明理由放行。",
        en="Take in and publish the month's price table, then calculate again; release with the reason if the price stays.",
    ),
    "prices_corrected": TextPair(
        zh="系统按更正后的价格或日历自动重算；长时间未消除的，手工重算该户。",
        en="The account is calculated again by itself, by what holds now; do it by hand if this stays open.",
    ),
    "estimated_share": TextPair(
        zh="安排现场补抄后重算；确实无法抄表的说明理由放行。",
        en="Have the meter read on site and calculate again; release with the reason where it cannot be read.",
    ),
    "tier_moved": TextPair(
        zh="以“阶梯累计差错”为原因对这些月份立案退补，或逐月全减另发；差额不予退补的说明理由放行。",
        en="Open a case with the cause “Tier position” over these months, or bill them again one by one; release with the reason"
        " where the difference is not settled.",
    ),
    "bill_jump": TextPair(
        zh="对照已检验的各项原因核实；属实则说明理由放行，客户在发行前已收到提醒；有误则更正后重算。",
        en="Check the causes that were tested; release with the reason if the amount is right (the customer was told before the"
        " issue), else correct it and calculate again.",
    ),
    "outlier_amount": TextPair(
        zh="逐行核对电量与电价；无误则说明理由放行。",
        en="Check energy and prices line by line; release with the reason if they are right.",
    ),
}


def finding(code: str, zh: str, en: str, **parameters: object) -> Finding:
    shown = {name: str(value) for name, value in parameters.items()}
    return Finding(code, TextPair(zh=zh, en=en), REMEDIES[code], shown)


def review(figures: Figures, limits: Limits) -> list[Finding]:
    """Everything that speaks against letting the bill pass, in the order of the rules."""
    found = [finding("review_remark", question.zh, question.en) for question in figures.questions[:1]]
    for code, rule in RULES_BY_CODE.items():
        limit = limits.get((code, figures.kind, figures.tariff_class), limits.get((code, figures.kind, "")))
        if limit is not None:
            held = rule(figures, limit)
            if held is not None:
                found.append(held)
    return found


def rule_of(code: str, kind: str, tariff_class: str, limits: Limits) -> tuple[str, str, str]:
    """The rule by which a bill of a class is looked at: that of the class, or else that of all."""
    own = (code, kind, tariff_class)
    return own if own in limits else (code, kind, "")


def _negative(figures: Figures, _: int) -> Finding | None:
    if figures.energy_wh >= 0 and figures.amount_fen >= 0:
        return None
    energy, amount = Energy(figures.energy_wh), Money(figures.amount_fen)
    return finding(
        "negative",
        f"电量 {energy} 千瓦时、金额 {amount} 元，出现负值。",
        f"Energy is {energy} kWh and the amount {amount} yuan: one of them is negative.",
        energy_kwh=energy,
        amount_yuan=amount,
    )


def _zero_use(figures: Figures, limit: int) -> Finding | None:
    if figures.energy_wh > limit * 1000:
        return None
    return finding(
        "zero_use",
        f"该户为在用用户，{figures.days} 天内用电量为 {Energy(figures.energy_wh)} 千瓦时。",
        f"The account is occupied, yet {figures.days} days show {Energy(figures.energy_wh)} kWh.",
        energy_kwh=Energy(figures.energy_wh),
        days=figures.days,
        limit_kwh=limit,
    )


def _over_capacity(figures: Figures, limit: int) -> Finding | None:
    power = figures.pv_w if figures.kind == "purchase" else figures.contract_w
    if not power:
        return None
    most_wh = power * figures.hours * limit // 100
    if figures.energy_wh <= most_wh:
        return None
    share = round_half_up(100 * figures.energy_wh, power * figures.hours)
    shown = decimal_text(power, 3, 0)
    what_zh, what_en = (
        ("发电容量", "the generating power") if figures.kind == "purchase" else ("合同容量", "the contract power")
    )
    return finding(
        "over_capacity",
        f"电量 {Energy(figures.energy_wh)} 千瓦时，为{what_zh} {shown} 千瓦在 {figures.hours} 小时内满发满用的 {share}%，"
        f"超过 {limit}%。",
        f"{Energy(figures.energy_wh)} kWh is {share} % of what {what_en} of {shown} kW gives in {figures.hours} hours; the limit is"
        f" {limit} %.",
        energy_kwh=Energy(figures.energy_wh),
        power_kw=shown,
        hours=figures.hours,
        share_percent=share,
        limit_percent=limit,
    )


def _spike(figures: Figures, limit: int) -> Finding | None:
    if not figures.earlier_wh:
        return None
    average = figures.average_wh
    if average <= 0 or 100 * figures.energy_wh <= limit * average:
        return None
    return _beside_earlier("spike", figures, average, limit, ("超过", "more"))


def _drop(figures: Figures, limit: int) -> Finding | None:
    if not figures.earlier_wh or figures.energy_wh <= 0:
        return None  # without any use at all it is the rule of zero use
    average = figures.average_wh
    if 100 * figures.energy_wh >= limit * average:
        return None
    return _beside_earlier("drop", figures, average, limit, ("不足", "less"))


def _beside_earlier(code: str, figures: Figures, average: int, limit: int, how: tuple[str, str]) -> Finding:
    energy, months = Energy(figures.energy_wh), len(figures.earlier_wh)
    return finding(
        code,
        f"电量 {energy} 千瓦时，前 {months} 个月平均 {Energy(average)} 千瓦时，{how[0]}其 {limit}%。",
        f"{energy} kWh is {how[1]} than {limit} % of the average of the {months} months before, {Energy(average)} kWh.",
        energy_kwh=energy,
        average_kwh=Energy(average),
        months=months,
        limit_percent=limit,
    )


def _bill_jump(figures: Figures, limit: int) -> Finding | None:
    # Months against as many months: a bill of two follows one of one where a route's cycle changed.
    before = round_half_up((figures.amount_before_fen or 0) * figures.months, figures.months_before)
    more = figures.amount_fen - before
    if before <= 0 or more <= JUMP_FLOOR_FEN or 100 * figures.amount_fen <= limit * before:
        return None
    amount, was = Money(figures.amount_fen), Money(before)
    return finding(
        "bill_jump",
        f"金额 {amount} 元，上次账单 {was} 元，超过其 {limit}%。",
        f"{amount} yuan is more than {limit} % of the bill before, {was} yuan.",
        amount_yuan=amount,
        before_yuan=was,
        limit_percent=limit,
    )


def _first_bill(figures: Figures, _: int) -> Finding | None:
    if not figures.first:
        return None
    energy, amount = Energy(figures.energy_wh), Money(figures.amount_fen)
    return finding(
        "first_bill",
        f"该户首次出账：电量 {energy} 千瓦时、金额 {amount} 元。",
        f"The first bill of the account: {energy} kWh, {amount} yuan.",
        energy_kwh=energy,
        amount_yuan=amount,
    )


def _new_tariff(figures: Figures, _: int) -> Finding | None:
    before = figures.tariff_before
    if before is None or before == figures.tariff:
        return None
    return finding(
        "new_tariff",
        f"上次账单执行电价 {before}，本月改为 {figures.tariff}。",
        f"The last bill was by tariff {before}, this one is by {figures.tariff}.",
        tariff=figures.tariff,
        tariff_before=before,
    )


def _old_price(figures: Figures, _: int) -> Finding | None:
    since = figures.old_price_from
    if since is None:
        return None
    return finding(
        "old_price",
        f"代理购电价格按月公布，本账单仍按 {since.isoformat()} 起的价格计费。",
        f"Agency prices are published by the month; this bill still has those in force since {since.isoformat()}.",
        tariff=figures.tariff,
        effective_from=since,
    )


def _estimated_share(figures: Figures, limit: int) -> Finding | None:
    if figures.days <= 0 or 100 * figures.estimated_days <= limit * figures.days:
        return None
    return finding(
        "estimated_share",
        f"{figures.days} 天中有 {figures.estimated_days} 天为估算，超过 {limit}%。",
        f"{figures.estimated_days} of {figures.days} days are estimated; the limit is {limit} %.",
        estimated_days=figures.estimated_days,
        days=figures.days,
        limit_percent=limit,
    )


def _outlier_amount(figures: Figures, limit: int) -> Finding | None:
    if abs(figures.amount_fen) <= limit * 100:
        return None
    amount = Money(figures.amount_fen)
    return finding(
        "outlier_amount",
        f"金额 {amount} 元，超过该类用户的复核限额 {limit} 元。",
        f"The amount of {amount} yuan is above the limit of {limit} yuan for this class.",
        amount_yuan=amount,
        limit_yuan=limit,
    )


RULES_BY_CODE: dict[str, Callable[[Figures, int], Finding | None]] = {
    "negative": _negative,
    "zero_use": _zero_use,
    "over_capacity": _over_capacity,
    "spike": _spike,
    "drop": _drop,
    "bill_jump": _bill_jump,
    "first_bill": _first_bill,
    "new_tariff": _new_tariff,
    "old_price": _old_price,
    "estimated_share": _estimated_share,
    "outlier_amount": _outlier_amount,
}

MEANINGS: dict[str, tuple[TextPair, str]] = {
    "negative": (TextPair(zh="电量或金额为负", en="Energy or amount below zero"), ""),
    "zero_use": (
        TextPair(zh="在用用户整月电量不超过限值", en="An occupied account used no more than the limit"),
        "kWh",
    ),
    "over_capacity": (
        TextPair(zh="电量超过容量 × 小时数 × 限值", en="More energy than power x hours x limit"),
        "%",
    ),
    "spike": (TextPair(zh="电量超过前几个月平均值的限值", en="Energy above the limit of earlier months' average"), "%"),
    "drop": (TextPair(zh="电量低于前几个月平均值的限值", en="Energy below the limit of earlier months' average"), "%"),
    "bill_jump": (
        TextPair(
            zh="金额超过上次账单的限值，且多出 100 元以上",
            en="Amount above the limit of the bill before, and more than 100 yuan above it",
        ),
        "%",
    ),
    "first_bill": (TextPair(zh="该户首次出账", en="The first bill of an account"), ""),
    "new_tariff": (TextPair(zh="与上次账单的电价不同", en="Another tariff than on the last bill"), ""),
    "old_price": (
        TextPair(zh="按月公布的价格未更新到本月", en="Prices published by the month are those of an earlier month"),
        "",
    ),
    "estimated_share": (TextPair(zh="估算天数占比超过限值", en="Share of estimated days above the limit"), "%"),
    "outlier_amount": (TextPair(zh="金额超过该类用户的限额", en="Amount above the limit of the class"), "yuan"),
}
"""What each rule means and the unit of its limit."""
