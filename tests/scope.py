"""`pytest --scope`: which functions of docs/scope.csv have a passing test.

A test proves a function by `@pytest.mark.scope("B05-06")`.
"""

import csv
import pathlib
from collections import defaultdict

import pytest

SCOPE = pathlib.Path(__file__).parents[1] / "docs" / "scope.csv"


def known_rows() -> dict[str, dict[str, str]]:
    with SCOPE.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


class Scope:
    """Collects outcomes by scope row; with xdist the reports arrive at the controller with the rows as their properties."""

    def __init__(self) -> None:
        self.outcomes: dict[str, set[str]] = defaultdict(set)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, row in report.user_properties:
            if name == "scope" and (report.when == "call" or report.outcome != "passed"):
                self.outcomes[str(row)].add(report.outcome)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        rows = known_rows()
        proven = {row for row, outcomes in self.outcomes.items() if outcomes == {"passed"}}
        for row, entry in rows.items():
            if row in self.outcomes:
                state = "proven" if row in proven else "FAILED"
                terminalreporter.write_line(
                    f"{row:7} {entry['priority']:3} {state:7} {entry['function_zh']} {entry['function_en']}"
                )
        for priority in sorted({entry["priority"] for entry in rows.values()}):
            of = [row for row, entry in rows.items() if entry["priority"] == priority]
            terminalreporter.write_line(f"{priority}: {sum(row in proven for row in of)} of {len(of)} proven")
