"""Terms that hold for some customers only: what the checker of tariffs says about them."""

from typing import Any

import pytest
from tests.service.billing.rules.make import DOCUMENT, component, tariff

from denghuo.service.tariff.rules import check


@pytest.mark.parametrize(
    ("terms", "where"),
    [
        ({"agency_multiple": {"cases": ["returned"], "document": DOCUMENT}}, None),
        ({"agency_multiple": {"cases": ["returned"], "document": "X9"}}, "/agency_multiple/document"),
        (
            {"agency_multiple": {"cases": ["returned"], "components": ["market_energy"], "document": DOCUMENT}},
            "/agency_multiple/components",
        ),
        (
            {"agency_multiple": {"cases": ["returned"], "share": "100", "document": DOCUMENT}},
            "/agency_multiple/share",
        ),
        ({"subsidy": {"document": DOCUMENT}}, "/subsidy"),
        ({"free_energy": {"per_month": "0", "document": DOCUMENT}}, "/free_energy/per_month"),
        ({"free_energy": {"per_month": "15", "document": DOCUMENT}}, None),
    ],
)
def test_terms_are_checked(terms: dict[str, Any], where: str | None) -> None:
    found = check(tariff(component("agency_energy", "0.4"), **terms))
    assert [one.where for one in found if one.severity == "error"] == ([where] if where else [])
