"""Two tariffs compared, in words."""

from collections.abc import Callable, Iterator
from typing import Any

from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Percent, Price
from denghuo.service.tariff.api import BANDS, Difference, TariffDocument

_NAMES = {
    "title": ("名称", "Title"),
    "effective_from": ("生效日", "Effective from"),
    "effective_to": ("失效日", "Effective to"),
    "classes": ("适用类别", "Classes"),
    "settlements": ("结算方式", "Settlements"),
    "voltages": ("电压等级", "Voltages"),
    "default": ("默认", "Default"),
    "sources": ("依据文件", "Sources"),
    "seasons": ("时段", "Time bands"),
    "tiers": ("阶梯", "Tiers"),
    "power_factor": ("力调", "Power factor"),
    "days": ("天数", "Days basis"),
    "rounding": ("取整", "Rounding"),
    "examples": ("示例", "Examples"),
    "basic": ("基本电费", "Basic charge"),
    "components": ("价格项目", "Components"),
    "prices": ("价格", "Prices"),
    "floats": ("随分时浮动", "Floats with time of use"),
    "ratio": ("浮动比例", "Share of flat"),
    "windows": ("起止时间", "Windows"),
    "months": ("月份", "Months"),
    "note": ("说明", "Note"),
    "illustrative": ("示例价", "Illustrative"),
    "document": ("文号", "Document"),
    "up_to": ("分档电量", "Tier limits"),
    "bands": ("时段", "Bands"),
}
_PASSED_OVER = frozenset({"version", "code"})


def differences(before: TariffDocument, after: TariffDocument) -> list[Difference]:
    """What changed from one to the other; prices with the amount and the share of the change."""
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    return list(_walk("", ("", ""), _keyed(old), _keyed(new)))


def _keyed(node: Any) -> Any:
    """Lists of things as mappings by what identifies each, so that an inserted row is not a change of all that follow."""
    if isinstance(node, dict):
        return {key: _keyed(value) for key, value in node.items() if key not in _PASSED_OVER}
    if not isinstance(node, list) or not node or not isinstance(node[0], dict):
        return node
    key = _identity(node[0])
    result: dict[str, Any] = {}
    for at, item in enumerate(node):
        name = key(item)
        result[name if name not in result else f"{name} #{at + 1}"] = _keyed(item)
    return result


def _identity(item: dict[str, Any]) -> Callable[[dict[str, Any]], str]:
    if "price" in item:
        return _price_name
    if "number" in item:
        return lambda one: str(one["number"])
    if "prices" in item:
        return lambda one: str(one["title"]["zh"])
    if "windows" in item:
        return lambda one: str(BANDS.entries[one["band"]]["zh"])
    if "title" in item and isinstance(item["title"], dict):
        return lambda one: str(one["title"]["zh"])
    return lambda one: str(one.get("title") or one.get("start") or one.get("standard") or one.get("months") or "")


def _price_name(one: dict[str, Any]) -> str:
    parts = [f"{'/'.join(one['voltages'])} kV"] if one["voltages"] else []
    if one["band"]:
        parts.append(BANDS.entries[one["band"]]["zh"])
    if one["tier"]:
        parts.append(f"第{one['tier']}档")
    return " ".join(parts)


def _walk(path: str, name: tuple[str, str], old: Any, new: Any) -> Iterator[Difference]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            zh, en = _NAMES.get(key, (key, key))
            deeper = (_joined(name[0], zh, key), _joined(name[1], en, key))
            yield from _walk(f"{path}/{key}", deeper, old.get(key), new.get(key))
        return
    yield _difference(path, name, old, new)


def _joined(before: str, word: str, key: str) -> str:
    if key in ("zh", "en", "price", "prices", "components", ""):
        return before
    return f"{before} {word}".strip()


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, dict):
        return str(value.get("price") or value.get("zh") or "; ".join(str(_text(item)) for item in value.values()))[
            :200
        ]
    if isinstance(value, list):
        return ", ".join(str(_text(item)) for item in value)[:200]
    return str(value)[:200]


def _difference(path: str, name: tuple[str, str], old: Any, new: Any) -> Difference:
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
