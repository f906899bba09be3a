"""Bill files for the tests of the verifier, made from what the platform's rules say."""

import json
from collections.abc import Mapping
from typing import Any

from denghuo.kernel.values import Energy
from denghuo.service.billing.file import SCHEMA, VERSION, bill_part, readings_part, tariff_part
from denghuo.service.billing.lines import MeteredPiece, Rated, RatingSubject
from denghuo.service.billing.rules import rate
from denghuo.service.tariff.api import TariffDocument
from denghuo_verify.check import Report, verify

BILL_NO = "2026041405810000001101"


def bill_file(subject: RatingSubject, tariff: TariffDocument, rated: Rated) -> dict[str, Any]:
    """The file of a bill as the platform hands it out, without a proof."""
    row = {
        "bill_no": BILL_NO,
        "account_no": subject.account_no,
        "contract_no": subject.contract_no,
        "month": subject.month,
        "kind": subject.kind,
        "tariff_class": subject.tariff_class,
        "tariff_code": rated.tariff_code,
        "tariff_version": rated.tariff_version,
        "from_on": _Day("2026-04-01"),
        "to_on": _Day("2026-04-30"),
        "issued_on": _Day("2026-05-01"),
        "due_on": _Day("2026-05-21"),
        "run_no": 1,
        "energy_wh": rated.energy_wh,
        "amount_fen": rated.total.fen,
        "estimated_days": rated.estimated_days,
        "illustrative": rated.illustrative,
        "reverses": None,
        "rating": json.loads(subject.model_dump_json(exclude={"pieces"}, exclude_defaults=True)),
    }
    lines = [
        {
            "line": at,
            "code": line.code,
            "group": line.group,
            "band": line.band,
            "tier": line.tier,
            "quantity_milli": line.quantity_milli,
            "unit": line.unit,
            "price_e8": None if line.price is None else line.price.e8,
            "amount_fen": line.amount.fen,
            "document_no": line.document_no,
            "illustrative": line.illustrative,
        }
        for at, line in enumerate(rated.lines, 1)
    ]
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "bill": bill_part(row, lines),
        "readings": readings_part([_register(piece) for piece in subject.pieces]),
        "tariff": tariff_part(tariff),
        "proof": None,
    }


class _Day(str):
    def isoformat(self) -> str:
        return str(self)


def _register(piece: MeteredPiece) -> dict[str, Any]:
    return {
        "point_no": piece.point_no,
        "meter_no": piece.meter_no,
        "piece": piece.piece,
        "quantity": piece.quantity,
        "band": piece.band,
        "from_at": "2026-03-31T16:00:00+00:00",
        "to_at": "2026-04-30T16:00:00+00:00",
        "start": None if piece.start is None else str(piece.start),
        "end": None if piece.end is None else str(piece.end),
        "multiplier": str(piece.multiplier),
        "energy": str(Energy(piece.value_milli or 0)),
        "status": piece.status,
        "method": piece.method,
        "days_estimated": piece.estimated_days,
        "rule": "",
    }


def checked(document: dict[str, Any], **how: Any) -> Report:
    """The report on a file as it is read from its text."""
    return verify(json.loads(json.dumps(document)), need_proof=False, **how)


NOT_KNOWN = ("parts", "losses", "line_losses", "market")
"""Terms that the verifier does not compute with."""


def agreeing(
    subject: RatingSubject, tariff: TariffDocument, others: Mapping[str, TariffDocument] | None = None
) -> Rated:
    """What the platform rates, after the verifier has come to the same lines, or has said which terms it does not know."""
    rated = rate(subject, tariff, others)
    report = checked(bill_file(subject, tariff, rated))
    foreign = [name for name in NOT_KNOWN if getattr(subject, name)]
    if foreign:
        places = {
            one.where.split("[")[0].split(".")[-1] for one in report.unknown if one.where.startswith("bill.rating")
        }
        assert report.verdict == "unknown" and places == set(foreign), report
    else:
        assert report.verdict == "verified", report
    return rated
