"""Messages and operations about energy that an earlier system billed in months of the tier year."""

from datetime import date
from typing import Annotated

from pydantic import Field

from denghuo.kernel.contract import Api, Call, Label, Message, command
from denghuo.kernel.fields import AccountNo, MonthText, OrganisationCode
from denghuo.kernel.values import Energy


class UsedMonth(Message):
    account_no: AccountNo
    org: OrganisationCode
    month: MonthText
    energy: Annotated[Energy, Label("电量", "Energy")]
    billed_on: Annotated[date | None, Label("原发行日期", "Issued on")] = None


class TakeOverUse(Message):
    months: Annotated[list[UsedMonth], Field(min_length=1, max_length=1_000)]


class TakenOver(Message):
    """`unchanged` were known with the same energy; a month that is billed here is refused."""

    taken: int
    unchanged: int
    refused: int


class UsedOperations(Api):
    """What was billed before this system began."""

    @command(permit="billing.take_over")
    def take_over_use(self, call: Call, request: TakeOverUse) -> TakenOver:
        """Takes over energy billed in earlier months of the tier year by the system before this one."""
