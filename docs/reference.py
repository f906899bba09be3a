"""The reference of all operations, made from the contracts, and of the billing rules, made from their table: writes
docs/reference/operations.md and billing-rules.md."""

import pathlib
import re
from collections.abc import Iterator

from denghuo.access.api import AccessApi
from denghuo.application.api import ApplicationApi
from denghuo.kernel.contract import Api, Message, Operation
from denghuo.main.composition import SERVICES
from denghuo.service.billing.rules.registry import RULES, Rule

PAGE = pathlib.Path(__file__).parent / "reference" / "operations.md"
RULES_PAGE = PAGE.with_name("billing-rules.md")
RULES_HEAD = """# Billing rules

Made from `src/denghuo/service/billing/rules/data/rules.csv` by `docs/reference.py`; do not edit. A bill line and a claim name the
rules that they follow. Spans are half open: a rule holds from its first day up to and without its last.

Basis says what the wording was taken from. document: the published text. examination: published examination questions with their
answers. bill: real bills and price tables that come out to the last place. secondary: pages that report the document. carried: an
older text, taken to hold on where the newer one was not read. company: a company's or a province's own procedure. handbook: an
engineering handbook. unread: known by its number only; look it up before use.
"""
HEAD = """# Operations

Made from the contracts by `docs/reference.py`; do not edit. How they are called: [concepts](../concepts.md#a-call).

Over HTTP: `POST /api/NOUN/OPERATION` with the request as JSON; a command takes an `Idempotency-Key`. At the command line:
`denghuo call NOUN.OPERATION '{...}'`. A field with `?` may be left out. The permit `public` asks for no right. Problems are
`application/problem+json`; `billing.not-issued` stands for the `type` `/problems/billing/not-issued`.
"""


def page() -> str:
    """The whole page as text."""
    contracts = sorted([*SERVICES, AccessApi, ApplicationApi], key=lambda contract: contract.noun)
    index = " · ".join(f"[{contract.noun}](#{contract.noun})" for contract in contracts)
    return (
        "\n".join([HEAD, index, "", *(line for contract in contracts for line in _service(contract))]).rstrip() + "\n"
    )


def rules_page() -> str:
    """The table of billing rules, a section for each group of ids."""
    groups: dict[str, list[Rule]] = {}
    for rule in RULES.values():
        groups.setdefault(rule.id.split(".")[0], []).append(rule)
    lines = [RULES_HEAD]
    for name, rules in groups.items():
        lines += [
            f"## {name}",
            "",
            "| rule | 中文 | English | document | from | to | basis |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [
            f"| `{rule.id}` | {rule.words.zh} | {rule.words.en} | {rule.document} | {rule.since or ''} | {rule.until or ''} |"
            f" {rule.basis} |"
            for rule in rules
        ]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _service(contract: type[Api]) -> Iterator[str]:
    yield f"## {contract.noun}"
    yield ""
    said = (__import__(contract.__module__, fromlist=["_"]).__doc__ or "").strip()
    yield _first(said)
    yield ""
    for operation in contract.operations().values():
        yield from _operation(operation)
    problems = {problem.type_uri(): problem for found in contract.operations().values() for problem in found.problems}
    if problems:
        yield "| problem | status | 中文 | English |"
        yield "|---|---|---|---|"
        for uri, problem in sorted(problems.items()):
            yield f"| {_short(uri)} | {problem.status} | {problem.title['zh']} | {problem.title['en']} |"
        yield ""


def _operation(operation: Operation) -> Iterator[str]:
    yield f"### {operation.full_name}"
    yield ""
    yield _first(operation.documentation)
    yield ""
    yield f"- {operation.kind}, permit `{operation.permit}`" + (
        ", shows personal data in clear" if operation.reveals else ""
    )
    yield f"- request: {_fields(operation.request)}"
    yield f"- reply: {_fields(operation.reply)}"
    if operation.problems:
        yield "- problems: " + ", ".join(_short(problem.type_uri()) for problem in operation.problems)
    if operation.emits:
        yield "- events: " + ", ".join(f"`{event.event_type()}`" for event in operation.emits)
    yield ""


def _fields(message: type[Message]) -> str:
    named = [f"`{name}{'' if field.is_required() else '?'}`" for name, field in message.model_fields.items()]
    return ", ".join(named) or "nothing"


def _short(uri: str) -> str:
    return uri.removeprefix("/problems/").replace("/", ".")


def _first(documentation: str) -> str:
    """The first paragraph in one line."""
    return re.sub(r"\s+", " ", documentation.strip().split("\n\n")[0]) or "-"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    RULES_PAGE.write_text(rules_page(), "utf-8")
