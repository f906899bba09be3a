"""The same code has the same verdict: a property is tried on the same examples alone and in the whole run."""

import sys

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import product_modules


@given(names=st.builds(lambda: list(product_modules())))
@settings(max_examples=1)
def test_properties_are_tried_with_every_module_of_the_product_loaded(names: list[str]) -> None:
    assert {"denghuo.service.billing.rules", "denghuo_verify.charges"} <= set(names)
    assert [name for name in names if name not in sys.modules] == []
