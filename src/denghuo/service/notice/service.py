"""Notice: implementation of the contract."""

from typing import cast

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import Text, text
from denghuo.service.host.binding import Ask
from denghuo.service.notice.api import (
    Category,
    Inbox,
    InboxFound,
    Marked,
    MarkRead,
    NewNotice,
    Notice,
    NoticeApi,
    NoticesSent,
    OutsideReach,
    RefusedNotice,
    Send,
    Sent,
    Template,
    Templates,
    TemplatesFound,
)
from denghuo.service.notice.rules import filled, missing
from denghuo.service.notice.store import KnownNotice, NoticeStore, Whose, templates


class NoticeService(NoticeApi):
    def __init__(self, work: Work, ask: Ask) -> None:
        self._work, self._store = work, NoticeStore(work)

    def send(self, call: Call, request: Send) -> Sent:
        outside = next((item for item in request.notices if not call.covers(item.org)), None)
        if outside is not None:
            raise OutsideReach(
                text(
                    f"单位 {outside.org} 不在您的管辖范围内，本批未发送。",
                    f"Unit {outside.org} is outside your scope; nothing of this batch was sent.",
                ),
                org=outside.org,
            )
        refused: list[RefusedNotice] = []
        good: list[NewNotice] = []
        for place, item in enumerate(request.notices):
            reason = _refusal(item)
            if reason is None:
                good.append(item)
            else:
                refused.append(RefusedNotice(item=place, **reason))
        plain = [item for item in good if not _followed(item)]
        sent = self._store.add(plain, call.now) if plain else 0
        added = [self._store.add_followed(item, call.now) for item in good if _followed(item)]
        out = [one for one in added if one is not None]
        if out:
            self._work.emit(NoticesSent(notices=out))
        sent += len(out)
        return Sent(sent=sent, unchanged=len(good) - sent, refused=refused)

    def inbox(self, call: Call, request: Inbox) -> InboxFound:
        codes = [code for code, known in templates().items() if request.category in (None, known.category)]
        below = request.after_number
        rows, total, unread = self._store.inbox(
            _whose(call, request.account_no), codes, request.unread, (request.limit, below)
        )
        return InboxFound(
            rows=[_shown(row) for row in rows],
            total=total,
            unread=unread,
            next=str(rows[-1].notice_no) if len(rows) == request.limit else None,
            as_of=call.now,
        )

    def mark_read(self, call: Call, request: MarkRead) -> Marked:
        return Marked(marked=self._store.mark_read(_whose(call, None), request.notice_no, call.now))

    def templates(self, call: Call, request: Templates) -> TemplatesFound:
        rows = [
            Template(
                code=known.code,
                category=cast(Category, known.category),
                title=_pair(known.title),
                body=_pair(known.body),
                parameters=known.parameters,
            )
            for known in templates().values()
        ]
        return TemplatesFound(rows=rows, total=len(rows))


def _whose(call: Call, account_no: str | None) -> Whose:
    """Row security bounds what an account number can reach; a customer's session is bound to its own accounts besides."""
    if account_no is not None:
        return Whose(None, [account_no])
    if call.accounts:
        return Whose(None, list(call.accounts))
    return Whose(call.actor, [])


def _followed(item: NewNotice) -> bool:
    return item.account_no is not None and templates()[item.template].followed


def _refusal(item: NewNotice) -> Text | None:
    known = templates().get(item.template)
    if known is None:
        return text(
            f"没有模板 {item.template}，可用：{'、'.join(templates())}。",
            f"There is no template {item.template}; there are: {', '.join(templates())}.",
        )
    gaps = missing(known.parameters, item.parameters)
    if gaps:
        return text(
            f"模板 {item.template} 缺少参数：{'、'.join(gaps)}。",
            f"Template {item.template} lacks parameters: {', '.join(gaps)}.",
        )
    return None


def _shown(row: KnownNotice) -> Notice:
    known = templates()[row.template]
    return Notice(
        notice_no=row.notice_no,
        category=cast(Category, known.category),
        title=_filled(known.title, row),
        body=_filled(known.body, row),
        account_no=row.account_no,
        sent_at=row.sent_at,
        read_at=row.read_at,
    )


def _filled(template: Text, row: KnownNotice) -> TextPair:
    return TextPair(zh=filled(template["zh"], row.parameters), en=filled(template["en"], row.parameters))


def _pair(value: Text) -> TextPair:
    return TextPair(zh=value["zh"], en=value["en"])
