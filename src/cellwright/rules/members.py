"""May this unit become a member? Asked when units are joined, and when one takes the place of another."""

from cellwright.model.answers import Reason, RefusalCode
from cellwright.model.routes import Members
from cellwright.rules.pages import STATUS_REFUSALS
from cellwright.rules.reasons import reason
from cellwright.rules.state import State, UnitRow, UnitStatus


def member_reasons(state: State, wanted: Members, unit: UnitRow) -> list[Reason]:
    """Return every reason why a unit may not become one of the wanted members."""
    code = state.code_of(unit.id)
    reasons = []
    if unit.product != wanted.product or (wanted.grade and unit.grade != wanted.grade):
        text = f"unit {code} is {unit.product} of grade {unit.grade or 'none'}; {wanted.product} of grade "
        text += f"{wanted.grade or 'any'} is needed"
        reasons.append(reason(RefusalCode.MEMBER_WRONG, text, unit=code, product=unit.product, grade=unit.grade))
    if unit.holds:
        text = f"unit {code} is on hold; a hold is lifted by two people"
        reasons.append(reason(RefusalCode.UNIT_HELD, text, unit=code, holds=unit.holds))
    if unit.status is not UnitStatus.FINISHED:
        text = f"unit {code} is {unit.status}; only a finished unit becomes a member"
        reasons.append(reason(STATUS_REFUSALS[unit.status], text, unit=code, status=unit.status))
    return reasons
