"""Repair: members replaced in their slots, and units taken apart. What leaves is used again only after a disposition."""

from collections.abc import Iterator, Sequence

from cellwright.model.answers import Reason, Receipt, RefusalCode
from cellwright.model.commands import Disassemble, DispositionAction, ReplaceMember, Submission
from cellwright.model.facts import Assembled, Disassembled, Dispositioned, Fact
from cellwright.model.routes import OperationKind, Route
from cellwright.rules.holds import return_reasons
from cellwright.rules.members import member_reasons
from cellwright.rules.pages import STATUS_REFUSALS, find_units
from cellwright.rules.reasons import Decision, reason, refuse
from cellwright.rules.state import AssemblyRow, PersonRow, State, UnitRow, UnitStatus

REPAIRING_ROLES = ("quality", "maintenance")
"""Who may open a unit: its record changes, and what it passed before says less than it did."""

_OPENABLE = (UnitStatus.WAITING, UnitStatus.FINISHED, UnitStatus.REMOVED)


def replace_member(state: State, submission: Submission, command: ReplaceMember) -> Decision:
    """Decide that units take the slots of members of a unit; holds on the repaired unit and its members stay."""
    parents = find_units(state, (command.parent,))
    olds, news = find_units(state, command.members), find_units(state, command.replacements)
    reasons = [*_order_reasons(state, submission, command.reason), *_column_reasons(command)]
    for found in (parents, olds, news):
        reasons.extend(found.reasons)
    for parent in parents.units:
        reasons.extend(_open_reasons(state, parent))
        reasons.extend(_goes_on_reasons(state, parent, command.operation))
        reasons.extend(each for unit in olds.units for each in _member_of_reasons(state, parent, unit))
        reasons.extend(_fitting_reasons(state, parent, news.units))
    if reasons:
        return refuse(command, reasons)
    return _replace(state, command, parents.units[0], olds=olds.units, news=news.units)


def _replace(
    state: State, command: ReplaceMember, parent: UnitRow, *, olds: Sequence[UnitRow], news: Sequence[UnitRow]
) -> Decision:
    left, slots = tuple(unit.id for unit in olds), tuple(unit.slot for unit in olds)
    facts: list[Fact] = [
        Disassembled(parent=parent.id, members=left, slots=slots, reason=command.reason),
        Assembled(
            parent=parent.id,
            members=tuple(unit.id for unit in news),
            slots=slots,
            replaced=left,
            reason=command.reason,
        ),
    ]
    route = state.get(Route, parent.route)
    if command.operation and route is not None:
        step = route.step_of(command.operation)
        facts.append(
            Dispositioned(units=(parent.id,), action=DispositionAction.REWORK, reason=command.reason, step=step)
        )
        return Decision(tuple(facts), Receipt(routing=(command.operation,)))
    waits_for = state.operation_of(parent)
    return Decision(tuple(facts), Receipt(routing=("done" if waits_for is None else waits_for.code,)))


def disassemble(state: State, submission: Submission, command: Disassemble) -> Decision:
    """Decide that units are taken apart; what is left of them is scrap."""
    found = find_units(state, command.units)
    reasons = [*_order_reasons(state, submission, command.reason), *found.reasons]
    if not command.units:
        reasons.append(reason(RefusalCode.DISPOSITION_INVALID, "nothing is named that could be taken apart"))
    for unit in found.units:
        reasons.extend([*_open_reasons(state, unit), *_whole_reasons(state, unit)])
    if reasons:
        return refuse(command, reasons)
    facts: list[Fact] = [_apart(state, unit, command.reason) for unit in found.units]
    units = tuple(unit.id for unit in found.units)
    facts.append(Dispositioned(units=units, action=DispositionAction.SCRAP, reason=command.reason))
    return Decision(tuple(facts), Receipt(routing=("scrap",) * len(units)))


def _apart(state: State, unit: UnitRow, why: str) -> Disassembled:
    members = _members_of(state, unit)
    return Disassembled(parent=unit.id, members=tuple(members.values()), slots=tuple(members), reason=why)


def _members_of(state: State, unit: UnitRow) -> dict[int, int]:
    """Return what is assembled in a unit, by slot."""
    assembly = state.get(AssemblyRow, unit.id)
    inside = {} if assembly is None else {slot: each for slot, each in enumerate(assembly.members) if each}
    rows = ((slot, state.get(UnitRow, number)) for slot, number in inside.items())
    return {slot: row.id for slot, row in rows if row is not None and row.parent == unit.id}


def _whole_reasons(state: State, unit: UnitRow) -> list[Reason]:
    if _members_of(state, unit):
        return []
    code = state.code_of(unit.id)
    text = f"unit {code} has no members; only what was assembled of units is taken apart"
    return [reason(RefusalCode.MEMBER_ABSENT, text, unit=code)]


def _order_reasons(state: State, submission: Submission, why: str) -> Iterator[Reason]:
    if not why.strip():
        yield reason(RefusalCode.DISPOSITION_INVALID, "opening a unit needs a reason; say what was found")
    person = state.get(PersonRow, submission.actor)
    if person is None or person.disabled or not set(REPAIRING_ROLES).intersection(person.roles):
        text = f"{submission.actor[:40]!r} is not known here as a person of the role {', '.join(REPAIRING_ROLES)}; "
        text += "one of them opens a unit"
        yield reason(RefusalCode.PERSON_UNKNOWN, text, person=submission.actor)


def _column_reasons(command: ReplaceMember) -> list[Reason]:
    leaving, coming = len(command.members), len(command.replacements)
    if leaving == coming and leaving:
        return []
    text = f"{coming} replacements for {leaving} members; give one per member, at least one"
    return [reason(RefusalCode.PAGE_MISMATCH, text, column="replacements", length=coming, expected=leaving)]


def _open_reasons(state: State, unit: UnitRow) -> list[Reason]:
    if unit.status in _OPENABLE:
        return []
    code = state.code_of(unit.id)
    where = f" at {unit.station}" if unit.station else ""
    text = f"unit {code} is {unit.status}{where}; only a unit that waits, is finished or was removed is opened"
    return [reason(STATUS_REFUSALS[unit.status], text, unit=code, status=unit.status)]


def _goes_on_reasons(state: State, parent: UnitRow, operation: str) -> list[Reason]:
    if operation:
        return return_reasons(state, parent, operation)
    route = state.get(Route, parent.route)
    tests = [] if route is None else [each.code for each in route.operations if each.kind is OperationKind.UNIT]
    is_assembled = route is not None and route.operations[0].members is not None
    if parent.status is not UnitStatus.FINISHED or not is_assembled or not tests:
        return []
    code = state.code_of(parent.id)
    text = f"unit {code} was finished before it was opened; name the operation from which it goes on again: "
    text += ", ".join(tests)
    return [reason(RefusalCode.DISPOSITION_INVALID, text, unit=code, operation="")]


def _member_of_reasons(state: State, parent: UnitRow, unit: UnitRow) -> list[Reason]:
    if unit.status is UnitStatus.ASSEMBLED and unit.parent == parent.id:
        return []
    code, parent_code, elsewhere = state.code_of(unit.id), state.code_of(parent.id), state.code_of(unit.parent)
    where = f"a member of {elsewhere}" if elsewhere else "a member of nothing"
    text = f"unit {code} is {unit.status} and {where}, not of {parent_code}; read both labels again"
    return [reason(RefusalCode.MEMBER_ABSENT, text, unit=code, parent=parent_code, actual=elsewhere)]


def _fitting_reasons(state: State, parent: UnitRow, units: Sequence[UnitRow]) -> list[Reason]:
    """Return what speaks against units as members of a parent, by the rule it was born under."""
    route = state.get(Route, parent.route)
    wanted = None if route is None else route.operations[0].members
    if wanted is not None:
        return [each for unit in units for each in member_reasons(state, wanted, unit)]
    code = state.code_of(parent.id)
    text = f"unit {code} is a {parent.product}, which is not assembled of units; name the unit that has members"
    return [reason(RefusalCode.MEMBER_ABSENT, text, unit=code)]
