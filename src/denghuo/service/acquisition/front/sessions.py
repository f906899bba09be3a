"""What fronts write down of connections, and what they ask of the records; each function is one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, LiteralString, NamedTuple

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.service.acquisition.api import CLOCK_JITTER_S, CLOCK_OFF_S
from denghuo.service.acquisition.front.speak import Kind, Place
from denghuo.service.acquisition.store.orders import CLOCK_TO_TELL
from denghuo.service.acquisition.store.records import LIVE, NODE_GONE
from denghuo.service.host.binding import Store

COUNTERS = 4_096
"""So many invocation counters an association is given: one a message, and a day in blocks has some hundreds."""


class Known(NamedTuple):
    """A terminal that is in the records."""

    terminal_no: str
    protocol: str
    state: str


class Station(NamedTuple):
    """A direct meter or station that is dialled. `count_wh`: the energy of one count of a station that tells no units.
    `registers`: which registers of a Modbus meter hold what. `key_version`, `check_value`: which keys are in force."""

    terminal_no: str
    protocol: str
    host: str
    port: int
    count_wh: int | None
    key_version: int | None = None
    check_value: str | None = None
    registers: str | None = None


class Due(NamedTuple):
    """A meter that is to be asked for: of a day, or on demand where `read_no` is set."""

    terminal_no: str
    number: int
    meter_no: str
    address: str
    day: Any
    kind: Kind
    read_no: str | None = None


class Ordered(NamedTuple):
    """An order that waits for its terminal. `places`: the meters behind a gateway, where it is for all of them."""

    order_no: str
    kind: str
    terminal_no: str
    meter_no: str | None
    number: int | None
    address: str | None
    content: dict[str, Any]
    places: Sequence[Place] = ()


@dataclass(frozen=True)
class Seen:
    """What was seen of a terminal's connection since it was last written down."""

    terminal_no: str
    line: int
    peer: str
    online: bool
    connected_at: datetime
    heard_at: datetime
    ended_by: str | None
    logins: int
    frames_in: int
    frames_out: int
    clock_offset_s: int | None


class Sessions:
    """Written beside the journal: connections are states of devices, not acts of people, and come by the thousand."""

    def __init__(self, store: Store, node: str, address: str, clock: Callable[[], datetime]) -> None:
        self._store, self.node, self._address, self._clock = store, node, address, clock

    def _work(self) -> Work:
        return self._store.work("acquisition", Call.system(self._clock(), actor=f"front:{self.node}"))

    def known(self, numbers: Sequence[str]) -> dict[str, Known]:
        with self._work() as work:
            rows = work.rows(
                "SELECT terminal_no, protocol, state FROM terminal WHERE terminal_no = ANY (%s)", (list(numbers),)
            )
        return {row["terminal_no"]: Known(**row) for row in rows}

    def write(self, seen: Sequence[Seen], held: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
        """Renews this front's row and the connections; of `held` those that a newer connection took over, here or elsewhere."""
        now = self._clock()
        with self._work() as work:
            work.run(
                "INSERT INTO front_node (node, address, alive_at) VALUES (%s, %s, %s)"
                " ON CONFLICT (node) DO UPDATE SET alive_at = excluded.alive_at",
                (self.node, self._address, now),
            )
            if seen:
                work.run(_WRITE, self._columns(seen))
                work.run(
                    "UPDATE terminal SET state = 'in_use' WHERE state = 'registered' AND terminal_no = ANY (%s)",
                    ([one.terminal_no for one in seen if one.logins],),
                )
            rows = work.rows(
                "SELECT h.no, h.line FROM unnest(%s::text[], %s::bigint[]) AS h (no, line)"
                " JOIN session s ON s.terminal_no = h.no WHERE (s.node, s.line) <> (%s, h.line)",
                ([no for no, _ in held], [line for _, line in held], self.node),
            )
        return [(row["no"], row["line"]) for row in rows]

    def stations(self) -> list[Station]:
        """The direct meters and stations to dial: all of the records but those that another living front holds."""
        with self._work() as work:
            rows = work.rows(
                "SELECT t.terminal_no, protocol, endpoint, count_wh, registers, k.version AS key_version, k.check_value"
                " FROM terminal t"
                " LEFT JOIN meter_key k ON k.terminal_no = t.terminal_no AND k.state = 'in_force'"
                " WHERE endpoint IS NOT NULL AND t.state <> 'stopped' AND NOT EXISTS (SELECT FROM session s"
                " JOIN front_node n USING (node) WHERE s.terminal_no = t.terminal_no AND s.online AND s.node <> %s"
                " AND n.alive_at > %s)",
                (self.node, self._clock() - NODE_GONE),
            )
        return [_station(**row) for row in rows]

    def addresses(self, terminal_no: str) -> list[str]:
        """The addresses of the meters that stand behind a terminal."""
        with self._work() as work:
            return work.values(
                "SELECT address FROM terminal_meter WHERE terminal_no = %s ORDER BY number", (terminal_no,)
            )

    def _columns(self, seen: Sequence[Seen]) -> dict[str, Any]:
        names = [field.name for field in fields(Seen)]
        ordered = sorted(seen, key=lambda one: one.terminal_no)
        return {"node": self.node, **{name: [getattr(one, name) for one in ordered] for name in names}}

    def stranger(self, terminal_no: str, protocol: str, peer: str, most: int) -> None:
        with self._work() as work:
            work.run(
                "INSERT INTO stranger SELECT %(no)s, %(protocol)s, %(peer)s, 1, %(now)s, %(now)s"
                " WHERE (SELECT count(*) FROM stranger) < %(most)s"
                " OR EXISTS (SELECT FROM stranger WHERE terminal_no = %(no)s AND protocol = %(protocol)s)"
                " ON CONFLICT (terminal_no, protocol) DO UPDATE SET tries = stranger.tries + 1, peer = excluded.peer,"
                " heard_at = excluded.heard_at",
                {"no": terminal_no, "protocol": protocol, "peer": peer, "now": self._clock(), "most": most},
            )

    def due(self, terminals: Sequence[str]) -> list[Due]:
        """What is due now of these terminals, by terminal, day and kind; and what is past its time is given up."""
        now = self._clock()
        with self._work() as work:
            work.run(
                "UPDATE collection SET state = 'missing', cause = coalesce(cause, 'offline')"
                " WHERE state = 'due' AND deadline <= %s",
                (now,),
            )
            rows = work.rows(
                "SELECT terminal_no, number, meter_no, address, day, kind FROM collection"
                " WHERE state = 'due' AND next_at <= %s AND terminal_no = ANY (%s)"
                " ORDER BY terminal_no, day DESC, kind DESC, number",
                (now, list(terminals)),
            )
        return [Due(**row) for row in rows]

    def asked(self) -> list[Due]:
        """Reads on demand that wait, of whichever front, the oldest first; those whose terminal is gone fail."""
        now = self._clock()
        with self._work() as work:
            work.run(
                "UPDATE on_demand_read r SET state = 'failed', cause = 'offline', answered_at = %(now)s"
                + _TERMINAL_GONE,
                {"now": now, "gone": now - NODE_GONE},
            )
            rows = work.rows(
                "SELECT terminal_no, number, meter_no, address, asked_at::date AS day, 'now' AS kind, read_no"
                " FROM on_demand_read WHERE state = 'waiting' ORDER BY asked_at"
            )
        return [Due(**row) for row in rows]

    def ordered(self) -> list[Ordered]:
        """Orders that wait, of whichever front, the oldest first; those whose terminal is gone fail."""
        now = self._clock()
        with self._work() as work:
            work.run(
                "UPDATE terminal_order r SET state = 'failed', cause = 'offline', answered_at = %(now)s"
                + _TERMINAL_GONE,
                {"now": now, "gone": now - NODE_GONE},
            )
            rows = work.rows(
                "SELECT order_no, kind, terminal_no, meter_no, number, address, content, CASE WHEN protocol = 'dlt645'"
                " AND meter_no IS NULL THEN (SELECT jsonb_agg(jsonb_build_array(m.number, m.meter_no, m.address)"
                " ORDER BY m.number) FROM terminal_meter m WHERE m.terminal_no = o.terminal_no) END AS places"
                " FROM terminal_order o JOIN terminal t USING (terminal_no) WHERE o.state = 'waiting' ORDER BY asked_at"
            )
        return [Ordered(**{**row, "places": [Place(*one) for one in row["places"] or ()]}) for row in rows]

    def counters(self, version: tuple[str, int]) -> range:
        """Invocation counters for one association, which nobody had and nobody else gets."""
        with self._work() as work:
            given = work.value(
                "INSERT INTO key_counter AS k (terminal_no, version, given) VALUES (%(no)s, %(version)s, %(size)s)"
                " ON CONFLICT (terminal_no, version) DO UPDATE SET given = k.given + excluded.given RETURNING given",
                {"no": version[0], "version": version[1], "size": COUNTERS},
            )
        return range(int(given or 0) - COUNTERS + 1, int(given or 0) + 1)

    def may_send(self, order_no: str) -> bool:
        """Whether an order that must not be sent twice was sent by no front yet; from now on it was."""
        with self._work() as work:
            return bool(
                work.run(
                    "UPDATE terminal_order SET sent_at = %s WHERE order_no = %s AND state = 'waiting' AND sent_at IS NULL",
                    (self._clock(), order_no),
                )
            )

    def clocks_to_tell(self) -> bool:
        """Whether a clock that a terminal of this front told is to be stated."""
        with self._work() as work:
            asked = {"node": self.node, "off_s": CLOCK_OFF_S, "jitter_s": CLOCK_JITTER_S}
            return bool(work.value(f"SELECT EXISTS (SELECT FROM session s, terminal t WHERE {CLOCK_TO_TELL})", asked))

    def roll_outs(self) -> list[int]:
        """Running roll-outs that can go on: an order was settled, a terminal with its turn is online, or nothing is left."""
        with self._work() as work:
            return work.values(_ROLL_OUTS, {"alive": self._clock() - NODE_GONE})


_ROLL_OUTS: LiteralString = (
    "SELECT roll_out_no FROM roll_out r WHERE state = 'running' AND (NOT EXISTS (SELECT FROM roll_out_member m"
    " WHERE m.roll_out_no = r.roll_out_no AND m.state IN ('pending', 'ordered')) OR EXISTS (SELECT FROM roll_out_member m"
    " JOIN terminal_order o USING (order_no) WHERE m.roll_out_no = r.roll_out_no AND m.state = 'ordered' AND o.state <> 'waiting')"
    " OR (SELECT count(*) FROM roll_out_member m WHERE m.roll_out_no = r.roll_out_no AND m.state = 'ordered') < at_once"
    " AND EXISTS (SELECT FROM roll_out_member m JOIN terminal t USING (terminal_no) JOIN session s USING (terminal_no)"
    " WHERE m.roll_out_no = r.roll_out_no AND m.state = 'pending' AND t.state <> 'stopped' AND "
    + LIVE
    + ")) ORDER BY 1"
)
_TERMINAL_GONE: LiteralString = (
    " WHERE state = 'waiting' AND asked_at < %(gone)s AND NOT EXISTS (SELECT FROM session s JOIN front_node n USING (node)"
    " WHERE s.terminal_no = r.terminal_no AND s.online AND n.alive_at > %(gone)s)"
)


def _station(endpoint: str, **rest: Any) -> Station:
    host, _, port = endpoint.rpartition(":")
    return Station(host=host.strip("[]"), port=int(port), **rest)


_WRITE = """
INSERT INTO session AS s (terminal_no, node, line, peer, online, connected_at, heard_at, ended_at, ended_by, logins, frames_in,
 frames_out, clock_offset_s)
SELECT no, %(node)s, line, peer, online, connected_at, heard_at, CASE WHEN NOT online THEN heard_at END, ended_by, logins,
 frames_in, frames_out, clock_offset_s
FROM unnest(%(terminal_no)s::text[], %(line)s::bigint[], %(peer)s::text[], %(online)s::boolean[],
 %(connected_at)s::timestamptz[], %(heard_at)s::timestamptz[], %(ended_by)s::text[], %(logins)s::bigint[],
 %(frames_in)s::bigint[], %(frames_out)s::bigint[], %(clock_offset_s)s::bigint[])
 AS t (no, line, peer, online, connected_at, heard_at, ended_by, logins, frames_in, frames_out, clock_offset_s)
ON CONFLICT (terminal_no) DO UPDATE SET node = excluded.node, line = excluded.line, peer = excluded.peer,
 online = excluded.online, connected_at = excluded.connected_at, heard_at = excluded.heard_at, ended_at = excluded.ended_at,
 ended_by = excluded.ended_by, logins = s.logins + excluded.logins, frames_in = s.frames_in + excluded.frames_in,
 frames_out = s.frames_out + excluded.frames_out, clock_offset_s = coalesce(excluded.clock_offset_s, s.clock_offset_s)
WHERE (s.node, s.line) = (excluded.node, excluded.line) OR excluded.connected_at > s.connected_at
"""
