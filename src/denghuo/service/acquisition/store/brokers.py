"""Queries on the connection to MQTT brokers."""

from datetime import datetime

from denghuo.data.processing.work import Work
from denghuo.service.acquisition.api import Broker
from denghuo.service.acquisition.store.records import NODE_GONE


class BrokerStore:
    """Queries on brokers."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def find(self, now: datetime) -> list[Broker]:
        """A broker that no living front holds is away, whatever was last written."""
        return self._work.rows(
            "SELECT b.address, CASE WHEN n.node IS NULL THEN 'offline' ELSE state END AS state, fault, said, since, heard_at,"
            " (SELECT count(*) FROM terminal t WHERE t.protocol = 'mqtt' AND t.state <> 'stopped') AS terminals,"
            " losses, messages_in, messages_out, dropped FROM broker b"
            " LEFT JOIN front_node n ON n.node = b.node AND n.alive_at > %(alive)s ORDER BY 1",
            {"alive": now - NODE_GONE},
            Broker,
        )
