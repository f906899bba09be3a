"""The recorder of exercised operations: what it asks for, what counts, and which run is held to it."""

from types import SimpleNamespace

import pytest

from denghuo.main import SERVICES
from denghuo.service.customer.api import CustomerApi
from tests.exercised import answered, missing, taken, whole


def test_every_operation_of_every_service_is_asked_for_through_both_bindings() -> None:
    wanted = missing(set())
    assert len(wanted) == len(set(wanted)) == 2 * sum(len(contract.operations()) for contract in SERVICES)
    assert missing(set(wanted)) == []
    assert missing(set(wanted) - {"customer.account remote"}) == ["customer.account remote"]


def test_what_answered_is_taken_once() -> None:
    before = taken()
    answered(CustomerApi.operations()["account"], "local")
    assert taken() == {"customer.account local"} and taken() == set()
    for entry in before:
        noun, _, rest = entry.partition(".")
        answered(next(c for c in SERVICES if c.noun == noun).operations()[rest.split()[0]], rest.split()[1])


@pytest.mark.parametrize(
    ("arguments", "narrowed", "expected"),
    [
        (["tests"], {}, True),
        (["tests/service"], {}, True),
        ([], {}, False),
        (["tests/service/billing"], {}, False),
        (["tests"], {"keyword": "billing"}, False),
        (["tests"], {"lf": True}, False),
    ],
)
def test_only_a_whole_run_is_held_to_it(
    pytestconfig: pytest.Config, arguments: list[str], narrowed: dict[str, object], expected: bool
) -> None:
    run = SimpleNamespace(
        rootpath=pytestconfig.rootpath,
        invocation_params=SimpleNamespace(dir=pytestconfig.rootpath),
        args=arguments,
        getoption=lambda name, default: narrowed.get(name, default),
    )
    assert whole(run) is expected  # type: ignore[arg-type]
