"""The tables of the public import, in the order in which one needs another. A file is named after its table.

Codes and numbers of organisations, accounts, points and meters are the sender's own; only their length and alphabet are
bounded. Whether a row agrees with what is stored already (an account that exists, a reading before installation, a date
in the future) is for the services to say: here a row is judged by itself and by its file.
"""

from denghuo.data.processing.import_tables.customers import CONTRACTS, CUSTOMERS, DEBIT_AGREEMENTS
from denghuo.data.processing.import_tables.metering import (
    METER_EXCHANGES,
    METERS,
    POINTS,
    READING_BOOKS,
    READING_ROUTES,
    TERMINAL_METERS,
    TERMINALS,
)
from denghuo.data.processing.import_tables.network import (
    AREAS,
    FEEDERS,
    NETWORK_LINES,
    NETWORK_NODES,
    ORGANISATIONS,
    PRICE_AREAS,
)
from denghuo.data.processing.import_tables.reads import GATEWAY_15MIN, METER_15MIN, REGISTER_READS, VOLTAGES
from denghuo.data.processing.importing import Shape

TABLES: tuple[Shape, ...] = (
    ORGANISATIONS,
    PRICE_AREAS,
    FEEDERS,
    NETWORK_NODES,
    NETWORK_LINES,
    AREAS,
    CUSTOMERS,
    METERS,
    CONTRACTS,
    POINTS,
    METER_EXCHANGES,
    READING_ROUTES,
    READING_BOOKS,
    DEBIT_AGREEMENTS,
    TERMINALS,
    TERMINAL_METERS,
    REGISTER_READS,
    GATEWAY_15MIN,
    VOLTAGES,
    METER_15MIN,
)
