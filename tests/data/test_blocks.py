"""Blocks of few rows beside a file of the lake: the same rows, by any key, or none where they are not whole."""

import hashlib
import pathlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denghuo.data.analysis import blocks
from denghuo.data.analysis.blocks import Looked, write_blocks

DIGEST = hashlib.sha256(b"a file of columns").hexdigest()
SCHEMA = pa.schema(
    [
        ("subject", pa.string()),
        ("at", pa.timestamp("us", tz="UTC")),
        *((f"p{slot}", pa.int32()) for slot in range(5)),
        *((f"c{slot}", pa.int8()) for slot in range(5)),
        ("value", pa.int64()),
        *((f"m{slot}", pa.string()) for slot in range(2)),
    ]
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def numbers(bits: int) -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


rows = st.fixed_dictionaries(
    {
        "at": st.integers(0, 2**40).map(lambda us: EPOCH + timedelta(microseconds=us)),
        **{f"p{slot}": numbers(32) for slot in range(5)},
        **{f"c{slot}": numbers(8) for slot in range(5)},
        "value": numbers(64),
        **{f"m{slot}": st.none() | st.text(max_size=3) for slot in range(2)},
    }
)
keys = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=1, max_size=4)


def table_of(of: dict[str, list[dict[str, Any]]]) -> pa.Table:
    """The rows of each key, in the order in which the lake keeps them."""
    found = [row | {"subject": key} for key, some in of.items() for row in some]
    return pa.Table.from_pylist(found, schema=SCHEMA).sort_by([("subject", "ascending"), ("at", "ascending")])


@given(
    of=st.dictionaries(keys, st.lists(rows, min_size=1, max_size=3), min_size=1, max_size=12),
    others=st.lists(keys, max_size=4),
    size=st.sampled_from([1, 2, 3, 64]),
)
def test_rows_of_any_key_are_those_of_the_columns(
    tmp_path_factory: pytest.TempPathFactory, of: dict[str, list[dict[str, Any]]], others: list[str], size: int
) -> None:
    table, path = table_of(of), tmp_path_factory.mktemp("blocks") / "day.rows"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "ROWS_A_BLOCK", size)
        patch.setattr(blocks, "_AT_ONCE", 5)
        assert write_blocks(table, DIGEST, path)
    wanted = sorted({*list(of)[::2], *others})
    looked = Looked(SCHEMA, wanted)
    expected = [row for row in table.to_pylist() if row["subject"] in wanted]
    # Twice: the second time by where they were the first.
    assert [looked.add(path, DIGEST), looked.add(path, DIGEST)] == [len(expected)] * 2
    assert looked.table().to_pylist() == expected * 2 and looked.table().schema == SCHEMA


def test_keys_that_cannot_stand_in_lines_of_one_length_have_no_blocks(tmp_path: pathlib.Path) -> None:
    row = dict.fromkeys(SCHEMA.names) | {"at": EPOCH}
    for key in ("a\0b", "", "长" * 50):
        assert not write_blocks(table_of({key: [row]}), DIGEST, tmp_path / "day.rows")
    assert not write_blocks(SCHEMA.empty_table(), DIGEST, tmp_path / "day.rows") and not list(tmp_path.iterdir())


def test_whatever_byte_is_wrong_the_rows_are_right_or_none(tmp_path: pathlib.Path) -> None:
    """Every byte of a small file turned over, and every place at which it may end."""
    row: dict[str, Any] = dict.fromkeys(SCHEMA.names) | {"at": EPOCH}
    table = table_of({f"M{place}": [row | {"p0": place}] for place in range(4)})
    path = tmp_path / "day.rows"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "ROWS_A_BLOCK", 2)
        assert write_blocks(table, DIGEST, path)
    whole, wanted = path.read_bytes(), ["M0", "M3"]
    expected = [row for row in table.to_pylist() if row["subject"] in wanted]
    damaged = [whole[:end] for end in range(len(whole))]
    damaged += [whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :] for at in range(len(whole))]
    refused = 0
    for content in damaged:
        path.write_bytes(content)
        looked = Looked(SCHEMA, wanted)
        if looked.add(path, DIGEST) is None:
            refused += 1
        else:
            assert looked.table().to_pylist() == expected
    assert refused > len(damaged) * 0.9
    path.write_bytes(whole)
    assert Looked(SCHEMA, wanted).add(path, hashlib.sha256(b"another").hexdigest()) is None
    assert Looked(pa.schema(list(SCHEMA)[:-1]), wanted).add(path, DIGEST) is None
    assert Looked(SCHEMA, wanted).add(tmp_path / "none.rows", DIGEST) is None
