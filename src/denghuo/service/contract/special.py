"""Rules of special terms (专用条款): what is agreed after a change, and what does not fit. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import Text, text
from denghuo.service.contract.api import (
    FIELDS,
    AgreeSpecial,
    Part,
    PlannedEnergy,
    SpecialRefused,
    SpecialTerms,
    TransformerLoss,
)
from denghuo.service.tariff.api import TariffDocument

Fault = dict[str, Any]
"""An entry of `SpecialRefused.errors`."""
_COUNTED = ("transformers", "losses", "line_losses", "parts", "counted_with", "forward", "declared", "green")
_NAMED = (
    "free_energy",
    "agency_case",
    "charging_station",
    "pf_use",
    "on_load_changer",
    "pf_standard",
    "standard_lowered",
    "connected_on",
)
_OF_MARKET = ("retail_", "market_", "forward", "declared", "green")
_PACKAGE = ["retail_title", "retail_document", "retail_prices"]
_OF_PLANTS = ("connected_on", "subsidised_before")
ALL = 10_000
"""100 % in 0.01 %."""


def agreed(before: SpecialTerms | None, change: AgreeSpecial) -> SpecialTerms | None:
    """The special terms after a change; None where nothing is left of them."""
    gone = {name: SpecialTerms.model_fields[name].get_default() for name in change.ended}
    given = {name: getattr(change, name, None) for name in SpecialTerms.model_fields}
    new = {name: value for name, value in given.items() if value is not None}
    return ordinary((before or SpecialTerms()).model_copy(update=gone | new))


def ordinary(special: SpecialTerms | None) -> SpecialTerms | None:
    """Special terms that say nothing are none."""
    return None if special == SpecialTerms() else special


def kept_special(kept: dict[str, Any] | None) -> SpecialTerms | None:
    """What `special_json` made."""
    return None if kept is None else SpecialTerms.model_validate(kept)


def special_json(special: SpecialTerms | None) -> dict[str, Any] | None:
    """As it is stored and published: what has its default is left out, figures are text."""
    kept = ordinary(special)
    return None if kept is None else kept.model_dump(mode="json", exclude_defaults=True)


def said(special: SpecialTerms) -> TextPair:
    """What special terms are about, in a line."""
    parts = []
    for name, entry in FIELDS.entries.items():
        value = getattr(special, name)
        if value and name in _COUNTED:
            parts.append((f"{entry['zh']} {len(value)} 项", f"{entry['en']}: {len(value)}"))
        elif value and name in _NAMED:
            parts.append((entry["zh"], entry["en"]))
    if special.persons is not None:
        parts.append((f"家庭 {special.persons} 人", f"household of {special.persons}"))
    if special.retail_title is not None:
        parts.append((f"零售套餐 {special.retail_title}", f"retail package {special.retail_title}"))
    return TextPair(zh="、".join(zh for zh, _ in parts), en="; ".join(en for _, en in parts))


def refused(faults: Sequence[Fault]) -> SpecialRefused:
    first = faults[0]
    return SpecialRefused(text(first["zh"], first["en"]), errors=list(faults))


def faults(kind: str, tariff_class: str, settlement: str, account_no: str, special: SpecialTerms) -> list[Fault]:
    """Everything about special terms that a bill could not be made from, with what to do about it."""
    if kind != "supply":
        return list(_plant(special))
    return [
        *_no_plant(special),
        *_transformers(special),
        *_losses(special),
        *_lines(special),
        *_parts(special.parts),
        *_household(special, tariff_class),
        *_counted(special, account_no),
        *_market(special, settlement),
    ]


def tariff_faults(parts: Iterable[Part], tariffs: Mapping[str, TariffDocument], on: date) -> Iterator[Fault]:
    """Tariffs of parts that are not in force on a day, or not for what the part is. tariffs: those in force by code."""
    for at, part in enumerate(parts):
        if part.tariff_code is None:
            continue
        tariff = tariffs.get(part.tariff_code)
        if tariff is None:
            yield fault(
                f"parts.{at}.tariff_code",
                part.tariff_code,
                f"{on} 没有生效的电价 {part.tariff_code}，请核对代码或先发布该电价。",
                f"No tariff {part.tariff_code} is in force on {on}; check the code or publish it first.",
            )
            continue
        if tariff.tiers is not None:
            yield fault(
                f"parts.{at}.tariff_code",
                part.tariff_code,
                "分算电量不计阶梯，请选择不分阶梯的电价。",
                "A part is priced without tiers; choose a tariff that has none.",
            )
        for name, chosen, options in (
            ("tariff_class", part.tariff_class, tariff.classes),
            ("settlement", part.settlement, tariff.settlements),
        ):
            if chosen is not None and chosen not in options:
                listed = ", ".join(options)
                yield fault(
                    f"parts.{at}.{name}",
                    chosen,
                    f"电价 {tariff.code} 不适用，可选：{listed}。",
                    f"Tariff {tariff.code} is not for it; choose of {listed}.",
                )


# --- power plants ------------------------------------------------------------------------------------------------------------


def _plant(special: SpecialTerms) -> Iterator[Fault]:
    """Purchase contracts have a plant and nothing else."""
    for name, field in SpecialTerms.model_fields.items():
        if name not in _OF_PLANTS and getattr(special, name) != field.get_default():
            yield fault(
                name,
                FIELDS.entries[name]["zh"],
                "购售电合同只约定电站的并网日期与已补贴电量，请清空。",
                "A purchase contract has the plant's day of connection and what was subsidised before; leave this out.",
            )
    before = special.subsidised_before
    if before is not None and special.connected_on is None:
        yield fault(
            "connected_on", None, "请填写电站并网日期。", "The plant's day of connection is needed; fill it in."
        )
    if before is not None and before.wh < 0:
        yield fault("subsidised_before", before, "不能为负，请核对。", "It cannot be negative; check it.")


def _no_plant(special: SpecialTerms) -> Iterator[Fault]:
    for name in _OF_PLANTS:
        value = getattr(special, name)
        if value is not None:
            yield fault(name, value, "只用于购售电合同，请清空。", "It is for purchase contracts; leave it out.")


# --- one kind after the other ----------------------------------------------------------------------------------------------


def _transformers(special: SpecialTerms) -> Iterator[Fault]:
    days: dict[str, list[tuple[date, date]]] = {}
    for at, one in enumerate(special.transformers):
        last = one.last_day or date.max
        if one.capacity_kva.va <= 0:
            yield _more_than_nothing(f"transformers.{at}.capacity_kva", one.capacity_kva)
        if last < one.first_day:
            yield fault(
                f"transformers.{at}.last_day",
                one.last_day,
                "止日早于起日，请改正日期。",
                "The last day lies before the first; correct the days.",
            )
            continue
        if any(one.first_day <= other[1] and other[0] <= last for other in days.get(one.transformer_no, ())):
            yield fault(
                f"transformers.{at}.first_day",
                one.first_day,
                f"变压器 {one.transformer_no} 在同一日有两种状态，请使各段日期首尾相接。",
                f"Transformer {one.transformer_no} has two states on a day; let its days follow each other.",
            )
        days.setdefault(one.transformer_no, []).append((one.first_day, last))


def _losses(special: SpecialTerms) -> Iterator[Fault]:
    rows: dict[str, list[int]] = {}
    for at, row in enumerate(special.loss_rows):
        limit = (1 << 62) if row.up_to_kwh is None else row.up_to_kwh.wh
        if rows.get(row.transformer_no, [-1])[-1] >= limit:
            yield fault(
                f"loss_rows.{at}.up_to_kwh",
                row.up_to_kwh,
                "损耗表须按电量上限由小到大，只有最后一行可不填上限。",
                "The rows of a loss table rise by energy, and only the last one is open; put them in order.",
            )
        rows.setdefault(row.transformer_no, []).append(limit)
    numbers = Counter(loss.transformer_no for loss in special.losses)
    for at, loss in enumerate(special.losses):
        if numbers[loss.transformer_no] > 1:
            yield _twice(f"losses.{at}.transformer_no", loss.transformer_no)
        yield from _loss(at, loss, rows)
    for name, listed in (
        ("loss_rows", [row.transformer_no for row in special.loss_rows]),
        ("behind", [one.transformer_no for one in special.behind]),
    ):
        for at, number in enumerate(listed):
            if number not in numbers:
                yield fault(
                    f"{name}.{at}.transformer_no",
                    number,
                    f"变损中没有变压器 {number}，请先在变损中登记。",
                    f"There is no loss of transformer {number}; enter it among the losses first.",
                )


def _loss(at: int, loss: TransformerLoss, rows: Mapping[str, Sequence[int]]) -> Iterator[Fault]:
    fill = ("请按铭牌填写。", "fill it in from the nameplate.")
    if loss.way == "nameplate":
        needed = ["no_load_kw"] if loss.copper_share is not None else ["capacity_kva", "no_load_kw", "load_kw"]
        for name in needed:
            if getattr(loss, name) is None:
                yield fault(f"losses.{at}.{name}", None, f"按铭牌计算须有该值，{fill[0]}", f"It is needed; {fill[1]}")
        if loss.capacity_kva is not None and loss.capacity_kva.va <= 0:
            yield _more_than_nothing(f"losses.{at}.capacity_kva", loss.capacity_kva)
    elif loss.way == "table" and loss.transformer_no not in rows:
        yield fault(
            f"losses.{at}.way",
            loss.way,
            f"变压器 {loss.transformer_no} 没有损耗表，请填写损耗表。",
            f"Transformer {loss.transformer_no} has no loss table; enter its rows.",
        )
    elif loss.way == "agreed" and loss.active_kwh is None:
        yield fault(
            f"losses.{at}.active_kwh",
            None,
            "协议变损须有每月有功损耗，请填写。",
            "An agreed loss has a quantity a month; fill it in.",
        )
    for name in (
        "no_load_kw",
        "load_kw",
        "no_load_current",
        "impedance",
        "copper_share",
        "active_kwh",
        "reactive_kvarh",
    ):
        value = getattr(loss, name)
        if value is not None and value.number < 0:
            yield fault(f"losses.{at}.{name}", value, "不能为负，请核对。", "It cannot be negative; check it.")


def _lines(special: SpecialTerms) -> Iterator[Fault]:
    for at, line in enumerate(special.line_losses):
        if (line.share is None) == (line.active_kwh is None):
            yield fault(
                f"line_losses.{at}.share",
                line.share,
                "线损率与协议损耗填且只填一种。",
                "Give the share or the quantity a month, and only one of them.",
            )
        if line.share is not None and not 0 < line.share.number < ALL:
            yield fault(
                f"line_losses.{at}.share",
                line.share,
                "线损率应大于 0、小于 100%。",
                "A share lies between 0 and 100 %; correct it.",
            )
        if line.active_kwh is not None and line.active_kwh.wh <= 0:
            yield _more_than_nothing(f"line_losses.{at}.active_kwh", line.active_kwh)


def _parts(parts: Sequence[Part]) -> Iterator[Fault]:
    numbers = Counter(part.point_no for part in parts)
    for at, part in enumerate(parts):
        if numbers[part.point_no] > 1:
            yield _twice(f"parts.{at}.point_no", part.point_no)
        for way, name in (("quantity", "quantity_kwh"), ("ratio", "ratio")):
            value = getattr(part, name)
            if part.way == way and (value is None or value.number <= 0):
                yield _more_than_nothing(f"parts.{at}.{name}", value)
            elif part.way != way and value is not None:
                yield fault(
                    f"parts.{at}.{name}",
                    value,
                    "与分算方式不符，请清空或改正方式。",
                    "It does not go with the way; leave it out or correct the way.",
                )
        if part.resale is not None and part.way == "parallel":
            yield fault(
                f"parts.{at}.resale",
                part.resale,
                "并列计量不在总表之内，不折算需量，请清空。",
                "A parallel meter is not behind the main one and takes off no demand; leave it out.",
            )
        if part.ratio is not None and part.ratio.number > ALL:
            yield fault(f"parts.{at}.ratio", part.ratio, "定比不能超过 100%。", "A ratio is at most 100 %; correct it.")


def _household(special: SpecialTerms, tariff_class: str) -> Iterator[Fault]:
    resident = tariff_class == "resident"
    for name in ("persons", "free_energy"):
        value = getattr(special, name)
        if value and not resident:
            yield fault(name, value, "只用于居民用电，请清空。", "It is for residents; leave it out.")
    if special.persons is not None and special.persons_since is None:
        yield fault(
            "persons_since", None, "请填写多人口受理日期。", "The day of acceptance is needed for persons; fill it in."
        )
    since, until = special.persons_since, special.persons_until
    if since is not None and until is not None and until < since:
        yield fault("persons_until", until, "止日早于受理日期，请改正。", "It lies before the acceptance; correct it.")


def _counted(special: SpecialTerms, account_no: str) -> Iterator[Fault]:
    for at, other in enumerate(special.counted_with):
        if other == account_no:
            yield fault(
                f"counted_with.{at}", other, "不能是本户，请填其他户号。", "That is this account; name the others."
            )


def _market(special: SpecialTerms, settlement: str) -> Iterator[Fault]:
    """A package has prices and says where it is agreed; package, settlement by points and green power are a market customer's."""
    given = [name for name in FIELDS.entries if name.startswith(_OF_MARKET) and getattr(special, name)]
    if given and settlement != "market":
        yield fault(
            given[0],
            settlement,
            "只用于市场化结算的合同，请先将结算方式变更为市场化，或清空。",
            "It is for contracts settled at the market; change the settlement first, or leave it out.",
        )
    retail = any(name.startswith("retail_") for name in given)
    share = special.retail_spot_share.number if special.retail_spot_share is not None else 0
    if not 0 <= share <= ALL:
        yield fault(
            "retail_spot_share",
            special.retail_spot_share,
            "现货联动比例应在 0 至 100% 之间，请改正。",
            "A share lies between 0 and 100 %; correct it.",
        )
    settled = special.market_document is not None and not retail
    needed = ["market_document", "market_node"] if settled or special.forward or special.declared else _PACKAGE
    for name in needed if given else ():
        if name not in given and not (name == "retail_prices" and share == ALL):
            yield fault(
                name,
                None,
                "约定零售套餐、绿电或按点结算须填写该项。",
                "A package, green power or settlement by points needs it; fill it in.",
            )
    if share and special.market_node is None:
        yield fault(
            "market_node",
            None,
            "现货联动须填写价格节点。",
            "What follows spot prices needs the node of these prices; fill it in.",
        )
    if retail and (special.forward or special.declared):
        name = "forward" if special.forward else "declared"
        yield fault(
            name,
            special.retail_title,
            "零售套餐与中长期、日前电量只约定一种，请取消其一。",
            "A package stands in the place of forward and declared energy; keep one of them.",
        )
    for name in ("forward", "declared"):
        for at, one in enumerate(getattr(special, name)):
            yield from _planned(f"{name}.{at}", one)
    bands = Counter(one.band for one in special.retail_prices)
    if bands["total"] and len(bands) > 1:
        yield fault(
            "retail_prices",
            "total",
            "全时段电价不能与分时段电价并用，请只保留一种。",
            "A price for all hours cannot stand beside prices by band; keep one kind.",
        )
    for at, one in enumerate(special.retail_prices):
        if bands[one.band] > 1:
            yield _twice(f"retail_prices.{at}.band", one.band)
    floor, cap = special.retail_floor, special.retail_cap
    if floor is not None and cap is not None and cap.e8 < floor.e8:
        yield fault("retail_cap", cap, "均价上限低于下限，请改正。", "The cap lies below the floor; correct them.")
    for at, green in enumerate(special.green):
        if green.quantity_kwh.wh <= 0:
            yield _more_than_nothing(f"green.{at}.quantity_kwh", green.quantity_kwh)


def _planned(where: str, one: PlannedEnergy) -> Iterator[Fault]:
    if one.last_day < one.first_day:
        yield fault(
            f"{where}.last_day",
            one.last_day,
            "止日早于起日，请改正日期。",
            "The last day lies before the first; correct the days.",
        )
    if one.end <= one.start:
        yield fault(
            f"{where}.end",
            one.end,
            "时段止应晚于时段起；跨零点的分两行填写。",
            "The window ends before it begins; write one over midnight as two rows.",
        )
    if one.quantity_kwh.wh <= 0:
        yield _more_than_nothing(f"{where}.quantity_kwh", one.quantity_kwh)


def _twice(field: str, value: str) -> Fault:
    return fault(field, value, f"{value} 重复，请合并为一行。", f"{value} stands twice; make one row of it.")


def _more_than_nothing(field: str, value: object) -> Fault:
    return fault(field, value, "须大于零，请填写。", "It must be more than nothing; fill it in.")


def fault(field: str, value: object, zh: str, en: str) -> Fault:
    """What does not fit in a field of the special terms, with what to do about it."""
    said: Text = text(zh, en)
    return {"field": field, "value": "" if value is None else str(value), **said}
