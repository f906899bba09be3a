"""The market side of a trial bill (市场化试算): a retail package, or contract and deviations by settlement points."""

from collections.abc import Iterator, Sequence

from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import Text, text
from denghuo.kernel.values import Percent, Price
from denghuo.service.billing.api import TrialPoint, Try
from denghuo.service.billing.lines import MarketMonth, MarketSlots, MeteredPiece, RetailPackage
from denghuo.service.billing.misfits import Misfit
from denghuo.service.billing.slots import mean_price
from denghuo.service.tariff.api import QuantityKind, TariffDocument

TYPED_PACKAGE = TextPair(zh="试算套餐", en="package of the trial")
TYPED_POINTS = "试算结算数据"
_WHOLE = Percent.of("100")
_RETAIL = ("retail_prices", "retail_fee", "retail_floor", "retail_cap", "retail_spot_share")


def market_misfits(request: Try, tariff: TariffDocument) -> Iterator[Misfit]:
    """What of a market customer does not fit."""
    given = [name for name in (*_RETAIL, "market_points") if getattr(request, name)]
    settlement = request.settlement or tariff.settlements[0]
    if given and settlement != "market":
        yield Misfit(
            given[0],
            settlement,
            text(
                "零售套餐与市场结算点只用于市场化结算，请将结算方式选为市场化或清空。",
                "A package and settlement points are for settlement at the market; choose that, or leave them out.",
            ),
        )
    packaged = _packaged(request)
    if packaged:
        yield from _package_misfits(request)
    for at, point in enumerate(request.market_points):
        for field, what in _point_misfits(point, len(request.market_points) == 1, packaged):
            yield Misfit(f"market_points.{at}.{field}", "", what)


def _packaged(request: Try) -> bool:
    return any(getattr(request, name) for name in _RETAIL)


def _package_misfits(request: Try) -> Iterator[Misfit]:
    """A package has prices by band or one for all hours, unless all of it follows spot prices; those are the prices of points."""
    bands, share = [one.band for one in request.retail_prices], request.retail_spot_share or Percent(0)
    if not bands and share != _WHOLE:
        yield Misfit("retail_prices", "", text("请填写套餐电价。", "Give the package's prices."))
    if len(set(bands)) < len(bands) or ("total" in bands and len(bands) > 1):
        yield Misfit(
            "retail_prices",
            ", ".join(bands),
            text("每个时段一行，或只填一行全时段。", "One row for each band, or a single one for all hours."),
        )
    floor, cap = request.retail_floor, request.retail_cap
    if floor is not None and cap is not None and cap.e8 < floor.e8:
        yield Misfit("retail_cap", str(cap), text("均价上限低于下限。", "The cap lies below the floor."))
    if share.number > _WHOLE.number:
        yield Misfit("retail_spot_share", str(share), text("联动比例不超过 100%。", "The share is 100 % at most."))
    if share.number and not request.market_points:
        yield Misfit(
            "market_points",
            "",
            text("现货联动须填写结算点的实时电价。", "To follow spot prices, give points with their real-time prices."),
        )
    if request.market_points and not share.number:
        yield Misfit(
            "retail_spot_share",
            "",
            text(
                "请填现货联动比例，或清空结算点。", "Give the share that follows spot prices, or no settlement points."
            ),
        )


def _point_misfits(point: TrialPoint, alone: bool, packaged: bool) -> Iterator[tuple[str, Text]]:
    """alone: there is no other point. packaged: contract and day-ahead energy do not count."""
    if point.real_time_price is None:
        yield "real_time_price", text("请填写实时电价。", "Give the real-time price.")
    if point.actual is None and not alone:
        yield (
            "actual",
            text("有多个结算点时请填写各点的实际电量。", "Where there are several points, give the energy of each."),
        )
    if packaged:
        return
    if point.contract.wh and point.contract_price is None:
        yield "contract_price", text("请填写合约电价。", "Give the contract price.")
    if point.day_ahead not in (None, point.contract) and point.day_ahead_price is None:
        yield "day_ahead_price", text("请填写日前电价。", "Give the day-ahead price.")


def used(pieces: Sequence[MeteredPiece], quantity: QuantityKind = "active_fwd") -> int:
    """Wh that the customer used, or fed in, by what was typed: the totals, or the bands where there are none."""
    mine = [piece for piece in pieces if piece.quantity == quantity]
    return sum(piece.value_milli or 0 for piece in [one for one in mine if one.band == "total"] or mine)


def market_of(request: Try, used_wh: int) -> MarketMonth | None:
    """The market side of what was typed and fits; None where there is none. used_wh: what a single point without energy has."""
    slots = _slots(request.market_points, used_wh) if request.market_points else None
    if _packaged(request):
        share = request.retail_spot_share or Percent(0)
        package = RetailPackage(
            title=TYPED_PACKAGE,
            document=TYPED_PACKAGE.zh,
            fixed={one.band: one.price for one in request.retail_prices},
            fixed_share=Percent(_WHOLE.number - share.number),
            fee=request.retail_fee or Price(0),
            floor=request.retail_floor,
            cap=request.retail_cap,
        )
        return MarketMonth(document=TYPED_PACKAGE.zh, package=package, slots=slots)
    if slots is None:
        return None
    return MarketMonth(document=TYPED_POINTS, slots=slots, balance_price=mean_price(slots.real_time_price_e8))


def _slots(points: Sequence[TrialPoint], used_wh: int) -> MarketSlots:
    return MarketSlots(
        contract_wh=[point.contract.wh for point in points],
        contract_price_e8=[_e8(point.contract_price) for point in points],
        day_ahead_wh=[(point.contract if point.day_ahead is None else point.day_ahead).wh for point in points],
        day_ahead_price_e8=[_e8(point.day_ahead_price) for point in points],
        actual_wh=[used_wh if point.actual is None else point.actual.wh for point in points],
        real_time_price_e8=[_e8(point.real_time_price) for point in points],
    )


def _e8(price: Price | None) -> int:
    return 0 if price is None else price.e8
