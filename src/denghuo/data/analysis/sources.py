"""What the warehouse holds: tables of the business store, and published datasets and lake days beside them."""

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

    `columns` name DuckDB types, so that the view exists, empty, before anything is published. A file that lacks one shows null.
    """

    dataset: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class LakeView:
    """A class of the day lake, shown as the view `lake.<class>` over the newest version of each day, with the column `day`."""

    lake_class: str
    columns: Mapping[str, str]
    key: str = "subject"


DATASETS = Source("data", "dataset", ("name", "period", "shard", "row_count", "path", "published_at"))
LAKE_FILES = Source("data", "lake_file", ("class", "day", "shard", "version", "until", "path"))
JOURNALS = ("billing", "ledger", "payment", "point", "reading")
"""Services whose emitted facts the warehouse keeps; requests and replies, which hold sealed personal data, stay out."""

SOURCES: tuple[Source, ...] = (
    DATASETS,
    LAKE_FILES,
    Source("customer", "account", ("org", "tariff_class", "status", "opened_on")),
    Source("permission", "organisation", ("name", "name_en", "kind", "parent", "to_day")),
    Source("point", "area", ("name", "org", "feeder_no")),
    Source("point", "feeder", ("name", "org")),
    Source(
        "billing",
        "bill",
        (
            "month",
            "account_no",
            "org",
            "kind",
            "state",
            "tariff_class",
            "area_no",
            "energy_wh",
            "amount_fen",
            "issued_on",
        ),
    ),
    Source("billing", "hold", ("month", "org", "kind", "code", "state", "raised_at")),
    Source("billing", "cycle", ("state", "stage", "accounts", "started_at", "ended_at", "resumed_at", "busy_ms")),
    Source("billing", "cycle_stage", ("done", "total", "started_at", "ended_at")),
    Source(
        "ledger", "item", ("account_no", "org", "kind", "month", "tariff_class", "due_on", "amount_fen", "paid_fen")
    ),
    Source("ledger", "receipt", ("org", "amount_fen", "method", "day", "posted_at", "reversal_no")),
    *(Source(schema, "journal", ("operation", "actor", "events")) for schema in JOURNALS),
)

_SLOTS = tuple(f"p{slot:02d}" for slot in range(96))

EXTERNALS: tuple[External | LakeView, ...] = (
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
        "loss.area_month",
        {
            "area_no": "VARCHAR",
            "feeder_no": "VARCHAR",
            "org": "VARCHAR",
            "supply_wh": "BIGINT",
            "sales_wh": "BIGINT",
            "loss_wh": "BIGINT",
        },
    ),
    LakeView("gateway_power_w", {"subject": "VARCHAR", **dict.fromkeys(_SLOTS, "INTEGER")}),
)
