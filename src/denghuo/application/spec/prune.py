"""Pruning a page to its reader: blocks and actions whose operations the reader may not run are taken out before it is sent.

This spares the reader what would only be refused; it protects nothing, for every operation checks its own permit again.
"""

from collections.abc import Callable, Collection
from typing import Any

from denghuo.application.spec.check import answers_of
from denghuo.application.spec.contracts import Contracts
from denghuo.application.spec.logic import holds, variables
from denghuo.application.spec.page import (
    Action,
    AnyBlock,
    Custom,
    DataBlock,
    Filter,
    Form,
    Input,
    List,
    Logic,
    Open,
    PageSpec,
    Source,
    Tabs,
    Wizard,
)

May = Callable[[str], bool]
"""Whether the reader holds a permit, as `Call.may`."""


def prune(page: PageSpec, contracts: Contracts, may: May, posts: Collection[str]) -> PageSpec | None:
    """The page as this reader gets it, or None where it is not theirs or nothing of it is left.

    posts: the reader's posts; a part that names posts is for their holders only.
    """
    reader = _Reader(contracts, may, frozenset(posts))
    if not reader.among(page.posts):
        return None
    sources = {name: source for name, source in page.sources.items() if reader.may_run(source.operation)}
    answers = {name for name, operation in answers_of(page).items() if reader.may_run(operation)}
    reader.sources = frozenset(sources) | answers
    blocks = reader.blocks(page.blocks)
    if not blocks:
        return None
    return page.model_copy(update={"sources": sources, "blocks": blocks, "actions": reader.actions(page.actions)})


class _Reader:
    def __init__(self, contracts: Contracts, may: May, posts: frozenset[str]) -> None:
        self.contracts, self.may, self.posts = contracts, may, posts
        self.sources: frozenset[str] = frozenset()

    def among(self, posts: Collection[str]) -> bool:
        return not posts or not self.posts.isdisjoint(posts)

    def may_run(self, operation: str) -> bool:
        contract = self.contracts.operations.get(operation)
        return contract is not None and self.may(contract.permit)

    def may_read(self, source: Source | str) -> bool:
        return source in self.sources if isinstance(source, str) else self.may_run(source.operation)

    def met(self, condition: Logic | None) -> bool:
        """False only where the condition rests on the user alone and does not hold; the rest is decided in the browser."""
        if condition is None or not all(path.startswith("user.posts") for path in variables(condition.root)):
            return True
        return holds(condition.root, {"user": {"posts": sorted(self.posts)}}) or not variables(condition.root)

    def blocks(self, blocks: list[AnyBlock]) -> list[AnyBlock]:
        kept = [pruned for block in blocks if (pruned := self.block(block)) is not None]
        names = {block.id for block in kept}
        return [block for block in kept if not (isinstance(block, Filter) and names.isdisjoint(block.over))]

    def block(self, block: AnyBlock) -> AnyBlock | None:
        if not self.among(block.posts) or not self.met(block.when):
            return None
        if isinstance(block, Tabs):
            return self.tabs(block)
        if isinstance(block, Form | Wizard):
            return block if self.action(block.submit) is not None else None
        if isinstance(block, Custom):
            if block.source is not None and not self.may_read(block.source):
                return None
            return block.model_copy(update={"actions": self.actions(block.actions)})
        if isinstance(block, Filter):
            return block if self.may_run(block.operation) else None
        if not isinstance(block, DataBlock):
            return block
        if not self.may_read(block.source):
            return None
        changes: dict[str, Any] = {"actions": self.actions(block.actions)}
        if isinstance(block, List):
            changes["row_actions"] = self.actions(block.row_actions)
            changes["filters"] = [item for item in block.filters if self.may_choose(item)]
        return block.model_copy(update=changes)

    def tabs(self, block: Tabs) -> Tabs | None:
        tabs = [
            tab.model_copy(update={"blocks": blocks})
            for tab in block.tabs
            if self.among(tab.posts) and self.met(tab.when) and (blocks := self.blocks(tab.blocks))
        ]
        return block.model_copy(update={"tabs": tabs}) if tabs else None

    def may_choose(self, item: str | Input) -> bool:
        return isinstance(item, str) or item.choices is None or self.may_read(item.choices.source)

    def actions(self, actions: list[Action]) -> list[Action]:
        return [action for action in actions if self.action(action) is not None]

    def action(self, action: Action) -> Action | None:
        if not self.among(action.posts) or not self.met(action.when):
            return None
        if action.operation is not None:
            return action if self.may_run(action.operation) else None
        return action if action.open is None or self.may_open(action.open) else None

    def may_open(self, opened: Open) -> bool:
        """A button does not lead to a form that this reader could not send."""
        commands = self.contracts.forms.get(opened.page, frozenset())
        if commands and not any(self.may_run(command) for command in commands):
            return False
        return not self.contracts.pages or opened.page in self.contracts.pages
