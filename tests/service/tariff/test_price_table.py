"""The monthly price table: published tables are composed to the printed prices; faults name line, column, value and remedy."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.billing.rules.make import piece, subject

from denghuo.kernel.period import Month
from denghuo.kernel.values import Price
from denghuo.service.billing.lines import BasicSpan
from denghuo.service.billing.rules import rate
from denghuo.service.tariff import shipped
from denghuo.service.tariff.api import Source, TariffDocument
from denghuo.service.tariff.rules import check, compose, price_rows, read_price_table
from denghuo.service.tariff.rules.composing import Composed
from denghuo.service.tariff.rules.price_table import Read

HUBEI, SHANGHAI = (shipped.price_table("420000", "2026-01"), shipped.price_table("310000", "2026-06"))
TABLE = Source(number="湖北省2026年1月代理购电价格表")
HEAD = "scheme,voltage,agent,line_loss,td,sysop,gov_fund,non_tou,sharp,peak,valley,demand,capacity"
ROW = "two,110kV,0.38447,0.013643,0.0884,0.082273,0.0452,0.613986,1.012099,0.809061,0.395024,39,24.4"


def read(text: str | None) -> Read:
    assert text is not None
    found = read_price_table(text)
    assert found.faults == []
    return found


def months(area: str, month: str, text: str | None, last: Iterable[TariffDocument] = ()) -> dict[str, Composed]:
    composed = compose(shipped.national()[area], Month.of(month), TABLE, read(text).rows, last)
    for one in composed:
        assert [finding for finding in check(one.tariff) if finding.severity == "error"] == []
    return {one.tariff.code: one for one in composed}


def price_of_a_kilowatt_hour(tariff: TariffDocument, voltage: str, band: str) -> Price:
    """What a kWh of a band costs by the rating rules: a million of them, so that the fen of a line is below the sixth decimal."""
    month = str(Month.holding(tariff.effective_from))
    rated = rate(
        subject(
            *(piece("1000000" if one == band else "0", band=one) for one in ("sharp", "peak", "flat", "valley")),
            month=month,
            voltage=voltage,
            tariff_class=tariff.classes[0],
            spans=[
                BasicSpan(first_day=tariff.effective_from, last_day=tariff.effective_from, capacity_va=1, contract_w=1)
            ],
        ),
        tariff,
    )
    fen = sum(line.amount.fen for line in rated.lines if line.group != "basic")
    return Price(fen)  # fen for a million kWh are 1e-8 yuan for one


# The published prices of January 2026 in Hubei and of June 2026 in Shanghai (hbprice-*, shprice-*).
PRINTED = {
    ("hb.business.single.tou", "35"): {
        "sharp": "1.093999",
        "peak": "0.890961",
        "flat": "0.695886",
        "valley": "0.476924",
    },
    # The price without time of use is printed 0.0002 below the sum of its components in all three single-part rows.
    ("hb.business.single.tou", "10"): {
        "sharp": "1.113999",
        "peak": "0.910961",
        "flat": "0.715886",
        "valley": "0.496924",
    },
    ("hb.business.single.tou", "0.38"): {
        "sharp": "1.133999",
        "peak": "0.930961",
        "flat": "0.735886",
        "valley": "0.516924",
    },
    ("hb.two_part.demand", "35"): {"sharp": "1.030199", "peak": "0.827161", "flat": "0.632086", "valley": "0.413124"},
    ("hb.two_part.demand", "110"): {"sharp": "1.012099", "peak": "0.809061", "flat": "0.613986", "valley": "0.395024"},
    ("hb.two_part.demand", "220"): {"sharp": "0.993099", "peak": "0.790061", "flat": "0.594986", "valley": "0.376024"},
    # Printed 0.002 above the share of 1.49; the printed price rules.
    ("hb.two_part.capacity", "10"): {"sharp": "1.049999", "peak": "0.848961", "flat": "0.651886", "valley": "0.432924"},
    ("sh.two_part.demand", "0.38"): {"peak": "1.010784", "flat": "0.662376", "valley": "0.372036"},
}


@pytest.mark.parametrize(("code", "voltage"), PRINTED, ids=["/".join(one) for one in PRINTED])
def test_composed_tariffs_bill_the_printed_prices(code: str, voltage: str) -> None:
    area, month, text = ("420000", "2026-01", HUBEI) if code.startswith("hb") else ("310000", "2026-06", SHANGHAI)
    tariff = months(area, month, text)[code].tariff
    for band, printed in PRINTED[code, voltage].items():
        assert abs(price_of_a_kilowatt_hour(tariff, voltage, band) - Price.of(printed)) <= Price.of("0.000002"), band


def test_a_printed_price_off_its_share_is_said() -> None:
    composed = months("420000", "2026-01", HUBEI)
    notices = composed["hb.two_part.demand"].notices
    assert [(one.line, one.field, one.value) for one in notices] == [(5, "peak", "0.848961")]
    assert composed["hb.business.single.tou"].notices == []
    # The price without time of use of the single-part rows is printed 0.0002 below the sum of its parts.
    assert [(one.line, one.field) for one in read(HUBEI).notices] == [(2, "total"), (3, "total"), (4, "total")]
    assert "0.735886" in read(HUBEI).notices[0].what.en


def test_the_average_and_the_deviation_of_earlier_months_are_told_apart() -> None:
    """hbprice-avg: 0.38809 - 0.00362 = 0.38447."""
    text = f"{HEAD.replace('agent', 'average,deviation')}\n{ROW.replace('0.38447', '0.38809,-0.00362', 1)}"
    tariff = months("420000", "2026-01", text)["hb.two_part.demand"].tariff
    by_code = {part.code: part for part in tariff.components}
    assert str(by_code["agency_energy"].prices[0].price) == "0.38809"
    deviation = by_code["history_deviation"]
    assert (str(deviation.prices[0].price), deviation.group, deviation.floats) == ("-0.00362", "adjustment", False)
    assert price_of_a_kilowatt_hour(tariff, "110", "flat") == Price.of("0.613986")


SHARED_HEAD = HEAD.replace("sysop", "line_loss_balance,cross_subsidy_balance,pumped_storage,arose_in").replace(
    "agent", "average,deviation"
)
SHARED_ROW = ROW.replace("0.38447", "0.38809,-0.00362").replace("0.082273", "-0.001727,0.024,0.06,2025-11")


def test_gains_and_losses_are_lines_of_their_own_with_month_and_document() -> None:
    """The items of system operation add up to the same printed prices; those of an earlier month name it."""
    tariff = months("420000", "2026-01", f"{SHARED_HEAD}\n{SHARED_ROW}")["hb.two_part.demand"].tariff
    by_code = {part.code: part for part in tariff.components}
    assert "system_operation" not in by_code
    assert {
        code: (str(by_code[code].prices[0].price), by_code[code].title.zh) for code in by_code if "balance" in code
    } == {
        "line_loss_balance": ("-0.001727", "线损代理采购损益（2025-11）"),
        "cross_subsidy_balance": ("0.0240", "交叉补贴新增损益（2025-11）"),
    }
    assert by_code["history_deviation"].title.en == "Deviation of earlier months (2025-11)"
    assert by_code["pumped_storage"].title.zh == "抽水蓄能容量电费"
    assert {part.document for part in tariff.components} == {TABLE.number}
    for band, printed in PRINTED["hb.two_part.demand", "110"].items():
        assert abs(price_of_a_kilowatt_hour(tariff, "110", band) - Price.of(printed)) <= Price.of("0.000002"), band


def test_items_of_system_operation_float_as_the_whole_does() -> None:
    text = f"{HEAD.replace('sysop', 'pumped_storage,line_loss_balance')}\n{ROW.replace('0.082273', '0.08,0.002273')}"
    kept = [
        at
        for at, name in enumerate(text.splitlines()[0].split(","))
        if name not in ("sharp", "peak", "valley", "non_tou")
    ]
    plain = "\n".join(",".join(line.split(",")[at] for at in kept) for line in text.splitlines())
    composed = months("440000", "2026-01", plain.replace("110kV", "220kV"))
    items = [
        part.floats
        for one in composed.values()
        if one.tariff.seasons
        for part in one.tariff.components
        if part.code in ("pumped_storage", "line_loss_balance")
    ]
    assert items and all(items)


def test_the_table_and_the_documents_are_the_sources() -> None:
    composed = months("420000", "2026-01", HUBEI)
    assert list(composed) == [
        "hb.business.single",
        "hb.business.single.tou",
        "hb.two_part.capacity",
        "hb.two_part.demand",
    ]
    tariff = composed["hb.two_part.demand"].tariff
    assert [one.number for one in tariff.sources] == [
        TABLE.number,
        "鄂发改价管〔2024〕77号",
        "(83)水电财字215号",
        "发改价格〔2023〕526号",
        "发改办价格〔2021〕809号",
    ]
    assert (tariff.effective_from.isoformat(), str(tariff.effective_to)) == ("2026-01-01", "2026-02-01")
    assert not tariff.partial and not any(row.illustrative for row in price_rows(tariff))
    assert {(row.voltage, str(row.price)) for row in price_rows(tariff) if row.group == "basic"} == {
        *((level, "42.0000") for level in ("6", "10", "35")),
        *((level, "39.0000") for level in ("110", "220")),
    }


def test_next_month_follows_last_month_and_keeps_what_a_utility_changed() -> None:
    january = months("420000", "2026-01", HUBEI)["hb.two_part.demand"].tariff
    own = january.seasons[0].model_copy(update={"title": january.title})
    changed = january.model_copy(update={"version": 3, "default": False, "seasons": [own, *january.seasons[1:]]})
    february = months("420000", "2026-02", HUBEI, [changed])["hb.two_part.demand"]
    assert february.before is changed
    assert not february.tariff.default and february.tariff.seasons == changed.seasons
    assert february.tariff.basic == january.basic


def test_new_published_bands_come_in_with_the_month_in_which_they_hold() -> None:
    april = months("140000", "2026-04", f"{HEAD}\n{ROW}")["sx.two_part.demand"].tariff
    with_deep = f"{HEAD},deep\n{ROW},0.3"  # the holiday of May has a deep valley
    may = months("140000", "2026-05", with_deep, [april])["sx.two_part.demand"].tariff
    assert {one.document for one in april.seasons} == {"晋发改商品发〔2021〕479号"}
    assert {one.document for one in may.seasons} == {"晋发改商品发〔2026〕15号"}


@pytest.mark.parametrize(
    ("label", "levels"),
    [
        ("35-110千伏以下", ("35", "66")),
        ("66千伏", ("66",)),
        ("66-110kV", ("66", "110")),
        ("110-220千伏以下", ("110",)),
        ("220kV", ("220",)),
        ("220千伏及以上", ("220", "330", "500")),
        ("220kV+", ("220", "330", "500")),
    ],
)
def test_a_row_is_for_the_voltages_that_its_words_say(label: str, levels: tuple[str, ...]) -> None:
    found = read(HUBEI.replace("35kV", label, 1))
    assert found.faults == [] and levels in [row.voltages for row in found.rows]


def test_chinese_headings_and_voltages_are_read() -> None:
    head = "用电分类,电压等级,代理购电价格,上网环节线损费用,输配电价,系统运行费用,政府性基金及附加,最大需量,变压器容量,备注"
    found = read(f"\ufeff{head}\n两部制,1-10（20）千伏,0.38447,0.013643,0.1263,0.082273,0.0452,42,26.3,说明\n")
    assert (found.rows[0].scheme, found.rows[0].voltages) == ("two", ("6", "10", "20"))
    assert found.rows[0].sum == Price.of("0.651886")


def cell(name: str, value: str) -> str:
    cells = dict(zip(HEAD.split(","), ROW.split(","), strict=True)) | {name: value}
    return f"{HEAD}\n{','.join(cells.values())}"


WITH_AVERAGE = f"{HEAD.replace('agent', 'agent,average,deviation')}\n{ROW.replace('0.38447', '0.38447,0.38,0')}"
FAULTS = [
    (cell("scheme", "three"), 2, "scheme", "three", "unknown scheme"),
    (cell("voltage", "11kV"), 2, "voltage", "11kV", "unknown voltage"),
    (cell("agent", "38.447"), 2, "agent", "38.447", "out of reason"),
    (cell("agent", "-0.1"), 2, "agent", "-0.1", "out of reason"),
    (cell("agent", "0,38"), 2, "line_loss", "38", "out of reason"),
    (cell("agent", "1e-1"), 2, "agent", "1e-1", "decimal text"),
    (cell("td", ""), 2, "transmission", "", "missing"),
    (cell("demand", ""), 2, "demand", "", "needs demand and capacity"),
    (cell("capacity", "2440"), 2, "capacity", "2440", "out of reason"),
    (cell("non_tou", "0.623986"), 2, "total", "0.623986", "differs from the sum of its parts, 0.613986"),
    (cell("valley", "0.9"), 2, "peak", "0.809061", "peak is not above valley"),
    (f"{HEAD}\n{ROW}\n{ROW}", 3, "voltage", "110", "has a row already"),
    (f"{HEAD},colour\n{ROW},red", 1, "colour", "colour", "unknown column"),
    (f"{HEAD},td\n{ROW},1", 1, "td", "td", "stands twice"),
    (f"{HEAD.replace('sysop,', '')}\n{ROW}", 1, "sysop", "", "column is missing"),
    (
        f"{HEAD},pumped_storage,line_loss_balance\n{ROW},0.08,0.002",
        2,
        "system_operation",
        "0.082273",
        "not the sum of its items, 0.082",
    ),
    (f"{HEAD},pumped_storage,line_loss_balance\n{ROW},0.082273,", 2, "line_loss_balance", "", "price is missing"),
    (f"{HEAD},pumped_storage\n{ROW},-0.082273", 2, "pumped_storage", "-0.082273", "out of reason"),
    (
        f"{HEAD},arose_in\n{ROW},2025-11\n{ROW.replace('110kV', '220kV')},2025-12",
        3,
        "arose_in",
        "2025-12",
        "another month than",
    ),
    (f"{HEAD},arose_in\n{ROW},November", 2, "arose_in", "November", "not a month"),
    (HEAD, 1, "", "", "there is no row"),
    (f"{HEAD}\n" + "\n".join([ROW] * 300), 202, "", "", "too many rows"),
    (
        f"{HEAD.replace('agent', 'agent,average,deviation')}\n{ROW.replace('0.38447', '0.38447,0.38,0')}",
        2,
        "agent",
        "0.38447",
        "average",
    ),
]


@pytest.mark.parametrize(("text", "line", "column", "value", "words"), FAULTS, ids=[fault[4] for fault in FAULTS])
def test_faults_are_refused_with_line_column_value_and_remedy(
    text: str, line: int, column: str, value: str, words: str
) -> None:
    faults = read_price_table(text).faults
    found = [one for one in faults if words in one.what.en]
    assert found and (found[0].line, found[0].field, found[0].value) == (line, column, value), faults
    assert found[0].remedy.zh and found[0].remedy.en and found[0].what.zh


_LINES = st.lists(
    st.lists(
        st.one_of(
            st.sampled_from([*HEAD.split(","), *ROW.split(","), "", "单一制", "not a number", '"']), st.text(max_size=6)
        ),
        max_size=14,
    ).map(",".join),
    max_size=5,
)


@given(text=st.one_of(st.text(max_size=300), _LINES.map("\n".join), _LINES.map(lambda rows: "\n".join([HEAD, *rows]))))
def test_any_text_is_a_table_or_refused_with_words(text: str) -> None:
    found = read_price_table(text)
    assert found.rows or found.faults
    for fault in (*found.faults, *found.notices):
        assert fault.line >= 0 and fault.what.zh and fault.what.en and fault.remedy.zh and fault.remedy.en


UNPRICED = (
    "no price depends on them",
    "no price for",
    "share of flat is missing",
    "0 sets of bands",
    "states no share",
)


@given(
    parts=st.lists(st.integers(1, 500_000), min_size=5, max_size=5),
    area=st.sampled_from(sorted(shipped.national())),
    month=st.integers(1, 12),
    scheme=st.sampled_from(["single", "two"]),
)
def test_any_month_of_any_area_is_composed_to_the_sum_of_its_parts(
    parts: list[int], area: str, month: int, scheme: str
) -> None:
    """Without printed bands: flat is the sum of the parts, and every component is the table's."""
    prices = [str(Price(part * 100)) for part in parts]
    row = ",".join([scheme, "1-10kV", *prices, "", "", "", "", "40", "25"])
    read_ = read(f"{HEAD}\n{row}")
    for one in compose(shipped.national()[area], Month(2026, month), TABLE, read_.rows, []):
        shown = [price for part in one.tariff.components for price in part.prices if price.band is None]
        assert sum(price.price.e8 for price in shown) == sum(part * 100 for part in parts)
        assert {part.document for part in one.tariff.components} == {TABLE.number}
        # Where no document gives shares, or none gives a month's bands, the month cannot be published without printed prices.
        for finding in check(one.tariff):
            assert finding.severity == "notice" or any(words in finding.message.en for words in UNPRICED), finding


@given(
    peak=st.integers(60_000_000, 99_000_000),
    valley=st.integers(25_000_000, 50_000_000),
    code=st.sampled_from(["sx.two_part.demand", "ha.two_part.demand", "gd.two_part.demand", "hl.two_part.demand"]),
)
def test_whatever_price_a_table_prints_for_a_band_is_billed(peak: int, valley: int, code: str) -> None:
    """With and without shares in the documents, to the last decimal."""
    area = next(one.code for one in shipped.national().values() if code.startswith(f"{one.prefix}."))
    row = f"two,110kV,0.38447,0.013643,0.0884,0.082273,0.0452,,,{Price(peak)},{Price(valley)},39,24.4"
    tariff = months(area, "2026-04", f"{HEAD}\n{row}")[code].tariff
    by_share = {row.band: row.price for row in price_rows(tariff) if row.component == "agency_energy" and row.season}
    for band, printed in (("peak", peak), ("valley", valley)):
        close = abs(price_of_a_kilowatt_hour(tariff, "110", band).e8 - printed)
        assert close == 0 or (band in by_share and close <= 200)


def test_guangdongs_whole_price_is_published_in_hundredths_of_a_fen() -> None:
    """1.7 x 0.568786 + 0.0452 = 1.0121362, printed 1.0121: the printed price is billed, and there is nothing to look at."""
    row = "two,110kV,0.38447,0.013643,0.0884,0.082273,0.0452,0.613986,,1.0121,0.2613,39,24.4"
    composed = months("440000", "2026-04", f"{HEAD}\n{row}")["gd.two_part.demand"]
    assert composed.notices == []
    assert price_of_a_kilowatt_hour(composed.tariff, "110", "peak") == Price.of("1.0121")
    off = months("440000", "2026-04", f"{HEAD}\n{row.replace('1.0121', '1.0131')}")["gd.two_part.demand"]
    assert [(one.field, one.value) for one in off.notices] == [("peak", "1.0131")]
