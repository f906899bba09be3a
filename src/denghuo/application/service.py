"""The application module: implementation of its contract over a catalogue of micro-apps."""

import re
from typing import Any

from pydantic import ValidationError

from denghuo.application.api import (
    ApplicationApi,
    EntryShown,
    Found,
    MenuGroup,
    MenuItem,
    MenusShown,
    MenusWanted,
    NoSuchPage,
    OperationShown,
    PageShown,
    PageWanted,
    SearchFound,
    SearchWanted,
)
from denghuo.application.menus.apps import Count, Lookup, Manifest
from denghuo.application.menus.catalogue import Catalogue
from denghuo.application.spec import page_json
from denghuo.application.spec.logic import look_up
from denghuo.application.spec.page import Text
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Api, Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import SHANGHAI
from denghuo.kernel.problem import Problem, text
from denghuo.service.host.binding import Ask, Implementation

FOUND_MAX = 20
ORGANISATION = "organisation"


def applications(catalogue: Catalogue) -> Implementation:
    """The implementation over this catalogue, as the composition root binds it."""

    def implementation(work: Work, ask: Ask) -> Api:
        return ApplicationService(catalogue, ask)

    return implementation


class ApplicationService(ApplicationApi):
    def __init__(self, catalogue: Catalogue, ask: Ask) -> None:
        self._catalogue = catalogue
        self._ask = ask

    def menus(self, call: Call, request: MenusWanted) -> MenusShown:
        groups = []
        for manifest, kept in self._catalogue.menus(request.channel, call):
            items = [
                MenuItem(
                    page=menu.page,
                    title=_pair(menu.title or page.title),
                    note=_pair(note) if (note := menu.note or page.note) else None,
                    icon=menu.icon or manifest.icon,
                    count=self._count(menu.count, call) if menu.count else None,
                )
                for menu, page in kept
            ]
            groups.append(MenuGroup(app=manifest.id, title=_pair(manifest.title), icon=manifest.icon, items=items))
        return MenusShown(groups=groups, month=self._month(call))

    def page(self, call: Call, request: PageWanted) -> PageShown:
        name = f"{request.app}.{request.page}"
        page = self._catalogue.page(name, request.channel, call)
        if page is None:
            raise NoSuchPage(
                text(
                    f"页面 {name} 不存在，或您的岗位没有其中任何内容的权限。",
                    f"Page {name} does not exist, or nothing of it is open to your post.",
                ),
                page=name,
            )
        operations = self._catalogue.shown_operations(page)
        names = self._catalogue.used_dictionaries(operations)
        entries = {name: found for name in sorted(names) if (found := self._entries(name, call))}
        return PageShown(
            page=page_json(page),
            operations={name: OperationShown.model_validate(operation) for name, operation in operations.items()},
            dictionaries={
                name: {value: EntryShown.model_validate(entry) for value, entry in found.items()}
                for name, found in entries.items()
            },
        )

    def search(self, call: Call, request: SearchWanted) -> SearchFound:
        rows: list[Found] = []
        for manifest, lookup in self._catalogue.lookups(call):
            if re.fullmatch(lookup.pattern, request.keyword):
                rows.extend(self._found(manifest, lookup, request.keyword, call))
        return SearchFound(rows=rows[:FOUND_MAX])

    def _month(self, call: Call) -> str:
        """The newest billing cycle, else the newest month with registers, as far as the caller may know; else the last one over."""
        for operation in ("billing.cycles", "reading.months"):
            found = look_up(self._asked(operation, {}, call), "rows.0.month")
            if isinstance(found, str):
                return found
        today = call.now.astimezone(SHANGHAI)
        return f"{today.year - (today.month == 1)}-{(today.month - 2) % 12 + 1:02d}"

    # -- the parts -------------------------------------------------------------------------------------------------------

    def _found(self, manifest: Manifest, lookup: Lookup, keyword: str, call: Call) -> list[Found]:
        reply = self._asked(lookup.operation, {**lookup.given, lookup.field: keyword}, call)
        found = []
        for row in (look_up(reply, lookup.rows) or [])[: lookup.limit]:
            name = look_up(row, lookup.name) if lookup.name else None
            found.append(
                Found(
                    app=manifest.id,
                    kind=_pair(lookup.kind),
                    page=lookup.page,
                    parameters={key: str(look_up(row, path)) for key, path in lookup.parameters.items()},
                    title=str(look_up(row, lookup.title)),
                    name=name if isinstance(name, str) else None,
                    note=self._note(lookup, row, call),
                )
            )
        return found

    def _note(self, lookup: Lookup, row: Any, call: Call) -> TextPair | None:
        """The note of a row: a text, or what a coded value is called."""
        value = look_up(row, lookup.note) if lookup.note else None
        if value is None:
            return None
        if isinstance(value, dict):
            return TextPair.model_validate(value)
        operation = self._catalogue.contracts.operations[lookup.operation]
        schema = operation.reply_field(f"{lookup.rows}.{lookup.note}") or {}
        entry = self._entries(str(schema.get("x-dictionary", "")), call).get(str(value))
        return TextPair(zh=entry["zh"], en=entry["en"]) if entry else TextPair(zh=str(value), en=str(value))

    def _count(self, count: Count, call: Call) -> int | None:
        found = look_up(self._asked(count.operation, count.given, call), count.path)
        return found if isinstance(found, int) else None

    def _asked(self, full_name: str, given: dict[str, Any], call: Call) -> Any:
        """The reply of a query as JSON data; nothing where the caller may not ask, or where the request does not fit."""
        operation = self._catalogue.operation(full_name)
        if operation is None or operation.kind != "query" or not call.may(operation.permit):
            return None
        try:
            request = operation.request.model_validate(given)
            service = self._ask(self._catalogue.apis[operation.noun])
            return getattr(service, operation.name)(call, request).model_dump(mode="json")
        except (Problem, ValidationError):
            return None

    def _entries(self, name: str, call: Call) -> dict[str, dict[str, str]]:
        """A dictionary; the organisations are data of the permission service and those of the caller's scope."""
        if name != ORGANISATION:
            return self._catalogue.entries.get(name, {})
        reply = self._asked("permission.organisations", {}, call)
        rows = look_up(reply, "rows") if reply else None
        return {row["code"]: {"zh": row["name"], "en": row.get("name_en") or row["name"]} for row in rows or []}


def _pair(given: Text) -> TextPair:
    return TextPair(zh=given.zh, en=given.en)
