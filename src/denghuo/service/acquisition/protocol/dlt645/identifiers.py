"""Data identifiers of DL/T 645: what the bytes behind one mean (data/*.csv), for single items and for whole blocks."""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

from denghuo.kernel.problem import Text
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.fields import Format, Item, Value, format_of
from denghuo.service.acquisition.protocol.words import named, rows

TABLES = {4: ("identifiers_2007.csv", "events_2007.csv", "event_items_2007.csv"), 2: ("identifiers_1997.csv",)}
# A frame has at most 255 bytes of data, so no block has more fields.
BLOCK_FIELDS_MAX = 255
BLOCK_END = 0xAA
FREEZE_PARTS = ("00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "0A", "10")


class Form(NamedTuple):
    """One field of an identifier's data."""

    zh: str
    format: Format
    unit: str


@dataclass(frozen=True, slots=True)
class Identifier:
    """What one identifier means. From `repeats` on its forms come again until the data end; None: they come once."""

    di: str
    name: Text
    forms: Sequence[Form]
    repeats: int | None = None
    block: bool = False


class _Variable(NamedTuple):
    values: range
    say: Callable[[int], str]


def _tariff(value: int) -> str:
    return f"费率{value}" if value else "总"


def _phase(value: int) -> str:
    return f"{'ABC'[value - 1]}相" if value else "总"


def _settlement(value: int) -> str:
    return f"（上{value}结算日）" if value else "（当前）"


def _month(value: int) -> str:
    return f"（上{value}月）" if value else "（本月）"


_VARIABLES = {
    "tt": _Variable(range(0x40), _tariff),
    "ss": _Variable(range(0x0D), _settlement),
    "mm": _Variable(range(0x0D), _month),
    "pp": _Variable(range(1, 4), _phase),
    "qq": _Variable(range(4), _phase),
    "oo": _Variable(range(1, 0x16), str),
    "nn": _Variable(range(1, 0xFF), str),
    "t": _Variable(range(0x0F), _tariff),
    "p": _Variable(range(1, 4), _phase),
    "q": _Variable(range(4), _phase),
    "d": _Variable(range(1, 0x0F), str),
}
_PIECE = re.compile(r"([a-z])\1?")


class _Row(NamedTuple):
    zh: str
    items: str
    holes: Sequence[tuple[str, int, int]]


@cache
def _table(size: int) -> Mapping[tuple[str, ...], Mapping[str, _Row]]:
    """Rows by where their pattern has holes, then by the pattern with its holes zeroed; patterns with fewest holes first."""
    found: dict[tuple[str, ...], dict[str, _Row]] = {}
    for name in TABLES[size]:
        for row in rows(__package__, name):
            holes = [(match[0], match.start(), match.end()) for match in _PIECE.finditer(row["di"])]
            key = tuple(f"{start}:{end}" for _, start, end in holes)
            found.setdefault(key, {})[_zeroed(row["di"], holes)] = _Row(row["zh"], row["items"], holes)
    return dict(sorted(found.items(), key=lambda pair: len(pair[0])))


def _zeroed(di: str, holes: Sequence[tuple[str, int, int]]) -> str:
    for _, start, end in holes:
        di = di[:start] + "0" * (end - start) + di[end:]
    return di


@lru_cache(16384)
def identifier(di: str) -> Identifier | None:
    """What `di` (8 hexadecimal digits of 2007, 4 of 1997, high byte first) means; None where the tables do not know it."""
    di = di.upper()
    if len(di) // 2 not in TABLES:
        return None
    for places, patterns in _table(len(di) // 2).items():
        spans = [tuple(map(int, place.split(":"))) for place in places]
        row = patterns.get(_zeroed(di, [("", start, end) for start, end in spans]))
        if row is not None and (known := _known(di, row)):
            return known
    return None


def _known(di: str, row: _Row) -> Identifier | None:
    choices: list[Sequence[int]] = []
    block = False
    for letters, start, end in row.holes:
        digits, values = di[start:end], _VARIABLES[letters].values
        if digits == "F" * len(digits):
            block = True
            choices.append(values)
        elif re.fullmatch("[0-9A-F]+", digits) and int(digits, 16) in values:
            choices.append((int(digits, 16),))
        else:
            return None
    forms: list[Form] = []
    repeats = None
    for values_of in itertools.islice(itertools.product(*choices), BLOCK_FIELDS_MAX):
        zh = _said(row.zh, row.holes, values_of)
        for place, item in enumerate(filter(None, row.items.split(";"))):
            if item.startswith("*"):
                repeats = place
            forms.append(_form(item.lstrip("*"), zh))
    name = named(_said(row.zh, row.holes, ["全部" if len(some) > 1 else some[0] for some in choices]))
    return Identifier(di, name, tuple(forms), repeats, block)


def _said(zh: str, holes: Sequence[tuple[str, int, int]], values: Sequence[int | str]) -> str:
    for (letters, _, _), value in zip(holes, values, strict=True):
        said = value if isinstance(value, str) else _VARIABLES[letters].say(value)
        zh = zh.replace(f"{{{letters}}}", said).replace("{n}" if letters == "nn" else "{}", said)
    return zh


def _form(item: str, zh: str) -> Form:
    """`name format unit`, `format unit` or `format`; what has no name of its own has the identifier's."""
    words = item.split(" ")
    try:
        form = format_of(words[0])
    except ValueError:
        return Form(f"{zh}：{words[0]}" if zh else words[0], format_of(words[1]), words[2] if len(words) > 2 else "")
    return Form(zh, form, words[1] if len(words) > 1 else "")


def _in_order(known: Identifier) -> Iterator[Form]:
    if known.repeats is None:
        yield from known.forms
        return
    yield from known.forms[: known.repeats]
    for turn in range(BLOCK_FIELDS_MAX):
        for form in known.forms[known.repeats :]:
            yield form._replace(zh=form.zh.replace("{tt}", _tariff(turn)).replace("{n}", str(turn + 1)))


def items(di: str, data: bytes) -> list[Item]:
    """The fields of `data` as `di` orders them; BadFrame where the tables do not know `di`.

    A block gives as many fields as its data have; the end mark AA of old meters is left out. Data that end in the middle of a
    field are refused; bytes behind the last known field come as one raw item.
    """
    known = identifier(di)
    if known is None:
        raise BadFrame("unknown", 0, di)
    return items_of(known, data)


def items_of(known: Identifier, data: bytes) -> list[Item]:
    """The values of a data identifier, in their order. Raises BadFrame where bytes are short or left over."""
    if known.di[:2] == "05" and not known.forms:
        return _parted(known.di, data)
    at, end = 0, len(data)
    if known.block and len(known.di) == 4 and end % known.forms[0].format.size == 1 and data[-1] == BLOCK_END:
        end -= 1
    found: list[Item] = []
    for zh, form, unit in _in_order(known):
        if at == end:
            break
        if at + form.size > end:
            raise BadFrame("short", at, str(end - at), str(form.size))
        found.append(Item(named(zh), form.parse(data[at : at + form.size]), unit, at, at + form.size))
        at += form.size
    if at < end:
        found.append(Item({"zh": "其余字节", "en": "further bytes"}, data[at:end], "", at, end))
    return found


def _parted(di: str, data: bytes) -> list[Item]:
    """A whole freeze (冻结数据块): its parts in the order of their identifiers, each up to a mark AA, which no digits are."""
    found: list[Item] = []
    at = 0
    for part in FREEZE_PARTS:
        known = identifier(f"{di[:4]}{part}{di[6:]}")
        for zh, form, unit in _in_order(known) if known else ():
            if at >= len(data) or data[at] == BLOCK_END:
                break
            if at + form.size > len(data):
                raise BadFrame("short", at, str(len(data) - at), str(form.size))
            found.append(Item(named(zh), form.parse(data[at : at + form.size]), unit, at, at + form.size))
            at += form.size
        if known and at < len(data):
            if data[at] != BLOCK_END:
                raise BadFrame("content", at, f"{data[at]:02X}", "AA")
            at += 1
    if at < len(data):
        raise BadFrame("long", at, str(len(data) - at))
    return found


def build(di: str, values: Sequence[Value]) -> bytes:
    """The data that say `values`, the inverse of `items`; BadValue where there are more values than fields, or one is unfit."""
    known = identifier(di)
    if known is None:
        raise BadValue("di", di, "a data identifier of the tables")
    forms = list(itertools.islice(_in_order(known), len(values)))
    if len(forms) < len(values):
        raise BadValue("values", len(values), f"at most {len(forms)}")
    return b"".join(form.format.build(value) for form, value in zip(forms, values, strict=True))
