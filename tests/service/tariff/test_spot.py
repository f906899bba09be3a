"""Spot prices through both bindings: a file comes in, a second person publishes it, a correction replaces days. Test prices."""

import base64
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.bindings import NOW
from tests.service.tariff.conftest import APPROVER, CLERK, STATION

from denghuo.kernel.contract import Call
from denghuo.kernel.values import Price
from denghuo.service.tariff.api import (
    AskSpotPrices,
    DraftSpotPrices,
    FindSpotTables,
    NoSuchSpotTable,
    NothingToCorrect,
    SamePerson,
    SpotFaulty,
    SpotPublished,
    SpotTableRef,
    SpotTableShown,
    TariffApi,
    WholeCompanyOnly,
)
from denghuo.service.tariff.rules import file_of, read_spot
from denghuo.service.tariff.rules.spot_table import ReadSpot

ASKED = AskSpotPrices(area="310000", node="N1", month="2026-04")


def day(on: str, points: int, price: Callable[[int], str], series: str = "real_time", node: str = "N1") -> list[str]:
    length = 24 * 60 // points
    return [f"{node},{series},{on},{at * length // 60:02d}:{at * length % 60:02d},{price(at)}" for at in range(points)]


def of(rows: list[str], heading: str = "node,series,day,time,price", **more: object) -> DraftSpotPrices:
    return DraftSpotPrices.model_validate(
        {"area": "310000", "month": "2026-04", "document_no": "测试现货价格", "highest": "1.5"}
        | {"text": "\n".join([heading, *rows])}
        | more
    )


def places(read: ReadSpot) -> list[tuple[int, str, str]]:
    return [(one.line, one.field, one.value) for one in read.faults]


def test_every_fault_of_a_file_is_told_with_its_place() -> None:
    rows = day("2026-04-01", 96, lambda at: "0.3")
    rows[1], rows[2] = rows[1].replace("0.3", "3.0"), rows[2].replace("00:30", "00:31")
    rows[3], rows[4] = rows[3].replace("2026-04-01", "2026-05-01"), rows[4].replace("real_time", "spot")
    rows[5], rows[6] = rows[5].replace("0.3", "-0.3"), rows[6].replace("0.3", "x")
    read = read_spot(of([*rows, rows[95]]))
    told = places(read)
    assert told[:7] == [
        (3, "price", "3.0"),
        (4, "time", "00:31"),
        (5, "day", "2026-05-01"),
        (6, "series", "spot"),
        (7, "price", "-0.3"),
        (8, "price", "x"),
        (98, "time", "N1 real_time 2026-04-01 23:45"),
    ]
    assert told[7] == (2, "time", "N1 real_time 2026-04-01") and "缺 6 点" in read.faults[7].what.zh
    assert all(one.what.en and one.remedy.zh and one.remedy.en for one in read.faults)
    assert places(read_spot(of([], "node,day,time,end,price,x")))[0] == (1, "x", "x")
    assert read_spot(of(["N1"])).faults and read_spot(of([])).faults
    assert not read_spot(of(day("2026-04-01", 96, lambda at: "-0.05"), lowest="-0.1")).faults


def test_points_may_be_told_by_their_end_and_in_yuan_per_mwh() -> None:
    rows = [f"N1,日前,2026-04-01,{(at + 1) // 2:02d}:{(at + 1) % 2 * 30:02d},{300 + at}.5" for at in range(48)]
    read = read_spot(of(rows, "节点,价格类型,日期,时段止,电价（元/兆瓦时）"))
    assert not read.faults
    ((key, prices),) = read.days.items()
    assert key[1] == "day_ahead" and len(prices) == 48
    assert (Price(prices[0]), Price(prices[47])) == (Price.of("0.3005"), Price.of("0.3475"))


@given(st.sampled_from([24, 48, 96]), st.lists(st.integers(0, 15 * 10**7), min_size=96, max_size=96))
def test_what_is_handed_out_can_be_taken_in_again(points: int, drawn: list[int]) -> None:
    first = read_spot(of(day("2026-04-01", points, lambda at: str(Price(drawn[at])))))
    ((key, prices),) = first.days.items()
    again = read_spot(of(file_of(key[0], {(key[1], key[2]): prices}).splitlines()[1:]))
    assert again.days == first.days and list(prices) == drawn[:points]


def test_prices_are_published_by_a_second_person_and_corrected_by_day(api: TariffApi) -> None:
    rows = day("2026-04-01", 96, lambda at: "0.3") + day("2026-04-02", 96, lambda at: "0.3")
    shown = api.draft_spot_prices(CLERK, of(rows))
    assert (shown.head.status, shown.head.issue, shown.head.days) == ("draft", 1, 2)
    assert api.spot_prices(CLERK, ASKED).rows == []
    reference = SpotTableRef(area="310000", month="2026-04")
    with pytest.raises(SamePerson):
        api.publish_spot_prices(Call(actor="clerk", now=NOW, permits=frozenset({"tariff.*"}), scope=("",)), reference)
    with pytest.raises(WholeCompanyOnly):
        api.publish_spot_prices(STATION, reference)
    published: SpotTableShown = api.publish_spot_prices(APPROVER, reference)
    assert (published.head.status, published.head.published_by) == ("published", "approver")
    with pytest.raises(SpotPublished):
        api.publish_spot_prices(APPROVER, reference)
    with pytest.raises(SpotPublished) as twice:
        api.draft_spot_prices(CLERK, of(rows[:96]))
    assert (twice.value.node, twice.value.day) == ("N1", "2026-04-01")
    with pytest.raises(NothingToCorrect):
        api.draft_spot_prices(CLERK, of(day("2026-04-03", 24, lambda at: "0.3"), correction=True))
    later = Call(actor="clerk", now=NOW + timedelta(hours=1), permits=CLERK.permits, scope=CLERK.scope)
    corrected = api.draft_spot_prices(
        later, of(day("2026-04-02", 96, lambda at: "0.4" if at == 5 else "0.3"), correction=True)
    )
    assert [(one.changed, one.before) for one in corrected.days] == [(1, Price.of("0.3"))]
    third = Call(actor="approver", now=NOW + timedelta(hours=2), permits=APPROVER.permits, scope=APPROVER.scope)
    api.publish_spot_prices(third, reference)
    now = api.spot_prices(CLERK, ASKED).rows
    assert [(one.day.day, one.issue, one.prices[5]) for one in now] == [
        (1, 1, Price.of("0.3")),
        (2, 2, Price.of("0.4")),
    ]
    before = api.spot_prices(CLERK, ASKED.model_copy(update={"known_at": NOW + timedelta(hours=1)})).rows
    assert [(one.day.day, one.issue, one.prices[5]) for one in before] == [
        (1, 1, Price.of("0.3")),
        (2, 1, Price.of("0.3")),
    ]
    found = api.spot_tables(CLERK, FindSpotTables(area="310000"))
    assert [(one.issue, one.days, one.replaced) for one in found.rows] == [(2, 1, 0), (1, 2, 1)]
    assert api.spot_table(CLERK, SpotTableRef(area="310000", month="2026-04", issue=1)).head.replaced == 1
    file = base64.b64decode(api.spot_file(CLERK, ASKED).content).decode().splitlines()
    assert file[0] == "node,series,day,time,price" and len(file) == 193
    with pytest.raises(NoSuchSpotTable):
        api.spot_table(CLERK, SpotTableRef(area="310000", month="2026-05"))
    with pytest.raises(SpotFaulty) as faulty:
        api.draft_spot_prices(CLERK, of(["N1,spot,2026-04-05,00:00,0.3"]))
    assert faulty.value.faults[0]["field"] == "series"
