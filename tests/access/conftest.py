"""Fixtures of the access tests."""

import pathlib
from collections.abc import Iterator

import pytest

from tests.access.house import Browser, House, furnished


@pytest.fixture
def house(database_dsn: str, tmp_path: pathlib.Path) -> Iterator[House]:
    with furnished(database_dsn, tmp_path) as found:
        yield found


@pytest.fixture
def browser(house: House) -> Iterator[Browser]:
    with house.browser() as found:
        yield found
