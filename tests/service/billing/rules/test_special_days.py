"""What a bill says of special days: of the seasons that the clock of the tariff has on them, and of no other."""

from datetime import date

import pytest

from denghuo.kernel.fields import TextPair
from denghuo.service.billing.lines import DayCalendar, SpecialDay
from denghuo.service.billing.rules.special_days import days_counted
from denghuo.service.tariff import shipped
from denghuo.service.tariff.api import BandWindows, Season, Window, seasons_on
from denghuo.service.tariff.season import DayType

(SOME, *_) = [one for one in shipped.published("310000") or [] if one.time_of_use]
HOLIDAY = SpecialDay(day=date(2026, 5, 1), kind="holiday", holiday="劳动节", holiday_days=5)
REST = SpecialDay(day=date(2026, 5, 8), kind="rest_day")


def season(kind: DayType) -> Season:
    windows = [BandWindows(band="peak", windows=[Window(start="08:00", end="12:00")]), BandWindows(band="flat")]
    return Season(title=TextPair(zh=kind, en=kind), days=kind, bands=windows)


@pytest.mark.parametrize(
    ("kinds", "named"),
    [
        # Holidays have hours of their own, so that those of rest days do not hold on them.
        (("all", "rest_day", "holiday"), {"rest_day": [REST], "holiday": [HOLIDAY]}),
        (("all", "rest_day"), {"rest_day": [HOLIDAY, REST]}),
    ],
)
def test_a_bill_names_the_season_of_a_day_as_the_clock_has_it(
    kinds: tuple[DayType, ...], named: dict[str, list[SpecialDay]]
) -> None:
    tariff = SOME.model_copy(update={"seasons": [season(kind) for kind in kinds]})
    said = [one.text.en for one in days_counted(tariff, DayCalendar(days=[HOLIDAY, REST], documents=["测历"]))]
    assert len(said) == len(named)
    for sentence, (kind, days) in zip(said, named.items(), strict=True):
        assert f"“{kind}”" in sentence
        assert [one for one in (HOLIDAY, REST) if str(one.day) in sentence] == days
        assert all([one.days for one in seasons_on(tariff.seasons, day)] == [kind] for day in days)
