"""What a bill was rated from, as it is stored with the bill (账单计费依据): the form is that of the bill file, see file.py."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from denghuo.kernel.period import midnight
from denghuo.service.billing.batch import Piece
from denghuo.service.billing.lines import RatingSubject
from denghuo.service.billing.pieces import metered
from denghuo.service.billing.rules import Stage
from denghuo.service.tariff.api import TariffDocument

_HEAD = ("contract_no", "account_no", "kind", "tariff_class", "settlement", "voltage", "month")


def tariffs_of(stages: Sequence[Stage]) -> list[TariffDocument]:
    """All tariffs that a bill was rated by, its own (that of the last stage) first."""
    found: dict[tuple[str, int], TariffDocument] = {}
    for stage in (stages[-1], *stages):
        for tariff in (stage.tariff, *stage.others.values()):
            found.setdefault((tariff.code, tariff.version), tariff)
    return list(found.values())


def rating_part(stages: Sequence[Stage]) -> dict[str, Any]:
    """What is stored beside the registers; what has its default is left out."""
    further = [{"code": tariff.code, "version": tariff.version} for tariff in tariffs_of(stages)[1:]]
    if len(stages) == 1:
        part = rating_head(stages[0].subject)
    else:
        last = stages[-1].subject.model_dump(mode="json")
        part = {name: last[name] for name in _HEAD}
        part["stages"] = [
            rating_head(stage.subject) | {"tariff_code": stage.tariff.code, "tariff_version": stage.tariff.version}
            for stage in stages
        ]
    return part | {"tariffs": further} if further else part


def rating_head(subject: RatingSubject) -> dict[str, Any]:
    """A subject as it is stored, without its registers."""
    return subject.model_dump(mode="json", exclude={"pieces"}, exclude_defaults=True)


# --- back -------------------------------------------------------------------------------------------------------------------


def stored(rating: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The stages of what is stored, in the order of their days; one where the month has none."""
    stages: list[Mapping[str, Any]] = rating.get("stages") or [rating]
    return stages


TariffOf = Callable[[str, int], TariffDocument]


def stages_of(
    rating: Mapping[str, Any], pieces: Sequence[Piece], own: TariffDocument, tariff_of: TariffOf
) -> list[Stage]:
    """The stages that a bill was rated in; none where the month has none.

    pieces: the registers of the bill. own: the bill's own tariff. tariff_of: gives a version of a tariff.
    """
    return [
        Stage(
            stored_subject(stage, pieces),
            tariff_of(stage["tariff_code"], stage["tariff_version"]),
            part_tariffs(rating, date.fromisoformat(stage["first_day"]), own, tariff_of),
        )
        for stage in rating.get("stages", [])
    ]


def stored_subject(stage: Mapping[str, Any], pieces: Iterable[Piece]) -> RatingSubject:
    """What is stored of a stage, or of a month without stages, with the registers whose days it touches."""
    body = {name: value for name, value in stage.items() if name in RatingSubject.model_fields}
    subject = RatingSubject.model_validate(body | {"pieces": []})
    if subject.first_day is not None and subject.last_day is not None:
        begins, ends = midnight(subject.first_day), midnight(subject.last_day)
        pieces = [piece for piece in pieces if piece.from_at <= ends and piece.to_at > begins]
    return subject.model_copy(update={"pieces": [metered(piece) for piece in pieces]})


def part_tariffs(
    rating: Mapping[str, Any], on: date, own: TariffDocument, tariff_of: TariffOf
) -> dict[str, TariffDocument]:
    """The tariffs by code that parts were billed by, as they were in force on a day."""
    found: dict[str, TariffDocument] = {}
    for tariff in [own, *(tariff_of(one["code"], one["version"]) for one in rating.get("tariffs", []))]:
        before = found.get(tariff.code)
        if tariff.effective_from <= on and (before is None or before.effective_from < tariff.effective_from):
            found[tariff.code] = tariff
    return found
