"""What of a bill rests on estimates (估计电量): how much of its energy, and by which methods."""

from typing import Annotated, Literal

from pydantic import Field

from denghuo.kernel.contract import Dictionary, Label, Message
from denghuo.kernel.fields import MeterNo, TextPair
from denghuo.kernel.problem import text
from denghuo.kernel.values import Energy
from denghuo.service.reading.api import CURVE_METHODS, METHODS
from denghuo.service.tariff.api import QUANTITIES

_CURVES = {code: words for code, words in CURVE_METHODS.entries.items() if code not in ("actual", "none")}
ESTIMATE_METHODS = Dictionary(
    "billing.estimate_method",
    {
        **_CURVES,
        "register_gaps": text("示数差按缺点数分摊", "Register difference by missing values"),
        "interpolated": METHODS.entries["interpolated"],
        "daily_average": METHODS.entries["daily_average"],
    },
)
EstimateMethod = Annotated[str, Label("估计方法", "Method of the estimate", dictionary=ESTIMATE_METHODS.name)]
ESTIMATED_THINGS = Dictionary(
    "billing.estimated_thing",
    {
        "band": text("时段归属", "Which band it lies in"),
        "point": text("结算点归属", "Which point it lies in"),
        "amount": text("电量多少", "How much it is"),
    },
)
EstimatedThing = Annotated[
    Literal["band", "point", "amount"], Label("估计内容", "What is estimated", dictionary=ESTIMATED_THINGS.name)
]
PerMille = Annotated[int | None, Field(ge=0, le=1000), Label("估计电量占比（‰）", "Share estimated (‰)")]
RestingEnergy = Annotated[Energy, Label("估计电量", "Energy estimated")]


class EstimatedPart(Message):
    """Energy of a meter that rests on one method. slots: quarter-hours of its curve that the method filled, none of a register."""

    part: Annotated[int, Label("序号", "No.")]
    meter_no: MeterNo | None
    quantity: Annotated[str, Label("计量量", "Quantity", dictionary=QUANTITIES.name)]
    thing: EstimatedThing
    method: EstimateMethod
    slots: Annotated[int | None, Label("估计点数", "Values estimated")]
    energy: RestingEnergy


class BillEstimates(Message):
    """What of a bill rests on estimates. per_mille: of the energy that is billed, rounded half up; none where nothing is."""

    energy: RestingEnergy
    per_mille: PerMille
    said: Annotated[TextPair, Label("估计说明", "On the estimates")]
    parts: list[EstimatedPart]
