"""Bill files for the tests of the verifier, made from what the platform's rules say."""

import contextlib
import io
import json
import pathlib
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from denghuo.kernel.period import midnight
from denghuo.kernel.values import Energy
from denghuo.service.billing.file import SCHEMA, bill_part, readings_part, tariff_part, version_of
from denghuo.service.billing.lines import MeteredPiece, Rated, RatingSubject
from denghuo.service.billing.rules import Stage, rate, rate_stages
from denghuo.service.billing.rules.days import billed_days
from denghuo.service.tariff.api import TariffDocument
from denghuo_verify.check import verify
from denghuo_verify.main import main
from denghuo_verify.report import Report

BILL_NO = "2026041405810000001101"
HEAD = ("contract_no", "account_no", "kind", "tariff_class", "settlement", "voltage", "month")
Tariffs = Mapping[str, TariffDocument]


def bill_file(subject: RatingSubject, tariff: TariffDocument, rated: Rated, others: Tariffs | None = None) -> Any:
    """The file of a bill as the platform hands it out, without a proof."""
    codes = dict.fromkeys(part.tariff_code for part in subject.parts if part.tariff_code not in (None, tariff.code))
    further = [(others or {})[str(code)] for code in codes]
    return _file([Stage(subject, tariff)], _terms(subject) | _named(further), further, rated)


def staged_file(stages: Sequence[Stage], rated: Rated) -> Any:
    """The file of a bill that was rated in stages."""
    last, own, _ = stages[-1]
    found = [one.tariff for one in stages] + [other for one in stages for other in one.others.values()]
    further = [one for at, one in enumerate(found) if one != own and one not in found[:at]]
    stated = last.model_dump(mode="json")
    head = {name: stated[name] for name in HEAD}
    named = [_terms(one) | {"tariff_code": by.code, "tariff_version": by.version} for one, by, _ in stages]
    return _file(stages, head | {"stages": named} | _named(further), further, rated)


def _terms(subject: RatingSubject) -> dict[str, Any]:
    terms: dict[str, Any] = json.loads(subject.model_dump_json(exclude={"pieces"}, exclude_defaults=True))
    return terms


def _named(further: Sequence[TariffDocument]) -> dict[str, Any]:
    return {"tariffs": [{"code": one.code, "version": one.version} for one in further]} if further else {}


def _file(
    stages: Sequence[Stage], rating: dict[str, Any], further: Sequence[TariffDocument], rated: Rated
) -> dict[str, Any]:
    subject, tariff, _ = stages[-1]
    first_day, _ = billed_days(stages[0][0])
    _, last_day = billed_days(subject)
    row = {
        "bill_no": BILL_NO,
        "account_no": subject.account_no,
        "contract_no": subject.contract_no,
        "month": subject.month,
        "kind": subject.kind,
        "tariff_class": subject.tariff_class,
        "tariff_code": rated.tariff_code,
        "tariff_version": rated.tariff_version,
        "from_on": first_day,
        "to_on": last_day,
        "issued_on": date(2026, 5, 1),
        "due_on": date(2026, 5, 21),
        "run_no": 1,
        "energy_wh": rated.energy_wh,
        "amount_fen": rated.total.fen,
        "estimated_days": rated.estimated_days,
        "illustrative": rated.illustrative,
        "reverses": None,
        "rating": rating,
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
        "version": version_of(rating),
        "bill": bill_part(row, lines),
        "readings": readings_part([_register(piece, one) for one, _, _ in stages for piece in one.pieces]),
        "tariff": tariff_part(tariff),
        **({"tariffs": [tariff_part(one) for one in further]} if further else {}),
        "proof": None,
    }


def _register(piece: MeteredPiece, subject: RatingSubject) -> dict[str, Any]:
    first_day, last_day = billed_days(subject)
    return {
        "point_no": piece.point_no,
        "meter_no": piece.meter_no,
        "piece": piece.piece,
        "quantity": piece.quantity,
        "band": piece.band,
        "from_at": midnight(first_day).isoformat(),
        "to_at": midnight(last_day + timedelta(days=1)).isoformat(),
        "start": None if piece.start is None else str(piece.start),
        "end": None if piece.end is None else str(piece.end),
        "multiplier": str(piece.multiplier),
        "energy": str(Energy(piece.value_milli or 0)),
        "status": piece.status,
        "method": piece.method,
        "days_estimated": piece.estimated_days,
        "rule": "",
    }


def reversing(original: dict[str, Any]) -> dict[str, Any]:
    """The file of the bill that takes another one back."""
    file: dict[str, Any] = json.loads(json.dumps(original))
    bill = file["bill"]
    bill |= {"reverses": bill["bill_no"], "bill_no": bill["bill_no"][:-1] + "2"}
    for holder, names in ((bill, ("energy", "amount")), *((line, ("quantity", "amount")) for line in bill["lines"])):
        holder |= {name: _opposite(holder[name]) for name in names if holder[name] is not None}
    return file


def _opposite(figure: str) -> str:
    return figure.removeprefix("-") if figure.startswith("-") or not figure.strip("0.") else f"-{figure}"


def told_of(file: pathlib.Path, *more: str) -> tuple[int, dict[str, Any]]:
    """What the command line says of a bill's file: its exit code and its report; in this process, for a start takes longer."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = main([str(file), "--json", *more])
    return code, json.loads(said.getvalue())


def checked(document: dict[str, Any], **how: Any) -> Report:
    """The report on a file as it is read from its text."""
    return verify(json.loads(json.dumps(document)), need_proof=False, **how)


def agreeing(subject: RatingSubject, tariff: TariffDocument, others: Tariffs | None = None) -> Rated:
    """What the platform rates, after the verifier has come to the same lines, and to those of its reversal."""
    rated = rate(subject, tariff, others)
    _verified(bill_file(subject, tariff, rated, others))
    return rated


def agreeing_stages(stages: Sequence[Stage]) -> Rated:
    """The same of a month in stages."""
    rated = rate_stages(stages)
    _verified(staged_file(stages, rated))
    return rated


def _verified(document: dict[str, Any]) -> None:
    for one in (document, reversing(document)):
        report = checked(one)
        assert report.verdict == "verified", report
