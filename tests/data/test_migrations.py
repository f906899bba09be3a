"""Migrations of a service are applied in the order of their numbers."""

import pathlib
from collections import Counter

import pytest

import denghuo

FOLDERS = sorted(pathlib.Path(denghuo.__file__).parent.rglob("migrations"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_no_two_migrations_of_a_service_have_the_same_number(folder: pathlib.Path) -> None:
    numbers = Counter(path.name[:4] for path in folder.glob("*.sql"))
    assert [number for number, times in numbers.items() if times > 1] == []
