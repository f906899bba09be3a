"""Which power factor standard (功率因数标准) a customer has by 《功率因数调整电费办法》, （83）水电财字第215号. Pure.

The rule is dated rows of `data/power_factor_standards.csv`, tested in their order. A limit is included in what lies above it: the
document writes "160千伏安以上" beside "3200千伏安及以上", but in the words of the law 以上 includes the number itself (《民法典》
第一千二百五十九条), and the field reads it so.
"""

import csv
import importlib.resources
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from denghuo.service.contract.api import SpecialTerms, Standard, Use

HIGH_VOLTAGES = frozenset({"6", "10", "20", "35", "66", "110", "220", "330", "500"})
_OF_CLASS: dict[str, Use] = {
    "agricultural": "agriculture",
    "two_part_capacity": "industry",
    "two_part_demand": "industry",
    "general_single_part": "non_industrial",
}
"""What the customer of a class uses electricity for where the contract does not say it; residents have no standard."""


@dataclass(frozen=True)
class StandardRow:
    """A standard for customers of one use (or of any) from a capacity on; [since, until)."""

    use: str
    high_voltage: bool
    on_load_changer: bool
    limit_va: int
    standard: Standard
    since: date
    until: date | None
    document: str

    def holds(self, use: Use, size_va: int, on: date, *, high_voltage: bool, on_load_changer: bool) -> bool:
        return (
            self.use in (use, "any")
            and (high_voltage or not self.high_voltage)
            and (on_load_changer or not self.on_load_changer)
            and size_va >= self.limit_va
            and self.since <= on
            and (self.until is None or on < self.until)
        )


_KNOWN: dict[str, Standard] = {"90": 90, "85": 85, "80": 80}


def _read() -> tuple[StandardRow, ...]:
    file = importlib.resources.files("denghuo.service.contract").joinpath("data", "power_factor_standards.csv")
    return tuple(
        StandardRow(
            row["use"],
            row["high_voltage"] == "yes",
            row["on_load_changer"] == "yes",
            int(row["limit_kva"]) * 1_000,
            _KNOWN[row["standard"]],
            date.fromisoformat(row["since"]),
            date.fromisoformat(row["until"]) if row["until"] else None,
            row["document"],
        )
        for row in csv.DictReader(io.StringIO(file.read_text("utf-8")))
    )


STANDARDS_IN_FORCE = _read()


def standard_of(
    kind: str,
    tariff_class: str,
    voltage_kv: str,
    capacity_va: int | None,
    contract_w: int | None,
    special: SpecialTerms | None,
    on: date,
    rows: Sequence[StandardRow] = STANDARDS_IN_FORCE,
) -> Standard | None:
    """The standard in hundredths of terms that begin on a day; None = no adjustment, as for residents and small customers.

    What the electricity is for and whether there is an on-load tap changer stand in the special terms; without them the class says
    what it is for. Where no capacity is agreed the contracted power stands for it.
    """
    said = special or SpecialTerms()
    use = said.pf_use or _OF_CLASS.get(tariff_class)
    if kind != "supply" or tariff_class == "resident" or use is None:
        return None
    size = capacity_va if capacity_va is not None else (contract_w or 0)
    high, changer = voltage_kv in HIGH_VOLTAGES, said.on_load_changer
    return next(
        (row.standard for row in rows if row.holds(use, size, on, high_voltage=high, on_load_changer=changer)), None
    )
