"""The tables of the public import, in the order in which one needs another. A file is named after its table.

Codes and numbers of organisations, accounts, points and meters are the sender's own; only their length and alphabet are
bounded. Whether a row agrees with what is stored already (an account that exists, a reading before installation, a date
in the future) is for the services to say: here a row is judged by itself and by its file.
"""

from denghuo.data.processing.import_tables import customers, metering, network, reads
from denghuo.data.processing.importing import Shape

TABLES: tuple[Shape, ...] = (
    network.ORGANISATIONS,
    network.PRICE_AREAS,
    network.FEEDERS,
    network.NETWORK_NODES,
    network.NETWORK_LINES,
    network.AREAS,
    customers.CUSTOMERS,
    metering.METERS,
    customers.CONTRACTS,
    metering.POINTS,
    metering.METER_EXCHANGES,
    metering.READING_ROUTES,
    metering.READING_BOOKS,
    customers.DEBIT_AGREEMENTS,
    metering.TERMINALS,
    metering.TERMINAL_METERS,
    reads.REGISTER_READS,
    reads.GATEWAY_15MIN,
    reads.VOLTAGES,
    reads.METER_15MIN,
)
