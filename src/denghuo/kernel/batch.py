"""Batches: what a command that takes up to 1,000 items says about the items it did not take (批量受理)."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from denghuo.kernel.contract import Call, Label, Message
from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import Problem, text

ITEMS_MAX = 1_000
SHOWN_LENGTH = 80


class RefusedItem(Message):
    """Why one item of a batch was not taken; the others were. `item` is its place in the batch, from 0."""

    item: Annotated[int, Label("序号", "Item")]
    key: Annotated[str, Label("编号", "No.")]
    field: Annotated[str, Label("字段", "Field")]
    value: Annotated[str, Label("取值", "Value")]
    what: Annotated[TextPair, Label("原因", "What is wrong")]
    remedy: Annotated[TextPair, Label("处理办法", "What to do")]


class BatchTaken(Message):
    """Counts of a batch: `unchanged` items were known with the same content."""

    taken: Annotated[int, Label("已受理", "Taken")] = 0
    unchanged: Annotated[int, Label("无变化", "Unchanged")] = 0
    refused: Annotated[list[RefusedItem], Label("未受理", "Refused")] = Field(default=[], max_length=ITEMS_MAX)


def hold_to_scope(call: Call, orgs: Iterable[str], outside: type[Problem]) -> None:
    """Refuses a whole batch for the first unit of it that the caller has no scope over.

    Raises:
        outside: what the service calls that; its field org names the unit.
    """
    for org in orgs:
        if not call.covers(org):
            raise outside(
                text(
                    f"单位 {org} 不在您的管辖范围内，本批未处理。",
                    f"Unit {org} is outside your scope; nothing of this batch was done.",
                ),
                org=org,
            )


def refused(
    item: int, key: str, field: str, value: object, what: tuple[str, str], remedy: tuple[str, str]
) -> RefusedItem:
    """A refusal; `what` and `remedy` are (Chinese, English)."""
    return RefusedItem(
        item=item,
        key=key,
        field=field,
        value="" if value is None else str(value)[:SHOWN_LENGTH],
        what=TextPair(zh=what[0], en=what[1]),
        remedy=TextPair(zh=remedy[0], en=remedy[1]),
    )


def taken_elsewhere(item: int, key: str, field: str) -> RefusedItem:
    """The number is in use where this caller does not see it."""
    return refused(
        item,
        key,
        field,
        key,
        (
            "编号重复：其他单位已使用，或刚被登记",
            "duplicate: another unit uses the number, or it was registered just now",
        ),
        ("请核对编号", "check the number"),
    )
