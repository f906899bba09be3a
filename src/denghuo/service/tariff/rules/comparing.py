"""Two tariffs compared, in words. Whatever differs is said: the comparison walks the whole model and leaves out only the number
under which a version is stored."""

from collections.abc import Iterator, Sequence
from typing import Any

from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Percent, Price
from denghuo.service.tariff.api import BANDS, Difference, TariffDocument
from denghuo.service.tariff.rules.names import FIELD_NAMES

Name = tuple[str, str]
SHOWN_MAX = 200
_UNNAMED = frozenset({"zh", "en", "price", "prices", "components"})
"""Fields whose name adds nothing to what stands before it."""


def differences(before: TariffDocument, after: TariffDocument) -> list[Difference]:
    """What changed from one to the other; prices with the amount and the share of the change. Empty only where both say the
    same."""
    old, new = (one.model_dump(mode="json", exclude={"version"}) for one in (before, after))
    return list(_walk("", ("", ""), old, new))


def _walk(path: str, name: Name, old: Any, new: Any) -> Iterator[Difference]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from _walk(f"{path}/{key}", _joined(name, key), old.get(key), new.get(key))
    elif _rows(old) and _rows(new):
        yield from _walk_rows(path, name, old, new)
    else:
        yield _difference(path, name, old, new)


def _rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _walk_rows(path: str, name: Name, old: list[Any], new: list[Any]) -> Iterator[Difference]:
    """Lists of things by what identifies each, so that an inserted row is not a change of all that follow."""
    before, after = _identified(old), _identified(new)
    for key in dict.fromkeys([*before, *after]):
        row = (before.get(key) or after[key])[0]
        named = (f"{name[0]} {row[0]}".strip(), f"{name[1]} {row[1]}".strip())
        was, now = before.get(key), after.get(key)
        yield from _walk(f"{path}/{key}", named, was and was[1], now and now[1])
    common = [key for key in before if key in after]
    if common != [key for key in after if key in before]:
        yield Difference(
            where=f"{path}/",
            before=", ".join(common)[:SHOWN_MAX],
            after=", ".join(key for key in after if key in before)[:SHOWN_MAX],
            sentence=TextPair(zh=f"{name[0] or path}的次序有变。", en=f"The order of {name[1] or path} changes."),
        )


def _identified(rows: Sequence[dict[str, Any]]) -> dict[str, tuple[Name, dict[str, Any]]]:
    """Each row by its key, with its name in both languages; rows alike are counted."""
    found: dict[str, tuple[Name, dict[str, Any]]] = {}
    for row in rows:
        key, name = _identity(row)
        number = 1
        while (numbered := key if number == 1 else f"{key} #{number}") in found:
            number += 1
        found[numbered] = (name, row)
    return found


def _identity(row: dict[str, Any]) -> tuple[str, Name]:
    title = row.get("title")
    pair = (title["zh"], title["en"]) if isinstance(title, dict) else (str(title or ""), str(title or ""))
    if "number" in row:
        return row["number"], (row["number"], row["number"])
    if "price" in row and "per" not in row:
        return _price_identity(row)
    if "code" in row:
        code = "/".join(str(row[key]) for key in ("code", "band", "tier") if row.get(key))
        return code, pair if title else (code, code)
    if "band" in row:
        name = BANDS.entries[row["band"]]
        return "/".join(str(row[key]) for key in ("quantity", "band") if row.get(key)), (name["zh"], name["en"])
    if title:
        return pair[0], pair
    for key in ("start", "persons_from", "standard", "months"):
        if key in row:
            value = str(_text(row[key]))
            return value, (value, value)
    return "", ("", "")


def _price_identity(row: dict[str, Any]) -> tuple[str, Name]:
    volts = f"{'/'.join(row['voltages'])} kV" if row["voltages"] else ""
    band = BANDS.entries[row["band"]] if row["band"] else {"zh": "", "en": ""}
    tier = (f"第{row['tier']}档", f"tier {row['tier']}") if row["tier"] else ("", "")
    key = "/".join(str(part) for part in (volts, row["band"], row["tier"]) if part) or "*"
    return key, (
        " ".join(part for part in (volts, band["zh"], tier[0]) if part),
        ", ".join(part for part in (volts, band["en"], tier[1]) if part),
    )


def _joined(before: Name, key: str) -> Name:
    if key in _UNNAMED:
        return before
    zh, en = FIELD_NAMES[key]
    return f"{before[0]} {zh}".strip(), f"{before[1]} {en}".strip()


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, dict):
        shown = (
            value.get("price")
            or value.get("zh")
            or "; ".join(part for part in (_text(item) for item in value.values()) if part)
        )
        return str(shown)[:SHOWN_MAX]
    if isinstance(value, list):
        return ", ".join(str(_text(item)) for item in value)[:SHOWN_MAX]
    return str(value)[:SHOWN_MAX]


def _difference(path: str, name: Name, old: Any, new: Any) -> Difference:
    before, after = _text(old), _text(new)
    zh_name, en_name = name[0] or path, name[1] or path
    if before is None:
        zh, en = f"新增{zh_name}：{after}。", f"{en_name} added: {after}."
    elif after is None:
        zh, en = f"取消{zh_name}（原 {before}）。", f"{en_name} removed (was {before})."
    elif path.endswith("/price"):
        was, now = Price.of(before), Price.of(after)
        change = now - was
        rises = change.number > 0
        share = Percent.of_parts(abs(change.number), abs(was.number))
        extent = f"{abs(change)} 元" + (f"（{share}%）" if share is not None else "")
        extent_en = f"{abs(change)} yuan" + (f" ({share} %)" if share is not None else "")
        zh = f"{zh_name}由 {before} {'涨' if rises else '降'}至 {after}，{'涨' if rises else '降'} {extent}。"
        en = f"{en_name} {'rises' if rises else 'falls'} from {before} to {after}, by {extent_en}."
    else:
        zh, en = f"{zh_name}由 {before} 改为 {after}。", f"{en_name} changes from {before} to {after}."
    return Difference(where=path, before=before, after=after, sentence=TextPair(zh=zh, en=en))
