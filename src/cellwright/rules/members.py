"""May this unit become a member? Asked when units are joined, and when one takes the place of another."""

from cellwright.model.answers import Reason, RefusalCode
from cellwright.model.routes import Members
from cellwright.rules.pages import STATUS_REFUSALS
from cellwright.rules.reasons import reason
from cellwright.rules.state import State, UnitRow, UnitStatus


def member_reasons(state: State, wanted: Members, unit: UnitRow, *, job: str = "") -> list[Reason]:
    """Return every reason why a unit may not become one of the wanted members, in a job where there is one."""
    code = state.code_of(unit.id)
    reasons = []
    if unit.product != wanted.product or (wanted.grade and unit.grade != wanted.grade):
        text = f"unit {code} is {unit.product} of grade {unit.grade or 'none'}; {wanted.product} of grade "
        text += f"{wanted.grade or 'any'} is needed"
        reasons.append(reason(RefusalCode.MEMBER_WRONG, text, unit=code, product=unit.product, grade=unit.grade))
    reasons.extend(reserved_reasons(state, unit, job=job))
    if unit.holds:
        text = f"unit {code} is on hold; a hold is lifted by two people"
        reasons.append(reason(RefusalCode.UNIT_HELD, text, unit=code, holds=unit.holds))
    if unit.status is not UnitStatus.FINISHED:
        text = f"unit {code} is {unit.status}; only a finished unit becomes a member"
        reasons.append(reason(STATUS_REFUSALS[unit.status], text, unit=code, status=unit.status))
    return reasons


def reserved_reasons(state: State, unit: UnitRow, *, job: str = "") -> list[Reason]:
    """Return a reason when a unit is kept for a job other than the one named."""
    reserved = state.jobs.reserved_for(unit.id)
    if reserved in ("", job):
        return []
    code = state.code_of(unit.id)
    text = f"unit {code} is reserved for job {reserved}; choose another, or abort that job"
    return [reason(RefusalCode.UNIT_RESERVED, text, unit=code, job=reserved)]
