"""Tracing: what a unit or lot was made of, and what was made of it, each stretch with its tolerance and basis.

Every hop runs through an index: `CROSS JOIN LATERAL (... OFFSET 0)` keeps the planner from scanning. Positions are
carried between lots by `rules.positions`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict, Unpack

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.ids import UnitKind, first_id
from cellwright.model.quantities import Measure
from cellwright.rules.positions import (
    Basis,
    Crossing,
    Direction,
    Reach,
    Stretch,
    carry,
    is_mixture,
    stretch_of,
    strongest,
    units_on,
    weakest,
)
from cellwright.rules.state import LoadRun, LotPartRow
from cellwright.views.corrected import Corrected, corrections_touching, read_corrections
from cellwright.views.intervals import PART, RUN, read_kinds
from cellwright.views.known import KnownLot, KnownUnit, lots_of, units_of
from cellwright.views.membership import VEHICLE, built, members_at, packs_in, parents_at, position_named, vehicles_of
from cellwright.views.stored import decode_rows
from cellwright.views.subjects import MAINTAINED, AsOf, Moment, TraceError

SUPPLIER_LOT = "supplier_lot"
"""Level of all lots that were received, whatever their material."""


# All names in these statements are ours; values travel as parameters.
MEMBERS = """
    SELECT m.parent, m.unit, m.slot
    FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT parent, unit, slot FROM members_kept(k.id) OFFSET 0) AS m
"""
PARENTS = """
    SELECT m.parent, m.unit, m.slot
    FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT parent, unit, slot FROM memberships_kept(k.id) WHERE to_us = 0 OFFSET 0) AS m
"""
RUNS_OF_UNITS = f"""
    SELECT k.id AS unit, r.*
    FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN unnest($2::text[], $3::smallint[]) AS n (kind, layer)
    CROSS JOIN LATERAL (SELECT {RUN} FROM load_run
                        WHERE load_run.kind = n.kind AND load_run.layer = n.layer AND load_run.a <= k.id
                        ORDER BY load_run.a DESC LIMIT 1) AS r
    WHERE r.b >= k.id
"""  # noqa: S608
RUNS_OF_LOTS = f"""
    SELECT r.*
    FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT {RUN} FROM load_run WHERE load_run.lot = k.id OFFSET 0) AS r
"""  # noqa: S608
PARTS_BACKWARD = f"""
    WITH RECURSIVE lots AS (
        SELECT unnest($1::bigint[]) AS id
        UNION
        SELECT p.parent
        FROM lots
        CROSS JOIN LATERAL (SELECT parent FROM lot_part WHERE lot_part.child = lots.id OFFSET 0) AS p
    )
    SELECT p.* FROM lots
    CROSS JOIN LATERAL (SELECT {PART} FROM lot_part WHERE lot_part.child = lots.id OFFSET 0) AS p
"""  # noqa: S608
PARTS_FORWARD = f"""
    WITH RECURSIVE lots AS (
        SELECT unnest($1::bigint[]) AS id
        UNION
        SELECT p.child
        FROM lots
        CROSS JOIN LATERAL (SELECT child FROM lot_part WHERE lot_part.parent = lots.id OFFSET 0) AS p
    )
    SELECT p.* FROM lots
    CROSS JOIN LATERAL (SELECT {PART} FROM lot_part WHERE lot_part.parent = lots.id OFFSET 0) AS p
"""  # noqa: S608


class TraceNode(Struct, frozen=True):
    """A unit or lot that a trace reached; stretches and quantity are in the lot's measure, "" for units."""

    level: str
    code: str
    kind: str
    """Product of a unit, material of a lot."""
    status: str
    basis: Basis
    """The surest of the ways in which it was reached."""
    measure: str = ""
    quantity: int = 0
    stretches: tuple[Stretch, ...] = ()


class TraceLink(Struct, frozen=True):
    """A step from a unit or lot to one made of it; `stretches` lie on the lot that was consumed."""

    consumed: str
    made: str
    place: str
    """Material position, `slot N`, or `part N` of a lot."""
    stretches: tuple[Stretch, ...] = ()
    corrected: Corrected | None = None
    """The newest correction that said so, None = it was reported like this."""


class Taken(Struct, frozen=True, kw_only=True):
    """What a unit took of a lot at a position: [start, end) within `tolerance`, in the lot's measure."""

    position: str
    repetition: int
    """0 for the first time that the unit took something here, n for the n-th time again."""
    lot: str
    material: str
    status: str
    measure: Measure
    quantity: int
    """Of the whole lot, in its measure."""
    start: int
    end: int
    tolerance: int
    basis: Basis
    station: str
    corrected: Corrected | None = None
    """The correction that said so, None = it was reported like this."""


class Trace(Struct, frozen=True):
    """The answer: how many of each level, nearest first, then each of them and the steps between them."""

    subject: str
    direction: Direction
    levels: dict[str, int]
    nodes: tuple[TraceNode, ...]
    links: tuple[TraceLink, ...]
    as_of: AsOf = AsOf.MAINTAINED
    as_of_us: int | None = None
    """Time as of which members and vehicles are told (UTC us), None = now, or each as it was first built in."""
    corrections: tuple[Corrected, ...] = ()
    """Those of the links, and those that took something off a lot of the answer; the oldest first."""


class _Joint(Struct, frozen=True):
    """A link by ids."""

    consumed: int
    made: int
    place: str
    stretches: tuple[Stretch, ...] = ()
    correction: int = 0


class _Walk(Struct):
    """What was reached so far: units and vehicles with the bases on which they were, and the steps."""

    as_of: AsOf
    """What was asked for; in `moment`, going backward, "as built" is a date."""
    moment: Moment
    units: dict[int, set[Basis]] = {}
    joints: list[_Joint] = []
    vehicles: dict[str, int] = {}
    """Numbers of vehicles below 0, where no unit's is."""

    def meet(self, unit: int, bases: Iterable[Basis]) -> None:
        """Note that a unit was reached."""
        self.units.setdefault(unit, set()).update(bases)

    def meet_vehicle(self, vin: str, bases: Iterable[Basis]) -> int:
        """Note that a vehicle was reached, and return its number."""
        number = self.vehicles.setdefault(vin, -1 - len(self.vehicles))
        self.meet(number, bases)
        return number


async def read_taken(connection: Connection, unit: int) -> tuple[Taken, ...]:
    """Return what a unit itself took of lots, by position."""
    runs = [run for _, run in await runs_of(connection, [unit])]
    lots = await lots_of(connection, {run.lot for run in runs})
    corrected = await read_corrections(connection, (run.correction for run in runs))
    return tuple(_taken(run, lots[run.lot], unit, corrected.get(run.correction)) for run in runs)


def _taken(run: LoadRun, lot: KnownLot, unit: int, corrected: Corrected | None) -> Taken:
    stretch = stretch_of(run, unit)
    return Taken(
        position=run.kind,
        repetition=run.layer,
        lot=lot.code,
        material=lot.material,
        status=lot.status,
        measure=lot.measure,
        quantity=lot.quantity,
        start=stretch.start,
        end=stretch.end,
        tolerance=stretch.tolerance,
        basis=stretch.basis,
        station=run.station,
        corrected=corrected,
    )


async def trace_backward(
    connection: Connection,
    number: int,
    *,
    start: int | None = None,
    end: int | None = None,
    moment: Moment = MAINTAINED,
) -> Trace:
    """Return what a unit or lot (or [start, end) of a lot, in its measure) was made of, members as of a moment."""
    walk = _Walk(moment.as_of, await built(connection, number, moment), units={}, joints=[], vehicles={})
    if is_unit(number):
        walk.meet(number, {Basis.EXACT})
        await _descend(connection, walk)
        starts = await _consumed(connection, walk)
    else:
        starts = {number: [await section_of(connection, number, start=start, end=end)]}
    return await _made_of(connection, walk, number, starts=starts)


async def trace_vehicle(connection: Connection, vin: str, *, moment: Moment = MAINTAINED) -> Trace:
    """Return what the packs in a vehicle were made of, as of a moment."""
    walk = _Walk(moment.as_of, await built(connection, vin, moment), units={}, joints=[], vehicles={})
    vehicle = walk.meet_vehicle(vin, {Basis.EXACT})
    for record in await packs_in(connection, vin, walk.moment):
        walk.meet(record["pack"], {Basis.EXACT})
        walk.joints.append(_Joint(record["pack"], vehicle, position_named(record["position"])))
    await _descend(connection, walk)
    return await _made_of(connection, walk, vehicle, starts=await _consumed(connection, walk))


async def _made_of(connection: Connection, walk: _Walk, subject: int, *, starts: Mapping[int, list[Stretch]]) -> Trace:
    parts = await parts_between(connection, PARTS_BACKWARD, starts)
    reach, lots = await carry_between(connection, starts, parts, Direction.BACKWARD)
    return await _compose(connection, walk, _Answer(subject, Direction.BACKWARD, reach, lots))


class Section(TypedDict, total=False):
    """[start, end) of a lot in its measure, in one lane (0 = full width); nothing said = all of it."""

    start: int | None
    end: int | None
    lane: int


async def trace_forward(
    connection: Connection, number: int, *, moment: Moment = MAINTAINED, **section: Unpack[Section]
) -> Trace:
    """Return what was made of a unit or lot (or of a section of a lot), up to vehicles, as of a moment."""
    walk = _Walk(moment.as_of, moment, units={}, joints=[], vehicles={})
    starts: dict[int, list[Stretch]] = {}
    if is_unit(number):
        walk.meet(number, {Basis.EXACT})
    else:
        starts = {number: [await section_of(connection, number, **section)]}
    parts = await parts_between(connection, PARTS_FORWARD, starts)
    reach, lots = await carry_between(connection, starts, parts, Direction.FORWARD)
    await _fed(connection, walk, reach)
    await _ascend(connection, walk)
    await _drive(connection, walk)
    return await _compose(connection, walk, _Answer(number, Direction.FORWARD, reach, lots))


def is_unit(number: int) -> bool:
    """Tell whether an id is a unit's; lots are counted from 1 and stay far below."""
    return number >= first_id(UnitKind.CELL, 0)


async def section_of(
    connection: Connection, number: int, *, start: int | None = None, end: int | None = None, lane: int = 0
) -> Stretch:
    """Return the stretch of a lot that is asked for, all of it without ends; raises TraceError for one that is none."""
    lots = await lots_of(connection, [number])
    if number not in lots:
        raise TraceError(f"no lot has the id {number}; find it by its code")
    lot = lots[number]
    low, high = start or 0, lot.quantity if end is None else end
    if start is None and end is None:
        return Stretch(0, lot.quantity, lane=lane)
    if not 0 <= low < high <= lot.quantity:
        raise TraceError(
            f"[{low}, {high}) is no stretch of lot {lot.code}; give 0 <= start < end <= {lot.quantity} {lot.measure}"
        )
    return Stretch(low, high, lane=lane)


async def lanes_of(connection: Connection, lot: int) -> tuple[int, ...]:
    """Return the lanes into which a lot, or what was made of it, was slit; none when it never was."""
    parts = await parts_between(connection, PARTS_FORWARD, [lot])
    return tuple(sorted({part.lane for part in parts if part.lane}))


async def _descend(connection: Connection, walk: _Walk) -> None:
    """Add the members of units, and theirs."""
    front, is_now = list(walk.units), walk.moment.as_of is AsOf.MAINTAINED
    while front:
        records = await (connection.fetch(MEMBERS, front) if is_now else members_at(connection, front, walk.moment))
        front = [record["unit"] for record in records]
        for record in records:
            walk.meet(record["unit"], {Basis.EXACT})
            walk.joints.append(_Joint(record["unit"], record["parent"], f"slot {record['slot']}"))


async def _ascend(connection: Connection, walk: _Walk) -> None:
    """Add the units that the reached ones are members of, and theirs."""
    front, is_now = sorted(walk.units), walk.moment.as_of is AsOf.MAINTAINED
    while front:
        records = await (connection.fetch(PARENTS, front) if is_now else parents_at(connection, front, walk.moment))
        front = sorted({record["parent"] for record in records})
        for record in records:
            walk.meet(record["parent"], walk.units[record["unit"]])
            walk.joints.append(_Joint(record["unit"], record["parent"], f"slot {record['slot']}"))


async def _drive(connection: Connection, walk: _Walk) -> None:
    """Add the vehicles that the reached packs are in."""
    packs = sorted(unit for unit in walk.units if unit >= first_id(UnitKind.PACK, 0))
    for record in await vehicles_of(connection, packs, walk.moment) if packs else ():
        vehicle = walk.meet_vehicle(record["vehicle"], walk.units[record["pack"]])
        walk.joints.append(_Joint(record["pack"], vehicle, position_named(record["position"])))


async def _consumed(connection: Connection, walk: _Walk) -> dict[int, list[Stretch]]:
    """Return what the reached units took, by lot."""
    taken: dict[int, list[Stretch]] = {}
    for unit, run in await runs_of(connection, walk.units):
        stretch = stretch_of(run, unit)
        taken.setdefault(run.lot, []).append(stretch)
        walk.joints.append(_Joint(run.lot, unit, run.kind, (stretch,), run.correction))
    return taken


async def runs_of(connection: Connection, units: Iterable[int]) -> list[tuple[int, LoadRun]]:
    """Return the runs in which units took something, each with its unit."""
    records = await connection.fetch(RUNS_OF_UNITS, sorted(units), *await read_kinds(connection))
    runs = decode_rows(LoadRun, [tuple(record)[1:] for record in records])
    return [(record["unit"], run) for record, run in zip(records, runs, strict=True)]


async def parts_between(connection: Connection, statement: str, lots: Iterable[int]) -> list[LotPartRow]:
    """Return all parts on the way from lots, in one direction."""
    records = await connection.fetch(statement, sorted(lots))
    return decode_rows(LotPartRow, [tuple(record) for record in records])


async def carry_between(
    connection: Connection, starts: Mapping[int, Sequence[Stretch]], parts: Sequence[LotPartRow], direction: Direction
) -> tuple[Reach, dict[int, KnownLot]]:
    """Carry stretches along parts; also return every lot on the way."""
    touched = {*starts, *(part.parent for part in parts), *(part.child for part in parts)}
    lots = await lots_of(connection, touched)
    mixtures = {lot.id: lot.quantity for lot in lots.values() if is_mixture(lot.measure)}
    return carry(starts, parts, mixtures, direction), lots


async def _fed(connection: Connection, walk: _Walk, reach: Reach) -> None:
    """Add the units that took something of the reached stretches."""
    records = await connection.fetch(RUNS_OF_LOTS, sorted(reach.stretches))
    for run in decode_rows(LoadRun, [tuple(record) for record in records]):
        bases: dict[int, set[Basis]] = {}
        for stretch in reach.stretches[run.lot]:
            basis = weakest((stretch.basis, stretch_of(run, run.a).basis))
            for unit in units_on(run, stretch):
                bases.setdefault(unit, set()).add(basis)
        for unit, known in bases.items():
            walk.meet(unit, known)
            walk.joints.append(_Joint(run.lot, unit, run.kind, (stretch_of(run, unit),), run.correction))


class _Answer(Struct, frozen=True):
    """What is to be composed: where the trace began, and the lots it reached."""

    subject: int
    direction: Direction
    reach: Reach
    lots: dict[int, KnownLot]


async def _compose(connection: Connection, walk: _Walk, answer: _Answer) -> Trace:
    units = await units_of(connection, walk.units)
    units |= {number: KnownUnit(number, VEHICLE, "", "", vin) for vin, number in walk.vehicles.items()}
    if is_unit(answer.subject) and answer.subject not in units:
        raise TraceError(f"no unit has the id {answer.subject}; find it by its code")
    codes = {number: unit.code for number, unit in units.items()}
    codes |= {number: lot.code for number, lot in answer.lots.items()}
    nodes = [_unit_node(units[number], bases) for number, bases in walk.units.items()]
    nodes += [_lot_node(answer.lots[lot], stretches) for lot, stretches in answer.reach.stretches.items()]
    order = _level_order(nodes, answer.direction)
    nodes.sort(key=lambda node: order.index(node.level))
    joints = [*walk.joints, *map(_joint_of, answer.reach.crossings)]
    touching = await corrections_touching(connection, answer.reach.stretches)
    corrected = await read_corrections(connection, touching | {each.correction for each in joints})
    return Trace(
        subject=codes[answer.subject],
        direction=answer.direction,
        levels={level: sum(node.level == level for node in nodes) for level in order},
        nodes=tuple(nodes),
        links=tuple(
            TraceLink(
                codes[each.consumed], codes[each.made], each.place, each.stretches, corrected.get(each.correction)
            )
            for each in joints
        ),
        as_of=walk.as_of,
        as_of_us=walk.moment.time_us or None,
        corrections=tuple(corrected.values()),
    )


def _unit_node(unit: KnownUnit, bases: Iterable[Basis]) -> TraceNode:
    return TraceNode(unit.kind, unit.code, unit.product, unit.status, strongest(bases))


def _lot_node(lot: KnownLot, stretches: tuple[Stretch, ...]) -> TraceNode:
    return TraceNode(
        level=lot.material if lot.is_made else SUPPLIER_LOT,
        code=lot.code,
        kind=lot.material,
        status=lot.status,
        basis=strongest(stretch.basis for stretch in stretches),
        measure=lot.measure,
        quantity=lot.quantity,
        stretches=stretches,
    )


def _level_order(nodes: Iterable[TraceNode], direction: Direction) -> list[str]:
    """Return the levels, nearest first: units by kind, lots as they were reached, received ones at the far end."""
    levels = list(dict.fromkeys(node.level for node in nodes))
    units = [kind for kind in (*UnitKind, VEHICLE) if kind in levels]
    lots = [level for level in levels if level not in units and level != SUPPLIER_LOT]
    supplied = [SUPPLIER_LOT] if SUPPLIER_LOT in levels else []
    if direction is Direction.FORWARD:
        return [*supplied, *lots, *units]
    return [*reversed(units), *lots, *supplied]


def _joint_of(crossing: Crossing) -> _Joint:
    part = crossing.part
    return _Joint(part.parent, part.child, f"part {part.number}", crossing.parent, part.correction)
