"""The leaves of an issue run by columns (列式发行证明): the text that is hashed of each bill, without an object for it.

The form is that of `file.leaf_value` in canonical JSON (decision 13), names in order. What a bill was rated from is stored in that
form already; a bill whose basis is not, or that has tariffs beside its own or is an adjustment, is left to the row by row way.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from denghuo.kernel.values import Energy, Money, Price
from denghuo.service.billing import tree
from denghuo.service.billing.engine.texts import decimals, joined, listed, quoted
from denghuo.service.billing.file import SCHEMA, VERSION

pc: Any = pyarrow.compute
Flags = npt.NDArray[np.bool_]
_BILL: Any = [
    *[(name, pa.string()) for name in ("bill_no", "account_no", "contract_no", "month", "kind", "tariff_class")],
    ("tariff_code", pa.string()), ("tariff_version", pa.int64()),
    *[(name, pa.string()) for name in ("from_on", "to_on", "issued_on", "due_on")],
    ("run_no", pa.int64()), ("energy_wh", pa.int64()), ("amount_fen", pa.int64()), ("estimated_days", pa.int64()),
    ("illustrative", pa.bool_()), ("reverses", pa.string()), ("registers", pa.string()), ("rating", pa.string()),
]  # fmt: skip
LEAF_BILL = pa.schema(_BILL)
"""What is hashed of a bill, with its basis as it is stored; days as ISO text."""
_LINE: Any = [
    ("bill_no", pa.string()), ("line", pa.int64()), ("code", pa.string()), ("group", pa.string()), ("band", pa.string()),
    ("tier", pa.int64()), ("quantity_milli", pa.int64()), ("price_e8", pa.int64()), ("amount_fen", pa.int64()),
    ("unit", pa.string()), ("document_no", pa.string()), ("illustrative", pa.bool_()),
]  # fmt: skip
LEAF_LINE = pa.schema(_LINE)


def by_columns(bills: pa.Table) -> Flags:
    """Which bills (`LEAF_BILL`) have a basis in the canonical form and no tariff beside their own, and are no adjustments."""
    rating = bills["rating"]
    found = pc.fill_null(pc.starts_with(rating, '{"account_no":"'), False)
    found = pc.and_(found, pc.or_(pc.starts_with(bills["registers"], '[{"band":"'), pc.equal(bills["registers"], "[]")))
    for name in ("rating", "registers"):
        found = pc.and_not(found, pc.fill_null(pc.match_substring(bills[name], '": '), True))
    for name in ("stages", "tariffs", "segments"):
        found = pc.and_not(found, pc.fill_null(pc.match_substring(rating, f'"{name}":'), True))
    return np.asarray(found.to_numpy(), dtype=np.bool_)


def leaves(bills: pa.Table, lines: pa.Table, secret: bytes, digest: Callable[[str, int], str]) -> list[bytes]:
    """The leaf hashes of bills in their order. lines: of these bills, in the order of bill and line."""
    bills = bills.combine_chunks()
    numbers: Sequence[str] = [str(one) for one in bills["bill_no"].to_pylist()]
    salts = pa.array([tree.salt(secret, number) for number in numbers], pa.string())
    texts = _texts(bills, _lines(bills, lines.combine_chunks()), salts, digest)
    _, offsets, data = texts.buffers()
    if data is None:
        return []
    places = memoryview(offsets).cast("q")[texts.offset : texts.offset + len(texts) + 1].tolist()
    content, sha256 = memoryview(data), hashlib.sha256
    return [sha256(content[begin:end]).digest() for begin, end in zip(places, places[1:], strict=False)]


def _lines(bills: pa.Table, lines: pa.Table) -> Any:
    """As `file.bill_part` has the lines of each bill."""
    items = joined(
        '{"amount":"', decimals(_of(lines, "amount_fen"), Money), '","band":', quoted(_of(lines, "band")),
        ',"code":', quoted(_of(lines, "code")), ',"document_no":', quoted(_of(lines, "document_no")),
        ',"group":', quoted(_of(lines, "group")), ',"illustrative":', _told(_of(lines, "illustrative")),
        ',"line":', _number(_of(lines, "line")), ',"price":', _decimal(_of(lines, "price_e8"), Price),
        ',"quantity":', _decimal(_of(lines, "quantity_milli"), Energy), ',"tier":', _number(_of(lines, "tier")),
        ',"unit":', quoted(_of(lines, "unit")), "}",
    )  # fmt: skip
    owners = pc.index_in(_of(lines, "bill_no"), _of(bills, "bill_no")).to_numpy()
    return listed(items, np.append(0, np.cumsum(np.bincount(owners, minlength=len(bills)))))


def _texts(bills: pa.Table, lines: Any, salts: Any, digest: Callable[[str, int], str]) -> Any:
    def text(name: str) -> Any:
        return quoted(_of(bills, name))

    tariffs = joined(_of(bills, "tariff_version").cast(pa.string()), " ", _of(bills, "tariff_code")).dictionary_encode()
    named = [str(one).partition(" ") for one in tariffs.dictionary.to_pylist()]
    digests = pa.array([digest(code, int(version)) for version, _, code in named], pa.string()).take(tariffs.indices)
    parts = (
        '\x00{"bill":{"account_no":', text("account_no"), ',"amount":"', decimals(_of(bills, "amount_fen"), Money),
        '","bill_no":', text("bill_no"), ',"contract_no":', text("contract_no"), ',"due_on":', text("due_on"),
        ',"energy":"', decimals(_of(bills, "energy_wh"), Energy), '","estimated_days":', _number(_of(bills, "estimated_days")),
        ',"from_on":', text("from_on"), ',"illustrative":', _told(_of(bills, "illustrative")),
        ',"issued_on":', text("issued_on"), ',"kind":', text("kind"), ',"lines":', lines, ',"month":', text("month"),
        ',"rating":', _of(bills, "rating"), ',"reverses":', text("reverses"), ',"run_no":', _number(_of(bills, "run_no")),
        ',"tariff_class":', text("tariff_class"), ',"tariff_code":', text("tariff_code"),
        ',"tariff_version":', _number(_of(bills, "tariff_version")), ',"to_on":', text("to_on"),
        '},"readings":', _of(bills, "registers"), ',"salt":"', salts, f'","schema":"{SCHEMA}","tariff":"', digests,
        f'","version":{VERSION}}}',
    )  # fmt: skip
    large = [
        pa.scalar(part, pa.large_string()) if isinstance(part, str) else part.cast(pa.large_string()) for part in parts
    ]
    return pc.binary_join_element_wise(*large, pa.scalar("", pa.large_string()))


def _of(table: pa.Table, name: str) -> Any:
    return table[name].combine_chunks()


def _number(column: Any) -> Any:
    return pc.fill_null(column.cast(pa.string()), "null")


def _decimal(column: Any, kind: type[Energy] | type[Price]) -> Any:
    return pc.fill_null(joined('"', decimals(column, kind), '"'), "null")


def _told(column: Any) -> Any:
    return pc.if_else(column, "true", "false")
