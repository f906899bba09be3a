"""The market side of a bill (市场化用户): contract, deviations by settlement points, the month's balance, packages, green
energy.

Energy of a market customer = contract energy at contract prices + (day-ahead - contract) at day-ahead prices + (actual -
day-ahead) at real-time prices, point by point of 96 a day; what the month's bill has beyond its points (losses, whole kWh) is
settled at the month's average spot price. Each of these is one line, rounded once over all its points. In place of them a
retail package may stand: fixed prices for a share, spot for the rest, a fee, and bounds of the month's average price.
"""

from collections.abc import Sequence
from fractions import Fraction

from denghuo.kernel.problem import text
from denghuo.kernel.values import Money, Price, charge_fen, round_half_up
from denghuo.service.billing.lines import (
    BillLine,
    CannotRate,
    GreenEnergy,
    MarketMonth,
    MarketSlots,
    RatingRemark,
    RetailPackage,
    Step,
)
from denghuo.service.billing.rules.making import made
from denghuo.service.billing.rules.quantities import BAND_PLACES, Metered
from denghuo.service.billing.rules.words import band_name, charge, milli, percent, remark, step
from denghuo.service.tariff.api import Band, TariffDocument

POINTS_ESTIMATED = "points_estimated"
"""The remark on points that the curve lacks."""
REPLACED = "market_energy"
"""The component whose place the market lines take."""


def market_lines(market: MarketMonth, metered: Metered, tariff: TariffDocument) -> list[BillLine]:
    """The lines of market energy for what was metered; part of the power factor's base.

    Raises:
        CannotRate: points that do not fit each other, or energy that nothing prices.
    """
    if market.package is not None:
        return _package(market, market.package, metered, tariff)
    if market.slots is None:
        raise _refused(
            "没有市场结算点数据，也没有零售套餐。", "There are neither settlement points nor a retail package."
        )
    return _settled(market, market.slots, metered, tariff)


def green_lines(green: Sequence[GreenEnergy], tariff: TariffDocument) -> list[BillLine]:
    """The environmental value of green energy, a line for each contract; not part of the power factor's base."""
    lines = []
    for one in green:
        amount = Money(charge_fen(one.price.e8, one.quantity_wh))
        said, arithmetic = charge(one.quantity_wh, "kWh", one.price, amount)
        price = step(
            "price",
            {"price": str(one.price), "document": one.document},
            f"绿电环境价值每千瓦时 {one.price} 元，依据{one.document}。",
            f"Environmental value of green energy: {one.price} yuan per kWh, {one.document}. ",
            "market.green",
        )
        title = ("绿电环境价值", "Green power")
        lines.append(
            made(
                "green_power",
                title,
                "energy",
                tariff,
                None,
                one.document,
                one.quantity_wh,
                "kWh",
                one.price,
                amount,
                [price, said],
                arithmetic,
            )
        )
    return lines


def points_estimated(count: int) -> RatingRemark:
    """What a reader must know of points that the curve lacks."""
    return remark(
        POINTS_ESTIMATED,
        f"{count} 个结算点的曲线缺失，电量按示数补足，为估算值。",
        f"The curve lacks {count} settlement points; their energy is what the register has beyond it, an estimate.",
    )


# --- settlement points ---------------------------------------------------------------------------------------------------------


def _settled(market: MarketMonth, slots: MarketSlots, metered: Metered, tariff: TariffDocument) -> list[BillLine]:
    count = len(slots.actual_wh)
    if any(len(values) != count for values in _columns(slots)):
        raise _refused("市场结算点数不一致。", "The settlement points are not equally many.")
    parts = (
        (
            "market_day_ahead",
            ("日前偏差电费", "Day-ahead deviation"),
            slots.day_ahead_wh,
            slots.contract_wh,
            slots.day_ahead_price_e8,
        ),
        (
            "market_real_time",
            ("实时偏差电费", "Real-time deviation"),
            slots.actual_wh,
            slots.day_ahead_wh,
            slots.real_time_price_e8,
        ),
    )
    lines = _contracts(market, slots, tariff)
    lines += [
        _points(code, title, energies, less, prices, market, tariff) for code, title, energies, less, prices in parts
    ]
    balance = metered.total - sum(slots.actual_wh)
    if balance:
        lines.append(_balance(market, balance, tariff))
    return lines


def _contracts(market: MarketMonth, slots: MarketSlots, tariff: TariffDocument) -> list[BillLine]:
    """Contract energy: a line for each contract, or one at the prices of the points."""
    title = ("合约电费", "Contract energy")
    if not market.contracts:
        return [_points("market_contract", title, slots.contract_wh, None, slots.contract_price_e8, market, tariff)]
    if sum(one.quantity_wh for one in market.contracts) != sum(slots.contract_wh):
        raise _refused(
            "合约电量与各点合约电量之和不符。", "The contracts do not add up to the contract energy of the points."
        )
    lines = []
    for one in market.contracts:
        amount = Money(charge_fen(one.price.e8, one.quantity_wh))
        said, arithmetic = charge(one.quantity_wh, "kWh", one.price, amount)
        price = step(
            "price",
            {"price": str(one.price), "document": one.document},
            f"中长期合约每千瓦时 {one.price} 元，依据{one.document}。",
            f"Forward contract: {one.price} yuan per kWh, {one.document}. ",
            "market.deviation",
        )
        lines.append(
            made(
                "market_contract", title, "energy", tariff, None, one.document, one.quantity_wh, "kWh", one.price, amount,
                [price, said], arithmetic,
            )
        )  # fmt: skip
    return lines


def _filled(slots: MarketSlots) -> list[Step]:
    """Says how many points the curve lacked."""
    if not slots.estimated:
        return []
    count, energy = len(slots.estimated), sum(slots.actual_wh[at] for at in slots.estimated)
    told = len(slots.by_estimates)
    by_zh = f"，其中 {told} 点按估计值分摊" if told else ""
    by_en = f", {told} of them shared by estimates" if told else ""
    return [
        step(
            "quantity",
            {"estimated": str(count), "energy": milli(energy)} | ({"by_estimates": str(told)} if told else {}),
            f"其中 {count} 点曲线缺失，按示数补足 {milli(energy)} 千瓦时（估算）{by_zh}。",
            f"Of these {count} points, which the curve lacks, have {milli(energy)} kWh that the register gave (estimated){by_en}. ",
            "market.deviation",
        )
    ]


def _columns(slots: MarketSlots) -> list[list[int]]:
    return [
        slots.contract_wh,
        slots.contract_price_e8,
        slots.day_ahead_wh,
        slots.day_ahead_price_e8,
        slots.real_time_price_e8,
    ]


def _points(
    code: str,
    title: tuple[str, str],
    energies: Sequence[int],
    less: Sequence[int] | None,
    prices: Sequence[int],
    market: MarketMonth,
    tariff: TariffDocument,
) -> BillLine:
    document, node = market.document, market.node
    at_node = (f"节点 {node} ", f" of node {node}") if node else ("", "")
    quantities = energies if less is None else [one - other for one, other in zip(energies, less, strict=True)]
    exact = sum(quantity * price for quantity, price in zip(quantities, prices, strict=True))
    quantity, amount = sum(quantities), Money(round_half_up(exact, 10**9))
    arithmetic = f"Σ {len(prices)} × (kWh × price) = {amount}"
    said = step(
        "charge",
        {"points": str(len(prices)), "quantity": milli(quantity), "amount": str(amount)},
        f"{title[0]}：{at_node[0]}{len(prices)} 点逐点电量乘电价之和，电量合计 {milli(quantity)} 千瓦时，{arithmetic} 元，"
        f"依据{document}。",
        f"{title[1]}: energy x price summed over {len(prices)} points{at_node[1]}, {milli(quantity)} kWh together,"
        f" {arithmetic} yuan, {document}. ",
        "market.deviation",
    )
    steps = [said]
    if code == "market_real_time" and market.slots is not None:
        steps = [*_filled(market.slots), said]
    return made(code, title, "energy", tariff, None, document, quantity, "kWh", None, amount, steps, arithmetic)


def _balance(market: MarketMonth, balance: int, tariff: TariffDocument) -> BillLine:
    price = market.balance_price
    if price is None:
        raise _refused(
            f"月电量与结算点电量相差 {milli(balance)} 千瓦时，缺少月度平衡价格。",
            f"The month differs from its points by {milli(balance)} kWh, and there is no price for the month's balance.",
        )
    amount = Money(charge_fen(price.e8, balance))
    said, arithmetic = charge(balance, "kWh", price, amount)
    steps = [
        step(
            "quantity",
            {"balance": milli(balance)},
            f"月度平衡电量 = 月电量 - 各点结算电量 = {milli(balance)} 千瓦时，依据{market.document}。",
            f"Balance of the month = its energy - energy of its points = {milli(balance)} kWh, {market.document}. ",
            "market.balance",
        ),
        said,
    ]
    title = ("月度平衡电费", "Balance of the month")
    return made(
        "market_balance",
        title,
        "energy",
        tariff,
        None,
        market.document,
        balance,
        "kWh",
        price,
        amount,
        steps,
        arithmetic,
    )


# --- retail packages -------------------------------------------------------------------------------------------------------------


def _package(market: MarketMonth, package: RetailPackage, metered: Metered, tariff: TariffDocument) -> list[BillLine]:
    share = Fraction(package.fixed_share.number, 10_000)
    lines: list[BillLine] = []
    exact = Fraction(0)
    if share:
        for band, energy in _fixed_energy(package, metered).items():
            price = package.fixed[band]
            part = share * energy * price.e8
            lines.append(
                _part(package, "retail_fixed", ("固定价电费", "Fixed price"), band, energy, price, share, part, tariff)
            )
            exact += part
    if share < 1:
        spot, came = _spot_price(market)
        part = (1 - share) * metered.total * spot
        shown = Price(round_half_up(spot.numerator, spot.denominator))
        lines.append(
            _part(
                package,
                "retail_spot",
                ("现货联动电费", "Spot-linked"),
                "total",
                metered.total,
                shown,
                1 - share,
                part,
                tariff,
                came,
            )
        )
        exact += part
    if package.fee:
        part = Fraction(metered.total * package.fee.e8)
        lines.append(
            _part(
                package,
                "retail_fee",
                ("售电服务费", "Service fee"),
                "total",
                metered.total,
                package.fee,
                Fraction(1),
                part,
                tariff,
            )
        )
        exact += part
    return lines + _bound(package, metered.total, exact, lines, tariff)


def _fixed_energy(package: RetailPackage, metered: Metered) -> dict[Band, int]:
    if set(package.fixed) == {"total"}:
        return {"total": metered.total}
    missing = [band for band, energy in metered.by_band.items() if energy and band not in package.fixed]
    if missing:
        names = "、".join(band_name(band)[0] for band in missing)
        raise _refused(
            f"套餐“{package.title.zh}”没有{names}时段的价格。",
            f"Package {package.title.en} has no price for: {', '.join(band_name(band)[1] for band in missing)}.",
        )
    return {
        band: metered.by_band[band]
        for band in sorted(metered.by_band, key=BAND_PLACES.__getitem__)
        if metered.by_band[band]
    }


def _spot_price(market: MarketMonth) -> tuple[Fraction, list[Step]]:
    """The customer's own average of the real-time prices, weighted by the energy of the points, in 1e-8 yuan per kWh (of points
    without any energy their mean); and how it came about."""
    slots = market.slots
    if slots is None or len(slots.actual_wh) != len(slots.real_time_price_e8) or not slots.actual_wh:
        raise _refused(
            "现货联动套餐缺少结算点电量与电价。", "A spot-linked package needs the energy and price of its points."
        )
    energy, count = sum(slots.actual_wh), len(slots.actual_wh)
    weighted = sum(energy * price for energy, price in zip(slots.actual_wh, slots.real_time_price_e8, strict=True))
    found = Fraction(weighted, energy) if energy else Fraction(sum(slots.real_time_price_e8), count)
    shown = Price(round_half_up(found.numerator, found.denominator))
    node = (f"节点 {market.node} ", f" of node {market.node}") if market.node else ("", "")
    said = step(
        "price",
        {"points": str(count), "energy": milli(energy), "price": str(shown)},
        f"现货均价 = {node[0]}{count} 点逐点电量乘实时电价之和 ÷ 各点电量 {milli(energy)} 千瓦时 = {shown} 元/千瓦时。",
        f"Average spot price = energy x real-time price over {count} points{node[1]}, divided by their {milli(energy)} kWh"
        f" = {shown} yuan per kWh. ",
        "market.retail",
    )
    return found, [*_filled(slots), said]


def _part(
    package: RetailPackage,
    code: str,
    title: tuple[str, str],
    band: Band,
    energy: int,
    price: Price,
    share: Fraction,
    exact: Fraction,
    tariff: TariffDocument,
    came: Sequence[Step] = (),
) -> BillLine:
    amount = _fen(exact)
    of = "" if share == 1 else f" × {percent(round_half_up(share.numerator * 10_000, share.denominator))}%"
    said, arithmetic = charge(energy, "kWh", price, amount, of)
    name = ("", "") if band == "total" else band_name(band)
    steps = [
        *came,
        step(
            "price",
            {"price": str(price), "band": band, "document": package.document},
            f"套餐“{package.title.zh}”{title[0]}{name[0]}每千瓦时 {price} 元，依据{package.document}。",
            f"Package {package.title.en}, {title[1].lower()} {name[1]}: {price} yuan per kWh, {package.document}. ",
            "market.retail",
        ),
        said,
    ]
    return made(
        code,
        title,
        "energy",
        tariff,
        None,
        package.document,
        energy,
        "kWh",
        price if share == 1 else None,
        amount,
        steps,
        arithmetic,
        band=None if band == "total" else band,
    )


def _bound(
    package: RetailPackage, energy: int, exact: Fraction, lines: Sequence[BillLine], tariff: TariffDocument
) -> list[BillLine]:
    """The line that takes the average price to the bound that it passed; none within the bounds."""
    if energy == 0:
        return []
    average = Price(round_half_up(exact.numerator, exact.denominator * energy))
    if package.cap is not None and exact > package.cap.e8 * energy:
        bound, zh, en = package.cap, "上限", "cap"
    elif package.floor is not None and exact < package.floor.e8 * energy:
        bound, zh, en = package.floor, "下限", "floor"
    else:
        return []
    charged = Money(sum(line.amount.fen for line in lines))
    amount = Money(charge_fen(bound.e8, energy)) - charged
    arithmetic = f"{milli(energy)} kWh × {bound} - {charged} = {amount}"
    steps = [
        step(
            "limit",
            {"average": str(average), "bound": str(bound), "document": package.document},
            f"套餐均价 {average} 元超出{zh} {bound} 元，按{zh}结算，依据{package.document}。",
            f"The average price {average} passes the {en} {bound}, which is charged, {package.document}. ",
            "market.retail",
        ),
        step("charge", {"amount": str(amount)}, f"金额：{arithmetic} 元。", f"Amount: {arithmetic} yuan. "),
    ]
    title = (f"套餐{zh}调整", f"Package {en}")
    return [
        made(
            "retail_bound",
            title,
            "energy",
            tariff,
            None,
            package.document,
            energy,
            "kWh",
            None,
            amount,
            steps,
            arithmetic,
        )
    ]


def _fen(exact: Fraction) -> Money:
    """Wh x 1e-8 yuan per kWh to fen, rounded once."""
    return Money(round_half_up(exact.numerator, exact.denominator * 10**9))


def _refused(zh: str, en: str) -> CannotRate:
    return CannotRate(text(zh, en), code="bad_market")
