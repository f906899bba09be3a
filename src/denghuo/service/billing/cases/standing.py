"""What stands of an account's months (现行计费结果): each bill, or what its newest adjustment made of it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month
from denghuo.service.billing.cases.basis import Basis
from denghuo.service.billing.cases.segments import Standing
from denghuo.service.billing.kept import TariffOf
from denghuo.service.billing.review import Finding, finding
from denghuo.service.billing.store import BillingStore, Finished
from denghuo.service.billing.used import Used

CODE = "tier_moved"
MONTHS = 24
"""How far back months are looked at: a tier year, and one that is closed."""
Row = Mapping[str, Any]


def standing_months(store: BillingStore, rows: Sequence[Row]) -> list[Standing]:
    """rows: bills that stand, of one account, with what they were rated from."""
    adjusted = store.cases.adjusted([row["bill_no"] for row in rows])
    return [_standing(store, row, adjusted.get(row["bill_no"])) for row in rows]


def _standing(store: BillingStore, row: Row, adjusted: Row | None) -> Standing:
    account, month = row["account_no"], row["month"]
    known_at = row["rated_at"] if adjusted is None else adjusted["decided_at"]
    then = store.year_use.used([account], month, known_at).get(account, Used())
    now = store.year_use.used([account], month).get(account, Used())
    return Standing(
        month=Month.of(month),
        bill_no=row["bill_no"],
        first_day=row["from_on"],
        basis=Basis.of(row if adjusted is None else adjusted["segment"]["now"], row["to_on"]),
        after_case=None if adjusted is None else adjusted["case_no"],
        used_wh={one: now.get(one, 0) - then.get(one, 0) for one in now.keys() | then.keys()},
    )


def tell_moved(store: BillingStore, account_no: str, tariff_of: TariffOf, call: Call) -> list[str]:
    """Holds for a person the months of an account whose place in the tier year is another one now than when they were billed, for
    an earlier month was billed again or adjusted. What no longer holds is settled. Gives the months whose exceptions changed."""
    rows = [row for row in store.cases.latest_bills(account_no, "supply", MONTHS) if row["rating"] is not None]
    moved = list(_moved(standing_months(store, rows), tariff_of))
    held = []
    if moved:
        first = next(row for row in rows if row["bill_no"] == moved[0][0].bill_no)
        held.append(
            Finished(
                month=first["month"],
                account_no=account_no,
                org=first["org"],
                kind="supply",
                tariff_class=first["tariff_class"],
                finding=_finding(moved),
                pieces=[],
                bill_no=first["bill_no"],
                energy_wh=first["energy_wh"],
                amount_fen=first["amount_fen"],
            )
        )
    store.held.hold(held, call.now)
    gone = set(store.held.open_of(account_no, CODE)) - {one.exception_no for one in held}
    store.held.settle(sorted(gone), "resolved", call.actor, "", call.now)
    return sorted({one.month for one in held} | {f"{number[:4]}-{number[4:6]}" for number in gone})


def _moved(months: Sequence[Standing], tariff_of: TariffOf) -> Iterator[tuple[Standing, int]]:
    for one in months:
        begins = one.basis.tier_year(one.month, tariff_of)
        if begins is not None:
            changed = sum(wh for month, wh in one.used_wh.items() if begins <= Month.of(month))
            if changed:
                yield one, changed


def _finding(moved: Sequence[tuple[Standing, int]]) -> Finding:
    months = [str(one.month) for one, _ in moved]
    return finding(
        CODE,
        f"前期月份已另发或退补，{'、'.join(months)} 的阶梯累计电量随之变化，其账单未重算。",
        f"Earlier months were billed again or adjusted, so the tier position of {', '.join(months)} is another one now; those"
        " bills were not rated again.",
        months=" ".join(months),
        changed_wh=" ".join(str(wh) for _, wh in moved),
    )
