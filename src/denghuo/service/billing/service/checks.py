"""What operations ask for before they begin: a post of the whole company, a month that is over, a bill that is issued."""

from datetime import date

from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month
from denghuo.kernel.problem import FOR_THE_WHOLE_COMPANY, text
from denghuo.service.billing.api import MonthNotOver, NotIssued, WholeCompanyOnly


def check_whole_company(call: Call) -> None:
    """Raises WholeCompanyOnly for a post of one unit."""
    if not call.whole_company:
        raise WholeCompanyOnly(FOR_THE_WHOLE_COMPANY, scope=list(call.scope))


def check_over(month: str, call: Call) -> None:
    """Raises MonthNotOver before the midnight that ends the month."""
    if Month.of(month).period.end > call.now:
        raise MonthNotOver(
            text(
                f"{month} 尚未结束，须在月末零点示数产生之后核算。",
                f"{month} is not over; it is billed from the midnight that ends it.",
            ),
            month=month,
        )


def check_issued(bill_no: str, state: str, issued_on: date | None) -> None:
    """Raises NotIssued for a bill without a day of issue."""
    if issued_on is None:
        raise NotIssued(
            text("账单发行之后才能打印、下载或核对。", "A bill is printed, downloaded or checked once it is issued."),
            bill_no=bill_no,
            state=state,
        )
