"""Rules of the ledger: which bill a payment settles, how credits and prepaid balances are set off, in which month is booked.

Arrears are settled oldest first, the bills that the payer names before the others.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from denghuo.kernel.period import Month
from denghuo.kernel.values import round_half_up


@dataclass(frozen=True)
class Item:
    """A bill in the sub-ledger. A negative amount is a credit to the customer; `reverses` is the bill that it corrects."""

    bill_no: str
    due_on: date
    amount_fen: int
    paid_fen: int
    reverses: str | None = None

    @property
    def rest_fen(self) -> int:
        return self.amount_fen - self.paid_fen


@dataclass(frozen=True)
class Share:
    """A part of some money or credit that goes to a bill; negative where it is taken back or where a credit is used up."""

    bill_no: str
    fen: int


@dataclass(frozen=True)
class Allocated:
    shares: tuple[Share, ...]
    surplus_fen: int

    @property
    def settled_fen(self) -> int:
        return sum(share.fen for share in self.shares)


def oldest_first(items: Iterable[Item], named: Sequence[str] = ()) -> list[Item]:
    """Items with something left to pay: named ones in the order of the names, then by due day and number."""
    rank = {bill_no: place for place, bill_no in enumerate(named)}
    return sorted(
        (item for item in items if item.rest_fen > 0),
        key=lambda item: (rank.get(item.bill_no, len(rank)), item.due_on, item.bill_no),
    )


def allocate(amount_fen: int, items: Iterable[Item], named: Sequence[str] = ()) -> Allocated:
    """Spreads money over the open items; what no item needs is surplus."""
    left = amount_fen
    shares: list[Share] = []
    for item in oldest_first(items, named):
        if left <= 0:
            break
        part = min(left, item.rest_fen)
        shares.append(Share(item.bill_no, part))
        left -= part
    return Allocated(tuple(shares), left)


@dataclass(frozen=True)
class SetOff:
    """What an account's credits and prepaid balance settle.

    by_credit: shares between bills, which sum to what goes to prepaid (as a negative number) because a used credit is a negative
    share. by_prepaid: shares paid out of the prepaid balance. to_prepaid_fen: the part of credits that no bill needed.
    """

    by_credit: tuple[Share, ...]
    by_prepaid: tuple[Share, ...]
    to_prepaid_fen: int

    @property
    def from_prepaid_fen(self) -> int:
        return sum(share.fen for share in self.by_prepaid)

    @property
    def changes_nothing(self) -> bool:
        return not (self.by_credit or self.by_prepaid)


def set_off(items: Sequence[Item], prepaid_fen: int) -> SetOff:
    """Uses negative bills first against the bill they correct, then the oldest, then keeps the rest as prepaid; then uses the
    prepaid balance for what is still open."""
    paid = {item.bill_no: item.paid_fen for item in items}

    def now() -> list[Item]:
        return [Item(item.bill_no, item.due_on, item.amount_fen, paid[item.bill_no], item.reverses) for item in items]

    by_credit: list[Share] = []
    to_prepaid = 0
    for credit in sorted(items, key=lambda item: (item.due_on, item.bill_no)):
        if credit.rest_fen >= 0:
            continue
        worth = -credit.rest_fen
        found = allocate(worth, now(), [credit.reverses] if credit.reverses else [])
        for share in found.shares:
            paid[share.bill_no] += share.fen
        paid[credit.bill_no] -= worth
        by_credit += [*found.shares, Share(credit.bill_no, -worth)]
        to_prepaid += found.surplus_fen
    by_prepaid = allocate(prepaid_fen + to_prepaid, now()).shares
    return SetOff(tuple(by_credit), by_prepaid, to_prepaid)


@dataclass(frozen=True)
class TakenBack:
    """How a receipt's prepaid part is withdrawn: out of the balance, and by reopening bills that were paid from it."""

    from_balance_fen: int
    released: tuple[Share, ...]


def take_back(prepaid_part_fen: int, balance_fen: int, paid_from_prepaid: Iterable[Share]) -> TakenBack:
    """Withdraws a prepaid part. Where the balance no longer holds it, bills paid from prepaid are opened again in the given
    order (newest first)."""
    from_balance = min(prepaid_part_fen, balance_fen)
    missing = prepaid_part_fen - from_balance
    released: list[Share] = []
    for share in paid_from_prepaid:
        if missing == 0:
            break
        part = min(missing, share.fen)
        released.append(Share(share.bill_no, -part))
        missing -= part
    if missing:
        raise ValueError(f"{missing} fen of a prepaid part cannot be found again")
    return TakenBack(from_balance, tuple(released))


def booking_month(day: date, closed: Collection[str]) -> str:
    """The month into which something of that day is booked: its own, or the first open one after it."""
    month = Month.holding(day)
    while str(month) in closed:
        month = month.next
    return str(month)


def voucher_no(month: str, serial: int) -> str:
    return f"{month.replace('-', '')}-{serial:06d}"


# --- invoices ---------------------------------------------------------------------------------------------------------------

VAT_RATE = 1_300
"""13 % in 0.01 %, since 2019-04-01 (财政部、税务总局、海关总署公告2019年第39号)."""
_CODE = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""The letters of a unified social credit code in the order of their worth (GB 32100-2015)."""


def tax_within(amount_fen: int, rate: int = VAT_RATE) -> int:
    """The tax that an amount holds: amount x rate / (1 + rate), to the fen."""
    return round_half_up(amount_fen * rate, 10_000 + rate)


def red_tax(left_fen: int, taken_fen: int, rate: int = VAT_RATE) -> int:
    """The tax of a red letter over `taken_fen` of an invoice of which `left_fen` are left: what is left bears the tax of its own
    amount, so that red letters over all of it take back all of its tax."""
    return tax_within(left_fen, rate) - tax_within(left_fen - taken_fen, rate)


def spread(credit_fen: int, left: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Which invoices (with what is left of them, in the order in which they are used) a credit takes back, and how much of each.
    What goes beyond them was never invoiced."""
    found = []
    for number, left_fen in left:
        taken = min(credit_fen, left_fen)
        if taken > 0:
            found.append((number, taken))
            credit_fen -= taken
    return found


def is_credit_code(code: str) -> bool:
    """Whether the last letter of a unified social credit code is the check of the others."""
    worth = sum(_CODE.index(letter) * pow(3, place, 31) for place, letter in enumerate(code[:-1]))
    return _CODE[(31 - worth % 31) % 31] == code[-1]
