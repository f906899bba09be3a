"""Makes data/debit_agreements.csv: which customers let the utility collect from a bank account. Run it after make.py.

    python examples/gaoping/agreements.py

Everything in it is invented, from a fixed seed: about 60 % of the residents and businesses, four banks, and account numbers that
begin with 9999, with which no bank's cards begin. The same customers.csv gives the same file.
"""

import csv
import hashlib
from datetime import date, timedelta
from pathlib import Path

DATA = Path(__file__).parent / "data"
SEED = "gaoping debit agreements"
SHARE_PERCENT = 60
BANKS = ("ICBC", "ABCC", "CCBC", "RCCU")
FIRST_DAY, LAST_DAY = date(2018, 1, 1), date(2026, 3, 20)


def numbers(account_no: str) -> list[int]:
    """Bytes that follow from the seed and the account alone."""
    return list(hashlib.sha256(f"{SEED} {account_no}".encode()).digest())


def luhn(digits: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def main() -> None:
    with (DATA / "customers.csv").open(encoding="utf-8", newline="") as source:
        customers = [row for row in csv.DictReader(source) if row["kind"] in ("resident", "business")]
    with (DATA / "debit_agreements.csv").open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(("account_no", "bank_code", "bank_account", "holder", "signed_on"))
        for row in customers:
            chance = numbers(row["account_no"])
            if (chance[0] * 256 + chance[1]) % 100 >= SHARE_PERCENT:
                continue
            opened = max(date.fromisoformat(row["opened_on"]), FIRST_DAY)
            days = max((LAST_DAY - opened).days, 0)
            signed_on = opened + timedelta(days=(chance[2] * 256 + chance[3]) % (days + 1))
            digits = "9999" + "".join(str(byte % 10) for byte in chance[4:18])
            bank = BANKS[chance[20] % len(BANKS)]
            writer.writerow((row["account_no"], bank, digits + luhn(digits), row["name"], signed_on))


if __name__ == "__main__":
    main()
