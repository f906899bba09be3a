"""Rules of line loss: the balance of an area or a feeder, and what is conspicuous about it. Integers throughout (Wh)."""

from collections.abc import Sequence
from dataclasses import dataclass

from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Energy, Percent
from denghuo.service.loss.api import Flag, Side

GENERATION = ("export", "full_feed_in")

LINE_RATE = Percent(300)
"""What low-voltage lines and the transformer's winding are granted of the supply, beside the no-load loss: 3 %."""
RATIO_DOUBT = Percent(1_000)
"""A multiplier is doubted only where the balance is off by more than meters and cables explain: 10 %."""
PLAUSIBLE = (Percent(0), Percent(400))
"""Where the loss of a sound area lies."""
RATIOS = (10, 15, 20, 30, 40, 50, 60, 80, 100, 120, 150, 160, 200, 240, 250, 300, 400, 500, 600, 800)
"""Ratios of current transformers to 5 A that areas are equipped with."""


@dataclass(frozen=True)
class Balance:
    """What was measured. `gateway_wh` is forward minus reverse, None where it is not known; `multiplier` that of the gateway.

    `no_load_wh` is what the transformer takes by itself over the month, `rating_wh` what it can carry at most.
    """

    gateway_wh: int | None
    generation_wh: int
    sale_wh: int
    held: int = 0
    held_generation: int = 0
    estimated: int = 0
    multiplier: int | None = None
    no_load_wh: int = 0
    rating_wh: int | None = None

    @property
    def supply_wh(self) -> int | None:
        """What came in: through the gateway, and from the generators within."""
        return None if self.gateway_wh is None else self.gateway_wh + self.generation_wh

    @property
    def loss_wh(self) -> int | None:
        return None if self.supply_wh is None else self.supply_wh - self.sale_wh

    @property
    def rate(self) -> Percent | None:
        """Loss by supply; None where nothing was supplied or that is not known."""
        return rate(self.supply_wh, self.sale_wh)

    @property
    def limit(self) -> Percent | None:
        """The rate that transformer and lines explain: the no-load loss, whatever was drawn, and a share of the supply.

        A lightly loaded area so gets a wider limit than a full one. Whether the gateway is before or behind the transformer is not
        known, so the no-load loss is granted in either case.
        """
        if self.supply_wh is None or self.supply_wh <= 0:
            return None
        floor = Percent.of_parts(self.no_load_wh, self.supply_wh)
        return LINE_RATE if floor is None else floor + LINE_RATE

    @property
    def over_rating(self) -> bool:
        """Whether the gateway shows more, either way, than the transformer carries at full load for the whole month."""
        return self.gateway_wh is not None and self.rating_wh is not None and abs(self.gateway_wh) > self.rating_wh


def rate(supply_wh: int | None, sale_wh: int) -> Percent | None:
    if supply_wh is None or supply_wh <= 0:
        return None
    return Percent.of_parts(supply_wh - sale_wh, supply_wh)


def other_multiplier(balance: Balance) -> int | None:
    """The ratio with which the balance would be plausible, where the one of the archive makes it impossible.

    While readings are held the balance is off for another reason, so nothing is concluded from it.
    """
    found = None if balance.held or balance.held_generation else balance.rate
    if (
        found is None
        or balance.multiplier is None
        or balance.gateway_wh is None
        or abs(found.number) <= RATIO_DOUBT.number
    ):
        return None
    fitting = []
    for ratio in RATIOS:
        # The gateway's registers times the other ratio; what the ratio was multiplied with before divides without a rest.
        gateway = balance.gateway_wh * ratio // balance.multiplier
        supply = gateway + balance.generation_wh
        other = rate(supply, balance.sale_wh)
        if (
            ratio != balance.multiplier
            and (balance.rating_wh is None or abs(gateway) <= balance.rating_wh)
            and other is not None
            and PLAUSIBLE[0].number <= other.number <= PLAUSIBLE[1].number
        ):
            fitting.append(ratio)
    return fitting[0] if len(fitting) == 1 else None


def findings(balance: Balance) -> list[Flag]:
    """What is conspicuous about an area's month, the gravest first."""
    return [*_of_balance(balance), *_of_readings(balance)]


def _of_balance(balance: Balance) -> list[Flag]:
    found, limit, ratio = balance.rate, balance.limit, other_multiplier(balance)
    flags: list[Flag] = []
    if ratio is not None:
        flags.append(
            _flag(
                "ratio",
                f"按档案倍率 {balance.multiplier} 线损率为 {found}%；若倍率为 {ratio}，线损率正常，请现场核对互感器变比。",
                f"With the archive's multiplier {balance.multiplier} the loss is {found} %; with {ratio} it would be plausible: "
                "check the current transformers on site.",
            )
        )
    if balance.over_rating and balance.gateway_wh is not None and balance.rating_wh is not None:
        flags.append(
            _flag(
                "over_rating",
                f"关口电量 {Energy(balance.gateway_wh)} 千瓦时超过变压器满载全月电量 {Energy(balance.rating_wh)} 千瓦时："
                "请核对关口倍率和变压器容量。",
                f"The gateway shows {Energy(balance.gateway_wh)} kWh; the transformer carries {Energy(balance.rating_wh)} kWh at "
                "full load for the whole month: check the multiplier and the rating.",
            )
        )
    if balance.loss_wh is not None and balance.loss_wh < 0:
        shown = "" if found is None else f" {found}%"
        flags.append(
            _flag(
                "negative",
                f"售电量大于供电量，线损率{shown}：可能是关口少计、户变关系错误或售电多计。"
                if shown
                else "售电量大于供电量：可能是关口少计、户变关系错误或售电多计。",
                f"More was sold than supplied{shown and f' ({found} %)'}: the gateway measures too little, a user belongs to "
                "another area, or sales are too high.",
            )
        )
    if found is not None and limit is not None and found > limit:
        flags.append(
            _flag(
                "high",
                f"线损率 {found}% 高于限值 {limit}%（变压器空载损耗 {Energy(balance.no_load_wh)} 千瓦时，另计线路 {LINE_RATE}%）："
                "可能是窃电、表计故障、漏户或户变关系错误。",
                f"The loss of {found} % is above {limit} % (no-load loss of the transformer {Energy(balance.no_load_wh)} kWh, and "
                f"{LINE_RATE} % for the lines): theft, a faulty meter, a missing user or one of another area.",
            )
        )
    return flags


def _of_readings(balance: Balance) -> list[Flag]:
    flags: list[Flag] = []
    if balance.gateway_wh is None:
        flags.append(_flag("incomplete", "关口电量缺失或待核，无法计算。", "The gateway's energy is missing or held."))
    if balance.held or balance.held_generation:
        parts = [
            (balance.held, "个售电示数待核，售电量偏少", "readings of sale held: {count}, so sales are too low"),
            (
                balance.held_generation,
                "个上网示数待核，供电量偏少",
                "readings of generators held: {count}, so supply is too low",
            ),
        ]
        said = [(f"{count} {zh}", en.format(count=count)) for count, zh, en in parts if count]
        flags.append(
            _flag(
                "held_members",
                "；".join(zh for zh, _ in said) + "。",
                "; ".join(en for _, en in said).capitalize() + ".",
            )
        )
    if balance.estimated:
        flags.append(
            _flag(
                "estimated_members",
                f"{balance.estimated} 个示数为估计值。",
                f"Readings estimated: {balance.estimated}.",
            )
        )
    return flags


def _flag(code: str, zh: str, en: str) -> Flag:
    return Flag.model_validate({"code": code, "reason": TextPair(zh=zh, en=en)})


def side_of(role: str, quantity: str) -> Side:
    """On which side of an area's balance a point's energy stands."""
    if role == "gateway":
        return "return" if quantity == "active_rev" else "supply"
    return "generation" if role in GENERATION else "sale"


def ranks(rates: Sequence[Percent | None]) -> list[int | None]:
    """The place of each rate from the highest down; equal rates share a place, None has none."""
    known = sorted((value.number for value in rates if value is not None), reverse=True)
    place = {number: known.index(number) + 1 for number in set(known)}
    return [None if value is None else place[value.number] for value in rates]
