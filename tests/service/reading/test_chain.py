"""The fall-back chain of every read: what was tried for each end and what answered, kept with the read."""

from datetime import timedelta

import pytest

from denghuo.service.reading.api import SOURCES, Resolve
from denghuo.service.reading.rules.chain import Tried, chain_of
from tests.service.reading.conftest import Make
from tests.service.reading.county import MONTH, PERIOD, installation, month_of, steady


@pytest.mark.parametrize("source", [one for one in SOURCES.entries if one != "none"])
def test_a_chain_ends_with_the_source_that_answered(source: str) -> None:
    chain = chain_of(source, at_midnight=source != "noted")
    assert chain[-1] == Tried(source, True) and not any(one.answered for one in chain[:-1])


def test_where_nothing_answered_all_was_tried() -> None:
    assert chain_of("none", at_midnight=True) == [
        Tried("actual", False),
        Tried("self_read", False),
        Tried("sender", False),
        Tried("interpolated", False),
        Tried("daily_average", False),
    ]
    assert [one.source for one in chain_of("none", at_midnight=False)] == ["noted", "actual"]


def test_each_read_keeps_which_sources_were_tried_for_its_ends(bench: Make) -> None:
    exchanged = PERIOD.start + timedelta(days=14, hours=10)
    made = bench(
        [
            installation("P1", "M1", account_no="5810100000019"),
            installation("P2", "M2", account_no="5810100000027"),
            installation("P3", "M3", account_no="5810100000035"),
            installation("P4", "M4", account_no="5810100000043", to_at=exchanged, final_e4=1_725_000),
            installation("P4", "M5", account_no="5810100000043", from_at=exchanged, start_e4=0, piece=2),
        ]
    )
    after = {day + 1: value for day, value in enumerate(steady(0)) if day >= 15}
    made.receive(month_of("M1", steady()), month_of("M2", steady()[:29]), month_of("M3", steady()[:10]))
    made.receive(month_of("M4", steady()[:15]), month_of("M5", after))
    made.run()

    def sources(**filters: object) -> tuple[str | None, str | None]:
        read = made.one(**filters)
        return read.start_source, read.end_source

    assert sources(point_no="P1") == ("actual", "actual")
    assert sources(point_no="P2") == ("actual", "daily_average")
    assert sources(point_no="P3") == ("actual", "none")
    assert sources(meter_no="M4") == ("actual", "noted")
    assert sources(meter_no="M5") == ("noted", "actual")
    chain = made.one(point_no="P2").chain
    assert chain is not None and chain.zh == (
        "起度：采集的零点示数（采用）；止度：采集的零点示数（无） → 客户自报（无） → 对方估计（无） → 前后示数内插（无） →"
        " 日均外推（采用）"
    )
    made.api.resolve(made.call(), Resolve(month=MONTH, point_no="P3", shown="250.00", reason="现场核实"))
    assert sources(point_no="P3") == ("actual", "manual")
