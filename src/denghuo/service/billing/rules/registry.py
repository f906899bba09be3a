"""The rules that a bill or a claim can rest on: id, document, days in force, words (规则目录).

A step names the rules that it follows in `values["rule"]`, ids with spaces between; `cited` gives the rules of a line. Spans
are half open. `basis` says what the wording was taken from, because not every rule stands in a public document:

- document: the published text;
- examination: published examination questions with their answers;
- bill: shown by real bills and price tables that come out to the last place;
- secondary: pages that report the document;
- carried: an older text, taken to hold on where the newer one was not read;
- company: a company's or a province's own procedure;
- handbook: an engineering handbook;
- unread: known by its number, its wording was not read; look it up before use.
"""

import csv
import importlib.resources
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from denghuo.kernel.fields import TextPair
from denghuo.service.billing.lines import Step

Basis = Literal["document", "examination", "bill", "secondary", "carried", "company", "handbook", "unread"]


@dataclass(frozen=True)
class Rule:
    """A rule with its document. since, until: [since, until); None = not known or open."""

    id: str
    document: str
    words: TextPair
    basis: Basis
    since: date | None = None
    until: date | None = None

    def holds_on(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)


def _read() -> dict[str, Rule]:
    file = importlib.resources.files("denghuo.service.billing.rules").joinpath("data", "rules.csv")
    rows = csv.DictReader(io.StringIO(file.read_text("utf-8")))
    return {
        row["id"]: Rule(
            row["id"],
            row["document"],
            TextPair(zh=row["zh"], en=row["en"]),
            row["basis"],  # type: ignore[arg-type]  # a test holds the table to the known ones
            date.fromisoformat(row["since"]) if row["since"] else None,
            date.fromisoformat(row["until"]) if row["until"] else None,
        )
        for row in rows
    }


RULES: Mapping[str, Rule] = _read()


def in_force(day: date) -> list[Rule]:
    """The rules that hold on a day."""
    return [rule for rule in RULES.values() if rule.holds_on(day)]


def dated(rule: str, on: date | None) -> str:
    """The rule by the text that was in force on a day, where an older text had it as well; None = the text of today."""
    older = f"{rule}.1996"
    return older if on is not None and older in RULES and RULES[older].holds_on(on) else rule


def cited(steps: Iterable[Step]) -> list[Rule]:
    """The rules that steps follow, each once, in their order."""
    named = (id for step in steps for id in step.values.get("rule", "").split())
    return [RULES[id] for id in dict.fromkeys(named)]
