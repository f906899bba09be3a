"""The catalogue: every micro-app held against the contracts that this deployment has, ready to be pruned to a caller."""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ValidationError

from denghuo.application.components import COMPONENTS, SCREENS
from denghuo.application.menus.apps import App, Lookup, Manifest, Menu, read_apps
from denghuo.application.published import contracts_json, dictionaries, named_dictionaries
from denghuo.application.spec import Contracts, Finding, OperationContract, PageSpec, check, prune
from denghuo.application.spec.check import answers_of, blocks_of, field_paths
from denghuo.application.spec.page import Action, DataBlock, Filter, Form, Input, List, Source, Wizard
from denghuo.kernel.contract import Api, Call, Dictionary, Operation
from denghuo.kernel.problem import Text, text

log = logging.getLogger("denghuo.application")
DEEDS = "application.operation"
"""The dictionary of operations by what a person does with them; the audit trail names it."""
WORKBENCH = {
    "access.sign_in": text("登录", "Sign in"),
    "access.sign_out": text("退出登录", "Sign out"),
    "access.take_post": text("切换岗位", "Change post"),
}
"""What the frame around all pages does."""


@dataclass(frozen=True)
class Offered:
    """A micro-app of which every page has passed its check."""

    manifest: Manifest
    pages: dict[str, PageSpec]


class Catalogue:
    """Micro-apps, contracts and dictionaries of one deployment.

    A page that does not fit the contracts is not offered and stands in `findings`, so that one broken page, or a service that
    this deployment does not run, never takes the others with it.
    """

    def __init__(self, contracts: Iterable[type[Api]], apps: Iterable[App] | None = None) -> None:
        self.apis = {contract.noun: contract for contract in contracts}
        self.dictionaries: dict[str, Dictionary] = dictionaries(self.apis.values())
        read = list(read_apps() if apps is None else apps)
        known = contracts_json(self.apis.values())
        self.operations: dict[str, Any] = known["operations"]
        pages = {name: page for app in read for name, page in app.pages.items()}
        self.contracts = Contracts.from_json(
            known,
            components=frozenset(COMPONENTS),
            screens=frozenset(SCREENS),
            pages={name: frozenset(page.get("parameters", ())) for name, page in pages.items()},
            options={name: frozenset(page.get("options", ())) for name, page in pages.items()},
            forms={name: frozenset(_submitted(page)) for name, page in pages.items()},
        )
        self.findings: dict[str, list[Finding]] = {}
        self.apps = [self._offered(app) for app in read]
        self.dictionaries[DEEDS] = Dictionary(DEEDS, deeds(page for app in self.apps for page in app.pages.values()))
        for page, findings in self.findings.items():
            said = "; ".join(f"{finding.path}: {finding.message['en']}" for finding in findings[:3])
            log.warning("page %s is not offered: %s", page, said)

    def operation(self, full_name: str) -> Operation | None:
        noun, _, name = full_name.partition(".")
        contract = self.apis.get(noun)
        return contract.operations().get(name) if contract else None

    def _offered(self, app: App) -> Offered:
        pages: dict[str, PageSpec] = {}
        for name, data in app.pages.items():
            findings = check(data, self.contracts)
            if not findings:
                page = PageSpec.model_validate(data)
                findings = list(self._undeclared(app.manifest, page))
            if findings:
                self.findings[name] = findings
            else:
                pages[name] = page
        found = list(self._manifest_findings(app.manifest, app.pages.keys()))
        if found:
            self.findings[f"{app.manifest.id}.manifest"] = found
        return Offered(app.manifest, pages)

    def _undeclared(self, manifest: Manifest, page: PageSpec) -> Iterator[Finding]:
        """A page uses no permit and no contract that its manifest does not name."""
        for name in sorted(operations_of(page)):
            operation = self.operation(name)
            if operation is None:
                continue
            if manifest.contracts.get(operation.noun) != operation.version:
                yield _finding("manifest.contracts", f"{operation.noun}: {operation.version}")
            if operation.permit != "public" and operation.permit not in manifest.permits:
                yield _finding("manifest.permits", operation.permit)

    def _manifest_findings(self, manifest: Manifest, pages: Collection[str]) -> Iterator[Finding]:
        for menu in manifest.menus:
            if menu.page not in pages:
                yield _finding("menus", menu.page)
            if menu.permit is not None and menu.permit not in manifest.permits:
                yield _finding("menus.permit", menu.permit)
            if menu.count is not None and not self._fits(menu.count.operation, menu.count.given):
                yield _finding("menus.count", menu.count.operation)
        for lookup in manifest.search:
            yield from self._lookup_findings(lookup)

    def _fits(self, name: str, given: dict[str, Any]) -> bool:
        """Whether the operation exists and takes these request fields."""
        operation = self.operation(name)
        if operation is None:
            return False
        try:
            operation.request.model_validate(given)
        except ValidationError:
            return False
        return True

    def _lookup_findings(self, lookup: Lookup) -> Iterator[Finding]:
        operation = self.contracts.operations.get(lookup.operation)
        if operation is None:
            yield _finding("search.operation", lookup.operation)
            return
        for name in {lookup.field, *lookup.given} - operation.request_fields().keys():
            yield _finding("search.field", name)
        for path in [lookup.title, lookup.name, lookup.note, *lookup.parameters.values()]:
            if path is not None and operation.reply_field(f"{lookup.rows}.{path}") is None:
                yield _finding("search.rows", path)
        if self.contracts.pages.get(lookup.page) != lookup.parameters.keys():
            yield _finding("search.page", lookup.page)

    # -- what a caller gets ----------------------------------------------------------------------------------------------

    def page(self, name: str, channel: str, call: Call) -> PageSpec | None:
        """The page as this caller gets it on this channel, or None."""
        app = next((app for app in self.apps if name in app.pages), None)
        if app is None or channel not in app.manifest.channels:
            return None
        return prune(app.pages[name], self.contracts, call.may, call.post.split())

    def menus(self, channel: str, call: Call) -> Iterator[tuple[Manifest, list[tuple[Menu, PageSpec]]]]:
        """The micro-apps and pages of which something is left for this caller."""
        for app in self.apps:
            kept = [
                (menu, page)
                for menu in app.manifest.menus
                if (menu.permit is None or call.may(menu.permit)) and (page := self.page(menu.page, channel, call))
            ]
            if kept:
                yield app.manifest, kept

    def lookups(self, call: Call) -> Iterator[tuple[Manifest, Lookup]]:
        """The searches whose query and whose page are open to this caller."""
        for app in self.apps:
            for lookup in app.manifest.search:
                operation = self.operation(lookup.operation)
                if operation is not None and call.may(operation.permit) and self.page(lookup.page, "pc", call):
                    yield app.manifest, lookup

    def shown_operations(self, page: PageSpec) -> dict[str, dict[str, Any]]:
        """The operations a page uses. What a command answers is shown only where the page says so; else its schema is spared."""
        answering = {action.operation for action in actions_of(page) if action.then == "show"}
        answering |= {block.submit.operation for block in blocks_of(page) if isinstance(block, Form) and block.derived}
        shown: dict[str, dict[str, Any]] = {}
        for name in sorted(operations_of(page)):
            operation = self.operations[name]
            spared = operation["kind"] == "command" and name not in answering
            shown[name] = {**operation, "reply": {"type": "object"}} if spared else operation
        return shown

    def unlabelled(self, page: PageSpec) -> Iterator[str]:
        """What the page shows or asks for of which the contract does not say how it is called."""
        for block in blocks_of(page):
            if isinstance(block, DataBlock):
                operation = self._source_operation(page, block.source)
                for _, path in field_paths(block):
                    if operation is not None and _is_nameless(operation.reply_field(path)):
                        yield f"{operation.name} reply {path}"
            elif isinstance(block, Form) and block.submit.operation:
                contract = self.contracts.operations[block.submit.operation]
                for derived in block.derived:
                    if _is_nameless(contract.reply_field(derived.name)):
                        yield f"{contract.name} reply {derived.name}"
        for name, asked in inputs_of(page):
            contract = self.contracts.operations[name]
            for field in asked:
                if _is_nameless(contract.request_fields().get(field)):
                    yield f"{name} request {field}"

    def _source_operation(self, page: PageSpec, source: Source | str) -> OperationContract | None:
        found = page.sources.get(source) if isinstance(source, str) else source
        name = found.operation if found else answers_of(page).get(str(source), "")
        return self.contracts.operations.get(name)

    def used_dictionaries(self, shown: Mapping[str, Any]) -> set[str]:
        """The dictionaries that shown operations name, by name of the operation."""
        found: set[str] = set()
        for name, operation in shown.items():
            asked, told = self._named[name]
            found |= asked if operation["reply"] is not self.operations[name]["reply"] else asked | told
        return found

    @cached_property
    def _named(self) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
        """The dictionaries that each operation names in what it asks and in what it answers: looked through once, not a page."""
        return {
            name: (
                frozenset(named_dictionaries(operation["request"])),
                frozenset(named_dictionaries(operation["reply"])),
            )
            for name, operation in self.operations.items()
        }

    @cached_property
    def entries(self) -> dict[str, dict[str, dict[str, str]]]:
        """The dictionaries in the form that a renderer reads."""
        return {
            name: {
                value: {"zh": entry["zh"], "en": entry["en"]}
                | ({"tone": found.tones[value]} if value in found.tones else {})
                for value, entry in found.entries.items()
            }
            for name, found in self.dictionaries.items()
        }


def operations_of(part: Any) -> set[str]:
    """Every operation that a part of a page names."""
    found: set[str] = set()
    remaining = [part]
    while remaining:
        node = remaining.pop()
        if isinstance(node, BaseModel):
            for name in type(node).model_fields:
                value = getattr(node, name)
                if name == "operation" and isinstance(value, str):
                    found.add(value)
                elif isinstance(value, BaseModel | list | dict):
                    remaining.append(value)
        elif isinstance(node, list):
            remaining.extend(node)
        elif isinstance(node, dict):
            remaining.extend(node.values())
    return found


def actions_of(page: PageSpec) -> Iterator[Action]:
    """Every action of the page, those of its blocks included."""
    yield from page.actions
    for block in blocks_of(page):
        yield from [*getattr(block, "actions", []), *getattr(block, "row_actions", [])]
        if isinstance(block, Form | Wizard):
            yield block.submit


def deeds(pages: Iterable[PageSpec]) -> dict[str, Text]:
    """Operations as people know them: the page and the button that they are run by; of several the first one."""
    found = dict(WORKBENCH)
    for page in pages:
        for action in actions_of(page):
            if action.operation is not None:
                words = (page.title, action.label)
                said = text(*(" · ".join(getattr(part, tongue) for part in words) for tongue in ("zh", "en")))
                found.setdefault(action.operation, said)
    return found


def inputs_of(page: PageSpec) -> Iterator[tuple[str, list[str]]]:
    """The request fields that a person fills, by operation."""
    for block in blocks_of(page):
        if isinstance(block, Filter):
            yield block.operation, [_name(item) for item in block.fields]
        elif isinstance(block, List) and isinstance(block.source, Source):
            yield block.source.operation, [_name(item) for item in block.filters]
        elif isinstance(block, Form) and block.submit.operation:
            yield block.submit.operation, [_name(item) for item in block.fields]
        elif isinstance(block, Wizard) and block.submit.operation:
            yield block.submit.operation, [_name(item) for step in block.steps for item in step.fields]
    for action in actions_of(page):
        if action.operation:
            yield action.operation, [_name(item) for item in action.ask]


def _name(item: str | Input) -> str:
    return item if isinstance(item, str) else item.name


def _is_nameless(schema: Any) -> bool:
    """Lists and parts of a message need no name; a value does."""
    if schema is None or "x-label" in schema or schema.get("type") in {"array", "object"}:
        return False
    return not {"zh", "en"} <= schema.get("properties", {}).keys()


def _submitted(page: Mapping[str, Any]) -> Iterator[str]:
    """The commands that the forms of a page send, read from its raw data."""
    for block in page.get("blocks", ()):
        submit = block.get("submit") if isinstance(block, Mapping) else None
        if isinstance(submit, Mapping) and isinstance(submit.get("operation"), str):
            yield submit["operation"]


def _finding(path: str, name: str) -> Finding:
    return Finding(
        path,
        "manifest",
        text(f"清单没有或不能引用 {name}", f"The manifest does not name, or names wrongly, {name}"),
        text("在清单中补充或改正", "Add it to the manifest, or correct it"),
    )
