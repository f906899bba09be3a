"""The review by columns (列式审核): which bills no rule can speak against, so that they pass as they are rated.

A bill that some rule may hold is left to `review.review`, which alone decides and says why: what is told apart here may be more
than what is held, and is never less.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from denghuo.service.billing.review import JUMP_FLOOR_FEN, Limits
from denghuo.service.billing.whole import ColumnBills, used_by
from denghuo.service.tariff.api import TariffDocument

pc: Any = pyarrow.compute
Int = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
HOURS_A_DAY = 24
PUBLISHED_MONTHLY = "agency_energy"
"""The component whose price is published every month (发改办价格〔2021〕809号)."""
_EPOCH = date(1970, 1, 1).toordinal()
_MOST = 10**14
"""Above this a product with a limit may be past int64: such figures are looked at one by one."""


@dataclass(frozen=True)
class Before:
    """What the accounts of a part had before: energies of earlier months (`whole.USE`), and their last bills by account and kind
    (account_no, kind, tariff_code, amount_fen, months). others: whether any bill of an earlier month was issued."""

    use: pa.Table
    tariffs: pa.Table
    others: bool


def passing(made: ColumnBills, limits: Limits, before: Before, month_begins: date) -> Flags:
    """Which of the bills pass."""
    seen = _Seen.of(made, before, month_begins)
    held = (
        (np.abs(seen.energy_wh) > _MOST)
        | (np.abs(seen.amount_fen) > _MOST)
        | (seen.power_w > _MOST)
        | (seen.amount_before_fen > _MOST)
    )
    kinds, classes = (made.bills[name].combine_chunks().dictionary_encode() for name in ("kind", "tariff_class"))
    for code, may_hold in MAY_HOLD.items():
        for kind in map(str, kinds.dictionary.to_pylist()):
            for tariff_class in map(str, classes.dictionary.to_pylist()):
                limit = limits.get((code, kind, tariff_class), limits.get((code, kind, "")))
                if limit is not None:
                    mine = _equals(kinds, kind) & _equals(classes, tariff_class)
                    held |= mine & may_hold(seen, limit)
    return ~held


@dataclass(frozen=True)
class _Seen:
    """What the rules look at, as in `review.Figures`."""

    energy_wh: Int
    amount_fen: Int
    power_w: Int
    days: Int
    estimated_days: Int
    average_wh: Int
    known: Flags
    first: Flags
    new_tariff: Flags
    old_price: Flags
    amount_before_fen: Int

    @classmethod
    def of(cls, made: ColumnBills, before: Before, month_begins: date) -> "_Seen":
        bills = made.bills
        used = used_by(before.use, bills["account_no"])
        supply = np.asarray(pc.equal(bills["kind"], "supply").to_numpy())
        months = np.where(supply, used["earlier_months"], 0)
        power = pc.if_else(pc.equal(bills["kind"], "supply"), bills["contract_w"], bills["pv_w"])
        last = pc.index_in(_keys(bills), _keys(before.tariffs))
        tariff_before = before.tariffs["tariff_code"].combine_chunks().take(last.combine_chunks())
        changed = pc.not_equal(tariff_before, bills["tariff_code"].combine_chunks())
        unknown = np.asarray(pc.is_null(tariff_before).to_numpy(zero_copy_only=False))
        from_on, to_on = (bills[name].cast(pa.int32()).to_numpy().astype(np.int64) for name in ("from_on", "to_on"))
        # Bills of one month, and of routes read every two months those of two.
        covered = np.where(from_on < month_begins.toordinal() - _EPOCH, 2, 1)
        taken = last.combine_chunks()
        amount_before = _numbers(before.tariffs["amount_fen"].combine_chunks().take(taken))
        months_before = np.maximum(_numbers(before.tariffs["months"].combine_chunks().take(taken)), 1)
        old = [tariff.code for tariff in made.tariffs if _monthly(tariff) and tariff.effective_from < month_begins]
        return cls(
            energy_wh=bills["energy_wh"].to_numpy(),
            amount_fen=bills["amount_fen"].to_numpy(),
            power_w=pc.fill_null(power, 0).to_numpy(),
            days=to_on - from_on + 1,
            estimated_days=bills["estimated_days"].to_numpy(),
            average_wh=used["earlier_wh"] * covered // np.maximum(months, 1),
            known=months > 0,
            first=unknown & (months == 0) & before.others,
            new_tariff=np.asarray(pc.fill_null(changed, False).to_numpy(zero_copy_only=False)),
            amount_before_fen=(2 * amount_before * covered + months_before) // (2 * months_before),
            old_price=np.asarray(pc.is_in(bills["tariff_code"], value_set=pa.array(old, pa.string())).to_numpy()),
        )


def _numbers(column: Any) -> Int:
    return np.asarray(pc.fill_null(column, 0).to_numpy(zero_copy_only=False), dtype=np.int64)


def _monthly(tariff: TariffDocument) -> bool:
    return any(component.code == PUBLISHED_MONTHLY for component in tariff.components)


def _keys(table: pa.Table) -> Any:
    return pc.binary_join_element_wise(table["account_no"], table["kind"], " ")


def _equals(encoded: Any, value: str) -> Flags:
    found: Flags = encoded.indices.to_numpy() == encoded.dictionary.to_pylist().index(value)
    return found


MAY_HOLD: dict[str, Callable[[_Seen, int], Flags]] = {
    "negative": lambda seen, _: (seen.energy_wh < 0) | (seen.amount_fen < 0),
    "zero_use": lambda seen, limit: seen.energy_wh <= limit * 1000,
    "over_capacity": lambda seen, limit: (
        (seen.power_w > 0) & (seen.energy_wh > seen.power_w * (seen.days * HOURS_A_DAY * limit) // 100)
    ),
    "spike": lambda seen, limit: seen.known & (seen.average_wh > 0) & (100 * seen.energy_wh > limit * seen.average_wh),
    "drop": lambda seen, limit: seen.known & (seen.energy_wh > 0) & (100 * seen.energy_wh < limit * seen.average_wh),
    "bill_jump": lambda seen, limit: (
        (seen.amount_before_fen > 0)
        & (seen.amount_fen - seen.amount_before_fen > JUMP_FLOOR_FEN)
        & (100 * seen.amount_fen > limit * seen.amount_before_fen)
    ),
    "first_bill": lambda seen, _: seen.first,
    "new_tariff": lambda seen, _: seen.new_tariff,
    "old_price": lambda seen, _: seen.old_price,
    "estimated_share": lambda seen, limit: 100 * seen.estimated_days > limit * seen.days,
    "outlier_amount": lambda seen, limit: np.abs(seen.amount_fen) > limit * 100,
}
"""The rules of `review`, each told for all bills at once."""
