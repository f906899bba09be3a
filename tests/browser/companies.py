"""Companies of a few areas of the demo's, which a product loads in a moment."""

import datetime
import pathlib
from collections.abc import Collection

import yaml
from tests.browser.product import DEMO
from tests.scenario.county import carried_on, part_of_county

AREAS = ("TG001", "TG017")
PHONE_USERS = ("5810100000027", "5810200016131")
"""A household in each of the areas."""
LATER = {datetime.date(2026, 6, 1): "1.2", datetime.date(2026, 7, 1): "2.2", datetime.date(2026, 8, 1): "3.2"}
"""Midnights to which registers are carried on, and how many times what April used was used by then: in May a fifth more."""


def small_company(folder: pathlib.Path, areas: Collection[str], phone_users: Collection[str] = ()) -> pathlib.Path:
    """Writes an example folder of these areas and gives it, for `denghuo up --demo`."""
    part_of_county(folder / "data", areas)
    demo = yaml.safe_load((DEMO / "demo.yaml").read_text("utf-8"))
    demo["customers"] = [{"user": number, "accounts": [number]} for number in phone_users]
    (folder / "demo.yaml").write_text(yaml.safe_dump(demo, allow_unicode=True), "utf-8")
    return folder


def several_months(folder: pathlib.Path) -> pathlib.Path:
    """One of two areas with registers over several months, for journeys that last longer than the demo's month."""
    small_company(folder, AREAS, PHONE_USERS)
    carried_on(folder / "data", LATER)
    return folder
