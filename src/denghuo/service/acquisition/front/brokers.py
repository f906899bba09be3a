"""What fronts write down of the connection to an MQTT broker, and who of them holds it; each function is one transaction."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import LiteralString

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.service.acquisition.store.records import NODE_GONE
from denghuo.service.host.binding import Store


@dataclass(frozen=True)
class LinkSeen:
    """What was seen of the connection since it was last written down."""

    state: str
    fault: str | None
    said: str
    since: datetime
    heard_at: datetime | None
    losses: int
    messages_in: int
    messages_out: int
    dropped: int


class Brokers:
    """One broker in the database: which front holds it, and what passed through it."""

    def __init__(self, store: Store, node: str, address: str, clock: Callable[[], datetime]) -> None:
        self._store, self._node, self._address, self._clock = store, node, address, clock

    def _work(self) -> Work:
        return self._store.work("acquisition", Call.system(self._clock(), actor=f"front:{self._node}"))

    def hold(self) -> bool:
        """Whether this front holds the broker from now on: it does already, or no living front does."""
        now = self._clock()
        with self._work() as work:
            return bool(
                work.run(
                    "INSERT INTO broker AS b (address, node, state, since) VALUES (%(address)s, %(node)s, 'offline', %(now)s)"
                    " ON CONFLICT (address) DO UPDATE SET node = excluded.node WHERE b.node = excluded.node"
                    " OR NOT EXISTS (SELECT FROM front_node n WHERE n.node = b.node AND n.alive_at > %(gone)s)",
                    {"address": self._address, "node": self._node, "now": now, "gone": now - NODE_GONE},
                )
            )

    def write(self, seen: LinkSeen) -> None:
        with self._work() as work:
            work.run(_WRITE, {**asdict(seen), "address": self._address, "node": self._node})

    def let_go(self) -> None:
        """Another front need not wait until this one counts as gone."""
        with self._work() as work:
            work.run(
                "UPDATE broker SET node = '', state = 'offline', since = %(now)s"
                " WHERE address = %(address)s AND node = %(node)s",
                {"address": self._address, "node": self._node, "now": self._clock()},
            )

    def terminals(self) -> list[str]:
        """Terminals of the records that may speak over it."""
        with self._work() as work:
            return work.values("SELECT terminal_no FROM terminal WHERE protocol = 'mqtt' AND state <> 'stopped'")


_WRITE: LiteralString = (
    "UPDATE broker SET state = %(state)s, fault = %(fault)s, said = %(said)s, since = %(since)s,"
    " heard_at = coalesce(%(heard_at)s, heard_at),"
    " losses = losses + %(losses)s, messages_in = messages_in + %(messages_in)s,"
    " messages_out = messages_out + %(messages_out)s, dropped = dropped + %(dropped)s"
    " WHERE address = %(address)s AND node = %(node)s"
)
