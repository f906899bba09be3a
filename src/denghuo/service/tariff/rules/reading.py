"""Tariff files (电价文件): the text of a tariff, in YAML or JSON, and back.

The text may come from anyone, so only plain mappings, lists and scalars are read: no tags, no anchors (which could unfold without
bound), no key twice, limited depth and number of values. Every scalar stays text, so 0.617 never passes through a float.
"""

from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import ValidationError

from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import text as pair
from denghuo.service.tariff.api import TEXT_MAX, Finding, TariffDocument, TariffFaulty

DEPTH_MAX = 12
VALUES_MAX = 20_000
FINDINGS_MAX = 50
SHOWN_MAX = 60
_NOTHING = frozenset({"", "~", "null"})


class Unreadable(Exception):
    """The text is no tariff; `findings` say where and why."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(findings[0].message.en)
        self.findings = findings


def faulty(findings: list[Finding]) -> TariffFaulty:
    """The problem of a tariff that has errors, among these findings."""
    errors = [finding for finding in findings if finding.severity == "error"]
    shown = errors[0]
    return TariffFaulty(
        pair(
            f"电价文件有 {len(errors)} 处错误，首处在 {shown.where}：{shown.message.zh.rstrip('。')}。",
            f"The tariff has {len(errors)} errors; the first at {shown.where}: {shown.message.en.rstrip('.')}.",
        ),
        findings=[finding.model_dump(mode="json") for finding in findings],
    )


def read_text(text: str) -> TariffDocument:
    """The document of a tariff file.

    Raises:
        Unreadable: with a finding for each fault.
    """
    body = _plain(text)
    if not isinstance(body, dict):
        raise Unreadable([_finding("/", "电价文件应是一个映射", "a tariff file is a mapping")])
    body.pop("version", None)
    try:
        return TariffDocument.model_validate(body)
    except ValidationError as error:
        raise Unreadable(misfits(error)) from None


def misfits(error: ValidationError) -> list[Finding]:
    """What did not fit the model, each with its place."""
    findings = []
    for one in error.errors(include_url=False)[:FINDINGS_MAX]:
        where = "/" + "/".join(str(step) for step in one["loc"])
        value = str(one.get("input"))[:SHOWN_MAX]
        if one["type"] == "missing":
            findings.append(_finding(where, "缺少该项", "this entry is missing"))
        elif one["type"] == "extra_forbidden":
            findings.append(_finding(where, "未知的项", "unknown entry"))
        else:
            findings.append(_finding(where, f"值 {value} 不合要求：{one['msg']}", f"{value}: {one['msg']}"))
    return findings


def _plain(text: str) -> Any:
    if len(text) > TEXT_MAX:
        raise Unreadable([_finding("/", f"文件超过 {TEXT_MAX} 字符", f"the file is longer than {TEXT_MAX} characters")])
    try:
        events = yaml.parse(text, Loader=yaml.SafeLoader)
        body = _Reader(events).document()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark is not None else "/"
        problem = str(getattr(error, "problem", None) or error)[:200]
        raise Unreadable([_finding(place, f"不是合法的 YAML：{problem}", f"not YAML: {problem}")]) from None
    except ValueError as error:  # what the scanner makes of impossible escapes and code points
        raise Unreadable([_finding("/", "不是合法的 YAML", f"not YAML: {str(error)[:200]}")]) from None
    return body


class _Reader:
    """Builds plain values from parse events, within bounds."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._count = 0

    def document(self) -> Any:
        event = self._next()
        while isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
            event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            raise Unreadable([_finding("/", "文件为空", "the file is empty")])
        body = self._value(event, 0)
        self._next()
        if not isinstance(self._next(), yaml.StreamEndEvent):
            raise Unreadable([_finding("/", "一个文件只含一个电价", "a file holds one tariff")])
        return body

    def _next(self) -> Any:
        return next(self._events)

    def _value(self, event: Any, depth: int) -> Any:
        self._count += 1
        place = f"line {event.start_mark.line + 1}"
        if self._count > VALUES_MAX or depth > DEPTH_MAX:
            raise Unreadable([_finding(place, "内容过多或层次过深", "too many values or too deep")])
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise Unreadable([_finding(place, "不允许锚点和引用", "anchors and aliases are not allowed")])
        if getattr(event, "tag", None):
            raise Unreadable([_finding(place, "不允许类型标签", "tags are not allowed")])
        if isinstance(event, yaml.ScalarEvent):
            return None if event.style is None and event.value in _NOTHING else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(event := self._next(), yaml.SequenceEndEvent):
                items.append(self._value(event, depth + 1))
            return items
        mapping: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._value(event, depth + 1)
            if not isinstance(key, str) or key in mapping:
                raise Unreadable(
                    [
                        _finding(
                            f"line {event.start_mark.line + 1}",
                            f"键 {key} 重复或不是文本",
                            f"key {key} is repeated or no text",
                        )
                    ]
                )
            mapping[key] = self._value(self._next(), depth + 1)
        return mapping


def file_text(tariff: TariffDocument) -> str:
    """The tariff as a file that `read_text` reads back."""
    body = tariff.model_dump(mode="json", exclude={"version"}, exclude_defaults=True)
    return yaml.safe_dump(body, allow_unicode=True, sort_keys=False, width=120)


def _finding(where: str, zh: str, en: str) -> Finding:
    return Finding(where=where, severity="error", message=TextPair(zh=zh, en=en))
