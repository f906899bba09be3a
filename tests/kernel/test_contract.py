"""Contracts: operations are read off the Api, personal data is found wherever it stands."""

from datetime import UTC, datetime
from typing import Annotated

import pytest

from denghuo.kernel.contract import (
    Api,
    Call,
    Label,
    Mask,
    Message,
    Page,
    command,
    label_of,
    masked,
    personal_paths,
    query,
    replace_personal,
)

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


class HouseParts(Api):
    @query(permit="house.read")
    def wall(self, call: Call, request: House) -> House:
        """Looks at the wall."""

    @query(permit="house.read")
    def roof(self, call: Call, request: House) -> House:
        """Looks at the roof."""


def test_operations_are_read_off_the_api() -> None:
    operations = HouseApi.operations()
    assert list(operations) == ["build", "look"]
    assert (operations["build"].kind, operations["build"].permit) == ("command", "house.build")
    assert operations["look"].reply is House
    assert operations["look"].full_name == "house.look"


def test_a_contract_put_together_from_parts_has_their_operations_part_after_part() -> None:
    class Gardens(Api):
        @query(permit="house.read")
        def garden(self, call: Call, request: House) -> House:
            """Looks at the garden."""

    class Estates(HouseParts, Gardens, Api, noun="estate", version=2):
        @query(permit="house.read")
        def gate(self, call: Call, request: House) -> House:
            """Looks at the gate."""

    class Bound(Estates):
        """An implementation states nothing."""

    operations = Bound.operations()
    assert Bound.contract() is Estates
    assert list(operations) == ["gate", "wall", "roof", "garden"]
    assert {(operation.noun, operation.version) for operation in operations.values()} == {("estate", 2)}


def test_a_field_is_called_by_its_outermost_label() -> None:
    class Move(Message):
        given: Annotated[str, Label("姓名", "Name")]
        others: Annotated[list[Annotated[str, Label("姓名", "Name")]], Label("同住人", "Others")] = []
        left_on: Annotated[str, Label("迁出日期", "Left on")] | None = None

    assert [label_of(Move, name).zh for name in Move.model_fields] == ["姓名", "同住人", "迁出日期"]


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


@pytest.mark.parametrize(
    ("after", "number"),
    [(None, None), ("", None), ("0", 0), ("42", 42), ("9" * 18, 10**18 - 1)]
    # What never was a `next`: other digits than ours, signs, fractions, more than a column holds.
    + [(wrong, None) for wrong in ("²", "٤", "-1", "1.5", " 1", "1\x00", "9" * 19, "9" * 200, "M00001")],
)
def test_a_page_by_number_starts_at_a_number_or_at_the_first(after: str | None, number: int | None) -> None:
    assert Page(after=after).after_number == number


@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        ("name", "罗秀英", "罗**"),
        ("name", "罗", "罗"),
        ("name", "高平市米山供电所", "高平***电所"),
        ("phone", "10088153044", "100****3044"),
        ("phone", "3044", "****"),
        ("address", "山西省高平市", "山西省***"),
        ("address", "", ""),
        ("bank_card", "6222020200012345", "6222********2345"),
        ("email", "luo@example.com", "l***@example.com"),
    ],
)
def test_masked_values_are_enough_to_recognise_and_not_to_misuse(mask: Mask, value: str, shown: str) -> None:
    assert masked(value, mask) == shown
