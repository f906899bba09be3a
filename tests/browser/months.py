"""A company of two areas with registers over several months, for journeys that last longer than the demo's month."""

import datetime
import pathlib

import yaml
from tests.browser.product import DEMO
from tests.scenario.county import carried_on, part_of_county

AREAS = ("TG001", "TG017")
PHONE_USERS = ("5810100000027", "5810200016131")
"""A household in each of the areas."""
LATER = {datetime.date(2026, 6, 1): "1.2", datetime.date(2026, 7, 1): "2.2", datetime.date(2026, 8, 1): "3.2"}
"""Midnights to which registers are carried on, and how many times what April used was used by then: in May a fifth more."""


def several_months(folder: pathlib.Path) -> pathlib.Path:
    """Writes the example folder and gives it, for `denghuo up --demo`."""
    carried_on(part_of_county(folder / "data", AREAS), LATER)
    demo = yaml.safe_load((DEMO / "demo.yaml").read_text("utf-8"))
    demo["customers"] = [{"user": number, "accounts": [number]} for number in PHONE_USERS]
    (folder / "demo.yaml").write_text(yaml.safe_dump(demo, allow_unicode=True), "utf-8")
    return folder
