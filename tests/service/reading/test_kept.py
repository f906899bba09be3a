"""How long each class of measured values is kept: what the settings say, and what goes when a month begins."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest

from denghuo.service.reading.batch.classes import KeptRefused, forget, kept_months_of
from denghuo.settings import load

LAST_MINUTE = datetime(2026, 4, 30, 15, 59, tzinfo=UTC)
"""A minute before May begins in Shanghai."""


@dataclass
class Told:
    """A lake that notes what it is told."""

    said: list[Any] = field(default_factory=list)

    def sweep(self, now: datetime) -> list[str]:
        self.said.append("sweep")
        return []

    def forget(self, name: str, before: date) -> int:
        self.said.append((name, before))
        return 1


def test_settings_say_how_long_a_class_is_kept_and_checks_and_marks_go_with_it() -> None:
    given = load(None, {"DENGHUO_LAKE_KEPT_MONTHS": '{"voltage_dv": 13, "active_fwd_wh": 36}'}, {}).settings
    lake, kept = Told(), kept_months_of(given.lake_kept_months)
    assert forget(lake, kept, LAST_MINUTE) == 4  # type: ignore[arg-type]
    names = ("active_fwd_wh", "active_fwd_wh_checked", "active_fwd_wh_mark")
    assert lake.said == ["sweep", ("voltage_dv", date(2025, 3, 1)), *((name, date(2023, 4, 1)) for name in names)]
    later = Told()
    forget(later, {"voltage_dv": 13}, datetime(2026, 4, 30, 16, tzinfo=UTC))  # type: ignore[arg-type]
    assert later.said[1:] == [("voltage_dv", date(2025, 4, 1))]


def test_what_is_not_named_stays() -> None:
    lake = Told()
    assert forget(lake, kept_months_of({}), LAST_MINUTE) == 0 and lake.said == []  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "months", "said"), [("voltage", 36, "voltage_dv"), ("register", 12, "13")])
def test_what_cannot_be_kept_so_is_named(name: str, months: int, said: str) -> None:
    with pytest.raises(KeptRefused) as refused:
        kept_months_of({name: months})
    assert refused.value.fields == {"field": name, "value": str(months)} and said in refused.value.detail["en"]
