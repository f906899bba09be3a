"""The reference of operations at /docs: from our own files, under the same policy as every page."""

from tests.browser.conftest import Enter

from denghuo.main import MODULES, SERVICES


def test_every_contract_is_described(enter: Enter) -> None:
    page = enter()
    page.goto("/docs")
    page.wait_for_selector(".opblock-tag")
    shown = set(page.locator(".opblock-tag").evaluate_all("tags => tags.map(tag => tag.dataset.tag)"))
    assert shown == {contract.noun for contract in (*SERVICES, *MODULES)}
    page.click(".opblock-tag[data-tag=tariff]")
    page.wait_for_selector("#operations-tariff-tariff_in_force")
