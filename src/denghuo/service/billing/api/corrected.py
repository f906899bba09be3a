"""Bills under prices that were corrected (价格更正影响): which bills were made by a price table that a later one corrects."""

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints

from denghuo.kernel.contract import Label, Message, Page
from denghuo.kernel.fields import AccountNo, AsOf, BillNo, MonthText, TariffCode, TextPair
from denghuo.kernel.values import Money
from denghuo.service.billing.api.bill import BillKind, BillState


class FindCorrectedBills(Page):
    """Bills by versions that a correction of a month's price table replaces, in the order of their numbers; without `issue` by the
    newest correction. A correction that is still a draft is looked at in the same way, before anybody publishes it."""

    area: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z.-]{2,16}$"), Label("区域", "Area")]
    month: MonthText
    issue: Annotated[int, Field(ge=1, le=999), Label("第几次发布", "Issue")] | None = None


class CorrectedBill(Message):
    """A bill by replaced prices, and what it comes to by the corrected ones from the same registers and terms. corrected: None
    where the bill does not follow from them, as `said` tells."""

    bill_no: BillNo
    account_no: AccountNo
    month: MonthText
    kind: BillKind
    state: BillState
    issued_on: Annotated[date | None, Label("发行日期", "Issued on")]
    tariff_code: TariffCode
    tariff_version: Annotated[int, Label("原版本", "Billed by version")]
    corrected_version: Annotated[int, Label("更正版本", "Corrected by version")]
    amount: Annotated[Money, Label("账单金额", "Amount of the bill")]
    corrected: Annotated[Money | None, Label("更正后金额", "By the corrected prices")]
    difference: Annotated[Money | None, Label("差额", "Difference")]
    said: Annotated[TextPair, Label("说明", "Explanation")]


class CorrectedBills(Message):
    """A page of them. issued, issued_amount: all issued bills that still stand by the replaced prices; not_issued: those that wait
    for their issue and are to be calculated again before."""

    rows: list[CorrectedBill]
    issued: Annotated[int, Label("已发行账单", "Bills issued")]
    issued_amount: Annotated[Money, Label("已发行金额", "Amount issued")]
    not_issued: Annotated[int, Label("未发行账单", "Bills not issued")]
    total: int
    next: str | None
    as_of: AsOf
