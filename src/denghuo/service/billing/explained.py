"""Lines explained on demand (账单明细解释): a line that was made by columns is stored with its figures alone.

The rules rate the bill again from what is kept with it and must come to the same figures; what they say on the way is the
explanation. Where they do not, nobody is shown an explanation of something else.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from denghuo.kernel.problem import Problem, text
from denghuo.service.billing.cases.basis import Basis
from denghuo.service.billing.cases.segments import rated_again
from denghuo.service.billing.kept import TariffOf
from denghuo.service.billing.lines import BillLine, Rated
from denghuo.service.billing.opposite import opposite
from denghuo.service.billing.store.rows import LINE_FIGURES, line_figures

Row = Mapping[str, Any]


class Unexplained(
    Problem, noun="billing", status=500, zh="账单明细无法解释", en="The lines of a bill cannot be explained"
):
    """The rules do not come to the figures of an issued line. Fields: bill_no, line."""


def computed_again(row: Row, tariff_of: TariffOf) -> Rated:
    """A bill by the rules from what is kept with it; a reversal is the opposite of what it was rated from.

    Raises:
        CannotRate: no bill follows from it any more.
    """
    rating = row["rating"]
    rated = rated_again(rating, tariff_of) if "segments" in rating else Basis.of(row, row["to_on"]).rated(tariff_of)
    return rated if row["reverses"] is None else opposite(rated)


def explained(row: Row, lines: Sequence[Row], tariff_of: TariffOf) -> list[BillLine]:
    """The lines of a bill with their explanation, as it is stored or as the rules give it.

    row: the bill with its registers and rating; lines: all of its lines with their figures and `detail`.

    Raises:
        Unexplained: the rules come to other figures.
        CannotRate: no bill follows from what is kept.
    """
    if all(line["detail"] is not None for line in lines):
        return [BillLine.model_validate(line["detail"]) for line in lines]
    told = computed_again(row, tariff_of).lines
    for at, line in enumerate(lines):
        same = at < len(told) and all(
            line[name] == value for name, value in zip(LINE_FIGURES, line_figures(told[at]), strict=True)
        )
        if not same or len(told) != len(lines):
            raise Unexplained(
                text(
                    f"账单 {row['bill_no']} 第 {line['line']} 行按所存示数、条款和电价重算结果不同，请交技术人员核查。",
                    f"Line {line['line']} of bill {row['bill_no']} comes out otherwise from what is kept; have it looked into.",
                ),
                bill_no=row["bill_no"],
                line=line["line"],
            )
    return told
