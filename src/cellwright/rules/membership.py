"""Members of units: how they join and leave, and what of it stays in the rows."""

from collections.abc import Iterator

from msgspec.structs import replace

from cellwright.model.facts import Assembled, Disassembled, Envelope
from cellwright.rules.dated import begins_us, ends_us
from cellwright.rules.folding import MissingRowError, moment_of, row_of
from cellwright.rules.state import AssemblyRow, CarrierRow, MemberRow, Row, State, UnitRow, UnitStatus


def assembled(state: State, envelope: Envelope, fact: Assembled) -> Iterator[Row]:
    """Fold units that became members; each one's time in the slot begins where that of the one before ended."""
    moment_us, known = moment_of(envelope), state.memberships
    emptied: dict[str, CarrierRow] = {}
    for number, slot, before in zip(fact.members, fact.slots, fact.replaced or (0,) * len(fact.members), strict=True):
        unit = row_of(state, UnitRow, number)
        if unit.carrier:
            carrier = emptied.get(unit.carrier) or row_of(state, CarrierRow, unit.carrier)
            emptied[unit.carrier] = without(carrier, {number})
        yield replace(unit, status=UnitStatus.ASSEMBLED, station="", parent=fact.parent, slot=slot, carrier="")
        from_us = begins_us(moment_us, known.get(number), known.get(before))
        yield MemberRow(unit=number, from_us=from_us, parent=fact.parent, slot=slot)
    yield AssemblyRow(id=fact.parent, members=_filled(state, fact))
    yield from emptied.values()


def _filled(state: State, fact: Assembled) -> tuple[int, ...]:
    assembly = state.get(AssemblyRow, fact.parent)
    members = [] if assembly is None else list(assembly.members)
    members.extend([0] * (max(fact.slots, default=-1) + 1 - len(members)))
    for number, slot in zip(fact.members, fact.slots, strict=True):
        members[slot] = number
    return tuple(members)


def disassembled(state: State, envelope: Envelope, fact: Disassembled) -> Iterator[Row]:
    """Fold members that left; their past in the slots is kept."""
    moment_us, left = moment_of(envelope), set(fact.members)
    for number in fact.members:
        row = state.memberships.open(number)
        if row is None or row.parent != fact.parent:
            msg = f"MemberRow of {number} in {fact.parent} is not in the state"
            raise MissingRowError(msg)
        yield replace(row_of(state, UnitRow, number), status=UnitStatus.REMOVED, parent=0, slot=-1)
        yield replace(row, to_us=ends_us(moment_us, row))
    assembly = row_of(state, AssemblyRow, fact.parent)
    yield replace(assembly, members=tuple(0 if each in left else each for each in assembly.members))


def without(carrier: CarrierRow, left: set[int]) -> CarrierRow:
    """Return a carrier that units were taken out of."""
    return replace(carrier, slots=tuple(0 if number in left else number for number in carrier.slots))
