"""Column-wise part of line loss: the energy of a month summed by area and by feeder."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from denghuo.service.loss.rules import GENERATION, Balance

COLUMNS = ("area_no", "feeder_no", "role", "quantity", "band", "multiplier", "energy_wh", "status")


@dataclass
class Sums:
    """What was measured of one area or feeder."""

    gateway_wh: int = 0
    gateways: int = 0
    gateway_held: bool = False
    generation_wh: int = 0
    sale_wh: int = 0
    sale_points: int = 0
    count: Counter[str] = field(default_factory=Counter)
    multipliers: set[int] = field(default_factory=set)

    def balance(self, no_load_wh: int = 0, rating_wh: int | None = None) -> Balance:
        return Balance(
            gateway_wh=None if self.gateway_held or not self.gateways else self.gateway_wh,
            generation_wh=self.generation_wh,
            sale_wh=self.sale_wh,
            held=self.count["held"],
            held_generation=self.count["held_generation"],
            estimated=self.count["estimated"],
            multiplier=next(iter(self.multipliers)) if len(self.multipliers) == 1 else None,
            no_load_wh=no_load_wh,
            rating_wh=rating_wh,
        )


def sums(energy: pa.Table, by: str, gateway_role: str) -> dict[str, Sums]:
    """The month's active energy by area or feeder. Only total registers count; bands are parts of them."""
    active: Any = pc.and_(
        pc.is_in(energy["quantity"], pa.array(["active_fwd", "active_rev"])),
        pc.equal(energy["band"], pa.scalar("total")),
    )
    rows = energy.filter(pc.and_(active, pc.is_valid(energy[by])))
    grouped = rows.group_by([by, "role", "quantity", "status", "multiplier"]).aggregate(
        [("energy_wh", "sum"), ("role", "count")]
    )
    found: dict[str, Sums] = defaultdict(Sums)
    for row in grouped.to_pylist():
        one, role = found[row[by]], row["role"]
        wh = row["energy_wh_sum"] or 0
        if role == gateway_role:
            one.gateways += row["role_count"]
            one.gateway_wh += wh if row["quantity"] == "active_fwd" else -wh
            one.gateway_held |= row["status"] == "held"
            one.multipliers.add(row["multiplier"])
            one.count["estimated"] += row["role_count"] if row["status"] == "estimated" else 0
        elif role in GENERATION:
            one.generation_wh += wh
            one.count["held_generation" if row["status"] == "held" else row["status"]] += row["role_count"]
        elif role == "sale":
            one.sale_wh += wh
            one.sale_points += row["role_count"]
            one.count[row["status"]] += row["role_count"]
    return dict(found)
