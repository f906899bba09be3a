"""Text by columns (列式文本): decimals and JSON of many rows at once, the same characters as row by row."""

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute

from denghuo.kernel.values import Value
from denghuo.service.billing.engine.figures import Int

pc: Any = pyarrow.compute
Column = Any
"""An Arrow array."""
_UNSAFE = '["\\\\\\x00-\\x1f]'
"""What JSON escapes."""


def joined(*parts: "Column | str") -> Column:
    """Strings of columns and constants, one behind the other; null where one of them is."""
    return pc.binary_join_element_wise(*[pa.scalar(part) if isinstance(part, str) else part for part in parts], "")


def decimals(numbers: Column, kind: type[Value]) -> Column:
    """What `str` makes of a value of this kind, for a column of its integers."""
    places, keep = kind.places, kind.keep
    magnitude = pc.abs(numbers)
    sign = pc.if_else(pc.less(numbers, 0), "-", "")
    if places == 0:
        return joined(sign, magnitude.cast(pa.string()))
    scale = 10**places
    whole = pc.divide(magnitude, scale)
    fraction = pc.subtract(magnitude, pc.multiply(whole, scale)).cast(pa.string())
    fraction = pc.ascii_rtrim(pc.ascii_lpad(fraction, places, "0"), "0")
    if keep:
        fraction = pc.ascii_rpad(fraction, keep, "0")
    point = pc.if_else(pc.equal(fraction, ""), "", ".")
    return joined(sign, whole.cast(pa.string()), point, fraction)


def quoted(column: Column) -> Column:
    """Text as JSON; null where there is none."""
    return pc.fill_null(joined('"', escaped(column), '"'), "null")


def escaped(column: Column) -> Column:
    """Text as it stands between the quotes of JSON."""
    if not pc.any(pc.match_substring_regex(column, _UNSAFE)).as_py():
        return column
    words = column.dictionary_encode()
    written = [
        None if word is None else json.dumps(word, ensure_ascii=False)[1:-1] for word in words.dictionary.to_pylist()
    ]
    return pa.array(written, pa.string()).take(words.indices)


def listed(column: Column, starts: Int) -> Column:
    """JSON lists of the items between each start and the next; the last of `starts` is the end."""
    lists = pa.ListArray.from_arrays(pa.array(starts, pa.int32()), column)
    return joined("[", pc.binary_join(lists, ","), "]")
