"""Signing: what two people of a role must sign together."""

from collections.abc import Sequence
from typing import Final

from cellwright.model.answers import Reason, RefusalCode
from cellwright.model.commands import Submission
from cellwright.rules.reasons import reason
from cellwright.rules.state import PersonRow, State

SIGNING_ROLES: Final = ("quality",)
"""Who may sign, two of them together. An admin may not: who makes accounts could make the second one."""

CORRECTING_ROLES: Final = ("quality", "process")
"""Who may sign for what gauges add to what they measure, two of them together."""


def missing_signatures(submission: Submission, second_person: str, what: str) -> list[Reason]:
    """Return a reason unless two different people sign; `what` they sign stands before "by two different people"."""
    if submission.actor and second_person and second_person != submission.actor:
        return []
    text = f"{what} by two different people; the second signature is missing"
    return [reason(RefusalCode.SIGNATURE_MISSING, text, actor=submission.actor)]


def unknown_signers(state: State, people: Sequence[str], roles: Sequence[str] = SIGNING_ROLES) -> list[Reason]:
    """Return a reason for everybody who signs without being known here with one of the roles."""
    reasons = []
    for person in people:
        known = state.get(PersonRow, person)
        if person and (known is None or known.disabled or not set(roles).intersection(known.roles)):
            text = f"person {person!r} is not known here with the role {' or '.join(roles)}"
            reasons.append(reason(RefusalCode.PERSON_UNKNOWN, text, person=person))
    return reasons
