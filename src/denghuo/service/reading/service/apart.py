"""Who is read although the route is not (按月抄表的市场化用户): customers of the market are settled by calendar months, whatever
the cycle of their route."""

from collections.abc import Collection
from datetime import datetime, timedelta

from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month
from denghuo.service.contract.api import ContractApi, MarketIn
from denghuo.service.host.binding import Ask
from denghuo.service.reading.store import RouteStore


class Apart:
    """Tells of accounts which are read at the end of a month in which their route is not.

    In the month asked about these are who is settled on the market in it or in the next: the energy before the market is so read
    apart. Of earlier months the reads themselves tell, for terms may have been changed since. known_at: by what was agreed then.
    """

    def __init__(self, ask: Ask, store: RouteStore, call: Call, month: Month, known_at: datetime | None = None) -> None:
        self._ask, self._store, self._month, self._known_at = ask, store, month, known_at
        self._call = Call.system(call.now, actor=call.actor)

    def __call__(self, month: Month, accounts: Collection[str]) -> Collection[str]:
        if month != self._month:
            return self._store.read_in(month, accounts)
        return self._on_the_market() & set(accounts)

    def _on_the_market(self) -> set[str]:
        last_day = self._month.next.next.first_day - timedelta(days=1)
        asked = MarketIn(first_day=self._month.first_day, last_day=last_day, known_at=self._known_at)
        found: set[str] = set()
        while True:
            page = self._ask(ContractApi).market_accounts(self._call, asked)
            found.update(page.account_nos)
            if page.next is None:
                return found
            asked = asked.model_copy(update={"after": page.next})
