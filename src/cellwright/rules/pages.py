"""Finding the page a command speaks of: station, operation, units by code or carrier."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from cellwright.model.answers import Reason, RefusalCode
from cellwright.model.commands import Command
from cellwright.model.equipment import Station
from cellwright.model.ids import split_code
from cellwright.model.materials import CarrierType
from cellwright.model.plant import Plant
from cellwright.model.routes import Operation, Route
from cellwright.rules.dated import GivenCodeRow
from cellwright.rules.reasons import reason
from cellwright.rules.state import CarrierRow, State, UnitRow, UnitStatus

STATUS_REFUSALS: Mapping[UnitStatus, RefusalCode] = {
    UnitStatus.WAITING: RefusalCode.UNIT_EARLY,
    UnitStatus.RUNNING: RefusalCode.UNIT_CLAIMED,
    UnitStatus.RESERVED: RefusalCode.UNIT_CLAIMED,
    UnitStatus.FINISHED: RefusalCode.UNIT_FINISHED,
    UnitStatus.ASSEMBLED: RefusalCode.UNIT_ASSEMBLED,
    UnitStatus.SCRAPPED: RefusalCode.UNIT_SCRAPPED,
    UnitStatus.REMOVED: RefusalCode.UNIT_REMOVED,
    UnitStatus.SHIPPED: RefusalCode.UNIT_SHIPPED,
    UnitStatus.INSTALLED: RefusalCode.UNIT_INSTALLED,
}
"""What a unit is refused with that stands where it should not."""

Place = tuple[int, int]
"""Route revision and step on it."""


class Found(Struct):
    """Units found for a command, and what was wrong with the way they were named."""

    units: list[UnitRow] = []
    reasons: list[Reason] = []


def find_station(plant: Plant, code: str) -> tuple[Station | None, list[Reason]]:
    """Return the station of a code, or the reason why there is none."""
    station = plant.stations.get(code)
    if station is not None:
        return station, []
    text = f"station {code!r} is not in plant {plant.code}; see equipment.toml for its stations"
    return None, [reason(RefusalCode.STATION_UNKNOWN, text, station=code)]


def find_operation(station: Station, code: str) -> tuple[str, list[Reason]]:
    """Return the operation meant at a station (its only one when `code` is empty), or the reason."""
    allowed = ", ".join(station.operations) or "none"
    if not code and len(station.operations) == 1:
        return station.operations[0], []
    if code in station.operations:
        return code, []
    text = f"station {station.code} does {allowed}; {code or 'no operation'} was asked for"
    return "", [reason(RefusalCode.OPERATION_UNKNOWN, text, station=station.code, operation=code)]


def find_units(state: State, codes: Sequence[str]) -> Found:
    """Find units by printed code; malformed, unknown and repeated codes each give a reason."""
    found = Found(units=[], reasons=[])
    seen: set[int] = set()
    for code in codes:
        unit = _find_unit(state, code, found.reasons)
        if unit is None:
            continue
        if unit.id in seen:
            text = f"unit {code} stands twice in the page; name each unit once"
            found.reasons.append(reason(RefusalCode.UNIT_REPEATED, text, unit=code))
            continue
        seen.add(unit.id)
        found.units.append(unit)
    return found


def unit_number(state: State, code: str) -> int:
    """Return the id of the unit of a printed code, its own or a given one; 0 when none is known."""
    parts = split_code(code)
    number = 0 if parts is None else state.unit_id(*parts)
    given = None if number else state.get(GivenCodeRow, code)
    return number if given is None else given.unit


def _find_unit(state: State, code: str, reasons: list[Reason]) -> UnitRow | None:
    number = unit_number(state, code)
    if not number and split_code(code) is None:
        text = f"code {code[:40]!r} is not a 24-character GB/T 34014 code; read the label again"
        reasons.append(reason(RefusalCode.CODE_MALFORMED, text, code=code[:40]))
        return None
    unit = state.get(UnitRow, number) if number else None
    if unit is None:
        text = f"no unit has the code {code}; it was never commissioned here"
        reasons.append(reason(RefusalCode.UNIT_UNKNOWN, text, unit=code))
    return unit


def carrier_type(plant: Plant, code: str) -> CarrierType | None:
    """Return the type of a carrier by its code's prefix, or None."""
    fitting = [each for each in plant.carriers.values() if each.prefix and code.startswith(each.prefix)]
    return max(fitting, key=lambda each: len(each.prefix), default=None)


def units_count(plant: Plant, command: Command) -> int:
    """Return about how many units or lots a command speaks of: named, asked for, or its carrier's slots."""
    named = len(getattr(command, "units", ())) or len(getattr(command, "lots", ()))
    asked = getattr(command, "count", 0)
    carrier = "" if named else getattr(command, "carrier", "")
    kind = carrier_type(plant, carrier) if carrier else None
    return max(1, named, asked, 0 if kind is None else kind.slot_count)


def units_in_carrier(state: State, code: str) -> Found:
    """Find the live (not scrapped) units of a carrier, in slot order."""
    row = state.get(CarrierRow, code)
    if row is None:
        text = f"carrier {code!r} was never loaded here; load it or read its code again"
        return Found(units=[], reasons=[reason(RefusalCode.CARRIER_UNKNOWN, text, carrier=code)])
    units = [state.get(UnitRow, number) for number in row.slots if number]
    live = [unit for unit in units if unit is not None and unit.status is not UnitStatus.SCRAPPED]
    if live:
        return Found(units=live, reasons=[])
    text = f"carrier {code} holds no unit that could be worked on"
    return Found(units=[], reasons=[reason(RefusalCode.CARRIER_EMPTY, text, carrier=code)])


def carrier_reasons(plant: Plant, station: Station, carrier: str) -> list[Reason]:
    """Return a reason when a station works on another type of carrier than the one named."""
    kind = carrier_type(plant, carrier)
    if not carrier or not station.carrier or (kind is not None and kind.code == station.carrier):
        return []
    text = f"station {station.code} works on a {station.carrier}; {carrier[:40]!r} is {kind.code if kind else 'none'}"
    return [reason(RefusalCode.CARRIER_WRONG, text, carrier=carrier[:40], expected=station.carrier)]


def route_beginning_with(state: State, operation: str) -> Route | None:
    """Return the newest revision of the route in whose first operation units are born, None = there is none."""
    newest = (state.newest_route(draft.code) for draft in state.plant.routes.values())
    return next((route for route in newest if route is not None and route.step_of(operation) == 0), None)


def places_of(state: State, units: Iterable[UnitRow], code: str) -> dict[Place, Operation]:
    """Return where a unit stands that waits for an operation or is in it, and what it is on that route revision."""
    places = {}
    for number in dict.fromkeys([unit.route for unit in units]):
        route = state.get(Route, number)
        step = -1 if route is None else route.step_of(code)
        if route is not None and step >= 0:
            places[number, step] = route.operations[step]
    return places


def forms_of(places: Mapping[Place, Operation]) -> list[Operation]:
    """Return what an operation is on the route revisions of its places, each different form once."""
    found: list[Operation] = []
    for operation in places.values():
        if operation not in found:
            found.append(operation)
    return found


def mixed_reasons(operations: Sequence[Operation]) -> list[Reason]:
    """Return a reason when one page would have to follow different rules."""
    if len(operations) < 2:
        return []
    text = f"the page mixes route revisions with {len(operations)} different rules for {operations[0].code}; part it"
    return [reason(RefusalCode.PAGE_MISMATCH, text, column="units", operation=operations[0].code)]


def find_page(state: State, codes: Sequence[str], carrier: str) -> Found:
    """Find the page named by codes, by carrier, or by codes within a carrier."""
    if not carrier:
        return find_units(state, codes)
    if not codes:
        return units_in_carrier(state, carrier)
    found = find_units(state, codes)
    for unit in found.units:
        if unit.carrier != carrier:
            code = state.code_of(unit.id)
            text = f"unit {code} is in {unit.carrier or 'no carrier'}, not in {carrier}"
            found.reasons.append(
                reason(RefusalCode.CARRIER_WRONG, text, unit=code, carrier=carrier, actual=unit.carrier),
            )
    return found


def check_arity(name: str, length: int, expected: int) -> list[Reason]:
    """Return a reason when a column given (length > 0) does not have the page's length."""
    if length in (0, expected):
        return []
    text = f"column {name} has {length} values for a page of {expected}; give one per unit or none"
    return [reason(RefusalCode.PAGE_MISMATCH, text, column=name, length=length, expected=expected)]
