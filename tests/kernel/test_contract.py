"""Contracts: operations are read off the Api, personal data is found wherever it stands."""

from datetime import UTC, datetime
from typing import Annotated

import pytest

from denghuo.kernel.contract import Api, Call, Label, Message, command, personal_paths, query, replace_personal

Phone = Annotated[str, Label("电话", "Phone", mask="phone")]


class Person(Message):
    name: Annotated[str, Label("户名", "Name", mask="name")]
    phone: Phone | None = None
    others: tuple[Phone, ...] = ()
    children: tuple["Person", ...] = ()


class House(Message):
    number: int
    owner: Person | None
    guests: dict[str, Person]


class HouseApi(Api, noun="house", version=1):
    @command(permit="house.build")
    def build(self, call: Call, request: House) -> Person:
        """Builds."""

    @query(permit="house.read")
    def look(self, call: Call, request: House) -> House:
        """Looks."""


def test_operations_are_read_off_the_api() -> None:
    operations = HouseApi.operations()
    assert list(operations) == ["build", "look"]
    assert (operations["build"].kind, operations["build"].permit) == ("command", "house.build")
    assert operations["look"].reply is House
    assert operations["look"].full_name == "house.look"


def test_personal_values_are_found_in_unions_lists_and_maps() -> None:
    paths = {path for path, _ in personal_paths(House)}
    assert ("owner", "name") in paths
    assert ("owner", "phone") in paths
    assert ("owner", "others", "*") in paths
    assert ("guests", "*", "phone") in paths
    body = {"number": 1, "owner": None, "guests": {"a": {"name": "n", "phone": "p", "others": ["x", "y"]}}}
    changed = replace_personal(House, body, lambda value, mask: "-")
    assert changed["guests"]["a"] == {"name": "-", "phone": "-", "others": ["-", "-"]}
    assert changed["number"] == 1 and body["guests"]["a"]["name"] == "n"


@pytest.mark.parametrize(
    ("permits", "allowed"),
    [
        ({"house.read"}, True),
        ({"house.*"}, True),
        ({"*"}, True),
        ({"house.build"}, False),
        ({"housed.*"}, False),
        (set(), False),
    ],
)
def test_permits_match_exactly_by_noun_or_all(permits: set[str], allowed: bool) -> None:
    assert Call(actor="a", now=datetime.now(UTC), permits=frozenset(permits)).may("house.read") is allowed


def test_a_call_has_an_aware_instant() -> None:
    with pytest.raises(ValueError, match="aware"):
        Call(actor="a", now=datetime(2026, 4, 1))  # noqa: DTZ001  (a naive instant is what is refused)


@pytest.mark.parametrize(
    ("scope", "org", "covered"),
    [
        (("",), "1405810.01", True),
        ((), "1405810.01", False),
        (("1405810",), "1405810", True),
        (("1405810",), "1405810.01", True),
        (("1405810.1",), "1405810.10", False),
        (("1405810.01", "1405810.03"), "1405810.03.2", True),
        (("1405810.01",), "1405810", False),
    ],
)
def test_scope_covers_a_unit_and_those_below_it(scope: tuple[str, ...], org: str, covered: bool) -> None:
    assert Call(actor="a", now=datetime(2026, 5, 1, tzinfo=UTC), scope=scope).covers(org) is covered
