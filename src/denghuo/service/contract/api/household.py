"""Larger households (一户多人口): who has additional room in the first tier, from when and until when."""

from datetime import date
from typing import Annotated

from pydantic import Field

from denghuo.kernel.contract import Label, Message, Page
from denghuo.kernel.fields import AccountNo, AsOf, ContractNo, OrganisationCode
from denghuo.service.contract.api.special import Persons, PersonsSince, PersonsUntil

RENEWED_AFTER_YEARS = 2
"""鲁发改价格〔2019〕509号: room from the month after the acceptance on, renewed every two years."""


class FindHouseholds(Page):
    """Households whose room holds or will hold, unless `past` asks for those that expired too. ends_within: ends within so many
    days, for whom a renewal is due."""

    account_no: AccountNo | None = None
    org: OrganisationCode | None = None
    ends_within: Annotated[int | None, Field(ge=1, le=3660), Label("多少天内到期", "Ends within days")] = None
    past: Annotated[bool, Label("含已失效", "Ended ones too")] = False


class Household(Message):
    """A household as its contract has it. from_on, ends_on: the first and the last day with the room; days_left: until then, 0
    afterwards. until: where an end is agreed apart from the first two years. renewed_until: what a renewal in time agrees as the
    end; the day of the acceptance stays, so that the months before keep their room."""

    account_no: AccountNo
    contract_no: ContractNo
    org: OrganisationCode
    persons: Persons
    accepted_on: PersonsSince
    until: PersonsUntil | None
    from_on: Annotated[date, Label("加档起日", "From day")]
    ends_on: Annotated[date, Label("到期日", "Expires on")]
    renewed_until: Annotated[date, Label("续期后到期日", "Expires after a renewal")]
    days_left: Annotated[int, Label("剩余天数", "Days left")]


class HouseholdsFound(Message):
    rows: list[Household]
    total: Annotated[int, Label("合计", "Total")]
    next: str | None
    as_of: AsOf
