"""Bill files (账单文件): a bill with all that anyone needs to compute it again, and the proof that it was issued.

The format is docs/reference/bill-file.md; `denghuo-verify` reads it. What stands here is hashed: the form of a version never
changes, another form is another version.

Version 1 holds a bill of one rating and one tariff. Version 2 is the same with what few bills need besides:

- `bill.rating.stages`: the month was rated in stages (分段). A list in the order of days without a gap; each stage has the form of
  `rating` with its own `first_day`, `last_day` and the `tariff_code`, `tariff_version` it was rated by. `rating` itself is then the
  head alone (contract, account, kind, month, and class, settlement, voltage of the last stage); the lines are those of the stages
  one after the other. A register (`readings`) belongs to each stage whose days it touches: energies are cut at the midnights
  between stages, a demand that was read once for the month stands whole in each.
- `bill.rating.tariffs`: code and version of tariffs beside the bill's own (`bill.tariff_code`, that of the last stage): of
  earlier stages and of parts. `tariffs` of the file holds them in this order, the leaf their digests.

Version 3 is that of adjustment bills (退补调整账单), which have no registers of their own:

- `bill.rating` is a head (account, contract, kind, month, case, cause, tariff) with `segments`, the months that the case settles in
  their order: `was` and `now` each hold `registers`, `rating`, `tariff_code` and `tariff_version` as a bill has them, before and
  after; `corrections` say by which factor and for which share of its days a register was put right. The lines of the bill are
  those of `now` less those of `was`, month by month and item by item.
- `bill.rating.stated`: lines that rest on what was found and not on a rating (theft, breach, refunds), with `stated_wh`.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from denghuo.kernel.fields import Document
from denghuo.kernel.values import Energy, Money, Price, decimal_text
from denghuo.service.tariff.api import TariffDocument

SCHEMA, VERSION, FURTHER_VERSION, ADJUSTMENT_VERSION = "denghuo.bill-file", 1, 2, 3
RUN_SCHEMA, RUN_VERSION = "denghuo.issue-run", 1
_REGISTER = (
    "point_no",
    "meter_no",
    "piece",
    "quantity",
    "band",
    "from_at",
    "to_at",
    "start",
    "end",
    "multiplier",
    "energy",
    "status",
    "method",
    "days_estimated",
    "rule",
)


def bill_part(row: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Head and lines of an issued bill, figures as text; no name and no address."""
    return {
        "bill_no": row["bill_no"],
        "account_no": row["account_no"],
        "contract_no": row["contract_no"],
        "month": row["month"],
        "kind": row["kind"],
        "tariff_class": row["tariff_class"],
        "tariff_code": row["tariff_code"],
        "tariff_version": row["tariff_version"],
        "from_on": row["from_on"].isoformat(),
        "to_on": row["to_on"].isoformat(),
        "issued_on": row["issued_on"].isoformat(),
        "due_on": row["due_on"].isoformat(),
        "run_no": row["run_no"],
        "energy": str(Energy(row["energy_wh"])),
        "amount": str(Money(row["amount_fen"])),
        "estimated_days": row["estimated_days"],
        "illustrative": row["illustrative"],
        "reverses": row["reverses"],
        "rating": row["rating"],
        "lines": [_line(line) for line in lines],
    }


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    quantity, price = line["quantity_milli"], line["price_e8"]
    return {
        "line": line["line"],
        "code": line["code"],
        "group": line["group"],
        "band": line["band"],
        "tier": line["tier"],
        "quantity": None if quantity is None else decimal_text(quantity, 3, 0),
        "unit": line["unit"],
        "price": None if price is None else str(Price(price)),
        "amount": str(Money(line["amount_fen"])),
        "document_no": line["document_no"],
        "illustrative": line["illustrative"],
    }


def readings_part(registers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The registers of the bill; a piece says all that rating took of it."""
    return [{name: piece[name] for name in _REGISTER} for piece in registers]


def tariff_part(document: TariffDocument) -> dict[str, Any]:
    """The tariff as its file has it, without the count of its versions and the end that its successor sets."""
    return document.model_dump(mode="json", exclude={"version", "effective_to"}, exclude_defaults=True)


def further_tariffs(rating: Mapping[str, Any] | None) -> list[tuple[str, int]]:
    """Code and version of the tariffs that a bill was rated by beside its own."""
    return [(one["code"], one["version"]) for one in (rating or {}).get("tariffs", [])]


def version_of(rating: Mapping[str, Any] | None) -> int:
    """The version of the form in which a bill is hashed and handed out."""
    if rating and "segments" in rating:
        return ADJUSTMENT_VERSION
    return FURTHER_VERSION if rating and ("stages" in rating or "tariffs" in rating) else VERSION


def leaf_value(
    bill: Mapping[str, Any], readings: Sequence[Any], tariff_digest: str, salt: str, further: Sequence[str] = ()
) -> dict[str, Any]:
    """What the hash of a bill covers. further: digests of the tariffs beside the bill's own, in the order of `rating.tariffs`."""
    value = {
        "schema": SCHEMA,
        "version": version_of(bill["rating"]),
        "salt": salt,
        "bill": bill,
        "readings": readings,
        "tariff": tariff_digest,
    }
    return value | {"tariffs": list(further)} if further else value


def run_part(run: Mapping[str, Any]) -> dict[str, Any]:
    """The head of a sealed issue run, as it stands in proofs."""
    return {
        "month": run["month"],
        "run_no": run["run_no"],
        "issued_on": run["issued_on"].isoformat(),
        "bills": run["bills"],
        "root": bytes(run["root"]).hex(),
    }


def run_value(run: Mapping[str, Any]) -> dict[str, Any]:
    """What the hash of an issue run covers."""
    return {"schema": RUN_SCHEMA, "version": RUN_VERSION, **run_part(run)}


def file(
    bill: Mapping[str, Any],
    readings: Sequence[Any],
    tariff: Mapping[str, Any],
    proof: Mapping[str, Any] | None,
    further: Sequence[Mapping[str, Any]] = (),
) -> Document:
    """The file as it is handed out. further: the tariffs beside the bill's own, in the order of `rating.tariffs`."""
    body = {
        "schema": SCHEMA,
        "version": version_of(bill["rating"]),
        "bill": bill,
        "readings": readings,
        "tariff": tariff,
        **({"tariffs": list(further)} if further else {}),
        "proof": proof,
    }
    text = json.dumps(body, ensure_ascii=False, indent=1) + "\n"
    return Document(
        file_name=f"bill-{bill['bill_no']}.json",
        media_type="application/json",
        content=base64.b64encode(text.encode()).decode(),
    )
