"""A tariff tried on everybody: the list of runs, and a month that cannot be tried is said where it was asked."""

from playwright.sync_api import expect
from tests.browser.conftest import Enter, Look


def test_a_run_over_a_month_without_quantities_is_refused_in_words(enter: Enter, at_both_widths: Look) -> None:
    page = enter("tariff", path="/w/tariff/population_runs?code=sh.resident.untiered")
    page.get_by_role("button", name="发起测算").click()
    form = page.get_by_role("dialog").last
    form.get_by_label("电价代码").fill("sh.resident.untiered")
    for label in ("起始月", "截止月"):
        form.get_by_label(label).fill("2025-01")
        form.get_by_label(label).press("Enter")
    form.get_by_role("button", name="发起测算").click()
    expect(page.get_by_text("2025-01 尚未抄表核算").first).to_be_visible()
    at_both_widths(page)
