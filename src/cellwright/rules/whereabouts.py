"""Where units are once they left: with a partner, in a vehicle; and the codes that they are given on the way."""

from collections import Counter
from collections.abc import Iterator, Sequence

from cellwright.model.answers import Reason, Receipt, RefusalCode
from cellwright.model.commands import AssignCode, Command, InstallPack, RemovePack, ReturnUnits, ShipUnits
from cellwright.model.facts import CodesAssigned, PackInstalled, PackRemoved, UnitsReturned, UnitsShipped
from cellwright.model.ids import DESIGN_LENGTH, UnitKind, is_given_code, is_vin, split_code
from cellwright.rules.dated import GivenCodeRow
from cellwright.rules.members import reserved_reasons
from cellwright.rules.pages import STATUS_REFUSALS, check_arity, find_units
from cellwright.rules.reasons import Decision, reason, refuse
from cellwright.rules.state import CarrierRow, State, UnitRow, UnitStatus

_INSTALLABLE = (UnitStatus.FINISHED, UnitStatus.SHIPPED)


def move(
    state: State, command: ShipUnits | ReturnUnits | InstallPack | RemovePack | AssignCode, now_us: int
) -> Decision:
    """Decide where units are from now on, or under which code."""
    match command:
        case ShipUnits():
            return ship_units(state, command)
        case ReturnUnits():
            return return_units(state, command)
        case InstallPack():
            return install_pack(state, command, now_us)
        case RemovePack():
            return remove_pack(state, command, now_us)
        case AssignCode():
            return assign_code(state, command)


def ship_units(state: State, command: ShipUnits) -> Decision:
    """Decide that finished units leave for a partner; what is held stays."""
    found = find_units(state, command.units)
    reasons = [*found.reasons, *_named_reasons("shipped", command.units, who=command.partner)]
    for unit in found.units:
        reasons.extend(_leaving_reasons(state, unit, (UnitStatus.FINISHED,), "is shipped"))
    if reasons:
        return refuse(command, reasons)
    units = tuple(unit.id for unit in found.units)
    fact = UnitsShipped(units=units, partner=command.partner, reference=command.reference)
    return Decision((fact,), Receipt(routing=("shipped",) * len(units)))


def return_units(state: State, command: ReturnUnits) -> Decision:
    """Decide that shipped units are here again, held ones too."""
    found = find_units(state, command.units)
    reasons = [*found.reasons, *_named_reasons("returned", command.units, who=command.reason)]
    for unit in found.units:
        reasons.extend(_away_reasons(state, unit, UnitStatus.SHIPPED, "comes back from a partner"))
    if reasons:
        return refuse(command, reasons)
    units = tuple(unit.id for unit in found.units)
    return Decision((UnitsReturned(units=units, reason=command.reason),), Receipt(routing=("removed",) * len(units)))


def install_pack(state: State, command: InstallPack, now_us: int) -> Decision:
    """Decide that packs are in vehicles: each in one, and one at each place."""
    found, count = find_units(state, command.packs), len(command.packs)
    reasons = [*found.reasons, *_named_reasons("installed", command.packs)]
    for name in ("vehicles", "positions", "times_us"):
        reasons.extend(_column_reasons(command, name, count))
    for unit in found.units:
        reasons.extend(_pack_reasons(state, unit))
        reasons.extend(_leaving_reasons(state, unit, _INSTALLABLE, "is built into a vehicle"))
    reasons.extend(_vehicle_reasons(command.vehicles))
    if reasons:
        return refuse(command, reasons)
    positions = command.positions or ("",) * count
    times_us = command.times_us or (now_us,) * count
    places = list(zip(command.vehicles, positions, strict=True))
    reasons = [*_place_reasons(state, places), *_future_reasons(command.times_us, now_us)]
    for unit, place, time_us in zip(found.units, places, command.times_us, strict=False):
        reasons.extend(_begin_reasons(state, unit, place, time_us))
    if reasons:
        return refuse(command, reasons)
    fact = PackInstalled(
        packs=tuple(unit.id for unit in found.units),
        vehicles=command.vehicles,
        positions=positions,
        times_us=times_us,
        holders=_holders(state, found.units),
    )
    return Decision((fact,), Receipt(routing=("installed",) * count))


def remove_pack(state: State, command: RemovePack, now_us: int) -> Decision:
    """Decide that packs are in their vehicles no more; each is with the partner who has it, or here."""
    found, count = find_units(state, command.packs), len(command.packs)
    reasons = [*found.reasons, *_named_reasons("removed", command.packs, who=command.reason)]
    reasons.extend(check_arity("times_us", len(command.times_us), count))
    for unit in found.units:
        reasons.extend(_away_reasons(state, unit, UnitStatus.INSTALLED, "is taken out of a vehicle"))
    if reasons:
        return refuse(command, reasons)
    times_us = command.times_us or (now_us,) * count
    reasons = [*_future_reasons(command.times_us, now_us)]
    for unit, time_us in zip(found.units, command.times_us, strict=False):
        reasons.extend(_end_reasons(state, unit, time_us))
    if reasons:
        return refuse(command, reasons)
    rows = [state.installations.open(unit.id) for unit in found.units]
    holders = _holders(state, found.units)
    fact = PackRemoved(
        packs=tuple(unit.id for unit in found.units),
        vehicles=tuple("" if row is None else row.vehicle for row in rows),
        times_us=times_us,
        holders=holders,
        reason=command.reason,
    )
    return Decision((fact,), Receipt(routing=tuple("shipped" if holder else "removed" for holder in holders)))


def assign_code(state: State, command: AssignCode) -> Decision:
    """Decide that units get further printed codes; a code names one thing for ever."""
    found = find_units(state, command.units)
    reasons = [*found.reasons, *_named_reasons("given a code", command.units, who=command.reason)]
    reasons.extend(_column_reasons(command, "codes", len(command.units)))
    for unit in found.units:
        if unit.status is UnitStatus.SCRAPPED:
            code = state.code_of(unit.id)
            text = f"unit {code} is scrapped; what is scrapped gets no further code"
            reasons.append(reason(RefusalCode.UNIT_SCRAPPED, text, unit=code))
    counts = Counter(command.codes)
    for code, count in counts.items():
        reasons.extend(_code_reasons(state, code, count))
    if reasons:
        return refuse(command, reasons)
    units = tuple(unit.id for unit in found.units)
    fact = CodesAssigned(units=units, codes=command.codes, reason=command.reason)
    return Decision((fact,), Receipt(routing=command.codes))


# --- reasons ----------------------------------------------------------------------------------------


def _named_reasons(done: str, codes: Sequence[str], *, who: str = "-") -> Iterator[Reason]:
    if not codes or not who.strip():
        needs = {"shipped": "the code of the partner", "installed": "its vehicle"}.get(done, "a reason")
        text = f"what is {done} needs at least one code and {needs}"
        yield reason(RefusalCode.DISPOSITION_INVALID, text)


def _column_reasons(command: Command, name: str, count: int) -> list[Reason]:
    length = len(getattr(command, name))
    if length == count or (not length and name in ("positions", "times_us")):
        return []
    text = f"column {name} has {length} values for a page of {count}; give one per unit"
    return [reason(RefusalCode.PAGE_MISMATCH, text, column=name, length=length, expected=count)]


def _leaving_reasons(state: State, unit: UnitRow, allowed: Sequence[UnitStatus], what: str) -> Iterator[Reason]:
    code = state.code_of(unit.id)
    if unit.status not in allowed:
        row = state.installations.open(unit.id)
        where = f" in {row.vehicle}" if row is not None else ""
        text = f"unit {code} is {unit.status}{where}; only what is {' or '.join(allowed)} {what}"
        yield reason(STATUS_REFUSALS[unit.status], text, unit=code, status=unit.status)
    if unit.holds:
        text = f"unit {code} is on hold; a hold is lifted by two people"
        yield reason(RefusalCode.UNIT_HELD, text, unit=code, holds=unit.holds)
    yield from reserved_reasons(state, unit)
    if unit.carrier:
        text = f"unit {code} is in carrier {unit.carrier}; unload it there first"
        yield reason(RefusalCode.CARRIER_WRONG, text, unit=code, carrier=unit.carrier)


def _away_reasons(state: State, unit: UnitRow, expected: UnitStatus, what: str) -> Iterator[Reason]:
    if unit.status is not expected:
        code = state.code_of(unit.id)
        text = f"unit {code} is {unit.status}; only what is {expected} {what}"
        yield reason(RefusalCode.UNIT_NOT_AWAY, text, unit=code, status=unit.status)


def _pack_reasons(state: State, unit: UnitRow) -> Iterator[Reason]:
    if unit.kind is not UnitKind.PACK:
        code = state.code_of(unit.id)
        text = f"unit {code} is a {unit.kind}; a vehicle takes packs"
        yield reason(RefusalCode.MEMBER_WRONG, text, unit=code, kind=unit.kind)


def _vehicle_reasons(vehicles: Sequence[str]) -> Iterator[Reason]:
    for vehicle in dict.fromkeys(vehicles):
        if not is_vin(vehicle):
            text = f"{vehicle[:40]!r} is no VIN: 17 digits and capitals without I, O and Q; read it again"
            yield reason(RefusalCode.VEHICLE_MALFORMED, text, vehicle=vehicle[:40])


def _place_reasons(state: State, places: Sequence[tuple[str, str]]) -> Iterator[Reason]:
    for (vehicle, position), count in Counter(places).items():
        row = state.places.open((vehicle, position))
        where = f"position {position!r} of {vehicle}" if position else vehicle
        if row is not None:
            code = state.code_of(row.pack)
            text = f"{where} holds pack {code}; remove that pack first, or name another position"
            yield reason(RefusalCode.VEHICLE_OCCUPIED, text, vehicle=vehicle, position=position, unit=code)
        elif count > 1:
            text = f"{where} is to hold {count} packs; name a position for each"
            yield reason(RefusalCode.VEHICLE_OCCUPIED, text, vehicle=vehicle, position=position, count=count)


def _future_reasons(times_us: Sequence[int], now_us: int) -> Iterator[Reason]:
    for time_us in dict.fromkeys(times_us):
        if not 0 < time_us <= now_us:
            text = f"{time_us} lies before 1970 or in the future; give UTC us up to now, {now_us}"
            yield reason(RefusalCode.TIME_INVALID, text, time_us=time_us, now_us=now_us)


def _begin_reasons(state: State, unit: UnitRow, place: tuple[str, str], time_us: int) -> Iterator[Reason]:
    """A pack is built in after it was made, after it left its last vehicle, and after what was there before left."""
    code = state.code_of(unit.id)
    made_us = max(unit.completed_us, default=0)
    before = (state.installations.get(unit.id), state.places.get(place))
    left_us = max((row.to_us for row in before if row is not None), default=0)
    if time_us < max(left_us, made_us):
        text = f"pack {code} cannot be in {place[0]} from {time_us} on: it was made at {made_us}, and it or the pack "
        text += f"before it was removed at {left_us}; tell installations in their order"
        yield reason(RefusalCode.TIME_INVALID, text, unit=code, time_us=time_us, made_us=made_us, left_us=left_us)


def _end_reasons(state: State, unit: UnitRow, time_us: int) -> Iterator[Reason]:
    row = state.installations.open(unit.id)
    if row is not None and time_us < row.from_us:
        code = state.code_of(unit.id)
        text = f"pack {code} is in {row.vehicle} since {row.from_us}; it cannot have been removed before, at {time_us}"
        yield reason(RefusalCode.TIME_INVALID, text, unit=code, time_us=time_us, from_us=row.from_us)


def _code_reasons(state: State, code: str, count: int) -> Iterator[Reason]:
    if not is_given_code(code):
        text = f"{code[:40]!r} is no code for a unit: 16 to 25 digits and capitals are; read it again"
        yield reason(RefusalCode.CODE_MALFORMED, text, code=code[:40])
        return
    parts = split_code(code)
    ours = [each.design_part for each in state.plant.products.values()]
    taken = (
        (state.get(GivenCodeRow, code) is not None or (parts is not None and state.unit_id(*parts)), "a unit has it"),
        (state.lot_by_code(code) is not None, "a lot has it"),
        (state.get(CarrierRow, code) is not None, "a carrier has it"),
        (parts is not None and code[:DESIGN_LENGTH] in ours, "units made here get such codes at their birth"),
        (count > 1, f"it is given {count} times"),
    )
    for is_taken, why in taken:
        if is_taken:
            yield reason(RefusalCode.CODE_TAKEN, f"{code} is no free code: {why}; use another", code=code)


def _holders(state: State, units: Sequence[UnitRow]) -> tuple[str, ...]:
    rows = (state.shipments.open(unit.id) for unit in units)
    return tuple("" if row is None else row.partner for row in rows)
