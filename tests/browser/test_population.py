"""A tariff tried on everybody: the list of runs, and a month that cannot be tried is said where it was asked."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Enter


@pytest.mark.parametrize("width", [1440, 390])
def test_a_run_over_a_month_without_quantities_is_refused_in_words(
    enter: Enter, accessible: Callable[[Page], None], width: int
) -> None:
    page = enter("tariff", path="/w/tariff/population_runs?code=sh.resident.untiered", width=width)
    page.get_by_role("button", name="发起测算").click()
    form = page.get_by_role("dialog").last
    form.get_by_label("电价代码").fill("sh.resident.untiered")
    for label in ("起始月", "截止月"):
        form.get_by_label(label).fill("2025-01")
        form.get_by_label(label).press("Enter")
    form.get_by_role("button", name="发起测算").click()
    expect(page.get_by_text("2025-01 尚未抄表核算").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    accessible(page)
