"""Checking a page spec before it is published or shown.

Two passes. The first walks the raw data without trusting its shape: size, depth, names and texts. Only what passes it is read into
the model and held against the registered operations, components and pages. Every finding says where, what and how to mend it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from denghuo.application.spec.contracts import Contracts, OperationContract, schema_at
from denghuo.application.spec.logic import FORBIDDEN_NAMES, variables
from denghuo.application.spec.page import (
    Action,
    AnyBlock,
    Chart,
    Choices,
    Curve,
    Custom,
    DataBlock,
    Detail,
    Explain,
    FieldShown,
    Filter,
    Form,
    Input,
    List,
    Open,
    OpenBy,
    PageSpec,
    Screen,
    Source,
    Stat,
    Steps,
    Tabs,
    Timeline,
    Tree,
    Wizard,
    plain,
)
from denghuo.kernel.problem import Text, text

MAX_BYTES = 256 * 1024
MAX_DEPTH = 28
MAX_NODES = 12_000
MAX_FINDINGS = 100


@dataclass(frozen=True)
class Finding:
    """Something that keeps a spec from being published. `path` is dotted from the root of the spec."""

    path: str
    rule: str
    message: Text
    remedy: Text


def check(spec: Any, contracts: Contracts) -> list[Finding]:
    """All findings about a page spec given as JSON text, JSON data or a read `PageSpec`; none means it may be published."""
    if isinstance(spec, PageSpec):
        return _limited(_Reader(spec, contracts).findings())
    data = _parsed(spec)
    if isinstance(data, Finding):
        return [data]
    raw = _limited(_raw_findings(data))
    if raw:
        return raw
    try:
        page = PageSpec.model_validate(data)
    except ValidationError as refusal:
        return _limited(_model_findings(refusal))
    return _limited(_Reader(page, contracts).findings())


def _limited(findings: Iterator[Finding]) -> list[Finding]:
    return [finding for finding, _ in zip(findings, range(MAX_FINDINGS), strict=False)]


def _parsed(spec: Any) -> Any:
    if not isinstance(spec, str | bytes):
        return spec
    if len(spec) > MAX_BYTES:
        return _too_large("")
    try:
        return json.loads(spec)
    except (ValueError, RecursionError):
        return Finding(
            "", "json", text("不是合法的 JSON", "Not JSON"), text("检查括号和引号", "Check brackets and quotes")
        )


def _too_large(path: str) -> Finding:
    return Finding(
        path,
        "size",
        text("页面过大或嵌套过深", "The page is too large or nested too deeply"),
        text("拆成几个页面，用打开动作相连", "Split it into pages that open each other"),
    )


def _raw_findings(data: Any) -> Iterator[Finding]:
    remaining: list[tuple[Any, str, int]] = [(data, "", 1)]
    nodes = 0
    while remaining:
        node, path, depth = remaining.pop()
        nodes += 1
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            yield _too_large(path)
            return
        if isinstance(node, Mapping):
            for key, value in node.items():
                if key in FORBIDDEN_NAMES:
                    yield _refused_name(_joined(path, "?"))
                else:
                    remaining.append((value, _joined(path, str(key)[:40]), depth + 1))
        elif isinstance(node, list):
            remaining.extend((value, _joined(path, str(position)), depth + 1) for position, value in enumerate(node))
        elif isinstance(node, str):
            yield from _text_findings(node, path)
        elif node is not None and not isinstance(node, bool | int | float):
            yield Finding(
                path, "json", text("不是 JSON 数据", "Not JSON data"), text("只用 JSON 数据", "Use JSON data only")
            )


def _joined(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step


def _refused_name(path: str) -> Finding:
    return Finding(
        path,
        "name",
        text("名称会触及程序对象内部", "The name reaches into program objects"),
        text("使用契约中的字段名", "Use a field name of the contract"),
    )


def _text_findings(value: str, path: str) -> Iterator[Finding]:
    if len(value) > 2000:
        yield _too_large(path)
        return
    try:
        plain(value)
    except ValueError as refusal:
        yield Finding(
            path,
            "text",
            text("文字中含有标记、模板或地址", f"Text holds markup, a template or an address ({refusal})"),
            text(
                "只写纯文字；要打开页面请用 open，要取数请写操作名",
                "Write plain text; use open for pages, an operation name for data",
            ),
        )


def _model_findings(refusal: ValidationError) -> Iterator[Finding]:
    for error in refusal.errors(include_url=False, include_input=False, include_context=False):
        path = ".".join(str(step) for step in error["loc"])
        yield Finding(
            path,
            error["type"],
            text("不符合页面语言", f"Not the page language: {error['msg']}"),
            text("对照 application/spec/schema.json 修改", "Compare with application/spec/schema.json"),
        )


class _Reader:
    """Holds one read page against the contracts."""

    def __init__(self, page: PageSpec, contracts: Contracts) -> None:
        self.page, self.contracts = page, contracts
        self.block_ids = frozenset(block.id for block in blocks_of(page) if block.id)
        self.answers = answers_of(page)

    def findings(self) -> Iterator[Finding]:
        yield from self._variables(self.page, "")
        if self.page.under and self.contracts.pages and self.page.under not in self.contracts.pages:
            yield _unknown("under", "page", self.page.under)
        for name, source in self.page.sources.items():
            yield from self._source(source, f"sources.{name}")
        yield from self._actions(self.page.actions, "actions")
        yield from self._of_the_page(self.page.actions)
        yield from self._blocks(self.page.blocks, "blocks")

    def _blocks(self, blocks: Sequence[AnyBlock], path: str) -> Iterator[Finding]:
        for position, block in enumerate(blocks):
            yield from self._block(block, f"{path}.{position}")

    def _block(self, block: AnyBlock, path: str) -> Iterator[Finding]:
        if isinstance(block, DataBlock):
            yield from self._data_block(block, path)
        elif isinstance(block, Tabs):
            for position, tab in enumerate(block.tabs):
                yield from self._blocks(tab.blocks, f"{path}.tabs.{position}.blocks")
        elif isinstance(block, Filter):
            yield from self._filter(block, path)
        elif isinstance(block, Form):
            yield from self._form(block, path)
        elif isinstance(block, Wizard):
            inputs = [item for step in block.steps for item in step.fields]
            yield from self._action(block.submit, f"{path}.submit", inputs)
        elif isinstance(block, Screen):
            if block.screen not in self.contracts.screens:
                yield _unknown(path, "screen", block.screen)
        elif isinstance(block, Custom):
            if block.component not in self.contracts.components:
                yield _unknown(path, "component", block.component)
            if block.source is not None:
                yield from self._use(block.source, path)
            yield from self._actions(block.actions, f"{path}.actions")

    def _data_block(self, block: DataBlock, path: str) -> Iterator[Finding]:
        filters: Sequence[str | Input] = block.filters if isinstance(block, List) else ()
        yield from self._use(block.source, path, filters)
        operation = self._operation(block.source)
        if operation is not None:
            for place, field_path in field_paths(block):
                if operation.reply_field(field_path) is None:
                    yield _unknown(f"{path}.{place}", f"field of {operation.name}'s reply", field_path)
        yield from self._actions(block.actions, f"{path}.actions")
        if isinstance(block, List):
            yield from self._actions(block.row_actions, f"{path}.row_actions")
        for opened in opens_of(block):
            yield from self._open(opened, path)
        if isinstance(block, Tree):
            yield from self._over(block.over, path)

    def _filter(self, block: Filter, path: str) -> Iterator[Finding]:
        yield from self._over(block.over, path)
        operation = self.contracts.operations.get(block.operation)
        if operation is None:
            yield _unknown(path, "operation", block.operation)
            return
        yield from self._inputs(block.fields, operation, f"{path}.fields")

    def _form(self, block: Form, path: str) -> Iterator[Finding]:
        yield from self._action(block.submit, f"{path}.submit", block.fields)
        operation = self.contracts.operations.get(block.submit.operation or "")
        for position, derived in enumerate(block.derived):
            if operation is None or operation.reply_field(derived.name) is None:
                yield _unknown(f"{path}.derived.{position}", "field of the command's reply", derived.name)
        if block.prefill is not None:
            yield from self._use(block.prefill, path)

    def _over(self, names: Sequence[str], path: str) -> Iterator[Finding]:
        for name in names:
            if name not in self.block_ids:
                yield _unknown(f"{path}.over", "block", name)

    def _operation(self, source: Source | str) -> OperationContract | None:
        if isinstance(source, str):
            named = self.page.sources.get(source)
            return self._operation(named) if named else self.contracts.operations.get(self.answers.get(source, ""))
        return self.contracts.operations.get(source.operation)

    def _use(self, source: Source | str, path: str, filters: Sequence[str | Input] = ()) -> Iterator[Finding]:
        if isinstance(source, str):
            if source not in self.page.sources and source not in self.answers:
                yield _unknown(f"{path}.source", "source", source)
            return
        yield from self._source(source, f"{path}.source", filters)

    def _source(self, source: Source, path: str, filters: Sequence[str | Input] = ()) -> Iterator[Finding]:
        operation = self.contracts.operations.get(source.operation)
        if operation is None:
            yield _unknown(path, "operation", source.operation)
            return
        if operation.kind != "query":
            yield Finding(
                path,
                "kind",
                text("取数只能用查询操作", "Data comes from queries only"),
                text("把命令放进动作或表单", "Put a command into an action or a form"),
            )
        yield from self._given(source.given, operation, path)
        yield from self._inputs(filters, operation, f"{path}.filters")
        filled = set(source.given) | {_input_name(item) for item in filters}
        yield from self._required(operation, filled, path)

    def _given(self, given: Mapping[str, Any], operation: OperationContract, path: str) -> Iterator[Finding]:
        for name in given.keys() - operation.request_fields().keys():
            yield _unknown(f"{path}.given", f"field of {operation.name}'s request", name)

    def _inputs(self, inputs: Sequence[str | Input], operation: OperationContract, path: str) -> Iterator[Finding]:
        known = operation.request_fields()
        for item in inputs:
            if _input_name(item) not in known:
                yield _unknown(path, f"field of {operation.name}'s request", _input_name(item))
            if not isinstance(item, Input):
                continue
            if item.choices is not None:
                yield from self._choices(item.choices, f"{path}.{item.name}.choices")
            for column in item.columns:
                if schema_at(operation.request, f"{item.name}.{column}") is None:
                    yield _unknown(path, f"field of {operation.name}'s request", f"{item.name}.{column}")

    def _choices(self, choices: Choices, path: str) -> Iterator[Finding]:
        yield from self._source(choices.source, f"{path}.source")
        operation = self._operation(choices.source)
        if operation is None:
            return
        for name in (choices.value, *choices.label):
            if schema_at(operation.reply, f"{choices.rows}.{name}") is None:
                yield _unknown(path, f"field of {operation.name}'s reply", f"{choices.rows}.{name}")

    def _required(self, operation: OperationContract, filled: set[str], path: str) -> Iterator[Finding]:
        for name in sorted(operation.required_fields() - filled):
            yield Finding(
                path,
                "required",
                text(f"缺少必填字段 {name}", f"Required field {name} of {operation.name} is not filled"),
                text("在 given 或输入项中给出", "Fill it by given or by an input"),
            )

    def _actions(self, actions: Sequence[Action], path: str) -> Iterator[Finding]:
        for position, action in enumerate(actions):
            yield from self._action(action, f"{path}.{position}")

    def _of_the_page(self, actions: Sequence[Action]) -> Iterator[Finding]:
        """Beside the heading there is no reply: what looks at one would be hidden, or shown, for ever."""
        for position, action in enumerate(actions):
            looked_at = page_variables([action.when, action.given, action.open])
            if any(name.split(".")[0] == "reply" for name in looked_at):
                yield Finding(
                    f"actions.{position}",
                    "reply",
                    text("页面标题旁的动作取不到数据", "An action beside the heading has no reply to look at"),
                    text("把动作放到读取该数据的块上", "Put it on the block that reads the data"),
                )

    def _action(self, action: Action, path: str, inputs: Sequence[str | Input] = ()) -> Iterator[Finding]:
        for opened in (action.open, action.after, action.watch.open if action.watch else None):
            if opened is not None:
                yield from self._open(opened, path)
        if action.watch is not None:
            yield from self._source(action.watch.source, f"{path}.watch")
        if action.operation is None:
            return
        operation = self.contracts.operations.get(action.operation)
        if operation is None:
            yield _unknown(path, "operation", action.operation)
            return
        asked = [*action.ask, *inputs]
        yield from self._given(action.given, operation, path)
        yield from self._inputs(asked, operation, f"{path}.ask")
        filled = set(action.given) | {_input_name(item) for item in asked}
        if action.chosen is not None:
            filled.add(action.chosen.field)
            yield from self._inputs([action.chosen.field], operation, f"{path}.chosen")
        yield from self._required(operation, filled, path)

    def _open(self, opened: Open, path: str) -> Iterator[Finding]:
        if not self.contracts.pages:
            return
        parameters = self.contracts.pages.get(opened.page)
        if parameters is None:
            yield _unknown(f"{path}.open", "page", opened.page)
            return
        optional = self.contracts.options.get(opened.page, frozenset())
        for name in sorted((parameters ^ opened.given.keys()) - optional):
            yield _unknown(f"{path}.open.given", f"parameter of {opened.page} (given xor wanted)", name)

    def _variables(self, part: Any, path: str) -> Iterator[Finding]:
        for found in page_variables(part):
            root, _, name = found.partition(".")
            if root == "page" and name.split(".")[0] not in (*self.page.parameters, *self.page.options):
                yield _unknown(path, "parameter", found)


def _unknown(path: str, what: str, name: str) -> Finding:
    return Finding(
        path,
        "unknown",
        text(f"没有登记：{name}", f"Unknown {what}: {name}"),
        text("改用已登记的名称", "Use a registered name"),
    )


def _input_name(item: str | Input) -> str:
    return item if isinstance(item, str) else item.name


def _field_path(item: str | FieldShown) -> str:
    return item if isinstance(item, str) else item.name


def blocks_of(page: PageSpec) -> Iterator[AnyBlock]:
    """Every block of the page, those behind tabs included."""
    remaining: list[AnyBlock] = list(page.blocks)
    while remaining:
        block = remaining.pop(0)
        yield block
        if isinstance(block, Tabs):
            remaining.extend(inner for tab in block.tabs for inner in tab.blocks)


def answers_of(page: PageSpec) -> dict[str, str]:
    """Operation by the name that a form gives its answer."""
    return {
        block.answer: block.submit.operation
        for block in blocks_of(page)
        if isinstance(block, Form) and block.answer and block.submit.operation
    }


def opens_of(part: Any) -> Iterator[Open]:
    """Every Open inside fields and figures of a block; those of its actions are not among them."""
    if isinstance(part, Open):
        yield part
    elif isinstance(part, BaseModel):
        for name in type(part).model_fields:
            if name not in {"actions", "row_actions"}:
                yield from opens_of(getattr(part, name))
    elif isinstance(part, list):
        for item in part:
            yield from opens_of(item)


def page_variables(part: Any) -> frozenset[str]:
    """Every path that an expression anywhere in the part looks at."""
    found: set[str] = set()
    remaining = [part]
    while remaining:
        node = remaining.pop()
        if isinstance(node, BaseModel):
            if type(node).__name__ == "Logic":
                found |= variables(node.root)  # type: ignore[attr-defined]
            else:
                remaining.extend(getattr(node, name) for name in type(node).model_fields)
        elif isinstance(node, Mapping):
            remaining.extend(node.values())
        elif isinstance(node, list):
            remaining.extend(node)
    return frozenset(found)


def field_paths(block: DataBlock) -> Iterator[tuple[str, str]]:
    """(place in the block, path from the root of the reply) of every value that the block shows."""
    if block.as_of:
        yield "as_of", block.as_of
    if isinstance(block, List):
        yield "rows", block.rows
        yield from (("totals", _field_path(item)) for item in block.totals)
        yield from _below(block.rows, "fields", [block.key, *map(_field_path, block.fields)])
        if isinstance(block.open, OpenBy):
            yield from _below(block.rows, "open", [block.open.page_at, block.open.given_at])
    elif isinstance(block, Detail):
        for position, section in enumerate(block.sections):
            yield from ((f"sections.{position}.fields", _field_path(item)) for item in section.fields)
    elif isinstance(block, Stat):
        for item in block.items:
            yield from (("items", path) for path in (item.field, item.beside) if path)
    elif isinstance(block, Chart):
        yield from _below(block.rows, "x and y", [block.x, *block.y, *([block.whole] if block.whole else [])])
    elif isinstance(block, Curve):
        paths = [*block.values, *block.limits, block.starts, block.estimated]
        yield from (("values", path) for path in paths if path)
    elif isinstance(block, Tree):
        yield from _below(block.rows, "fields", [block.key, block.parent, block.label, *map(_field_path, block.fields)])
    elif isinstance(block, Timeline):
        yield from _below(block.rows, "fields", [block.at, block.what, *map(_field_path, block.fields)])
    elif isinstance(block, Steps):
        yield from (("facts", path) for path in [block.done, block.total, *map(_field_path, block.facts)] if path)
        if block.stages:
            yield from _below(
                block.stages, "stages", [path for path in (block.name, block.state, block.at, block.count) if path]
            )
    elif isinstance(block, Explain):
        yield from _explain_paths(block)


def _explain_paths(block: Explain) -> Iterator[tuple[str, str]]:
    if block.total:
        yield "total", block.total
    parts = (
        block.name,
        block.amount,
        block.quantity,
        block.unit,
        block.price,
        block.sentence,
        block.arithmetic,
        block.document,
    )
    yield from _below(
        block.lines, "lines", [path for path in parts if path] + [_field_path(item) for item in block.facts]
    )
    if block.registers:
        registers = f"{block.lines}.{block.registers}"
        yield from _below(registers, "registers", [_field_path(item) for item in block.register_fields])


def _below(rows: str, place: str, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield from ((place, f"{rows}.{path}") for path in paths)
