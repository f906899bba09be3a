"""United States rates as tariffs: bills that another engine computed come out again, and what cannot be said is refused by name.

The sample in `urdb/` (its NOTICE.md says where it is from) is always checked; all published bills where the larger data is at hand.
"""

import calendar
import csv
import functools
import gzip
import json
import pathlib
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.billing.rules.make import piece, subject

from denghuo.kernel.values import Energy
from denghuo.service.billing.lines import CannotRate, MeteredPiece, Rated
from denghuo.service.billing.rules import rate
from denghuo.service.tariff.api import TariffDocument
from denghuo.service.tariff.rules import Unreadable, check, file_text, price_rows, read_text
from denghuo.service.tariff.rules.clock import DayFacts, bands_of_day
from denghuo.service.tariff.rules.urdb import read_urdb

HERE = pathlib.Path(__file__).parent / "urdb"
RATES: dict[str, Any] = json.loads((HERE / "rates.json").read_text("utf-8"))
YEAR = 2018
"""A year of 365 days that begins on a Monday, as the year of the published bills does."""
DATA = next((one for up in HERE.parents if (one := up / "shared" / "data").is_dir()), None)
CENT = 0.01


def published_rate(name: str, body: Mapping[str, Any] | None = None) -> list[TariffDocument]:
    text = json.dumps(RATES[name] if body is None else body)
    return read_urdb(text, start=date(YEAR, 1, 1), end=date(YEAR + 1, 1, 1), daily="average")


def month_of(documents: list[TariffDocument], month: int) -> TariffDocument:
    day = date(YEAR, month, 1)
    return next(one for one in documents if one.effective_from <= day and (one.effective_to or day) > day)


@functools.cache
def bands(name: str, month: int) -> list[list[str]]:
    """The band of each hour of each day of a month."""
    document = month_of(_documents(name), month)
    days = calendar.monthrange(YEAR, month)[1]
    held = [bands_of_day(document, DayFacts(date(YEAR, month, day))) for day in range(1, days + 1)]
    return [list(day[::60]) for day in held]


@functools.cache
def _documents(name: str) -> list[TariffDocument]:
    return published_rate(name)


def hours_of(name: str, month: int, kwh: list[float]) -> Iterator[tuple[str, float]]:
    """Each value of a month's load curve with its band."""
    hours = [band for day in bands(name, month) for band in day]
    each = len(kwh) // len(hours)
    return ((hours[at // each], used) for at, used in enumerate(kwh))


def energies(name: str, month: int, kwh: list[float]) -> dict[str, float]:
    energy: dict[str, float] = {}
    for band, used in hours_of(name, month, kwh):
        energy[band] = energy.get(band, 0.0) + used
    return energy


def registers(name: str, month: int, kwh: list[float]) -> list[MeteredPiece]:
    """What a meter with registers by band shows of a month's load curve: energies and largest mean powers."""
    an_hour = len(kwh) // (24 * calendar.monthrange(YEAR, month)[1])
    demand: dict[str, float] = {"total": 0.0}
    for band, used in hours_of(name, month, kwh):
        for one in {band, "total"}:
            demand[one] = max(demand.get(one, 0.0), used * an_hour)
    pieces = [piece(f"{value:.3f}", band=band) for band, value in energies(name, month, kwh).items()]
    return pieces + [piece(f"{value:.3f}", "demand", band) for band, value in demand.items()]


def rated(name: str, month: int, kwh: list[float]) -> Rated:
    return rate(subject(*registers(name, month, kwh), month=f"{YEAR}-{month:02d}"), month_of(_documents(name), month))


PARTS = {"energy": "energy_charge", "customer_charge": "fixed"}
TIMES = 1000


def agrees(bill: Mapping[str, str], kwh: list[float]) -> None:
    """The bill of the load agrees to what whole watts of each register and whole cents of each line can do; each part of the bill
    of a load a thousand times as large, where neither shows, agrees to a tenth of a cent, and so does their sum."""
    month = int(bill["month"])
    found = rated(bill["tariff"], month, kwh)
    prices = [line.price.e8 / 1e8 for line in found.lines if line.price is not None]
    reach = sum(CENT / 2 + 0.0005 * price for price in prices)
    assert abs(found.total.fen / 100 - float(bill["bill"])) <= reach, bill
    parts = dict.fromkeys(("energy_charge", "demand_flat", "demand_tou", "fixed"), 0.0)
    for line in rated(bill["tariff"], month, [used * TIMES for used in kwh]).lines:
        part = PARTS.get(line.code) or ("demand_tou" if line.band else "demand_flat")
        parts[part] += line.amount.fen / 100 / (1 if part == "fixed" else TIMES)
    assert abs(parts.pop("fixed") - float(bill["fixed"])) <= CENT / 2 + 0.0001
    for part, amount in parts.items():
        assert abs(amount - float(bill[part])) <= CENT / 10, (bill, part, amount)
    assert abs(sum(parts.values()) + float(bill["fixed"]) - float(bill["bill"])) <= CENT / 10, bill


def sample() -> Iterator[tuple[dict[str, str], list[float]]]:
    loads: dict[str, list[float]] = {}
    for row in csv.DictReader((HERE / "loads.csv").open("r", encoding="utf-8")):
        loads.setdefault(row["month"], []).extend(float(row[f"h{hour:02d}"]) for hour in range(24))
    for bill in csv.DictReader((HERE / "bills.csv").open("r", encoding="utf-8")):
        yield bill, loads[bill["month"]]


SAMPLE = list(sample())


@pytest.mark.parametrize(("bill", "kwh"), SAMPLE, ids=[f"{bill['tariff']}-{bill['month']}" for bill, _ in SAMPLE])
def test_published_bills_come_out(bill: dict[str, str], kwh: list[float]) -> None:
    agrees(bill, kwh)


def all_loads(folder: pathlib.Path) -> dict[tuple[str, str], list[float]]:
    """Loads of the year in kWh by account and whether its solar power is taken off: hourly of houses, quarter-hourly of
    industry."""
    houses = pq.read_table(folder / "meters" / "citylearn2022_17_prosumers_hourly.parquet").to_pylist()
    loads: dict[tuple[str, str], list[float]] = {}
    for row in sorted(houses, key=lambda one: (one["building"], one["hour"])):
        account = f"CL{row['building']:02d}"
        loads.setdefault((account, "0"), []).append(row["load_kwh"])
        loads.setdefault((account, "1"), []).append(row["load_kwh"] - row["pv_kwh"])
    industry = pq.read_table(folder / "meters" / "pycity_3_industrial_15min_2010.parquet").to_pydict()
    # The bills are of these loads, which are normalised, times so much.
    for name, times in (("metal1", 0.9), ("metal2", 1.5), ("warehouse", 0.6)):
        loads[f"IND_{name}", "0"] = [watts * times / 4 for watts in industry[f"{name}_w"]]
    return loads


@pytest.mark.skipif(DATA is None, reason="the larger data is not here")
def test_all_published_bills_come_out() -> None:
    """All bills of use, and those of use less solar power up to the month in which more flowed back in some band than was used:
    from then on that engine carries energy over to other months, which is no rule of the model."""
    assert DATA is not None
    loads = all_loads(DATA)
    counts = {"0": 0, "1": 0}
    carried: set[tuple[str, str]] = set()
    with gzip.open(DATA / "tariff_oracle" / "pysam_monthly_bills.csv.gz", "rt") as file:
        for bill in csv.DictReader(file):
            month, solar = int(bill["month"]), bill["with_pv"]
            load = loads[bill["account"], solar]
            each = len(load) // 365
            before = (date(YEAR, month, 1) - date(YEAR, 1, 1)).days
            kwh = load[before * each : (before + calendar.monthrange(YEAR, month)[1]) * each]
            this = (bill["tariff"], bill["account"])
            if solar == "1" and min(energies(bill["tariff"], month, kwh).values()) < 0:
                carried.add(this)
            if solar == "0" or this not in carried:
                agrees(bill, kwh)
                counts[solar] += 1
    assert counts["0"] == 20 * 5 * 12 and counts["1"] == 354, counts


@pytest.mark.skipif(DATA is None, reason="the larger data is not here")
def test_all_rates_and_their_dated_versions_are_read() -> None:
    assert DATA is not None
    folder = DATA / "tariff_oracle"
    with gzip.open(folder / "urdb_tariff_versions.json.gz", "rt") as file:
        versions = [one for dated in json.load(file).values() for one in dated]
    rates = [*json.loads((folder / "urdb_tariffs.json").read_text("utf-8")).values(), *versions]
    assert len(rates) == 9 + 35
    for body in rates:
        documents = read_urdb(json.dumps(body))
        _follow_each_other(documents)
        assert documents[0].effective_from.isoformat() == body["startdate"][:10]
        assert documents[-1].effective_to == date.fromisoformat(body["enddate"][:10]) + timedelta(days=1)


def _follow_each_other(documents: list[TariffDocument]) -> None:
    for one in documents:
        assert [finding for finding in check(one) if finding.severity == "error"] == [], one
        assert read_text(file_text(one)) == one
    for one, other in zip(documents, documents[1:], strict=False):
        assert one.effective_to == other.effective_from and one.code == other.code


@pytest.mark.parametrize("name", RATES)
def test_a_rate_becomes_versions_that_follow_each_other(name: str) -> None:
    documents = published_rate(name)
    _follow_each_other(documents)
    assert (documents[0].effective_from, documents[-1].effective_to) == (date(YEAR, 1, 1), date(YEAR + 1, 1, 1))


def test_seasons_bands_and_charges_of_a_rate() -> None:
    """PG&E B-19: two seasons and a spring of its own; flat and time-of-use demand; a charge per day."""
    documents = read_urdb(json.dumps(RATES["PGE_B-19"]))
    assert [one.effective_from.isoformat() for one in documents] == [
        "2020-01-01",
        "2020-03-01",
        "2020-06-01",
        "2020-10-01",
    ]
    summer = documents[2]
    assert [(price.band, str(price.price)) for price in summer.components[0].prices] == [
        ("peak", "0.1629"),
        ("flat", "0.1328"),
        ("valley", "0.1116"),
    ]
    assert [(one.code, one.per, one.band, str(one.price)) for one in summer.charges] == [
        ("customer_charge", "day", None, "23.6550"),
        ("demand_charge", "demand", None, "21.0800"),
        ("demand_charge", "demand", "peak", "25.5800"),
        ("demand_charge", "demand", "flat", "5.2300"),
    ]
    assert {row.band for row in price_rows(summer) if row.unit == "kWh"} == {"peak", "flat", "valley"}
    assert summer.note is not None and "US dollars" in summer.note.en


def test_a_charge_by_days_counts_the_days() -> None:
    document = read_urdb(json.dumps(RATES["PGE_B-19"]))[0]
    pieces = [piece("10", band=band) for band in ("peak", "valley")]
    pieces += [piece("1", "demand", band) for band in ("total", "peak", "valley")]
    lines = {line.code: line for line in rate(subject(*pieces, month="2020-02"), document).lines if line.band is None}
    assert lines["customer_charge"].arithmetic == "29 d × 23.6550 = 686.00"
    part = subject(*pieces, month="2020-02", first_day=date(2020, 2, 20))
    assert {line.code: str(line.amount) for line in rate(part, document).lines}["customer_charge"] == "236.55"


def test_a_charge_by_months_is_shared_by_days() -> None:
    document = published_rate("SCE_TOU-GS-3")[0]
    pieces = [piece("10", band=band) for band in ("peak", "valley")]
    pieces += [piece("1", "demand", band) for band in ("total", "peak", "valley")]
    part = subject(*pieces, month="2018-01", first_day=date(2018, 1, 22))
    lines = {line.code: line for line in rate(part, document).lines}
    assert lines["customer_charge"].arithmetic == "1 month × 301.2500 × 10/31 = 97.18"


def test_a_demand_register_that_a_charge_needs_is_asked_for() -> None:
    with pytest.raises(CannotRate) as raised:
        rate(
            subject(*[piece("1", band=band) for band in ("peak", "valley")], month="2018-01"),
            published_rate("PGE_B-19")[0],
        )
    assert raised.value.fields["value"] == "demand/total"


def test_tiers_of_a_month() -> None:
    body = {
        "label": "tiers",
        "energyratestructure": [[{"rate": 0.1, "max": 300}, {"rate": 1.5e-1, "adj": 0.01, "max": 500}, {"rate": 0.3}]],
        "startdate": "2020-01-01",
        "enddate": "2020-12-31",
    }
    documents = read_urdb(json.dumps(body))
    assert len(documents) == 1 and documents[0].tiers is not None
    assert documents[0].tiers.tables[0].up_to == [Energy.of("300"), Energy.of("500")]
    lines = rate(subject(piece("600"), month="2020-05"), documents[0]).lines
    assert [(line.tier, str(line.amount)) for line in lines] == [(1, "30.00"), (2, "32.00"), (3, "30.00")]


SIMPLE = {"label": "x", "startdate": "2020-01-01", "enddate": "2020-12-31", "energyratestructure": [[{"rate": 0.1}]]}
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"energyratestructure": None}, "/energyratestructure", "missing"),
    ({"energyratestructure": [[]]}, "/energyratestructure", "list of periods"),
    ({"energyratestructure": [[{"rate": "dear"}]]}, "/energyratestructure", "not a number"),
    ({"energyratestructure": [[{"rate": 0.123456789}]]}, "/energyratestructure", "more than 8 decimals"),
    ({"energyratestructure": [[{"rate": 0.1, "unit": "kWh/kW"}]]}, "/energyratestructure/0/unit", "cannot be said"),
    ({"energyratestructure": [[{"rate": 0.1, "ratchet": 1}]]}, "/energyratestructure/0", "unknown entry ratchet"),
    ({"energyratestructure": [[{"rate": 0.1}]] * 2}, "/energyweekdayschedule", "12 months"),
    ({"energyweekdayschedule": [[0] * 24] * 11 + [[7] * 24]}, "/energyweekdayschedule/11", "there is no period 7"),
    ({"demandratestructure": [[{"rate": 1}, {"rate": 2}]]}, "/demandratestructure/0", "tiers of demand"),
    ({"fixedchargefirstmeter": 1, "fixedchargeunits": "$/h"}, "/fixedchargeunits", "cannot be said"),
    ({"mincharge": 5}, "/mincharge", "cannot say"),
    ({"demandratchetpercentage": [50] * 12}, "/demandratchetpercentage", "cannot say"),
    ({"enddate": ""}, "/enddate", "give one"),
    ({"enddate": "2019-01-01"}, "/enddate", "after the start"),
    ({"label": "a b"}, "/label", "out of form"),
]


@pytest.mark.parametrize(("change", "where", "words"), REFUSED, ids=[f"{one[1]} {one[2]}" for one in REFUSED])
def test_what_cannot_be_said_is_refused_by_name(change: dict[str, Any], where: str, words: str) -> None:
    with pytest.raises(Unreadable) as raised:
        read_urdb(json.dumps(SIMPLE | change))
    finding = raised.value.findings[0]
    assert finding.where == where and words in finding.message.en and finding.message.zh


def test_a_demand_period_over_several_energy_periods_is_refused() -> None:
    day = [0] * 12 + [1] * 12
    body = SIMPLE | {
        "energyratestructure": [[{"rate": 0.1}], [{"rate": 0.2}]],
        "energyweekdayschedule": [day] * 12,
        "energyweekendschedule": [day] * 12,
        "demandratestructure": [[{"rate": 3}]],
    }
    with pytest.raises(Unreadable) as raised:
        read_urdb(json.dumps(body))
    assert "over several energy periods" in raised.value.findings[0].message.en


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 30) | st.floats(allow_nan=True) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["rate", "max", "adj", "unit", "x"]), inner)
    ),
    max_leaves=8,
)


@given(
    name=st.sampled_from(sorted(RATES)),
    change=st.dictionaries(st.sampled_from(sorted(RATES["PGE_B-19"])), _JSON, max_size=3),
)
def test_any_rate_is_read_or_refused_with_words(name: str, change: dict[str, Any]) -> None:
    try:
        documents = read_urdb(json.dumps(RATES[name] | change))
    except Unreadable as unreadable:
        for finding in unreadable.findings:
            assert finding.where.startswith("/") and finding.message.zh and finding.message.en
    else:
        assert documents
        for one in documents:
            check(one)


@pytest.mark.parametrize("text", ["", "[]", "{", "NaN", '{"label": NaN}', "[" * 20_000, '"x"'])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        read_urdb(text)
