"""Trays and magazines: units in, units out."""

from collections.abc import Sequence

from cellwright.model.answers import Reason, Receipt, RefusalCode
from cellwright.model.commands import LoadCarrier, UnloadCarrier
from cellwright.model.facts import CarrierLoaded, CarrierUnloaded
from cellwright.rules.jobs import handled_jobs, handling_reasons
from cellwright.rules.pages import carrier_type, find_page, find_station, find_units
from cellwright.rules.reasons import Decision, reason, refuse
from cellwright.rules.state import CarrierRow, State, UnitRow, UnitStatus

_MOVABLE = (UnitStatus.WAITING, UnitStatus.FINISHED)
_BUSY = (UnitStatus.RUNNING, UnitStatus.RESERVED)


def load_carrier(state: State, command: LoadCarrier) -> Decision:
    """Decide putting units into slots of a carrier."""
    station, reasons = find_station(state.plant, command.station)
    found = find_units(state, command.units)
    if station is not None and not found.reasons:
        reasons.extend(handling_reasons(state, station.code, found.units))
    reasons = [*reasons, *found.reasons, *_slot_reasons(state, command), *_move_reasons(state, found.units)]
    reasons.extend(_busy_reasons(state, command.carrier))
    if len(command.units) != len(command.slots) or not command.units:
        text = f"{len(command.units)} units for {len(command.slots)} slots; give one slot per unit, at least one"
        reasons.append(reason(RefusalCode.PAGE_MISMATCH, text, column="slots", expected=len(command.units)))
    for unit in found.units:
        if unit.carrier:
            code = state.code_of(unit.id)
            text = f"unit {code} is in carrier {unit.carrier}; unload it there first"
            reasons.append(reason(RefusalCode.CARRIER_WRONG, text, unit=code, carrier=unit.carrier))
    if reasons:
        return refuse(command, reasons)
    fact = CarrierLoaded(
        station=command.station,
        carrier=command.carrier,
        units=tuple(unit.id for unit in found.units),
        slots=command.slots,
    )
    return Decision((fact, *handled_jobs(state, command.station, fact.units)), Receipt())


def unload_carrier(state: State, command: UnloadCarrier) -> Decision:
    """Decide taking units out of a carrier; scrapped ones may leave too."""
    _, reasons = find_station(state.plant, command.station)
    row = state.get(CarrierRow, command.carrier)
    if not command.units and row is not None:
        units = _units_inside(state, command.carrier)
    else:
        found = find_page(state, command.units, command.carrier)
        units, reasons = found.units, [*reasons, *found.reasons]
    reasons.extend(_move_reasons(state, [unit for unit in units if unit.status in _BUSY]))
    if not units and not reasons:
        text = f"carrier {command.carrier} is empty; nothing to unload"
        reasons.append(reason(RefusalCode.CARRIER_EMPTY, text, carrier=command.carrier))
    if reasons:
        return refuse(command, reasons)
    ids = tuple(unit.id for unit in units)
    fact = CarrierUnloaded(station=command.station, carrier=command.carrier, units=ids)
    return Decision((fact,), Receipt())


def _units_inside(state: State, carrier: str) -> list[UnitRow]:
    row = state.get(CarrierRow, carrier)
    inside = [] if row is None else [state.get(UnitRow, number) for number in row.slots if number]
    return [unit for unit in inside if unit is not None]


def _busy_reasons(state: State, carrier: str) -> list[Reason]:
    busy = next((unit for unit in _units_inside(state, carrier) if unit.status in _BUSY), None)
    if busy is None:
        return []
    text = f"carrier {carrier} is in process at {busy.station}; let its operation finish"
    return [reason(RefusalCode.CARRIER_WRONG, text, carrier=carrier, station=busy.station)]


def _slot_reasons(state: State, command: LoadCarrier) -> list[Reason]:
    kind = carrier_type(state.plant, command.carrier)
    if kind is None:
        prefixes = ", ".join(sorted(each.prefix for each in state.plant.carriers.values()))
        text = f"carrier {command.carrier[:40]!r} is of no known type; codes begin with {prefixes}"
        return [reason(RefusalCode.CARRIER_UNKNOWN, text, carrier=command.carrier[:40])]
    row = state.get(CarrierRow, command.carrier)
    reasons = []
    for index, slot in enumerate(command.slots):
        if not 0 <= slot < kind.slot_count or slot in command.slots[:index]:
            text = f"slot {slot} of {command.carrier}: slots are 0 to {kind.slot_count - 1}, each used once"
            reasons.append(reason(RefusalCode.SLOT_INVALID, text, slot=slot, slot_count=kind.slot_count))
        elif row is not None and slot < len(row.slots) and row.slots[slot]:
            code = state.code_of(row.slots[slot])
            text = f"slot {slot} of {command.carrier} holds unit {code}; unload it first"
            reasons.append(reason(RefusalCode.SLOT_TAKEN, text, slot=slot, unit=code))
    return reasons


def _move_reasons(state: State, units: Sequence[UnitRow]) -> list[Reason]:
    reasons = []
    for unit in units:
        if unit.status in _MOVABLE:
            continue
        code = state.code_of(unit.id)
        text = f"unit {code} is {unit.status}; only waiting or finished units are moved"
        reasons.append(reason(RefusalCode.UNIT_IN_PROCESS, text, unit=code, status=unit.status))
    return reasons
