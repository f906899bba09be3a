"""Shares on the board of units: the published cases of the reading rate and of the error rate."""

from decimal import Decimal

from tests.service.billing.rules.make import given
from tests.service.bindings import NOW

from denghuo.kernel.values import Percent
from denghuo.service.billing.board import unit_board
from denghuo.service.billing.store.units import UnitRun


def unit(org: str, due: int = 0, read: int = 0) -> UnitRun:
    nothing = dict.fromkeys(
        ("failed_in", "terms", "energy", "limits", "started_at", "started_by", "rated_from", "rated_until", "ended_at",
         "trouble")
    )  # fmt: skip
    counted = {"epoch": 0, "due": due, "read": read, "done": 0, "accounts": 0}
    return UnitRun(month="2026-04", org=org, state="issued", **counted, **nothing)  # type: ignore[arg-type]


def test_kpi_01_reading_rate() -> None:
    inputs, expected = given("kpi-01")
    units = [
        unit(name, due, due - missed) for name, due, missed in zip(("1", "2"), inputs["n"], inputs["miss"], strict=True)
    ]
    board = unit_board("2026-04", units, {}, None, (False, 100), NOW)
    assert [row.read_share for row in board.rows] == [Percent.of(expected["a"]), Percent.of(expected["b"])]
    assert board.read_share == Percent.of(expected["total"])
    assert unit_board(None, [], {}, None, (False, 100), NOW).read_share is None


def test_kpi_02_error_rate() -> None:
    inputs, expected = given("kpi-02")
    names = ("rated", "issued", "open", "unrated", "waiting", "held", "energy_wh")
    figures = dict.fromkeys(names, 0) | {"amount_fen": inputs["total"] * 100, "wrong_fen": inputs["err"] * 100}
    board = unit_board("2026-04", [unit("1")], {"1": figures}, None, (False, 100), NOW)
    assert board.error_share is not None and round(Decimal(str(board.error_share)), 1) == Decimal(str(expected["rate"]))
    assert board.rows[0].error_share == board.error_share
