"""What the warehouse holds: tables of the business store, and published datasets beside them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """A table of the business store that the warehouse follows: `columns` beside its primary key; none of them personal."""

    schema: str
    table: str
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.table}"


@dataclass(frozen=True)
class External:
    """A published dataset, shown as the view of its name (`reading.month_energy`) with its period as column `month`.

    `columns` name DuckDB types, so that the view exists, empty, before anything is published.
    """

    dataset: str
    columns: Mapping[str, str]


DATASETS = Source("data", "dataset", ("name", "period", "shard", "row_count", "path", "published_at"))

SOURCES: tuple[Source, ...] = (
    DATASETS,
    Source("customer", "account", ("org", "tariff_class", "status", "opened_on")),
)

EXTERNALS: tuple[External, ...] = (
    External(
        "reading.month_energy",
        {
            "point_no": "VARCHAR",
            "account_no": "VARCHAR",
            "area_no": "VARCHAR",
            "feeder_no": "VARCHAR",
            "org": "VARCHAR",
            "role": "VARCHAR",
            "quantity": "VARCHAR",
            "band": "VARCHAR",
            "energy_wh": "BIGINT",
            "status": "VARCHAR",
        },
    ),
    External(
        "billing.bills",
        {
            "bill_no": "VARCHAR",
            "account_no": "VARCHAR",
            "org": "VARCHAR",
            "kind": "VARCHAR",
            "tariff_class": "VARCHAR",
            "area_no": "VARCHAR",
            "energy_wh": "BIGINT",
            "amount_fen": "BIGINT",
            "due_on": "DATE",
            "estimated_days": "INTEGER",
        },
    ),
)
