"""Giving up an operation whose machine will never report: nothing is booked, and nothing stays claimed."""

from collections.abc import Sequence

from cellwright.model.answers import Reason, Receipt, RefusalCode
from cellwright.model.commands import AbortOperation, CheckOut, DispositionAction, Submission
from cellwright.model.equipment import Station
from cellwright.model.facts import Dispositioned, Fact, OperationAborted
from cellwright.model.routes import Operation, OperationKind
from cellwright.rules.checkout import find_claimed, find_open_lots
from cellwright.rules.consumption import released_by
from cellwright.rules.jobs import ended_jobs
from cellwright.rules.pages import find_operation, find_station, forms_of, mixed_reasons, places_of
from cellwright.rules.reasons import Decision, reason, refuse
from cellwright.rules.state import AssemblyRow, PersonRow, State, UnitRow

ABORTING_ROLES = ("line_lead", "quality", "maintenance", "admin")
"""Who may give up an operation: a machine that lives reports."""


def abort_operation(state: State, submission: Submission, command: AbortOperation) -> Decision:
    """Decide giving up an operation: units wait for it again, one attempt older; what was to be born or made is scrap."""
    early = _order_reasons(state, submission, command)
    station, reasons = find_station(state.plant, command.station)
    if station is None:
        return refuse(command, [*early, *reasons])
    code, reasons = find_operation(station, command.operation)
    if not code:
        return refuse(command, [*early, *reasons])
    made = state.plant.lot_operations.get(code)
    if made is not None:
        return _abort_lots(state, command, made, early)
    return _abort_units(state, command, station, operation=code, early=early)


def _order_reasons(state: State, submission: Submission, command: AbortOperation) -> list[Reason]:
    reasons = []
    if not command.reason.strip():
        text = "giving up an operation needs a reason; say what happened to the machine"
        reasons.append(reason(RefusalCode.DISPOSITION_INVALID, text))
    person = state.get(PersonRow, submission.actor)
    if person is None or person.disabled or not set(ABORTING_ROLES).intersection(person.roles):
        text = f"{submission.actor[:40]!r} is not known here as a person of the role {', '.join(ABORTING_ROLES)}; "
        text += "one of them gives up an operation"
        reasons.append(reason(RefusalCode.PERSON_UNKNOWN, text, person=submission.actor))
    return reasons


def _owed(command: AbortOperation) -> CheckOut:
    """Return the report that will never come: it names its page by the same rules."""
    return CheckOut(station=command.station, units=command.units, lots=command.lots, carrier=command.carrier)


def _abort_units(
    state: State, command: AbortOperation, station: Station, *, operation: str, early: list[Reason]
) -> Decision:
    units, reasons = find_claimed(state, _owed(command), operation)
    reasons = [*early, *reasons, *mixed_reasons(forms_of(places_of(state, units, operation)))]
    rule = state.operation_of(units[0]) if units else None
    if reasons or rule is None:
        return refuse(command, reasons)
    count, ids = len(units), tuple(unit.id for unit in units)
    aborted = OperationAborted(
        station=station.code,
        operation=rule.code,
        units=ids,
        attempts=tuple(unit.attempts[unit.step] + 1 for unit in units),
        members=_members(state, units),
        carrier=command.carrier,
        released=released_by(state, station.code, rule, outputs=count, leaving=count),
        reason=command.reason,
    )
    facts: list[Fact] = [aborted, *ended_jobs(state, station.code, ids, is_aborted=True, why=command.reason)]
    if rule.kind is not OperationKind.COMMISSION:
        return Decision(tuple(facts), Receipt(routing=(rule.code,) * count))
    # A unit is born once: the next one gets a code of its own.
    facts.append(Dispositioned(units=ids, action=DispositionAction.SCRAP, reason=command.reason))
    return Decision(tuple(facts), Receipt(routing=("scrap",) * count))


def _members(state: State, units: Sequence[UnitRow]) -> tuple[int, ...]:
    assemblies = (state.get(AssemblyRow, unit.id) for unit in units if unit.step == 0)
    return tuple(number for each in assemblies if each is not None for number in each.members)


def _abort_lots(state: State, command: AbortOperation, operation: Operation, early: list[Reason]) -> Decision:
    lots, reasons = find_open_lots(state, _owed(command), operation)
    if early or reasons:
        return refuse(command, [*early, *reasons])
    fact = OperationAborted(
        station=command.station,
        operation=operation.code,
        lots=tuple(lot.id for lot in lots),
        released=released_by(state, command.station, operation, outputs=1, leaving=1),
        reason=command.reason,
    )
    return Decision((fact,), Receipt(routing=("scrap",) * len(lots)))
