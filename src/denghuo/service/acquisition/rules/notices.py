"""What must have been told before a customer is disconnected (停电通知): a notice some days before, and a call on the day itself.

Where a utility has set nothing, a notice seven days and a call thirty minutes before: the service promise of State Grid
(欠费停电提前7天通知); the thirty minutes are of 供电营业规则 (1996).
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from denghuo.kernel.period import SHANGHAI
from denghuo.kernel.problem import Text, text
from denghuo.service.acquisition.api import DisconnectionNotice, NoticeKind, SwitchGround, SwitchingPolicy

KIND_OF_TEMPLATE: Mapping[str, NoticeKind] = {"disconnection_notice": "notice", "disconnection_call": "call"}
"""Which messages to a customer count as told."""


class Terms(NamedTuple):
    """`notice_days`: whole days between the notice and the first day of a disconnection. `call_minutes`: between call and order."""

    notice_days: int
    call_minutes: int
    reconnect_alone: bool
    source: str


PRESET = Terms(7, 30, False, "国家电网供电服务承诺：提前7天；供电营业规则（1996）：停电前30分钟")


def terms_on(policies: Sequence[SwitchingPolicy], org: str, day: date) -> Terms:
    """What holds for a unit on a day: of the nearest unit that has set something, the newest that is in force."""
    mine = [one for one in policies if one.effective_from <= day and (one.org == org or org.startswith(f"{one.org}."))]
    if not mine:
        return PRESET
    best = max(mine, key=lambda one: (len(one.org), one.effective_from))
    return Terms(best.notice_days, best.call_minutes, best.reconnect_alone, best.source)


def untold(
    terms: Terms, ground: SwitchGround, given: Sequence[DisconnectionNotice], now: datetime, due: bool
) -> list[Text]:
    """What is missing before a disconnection; `given`: notices that no disconnection has used up. `due`: it is about to be ordered,
    so the call is looked at as well. Who asks for it himself needs to be told nothing."""
    if ground == "customer_request":
        return []
    found, today = [], now.astimezone(SHANGHAI).date()
    notices = [one.given_at for one in given if one.kind == "notice"]
    first = min(notices, default=None)
    if terms.notice_days and first is None:
        found.append(
            text(
                f"没有登记停电通知书（须提前 {terms.notice_days} 天）",
                f"no notice of disconnection is recorded ({terms.notice_days} days are asked for)",
            )
        )
    elif first is not None:
        earliest = first.astimezone(SHANGHAI).date() + timedelta(days=terms.notice_days)
        if today < earliest:
            found.append(
                text(
                    f"停电通知书送达未满 {terms.notice_days} 天，最早 {earliest} 可停电",
                    f"the notice is not {terms.notice_days} days old; {earliest} is the first day",
                )
            )
    if due and terms.call_minutes:
        calls = [
            one.given_at for one in given if one.kind == "call" and one.given_at.astimezone(SHANGHAI).date() == today
        ]
        if not any(at + timedelta(minutes=terms.call_minutes) <= now for at in calls):
            found.append(
                text(
                    f"停电当日未在 {terms.call_minutes} 分钟前再次通知用户",
                    f"the customer was not called {terms.call_minutes} minutes before, on the day itself",
                )
            )
    return found
