"""The certificate of a unit by the journal: what was done to it and to all in it, with the limits and calibrations of then."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.certificates import BoundLot, Calibration, Certificate, Incident, UnitRecord, WorkRecord
from cellwright.model.commands import Result
from cellwright.model.ids import UnitKind
from cellwright.model.plant import Plant
from cellwright.model.routes import Route
from cellwright.rules.certificates import Heading, certify
from cellwright.rules.state import UnitStatus
from cellwright.views.following import unit_codes
from cellwright.views.machines import Loads, read_loads
from cellwright.views.orders import order_of
from cellwright.views.wip import ROUTES
from cellwright.views.worked import WORK_OF_UNITS

_DEPTH_MAX: Final = 3
"""Levels of units: pack, module, cell."""

UNITS_IN: Final = """
    SELECT k.parent, m.slot, m.unit
    FROM unnest($1::bigint[]) AS k (parent)
    CROSS JOIN LATERAL (SELECT slot, unit FROM members_kept(k.parent) OFFSET 0) AS m
    ORDER BY k.parent, m.slot
"""
UNITS_CERTIFIED: Final = """
    SELECT u.id, u.kind, u.product, u.route, u.step, u.status, u.grade, u.holds
    FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT * FROM unit_kept(k.id) OFFSET 0) AS u
"""
LOTS_BOUND: Final = """
    SELECT l.id, l.code, l.material, l.supplier FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT id, code, material, supplier FROM lot WHERE lot.id = k.id OFFSET 0) AS l
"""
INCIDENTS: Final = """
    SELECT p.position, p.kind, p.time_us, f.actor, f.body
    FROM (SELECT DISTINCT h.position, h.kind, h.time_us
          FROM unnest($1::bigint[]) AS k (id)
          CROSS JOIN LATERAL (SELECT position, kind, time_us FROM history
                              WHERE units @> ARRAY[k.id] AND kind = ANY ($2::text[]) OFFSET 0) AS h) AS p
    CROSS JOIN LATERAL (SELECT actor, body FROM fact WHERE fact.position = p.position OFFSET 0) AS f
    ORDER BY p.position
"""
CALIBRATIONS: Final = "SELECT position, body FROM fact WHERE kind = 'CalibrationRecorded' ORDER BY position"

INCIDENT_KINDS: Final = (
    "OperationAborted",
    "Assembled",
    "Disassembled",
    "UnitsReturned",
    "PackRemoved",
    "CodesAssigned",
    "Held",
    "Released",
    "Dispositioned",
)


class _Part(Struct, frozen=True):
    kind: str
    lot: int
    units: tuple[int, ...]


class _Page(Struct, frozen=True):
    """What a certificate asks of a fact of work."""

    units: tuple[int, ...] = ()
    verdicts: tuple[bool, ...] = ()
    attempts: tuple[int, ...] = ()
    defects: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()
    results: tuple[Result, ...] = ()
    parts: tuple[_Part, ...] = ()
    tools: tuple[str, ...] = ()
    carrier: str = ""
    person: str = ""
    recipe: str = ""
    recipe_revision: int = 0


class _Calibrated(Struct, frozen=True):
    station: str
    valid_until_us: int
    certificate_sha256: str = ""


class _Event(Struct, frozen=True):
    """What a certificate says of an incident; units as numbers."""

    units: tuple[int, ...] = ()
    subjects: tuple[int, ...] = ()
    parent: int = 0
    members: tuple[int, ...] = ()
    replaced: tuple[int, ...] = ()
    reason: str = ""


_PAGE, _CALIBRATED = msgspec.json.Decoder(_Page), msgspec.json.Decoder(_Calibrated)
_EVENT = msgspec.json.Decoder(_Event)


class _Known(Struct, frozen=True):
    """What records are composed from, all by unit's or lot's number or by station."""

    units: Mapping[int, Any]
    codes: Mapping[int, str]
    routes: Mapping[int, Route]
    children: Mapping[int, Sequence[tuple[int, int]]]
    """Slot and number of each member."""
    works: Mapping[int, Sequence[WorkRecord]]
    born_us: Mapping[int, int]


class _Lookup(Struct, frozen=True):
    calibrations: Mapping[str, Sequence[tuple[int, Calibration]]]
    loads: Loads
    lots: Mapping[int, Any]

    def calibration_at(self, station: str, position: int) -> Calibration | None:
        """Return what was known of a station's calibration at a position of the journal."""
        recorded = self.calibrations.get(station, ())
        at = bisect_left(recorded, position, key=lambda each: each[0])
        return recorded[at - 1][1] if at else None


async def read_certificate(connection: Connection, plant: Plant, number: int) -> Certificate:
    """Return the certificate of a unit by its number; views for people have to be up to date."""
    known = await _read_known(connection, number)
    product = plant.products.get(known.units[number]["product"])
    parents = [unit for unit in known.units if unit == number or unit in known.children]
    heading = Heading(
        plant=plant.code,
        product_name=product.name if product else "",
        order=await order_of(connection, number),
        incidents=tuple(await _incidents(connection, parents, known.codes)),
    )
    return certify(_record(known, number), heading)


async def _read_known(connection: Connection, number: int) -> _Known:
    children = await _children(connection, number)
    numbers = [number, *(unit for members in children.values() for _, unit in members)]
    units = {record["id"]: record for record in await connection.fetch(UNITS_CERTIFIED, numbers)}
    routes = await ROUTES.load_page(
        connection, "WHERE id = ANY ($1::int[])", sorted({record["route"] for record in units.values()})
    )
    works, born_us = await _works(connection, list(units))
    return _Known(
        units=units,
        codes=await unit_codes(connection, units),
        routes={route.id: route for route in routes},
        children=children,
        works=works,
        born_us=born_us,
    )


async def _children(connection: Connection, number: int) -> dict[int, list[tuple[int, int]]]:
    """Return the members of a unit and of its members, by parent."""
    children: dict[int, list[tuple[int, int]]] = {}
    level = [number]
    for _ in range(_DEPTH_MAX - 1):
        records = await connection.fetch(UNITS_IN, level)
        for record in records:
            children.setdefault(record["parent"], []).append((record["slot"], record["unit"]))
        level = [record["unit"] for record in records]
    return children


# --- works ------------------------------------------------------------------------------------------


async def _works(connection: Connection, units: Sequence[int]) -> tuple[dict[int, list[WorkRecord]], dict[int, int]]:
    """Return what was done to units, and when each was begun for the first time."""
    pages = [(record, _PAGE.decode(record["body"])) for record in await connection.fetch(WORK_OF_UNITS, list(units))]
    lots = {part.lot for _, page in pages for part in page.parts}
    carried = {unit for _, page in pages if page.carrier for unit in page.units}.intersection(units)
    lookup = _Lookup(
        calibrations=await _calibrations(connection),
        loads=await read_loads(connection, carried),
        lots={record["id"]: record for record in await connection.fetch(LOTS_BOUND, sorted(lots))},
    )
    works: dict[int, list[WorkRecord]] = {unit: [] for unit in units}
    born_us: dict[int, int] = {}
    begun: dict[tuple[int, str], tuple[Any, _Page]] = {}
    wanted = [
        (record, page, index, unit) for record, page in pages for index, unit in enumerate(page.units) if unit in works
    ]
    for record, page, index, unit in wanted:
        born_us.setdefault(unit, record["time_us"])
        key = (unit, record["operation"])
        if record["kind"] == "OperationStarted":
            begun[key] = (record, page)
            continue
        start = begun.pop(key, None)
        if record["kind"] == "OperationCompleted":
            works[unit].append(_work((record, page), start, index=index, lookup=lookup))
    return works, born_us


async def _calibrations(connection: Connection) -> dict[str, list[tuple[int, Calibration]]]:
    found: dict[str, list[tuple[int, Calibration]]] = {}
    for record in await connection.fetch(CALIBRATIONS):
        fact = _CALIBRATED.decode(record["body"])
        calibration = Calibration(valid_until_us=fact.valid_until_us, certificate_sha256=fact.certificate_sha256)
        found.setdefault(fact.station, []).append((record["position"], calibration))
    return found


def _work(end: tuple[Any, _Page], start: tuple[Any, _Page] | None, *, index: int, lookup: _Lookup) -> WorkRecord:
    record, page = end
    began, asked = start or (None, _Page())
    unit, station = page.units[index], record["station"]
    return WorkRecord(
        operation=record["operation"],
        station=station,
        attempt=page.attempts[index],
        is_good=page.verdicts[index],
        ended_us=record["time_us"],
        began_us=began["time_us"] if began else None,
        defect=page.defects[index] if page.defects else "",
        grade=page.grades[index] if page.grades else "",
        tools=page.tools,
        carrier=page.carrier,
        channel=lookup.loads.slot_at(unit, record["position"]) if page.carrier else None,
        recipe=asked.recipe,
        recipe_revision=asked.recipe_revision if asked.recipe else None,
        person=page.person or asked.person,
        calibration=lookup.calibration_at(station, (began or record)["position"]),
        values={each.characteristic: each.values[index] for each in page.results if each.values},
        lots=tuple(_bound(part, record["operation"], lookup) for part in page.parts if unit in part.units),
    )


def _bound(part: _Part, operation: str, lookup: _Lookup) -> BoundLot:
    lot = lookup.lots.get(part.lot)
    return BoundLot(
        operation=operation,
        position=part.kind,
        material=lot["material"] if lot else "",
        lot=lot["code"] if lot else "",
        supplier=lot["supplier"] if lot else "",
    )


# --- records ----------------------------------------------------------------------------------------


def _record(known: _Known, number: int, slot: int | None = None) -> UnitRecord:
    unit = known.units[number]
    return UnitRecord(
        code=known.codes.get(number, ""),
        kind=UnitKind(unit["kind"]),
        product=unit["product"],
        route=known.routes[unit["route"]],
        slot=slot,
        grade=unit["grade"],
        is_held=unit["holds"] > 0,
        is_scrapped=unit["status"] == UnitStatus.SCRAPPED,
        made_from_us=known.born_us.get(number),
        step=unit["step"],
        works=tuple(known.works[number]),
        members=tuple(_record(known, member, place) for place, member in known.children.get(number, ())),
    )


async def _incidents(connection: Connection, units: Sequence[int], codes: Mapping[int, str]) -> Iterable[Incident]:
    records = await connection.fetch(INCIDENTS, list(units), list(INCIDENT_KINDS))
    events = [(record, _EVENT.decode(record["body"])) for record in records]
    named = {unit for _, event in events for unit in (*event.members, *event.replaced)}
    known = {**codes, **await unit_codes(connection, named)}
    return [
        _incident(record, event, unit, known)
        for record, event in events
        if record["kind"] != "Assembled" or event.replaced
        for unit in _about(event, units)
    ]


def _about(event: _Event, units: Sequence[int]) -> list[int]:
    """Return the units of a certificate that an incident is of; a release names a hold alone."""
    named = {event.parent} if event.parent else {*event.units, *event.subjects}
    return [unit for unit in units if unit in named] or [units[0]]


def _incident(record: Any, event: _Event, unit: int, codes: Mapping[int, str]) -> Incident:
    is_opened = record["kind"] == "Disassembled"
    gone = event.members if is_opened else event.replaced
    return Incident(
        kind=record["kind"],
        time_us=record["time_us"],
        unit=codes.get(unit, ""),
        actor=record["actor"],
        reason=event.reason,
        others=() if is_opened else tuple(codes.get(each, "") for each in event.members),
        replaced=tuple(codes.get(each, "") for each in gone),
    )
