"""What a check comes to: findings, and the verdict that follows from them."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from denghuo_verify.figures import ZERO, shown

Verdict = Literal["verified", "differs", "unknown"]


@dataclass(frozen=True)
class Finding:
    """What differs or is not known. stated: as the file says; right: as it must be; difference: stated less right."""

    where: str
    zh: str
    en: str
    stated: str | None = None
    right: str | None = None
    difference: str | None = None


@dataclass
class Report:
    """`unknown`: rules and entries that this program does not know. `notes` say what a reader must still do or know."""

    bill_no: str = ""
    total: str = ""
    root: str | None = None
    run_root: str | None = None
    lines: list[dict[str, str | None]] = field(default_factory=list)
    differs: list[Finding] = field(default_factory=list)
    unknown: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        """Verified is only what was understood to the last entry and nowhere differs."""
        if self.differs:
            return "differs"
        return "unknown" if self.unknown else "verified"


def finding(where: str, zh: str, en: str, stated: Decimal | None, right: Decimal | None) -> Finding:
    return Finding(
        where,
        zh,
        en,
        None if stated is None else shown(stated, 2),
        None if right is None else shown(right, 2),
        shown((stated or ZERO) - (right or ZERO), 2),
    )
