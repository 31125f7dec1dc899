"""Holds and dispositions: stopping units and lots, letting them go by two signatures, scrap and rework."""

from collections.abc import Sequence

from cellwright.model.answers import Reason, Receipt, RefusalCode
from cellwright.model.commands import Disposition, DispositionAction, HoldSubject, PlaceHold, ReleaseHold, Submission
from cellwright.model.facts import Dispositioned, Held, Released
from cellwright.model.routes import Route
from cellwright.rules.pages import find_units
from cellwright.rules.quality import may_return
from cellwright.rules.reasons import Decision, reason, refuse
from cellwright.rules.signing import missing_signatures, unknown_signers
from cellwright.rules.state import HoldRow, State, UnitRow, UnitStatus


def place_hold(state: State, command: PlaceHold) -> Decision:
    """Decide a hold; units in process finish their operation and then stop."""
    reasons: list[Reason] = []
    if command.subject is HoldSubject.UNIT:
        found = find_units(state, command.codes)
        subjects, reasons = [unit.id for unit in found.units], found.reasons
    else:
        subjects = []
        for code in command.codes:
            lot = state.lot_by_code(code)
            if lot is None:
                text = f"no lot has the code {code[:40]!r}"
                reasons.append(reason(RefusalCode.LOT_UNKNOWN, text, lot=code[:40]))
            else:
                subjects.append(lot.id)
    if not command.reason.strip() or not command.codes:
        text = "a hold needs at least one code and a reason"
        reasons.append(reason(RefusalCode.DISPOSITION_INVALID, text))
    if reasons:
        return refuse(command, reasons)
    number = state.counter("hold") + 1
    fact = Held(hold=number, subject=command.subject, subjects=tuple(dict.fromkeys(subjects)), reason=command.reason)
    return Decision((fact,), Receipt(routing=(str(number),)))


def release_hold(state: State, submission: Submission, command: ReleaseHold) -> Decision:
    """Decide lifting a hold: two different, known people must sign."""
    row = state.get(HoldRow, command.hold)
    reasons = []
    if row is None or row.released_us:
        text = f"hold {command.hold} {'was lifted before' if row else 'does not exist'}"
        reasons.append(reason(RefusalCode.HOLD_UNKNOWN, text, hold=command.hold))
    reasons += missing_signatures(submission, command.second_person, "a hold is lifted")
    if not command.reason.strip():
        reasons.append(reason(RefusalCode.DISPOSITION_INVALID, "lifting a hold needs a reason"))
    reasons += unknown_signers(state, (submission.actor, command.second_person))
    if reasons:
        return refuse(command, reasons)
    return Decision(
        (Released(hold=command.hold, reason=command.reason, second_person=command.second_person),), Receipt()
    )


def disposition(state: State, command: Disposition) -> Decision:
    """Decide scrap, rework or reuse of units that wait; rework is limited by the operation's limit."""
    found = find_units(state, command.units)
    reasons = list(found.reasons)
    if not command.units or not command.reason.strip():
        reasons.append(reason(RefusalCode.DISPOSITION_INVALID, "a disposition needs units and a reason"))
    for unit in found.units:
        reasons.extend(_disposition_reasons(state, unit, command))
    step = _common_step(state, found.units, command)
    if step is None and not reasons:
        text = "the units stand on routes that number the operation differently; disposition them apart"
        reasons.append(reason(RefusalCode.DISPOSITION_INVALID, text))
    if reasons or step is None:
        return refuse(command, reasons)
    ids = tuple(unit.id for unit in found.units)
    fact = Dispositioned(units=ids, action=command.action, reason=command.reason, step=step)
    targets = {DispositionAction.SCRAP: "scrap", DispositionAction.REUSE: "done"}
    return Decision((fact,), Receipt(routing=(targets.get(command.action, command.operation),) * len(ids)))


def _disposition_reasons(state: State, unit: UnitRow, command: Disposition) -> list[Reason]:
    code = state.code_of(unit.id)
    if unit.status not in (UnitStatus.WAITING, UnitStatus.FINISHED, UnitStatus.REMOVED):
        text = (
            f"unit {code} is {unit.status}; let its operation finish, take it out of its parent, or have it back first"
        )
        return [reason(RefusalCode.UNIT_IN_PROCESS, text, unit=code, status=unit.status)]
    if command.action is DispositionAction.REUSE and unit.status is not UnitStatus.REMOVED:
        text = f"unit {code} is {unit.status}; only what was removed from elsewhere is let be used again as it is"
        return [reason(RefusalCode.DISPOSITION_INVALID, text, unit=code, status=unit.status)]
    return return_reasons(state, unit, command.operation) if command.action is DispositionAction.REWORK else []


def return_reasons(state: State, unit: UnitRow, operation: str) -> list[Reason]:
    """Return the reason why a unit may not go back to an operation of its route."""
    code, route = state.code_of(unit.id), state.get(Route, unit.route)
    step = -1 if route is None else route.step_of(operation)
    if route is None or not may_return(route, unit.step, step):
        text = f"unit {code} cannot go back to {operation or 'nothing'}; name an operation it has been at"
        text += ", but not the one it was born in"
        return [reason(RefusalCode.DISPOSITION_INVALID, text, unit=code, operation=operation)]
    limit = route.operations[step].not_good.limit
    if unit.attempts[step] > limit:
        text = f"unit {code} had {unit.attempts[step]} attempts at {operation}; at most {limit + 1} are allowed"
        return [reason(RefusalCode.RETEST_LIMIT, text, unit=code, attempts=unit.attempts[step], limit=limit + 1)]
    return []


def _common_step(state: State, units: Sequence[UnitRow], command: Disposition) -> int | None:
    if command.action is not DispositionAction.REWORK:
        return -1
    routes = (state.get(Route, unit.route) for unit in units)
    steps = {route.step_of(command.operation) for route in routes if route is not None}
    return steps.pop() if len(steps) == 1 else None
