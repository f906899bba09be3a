"""A row of a file of trials, or the words of the command line: its columns, and the request that it makes."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Literal

from denghuo.data.processing.import_columns import Code, Day, Number, Truth, Words
from denghuo.data.processing.import_tables.columns import (
    KILOVOLT_AMPERE,
    KILOWATT,
    MULTIPLIER,
    TARIFF_CLASS,
    VOLTAGE_LEVEL,
    optional,
)
from denghuo.data.processing.importing import Row, Shape
from denghuo.kernel.problem import text
from denghuo.kernel.values import (
    ApparentPower,
    Energy,
    Multiplier,
    Percent,
    Power,
    Price,
    ReactiveEnergy,
    Register,
)
from denghuo.service.billing.api import NotTriable, TrialReading, Try
from denghuo.service.billing.api.bill import Counted
from denghuo.service.tariff.api import AGENCY_CASES, BANDS, SETTLEMENTS

MONTH = Words(longest=7, pattern=r"[0-9]{4}-(0[1-9]|1[0-2])", example="2026-04")
# A purchase tariff with a negative spot price may be tried, a negative quantity may not.
KWH = Number(places=3, most=Decimal(10**12), unit="kWh")
PRICE = Number(places=8, most=Decimal(100), unit="yuan/kWh")
SPOT = Number(places=8, least=Decimal(-100), most=Decimal(100), unit="yuan/kWh")
SHARE = Number(places=2, most=Decimal(100), unit="%")
KVARH = Number(places=3, most=Decimal(10**12), unit="kvarh")
REGISTER = Number(places=4, most=Decimal(99_999_999), unit="kWh")
TWELVE = Number(least=Decimal(1), most=Decimal(12))
STANDARD = Code({"90": text("0.90", "0.90"), "85": text("0.85", "0.85"), "80": text("0.80", "0.80")})

TRIALS = Shape(
    "trials",
    text("试算", "trials"),
    (
        optional("trial_no", Words(longest=64), "试算编号", "number of the trial"),
        optional("month", MONTH, "电费年月", "month"),
        optional("first_day", Day(), "计费起日", "first day billed"),
        optional("last_day", Day(), "计费止日", "last day billed"),
        optional("tariff_class", TARIFF_CLASS, "用电类别", "class of use"),
        optional("settlement", Code(SETTLEMENTS.entries), "结算方式", "settlement"),
        optional("voltage", VOLTAGE_LEVEL, "电压等级", "voltage"),
        optional("start", REGISTER, "起示数", "previous register"),
        optional("end", REGISTER, "止示数", "current register"),
        optional("digits", Number(least=Decimal(3), most=Decimal(8)), "示数整数位数", "digits of the register"),
        optional("multiplier", MULTIPLIER, "倍率", "multiplier"),
        *(optional(f"{band}_kwh", KWH, f"{name['zh']}电量", f"energy, {name['en']}") for band, name in BANDS.entries.items()),
        optional("reactive_kvarh", KVARH, "无功电量", "reactive energy"),
        optional("demand_kw", KILOWATT, "最大需量", "maximum demand"),
        optional("used_before_kwh", KWH, "本年前期电量", "energy before in the tier year"),
        optional("tier_months", TWELVE, "阶梯年计入月数", "months of the tier year"),
        optional("reading_months", TWELVE, "抄表间隔月数", "months between readings"),
        optional("tier_extra_kwh", KWH, "第一档增加电量", "extra room of the first tier"),
        optional("capacity_kva", KILOVOLT_AMPERE, "运行容量", "capacity"),
        optional("contract_demand_kw", KILOWATT, "合同最大需量", "contract demand"),
        optional("standard", STANDARD, "功率因数标准", "power factor standard"),
        optional("standard_lowered", Truth(), "降低标准（不奖）", "lowered standard, no reward"),
        optional("line_loss_percent", SHARE, "线损率", "line loss, share of the energy"),
        optional("transformer_kva", KILOVOLT_AMPERE, "变损变压器容量", "capacity of the transformer that loses"),
        optional("no_load_loss_kw", KILOWATT, "空载损耗", "no-load loss"),
        optional("load_loss_kw", KILOWATT, "负载损耗", "load loss"),
        optional("no_load_current_percent", SHARE, "空载电流", "no-load current"),
        optional("impedance_percent", SHARE, "阻抗电压", "impedance"),
        optional("transformer_loss_kwh", KWH, "协议变损有功", "agreed transformer loss a month"),
        optional("transformer_loss_kvarh", KVARH, "协议变损无功", "agreed reactive loss a month"),
        optional("customer_kwh", KWH, "全部计量点电量", "energy of all points of the customer"),
        optional("customer_kva", KILOVOLT_AMPERE, "全部计量点容量", "capacity of all points of the customer"),
        optional("agency_case", Code(AGENCY_CASES.entries), "代理购电加价情形", "agency case"),
        optional("charging_station", Truth(), "集中式充换电站", "central charging station"),
        optional("free_months", TWELVE, "免费电量月数", "months of free energy"),
        optional("plant_kw", KILOWATT, "电站装机容量", "capacity of the plant"),
        optional("connected_on", Day(), "电站并网日期", "plant connected on"),
        optional("generated_kwh", KWH, "发电量", "energy generated"),
        optional("subsidised_before_kwh", KWH, "此前已补贴电量", "subsidised before"),
        *(
            optional(f"retail_{band}_price", PRICE, f"套餐电价，{name['zh']}", f"package price, {name['en']}")
            for band, name in BANDS.entries.items()
        ),
        optional("retail_fee", PRICE, "售电服务费", "service fee"),
        optional("retail_floor", SPOT, "均价下限", "floor of the average price"),
        optional("retail_cap", SPOT, "均价上限", "cap of the average price"),
        optional("retail_spot_share", SHARE, "现货联动比例", "share that follows spot prices"),
        optional("contract_kwh", KWH, "合约电量", "contracted energy"),
        optional("contract_price", PRICE, "合约电价", "contract price"),
        optional("day_ahead_kwh", KWH, "日前电量", "day-ahead energy"),
        optional("day_ahead_price", SPOT, "日前均价", "day-ahead price"),
        optional("real_time_price", SPOT, "实时均价", "real-time price"),
    ),
)  # fmt: skip
LOSS_COLUMNS = ("transformer_kva", "no_load_loss_kw", "load_loss_kw", "no_load_current_percent", "impedance_percent")
AGREED_LOSS_COLUMNS = ("transformer_loss_kwh", "transformer_loss_kvarh")
PLANT_COLUMNS = ("plant_kw", "connected_on", "generated_kwh", "subsidised_before_kwh")
TYPED_LOSS = "1"
"""What a transformer and a line are called of which a row has one alone."""
POINT_COLUMNS = ("contract_kwh", "contract_price", "day_ahead_kwh", "day_ahead_price", "real_time_price")


def request_of(row: Row, kind: str) -> Try:
    """A row as a request. `kind`: whether the tariff is for supply or purchase, which decides on the direction of the energy.

    Raises:
        NotTriable: the row has neither registers nor energies.
    """
    body = {
        "month": row["month"],
        "first_day": row["first_day"],
        "last_day": row["last_day"],
        "tariff_class": row["tariff_class"],
        "settlement": row["settlement"],
        "voltage": row["voltage"],
        "used_before": made(Energy, row["used_before_kwh"]) or Energy(0),
        "tier_months": row["tier_months"] or 12,
        "reading_months": row["reading_months"] or 1,
        "tier_extra": made(Energy, row["tier_extra_kwh"]) or Energy(0),
        "capacity": made(ApparentPower, row["capacity_kva"]),
        "contract_demand": made(Power, row["contract_demand_kw"]),
        "standard": None if row["standard"] is None else int(row["standard"]),
        **_terms(row),
        **_market(row),
    }
    readings = [reading for _, reading in readings_of(row, kind)]
    if not readings:
        raise missing("total_kwh", "请填写示数或电量。", "Give registers or energies.")
    return Try.model_validate(body | {"readings": readings})


def _terms(row: Row) -> dict[str, Any]:
    """What few contracts have: one transformer and one line that lose, a plant, and who pays more or less."""
    agreed = any(row[column] is not None for column in AGREED_LOSS_COLUMNS)
    loss = {
        "transformer_no": TYPED_LOSS,
        "way": "agreed" if agreed else "nameplate",
        "capacity_kva": made(ApparentPower, row["transformer_kva"]),
        "no_load_kw": made(Power, row["no_load_loss_kw"]),
        "load_kw": made(Power, row["load_loss_kw"]),
        "no_load_current": made(Percent, row["no_load_current_percent"], 2),
        "impedance": made(Percent, row["impedance_percent"], 2),
        "active_kwh": made(Energy, row["transformer_loss_kwh"]),
        "reactive_kvarh": made(ReactiveEnergy, row["transformer_loss_kvarh"]),
    }
    line = {"line_no": TYPED_LOSS, "share": made(Percent, row["line_loss_percent"], 2)}
    return {
        "standard_lowered": bool(row["standard_lowered"]),
        "losses": [loss] if agreed or any(row[column] is not None for column in LOSS_COLUMNS) else [],
        "line_losses": [line] if row["line_loss_percent"] is not None else [],
        "customer_energy": made(Energy, row["customer_kwh"]),
        "customer_capacity": made(ApparentPower, row["customer_kva"]),
        "agency_case": row["agency_case"],
        "charging_station": bool(row["charging_station"]),
        "free_months": row["free_months"] or 0,
        "plant": _plant(row),
    }


def _plant(row: Row) -> dict[str, Any] | None:
    """The plant of a row.

    Raises:
        NotTriable: its capacity or its day of connection is missing.
    """
    if all(row[column] is None for column in PLANT_COLUMNS):
        return None
    for column in ("plant_kw", "connected_on"):
        if row[column] is None:
            raise missing(
                column,
                f"电站须有装机容量与并网日期，请填写 {column}。",
                f"A plant has its capacity and the day of its connection: give {column}.",
            )
    return {
        "capacity": made(Power, row["plant_kw"]),
        "connected_on": row["connected_on"],
        "generated": made(Energy, row["generated_kwh"]),
        "subsidised_before": made(Energy, row["subsidised_before_kwh"]) or Energy(0),
    }


def _market(row: Row) -> dict[str, Any]:
    """The market side of a row: the prices of a package, and one point for the whole month."""
    prices = {band: _price(row[f"retail_{band}_price"]) for band in BANDS.entries}
    point = {
        "contract": made(Energy, row["contract_kwh"]) or Energy(0),
        "contract_price": _price(row["contract_price"]),
        "day_ahead": made(Energy, row["day_ahead_kwh"]),
        "day_ahead_price": _price(row["day_ahead_price"]),
        "real_time_price": _price(row["real_time_price"]),
    }
    return {
        "retail_prices": [{"band": band, "price": price} for band, price in prices.items() if price is not None],
        "retail_fee": _price(row["retail_fee"]),
        "retail_floor": _price(row["retail_floor"]),
        "retail_cap": _price(row["retail_cap"]),
        "retail_spot_share": made(Percent, row["retail_spot_share"], 2),
        "market_points": [point] if any(row[column] is not None for column in POINT_COLUMNS) else [],
    }


def _price(number: Decimal | None) -> Price | None:
    price: Price | None = made(Price, number, 8)
    return price


def readings_of(row: Row, kind: str) -> Iterator[tuple[str, TrialReading]]:
    """The registers of a row, each with the column that it came from."""
    active: Literal["active_rev", "active_fwd"] = "active_rev" if kind == "purchase" else "active_fwd"
    if row["start"] is not None or row["end"] is not None:
        yield (
            "end",
            TrialReading(
                quantity=active,
                start=made(Register, row["start"], 4),
                end=made(Register, row["end"], 4),
                digits=row["digits"],
                multiplier=Multiplier(row["multiplier"] or 1),
            ),
        )
    for column, quantity, band in (
        *((f"{band}_kwh", active, band) for band in BANDS.entries),
        ("reactive_kvarh", "reactive_fwd", "total"),
        ("demand_kw", "demand", "total"),
    ):
        if row[column] is not None:
            value = made(Counted, row[column])
            yield column, TrialReading.model_validate({"quantity": quantity, "band": band, "value": value})


def made(value: Callable[[int], Any], number: Decimal | None, places: int = 3) -> Any:
    return None if number is None else value(int(number.scaleb(places)))


def missing(name: str, zh: str, en: str) -> NotTriable:
    return NotTriable(text(zh, en), errors=[{"field": name, "value": "", "zh": zh, "en": en}])
