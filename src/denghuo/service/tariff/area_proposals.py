"""Proposals of price areas (单位价区复核发布): what one person says of a unit holds once another one publishes it."""

from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import text
from denghuo.service.tariff.api import (
    AreaProposal,
    AreaProposalRef,
    NoSuchProposal,
    ProposalDecided,
    SamePerson,
    UnitArea,
)

_ALL = "SELECT proposal_no, org, area, from_day, state, proposed_by, proposed_at, decided_by, decided_at FROM area_proposal"


class AreaProposals:
    """The proposals of a unit of work."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def put(self, call: Call, item: UnitArea) -> AreaProposal:
        """What was proposed of the unit from the same day on and is still open is replaced."""
        self._work.run(
            "UPDATE area_proposal SET state = 'withdrawn', decided_by = %s, decided_at = %s"
            " WHERE org = %s AND from_day = %s AND state = 'draft'",
            (call.actor, call.now, item.org, item.from_day),
        )
        number = self._work.value(
            "INSERT INTO area_proposal (org, area, from_day, state, proposed_by, proposed_at)"
            " VALUES (%s, %s, %s, 'draft', %s, %s) RETURNING proposal_no",
            (item.org, item.area, item.from_day, call.actor, call.now),
        )
        return self._one(int(number or 0))

    def publish(self, call: Call, request: AreaProposalRef) -> AreaProposal:
        """
        Raises:
            SamePerson: who proposed it may not publish it.
        """
        found = self._open(call, request)
        if found.proposed_by == call.actor:
            raise SamePerson(
                text(
                    "价区须由提出人以外的人复核发布。", "A price area is published by another person than its proposer."
                ),
                drafted_by=found.proposed_by,
            )
        return self._decide(call, found, "published")

    def withdraw(self, call: Call, request: AreaProposalRef) -> AreaProposal:
        return self._decide(call, self._open(call, request), "withdrawn")

    def open_of(self, orgs: list[str]) -> list[AreaProposal]:
        """The open proposals of units, the oldest first."""
        where = " WHERE state = 'draft' AND org = ANY (%s) ORDER BY proposal_no"
        return [AreaProposal(**row) for row in self._work.rows(_ALL + where, (orgs,))]

    def _open(self, call: Call, request: AreaProposalRef) -> AreaProposal:
        found = self._one(request.proposal_no)
        if not call.covers(found.org):
            raise _unknown(request.proposal_no)
        if found.state != "draft":
            raise ProposalDecided(
                text(
                    f"该价区登记已由 {found.decided_by} 办结。",
                    f"This proposal was decided by {found.decided_by} before.",
                ),
                proposal_no=found.proposal_no,
                state=found.state,
            )
        return found

    def _decide(self, call: Call, found: AreaProposal, state: str) -> AreaProposal:
        self._work.run(
            "UPDATE area_proposal SET state = %s, decided_by = %s, decided_at = %s WHERE proposal_no = %s",
            (state, call.actor, call.now, found.proposal_no),
        )
        return self._one(found.proposal_no)

    def _one(self, number: int) -> AreaProposal:
        rows: list[dict[str, Any]] = self._work.rows(_ALL + " WHERE proposal_no = %s", (number,))
        if not rows:
            raise _unknown(number)
        return AreaProposal(**rows[0])


def _unknown(number: int) -> NoSuchProposal:
    return NoSuchProposal(
        text(f"没有第 {number} 号价区登记，或不在您的管辖范围内。", f"There is no proposal {number} in your scope."),
        proposal_no=number,
    )
