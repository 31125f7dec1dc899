"""The units and lots that a question reached, a page at a time: those of a level, or one step from one of them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
from msgspec import Struct, structs

from cellwright.database.pool import Connection
from cellwright.model.ids import UnitKind, kind_of
from cellwright.rules.positions import Basis, Direction, Stretch, carry, stretch_of, units_on
from cellwright.rules.spans import Ids
from cellwright.rules.state import LoadRun
from cellwright.views.corrected import Corrected, read_corrections
from cellwright.views.known import KnownLot
from cellwright.views.reached import Reached
from cellwright.views.spread import Rung, find_standings, parents_now, read_codes
from cellwright.views.trace import MEMBERS, PARENTS, is_unit, runs_of

_STRETCHES_MAX: Final = 5
_BASES: Final = tuple(Basis)


class Node(Struct, frozen=True, kw_only=True):
    """A unit or lot that was reached; as a step also its place, and the stretches of the lot that was consumed."""

    code: str
    is_unit: bool
    kind: str
    """Kind of a unit, material of a lot."""
    product: str = ""
    status: str = ""
    station: str = ""
    held: bool = False
    basis: Basis
    measure: str = ""
    quantity: int = 0
    """Of a lot, in its measure."""
    place: str = ""
    """Material position, `slot N`, or `part N` of a lot; "" = it is not told as a step."""
    stretches: tuple[Stretch, ...] = ()
    """The first of them."""
    stretches_count: int = 0
    stretch_measure: str = ""
    """Measure of the lot on which they lie."""
    corrected: Corrected | None = None
    """The newest correction that said this step, None = it was reported like this, or is not told as a step."""
    has_steps: bool
    """Whether a further step leads on from it."""


class Nodes(Struct, frozen=True, kw_only=True):
    """Part of the nodes of a level, or of the steps from a node."""

    total_count: int
    offset: int
    nodes: tuple[Node, ...]


class _Step(Struct, frozen=True):
    """A step by ids; `measure` is that of the lot on which the stretches lie, `correction` said so (0 = none)."""

    number: int
    place: str
    stretches: tuple[Stretch, ...] = ()
    measure: str = ""
    correction: int = 0


async def read_level(
    connection: Connection, reached: Reached, level: str, *, limit: int, offset: int = 0
) -> Nodes | None:
    """Return a page of a level, None when nothing of it was reached."""
    cut = slice(offset, offset + limit)
    if level in reached.materials:
        lots = reached.materials[level]
        steps = [_of_level(reached, number) for number in lots[cut]]
        return await _named(connection, reached, steps, total_count=len(lots), offset=offset)
    if level not in list(UnitKind) or UnitKind(level) not in reached.units:
        return None
    ids = reached.units[UnitKind(level)].ids
    steps = [_Step(number, "") for number in ids[cut].tolist()]
    return await _named(connection, reached, steps, total_count=len(ids), offset=offset)


def _of_level(reached: Reached, number: int) -> _Step:
    return _Step(number, "", reached.stretches.of(number), reached.lots[number].measure)


async def read_steps(connection: Connection, reached: Reached, number: int, *, limit: int, offset: int = 0) -> Nodes:
    """Return a page of what one step leads to from a unit or lot that was reached."""
    is_forward = reached.asked.direction is Direction.FORWARD
    if not is_unit(number):
        steps = _Sequence(_lots_beside(reached, number), _pieces(reached, number) if is_forward else ())
    elif is_forward:
        steps = _Sequence([_Step(each, place) for each, place in await _related(connection, PARENTS, number)])
    else:
        members = await _related(connection, MEMBERS, number)
        steps = _Sequence(
            [*(_Step(each, place) for each, place in members), *await _taken(connection, reached, number)]
        )
    found = steps.cut(offset, offset + limit)
    return await _named(connection, reached, found, total_count=len(steps), offset=offset)


class _Piece(Struct, frozen=True):
    """Units first..last of a run."""

    run: LoadRun
    first: int
    last: int
    measure: str


class _Sequence:
    """Steps, and behind them the units of pieces of runs, of which only those of a page are looked at."""

    def __init__(self, steps: Sequence[_Step], pieces: Sequence[_Piece] = ()) -> None:
        self._steps = steps
        self._pieces = pieces

    def __len__(self) -> int:
        return len(self._steps) + sum(each.last - each.first + 1 for each in self._pieces)

    def cut(self, start: int, end: int) -> list[_Step]:
        return [*self._steps[start:end], *self._units(start - len(self._steps), end - len(self._steps))]

    def _units(self, start: int, end: int) -> Iterator[_Step]:
        for piece in self._pieces:
            size = piece.last - piece.first + 1
            for place in range(max(start, 0), min(end, size)):
                stretch = stretch_of(piece.run, piece.first + place)
                yield _Step(piece.first + place, piece.run.kind, (stretch,), piece.measure, piece.run.correction)
            start, end = start - size, end - size


def _pieces(reached: Reached, lot: int) -> list[_Piece]:
    """Return the units that took something of what was reached of a lot, each once for each of its runs."""
    stretches, measure = reached.stretches.of(lot), reached.lots[lot].measure
    own = sorted((run for run in reached.runs if run.lot == lot), key=lambda run: run.key)
    return [
        _Piece(run, first, last, measure)
        for run in own
        for first, last in _union(units_on(run, stretch) for stretch in stretches)
    ]


def _union(ranges: Iterable[range]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, last in sorted((each[0], each[-1]) for each in ranges if each):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def _lots_beside(reached: Reached, lot: int) -> list[_Step]:
    """Return the lots that one part leads to from what was reached of a lot."""
    direction = reached.asked.direction
    is_forward = direction is Direction.FORWARD
    parts = [part for part in reached.parts if (part.parent if is_forward else part.child) == lot]
    found = carry({lot: reached.stretches.of(lot)}, parts, reached.mixtures, direction)
    return [
        _Step(
            part.child if is_forward else part.parent,
            f"part {part.number}",
            crossing.parent,
            reached.lots[part.parent].measure,
            part.correction,
        )
        for crossing in found.crossings
        for part in (crossing.part,)
    ]


async def _related(connection: Connection, statement: str, number: int) -> list[tuple[int, str]]:
    """Return what is in a unit, or what it is in, by slot."""
    records = await connection.fetch(statement, [number])
    pairs = sorted((record["slot"], record["unit"], record["parent"]) for record in records)
    return [(unit if parent == number else parent, f"slot {slot}") for slot, unit, parent in pairs]


async def _taken(connection: Connection, reached: Reached, unit: int) -> list[_Step]:
    """Return what a unit took of lots itself."""
    runs = [run for _, run in await runs_of(connection, [unit])]
    return [
        _Step(run.lot, run.kind, (stretch_of(run, unit),), reached.lots[run.lot].measure, run.correction)
        for run in runs
    ]


# --- names ----------------------------------------------------------------------------------


async def _named(
    connection: Connection, reached: Reached, steps: Sequence[_Step], *, total_count: int, offset: int
) -> Nodes:
    ids = np.unique(np.array([each.number for each in steps if is_unit(each.number)], np.int64))
    units = await read_units(connection, reached, ids)
    corrected = await read_corrections(connection, (each.correction for each in steps))
    nodes = [
        units.get(each.number) or _lot_node(reached, reached.lots[each.number])
        for each in steps
        if each.number in units or each.number in reached.lots
    ]
    told = [
        structs.replace(
            node,
            place=step.place,
            stretches=step.stretches[:_STRETCHES_MAX],
            stretches_count=len(step.stretches),
            stretch_measure=step.measure,
            corrected=corrected.get(step.correction),
        )
        for node, step in zip(nodes, steps, strict=True)
    ]
    return Nodes(total_count=total_count, offset=offset, nodes=tuple(told))


async def read_units(connection: Connection, reached: Reached, ids: Ids) -> dict[int, Node]:
    """Return units that were reached, by id; `ids` ascend."""
    standings, codes = await find_standings(connection, ids), await read_codes(connection, ids.tolist())
    is_forward = reached.asked.direction is Direction.FORWARD
    parents = (await parents_now(connection, ids)).tolist() if is_forward else [1] * len(ids)
    found = {}
    for number, parent in zip(ids.tolist(), parents, strict=True):
        standing = standings.get(number)
        found[number] = Node(
            code=codes.get(number, str(number)),
            is_unit=True,
            kind=kind_of(number),
            product=standing.product if standing else "",
            status=standing.status if standing else "",
            station=standing.station if standing else "",
            held=standing.held if standing else False,
            basis=_basis_of(reached.units[kind_of(number)], number),
            has_steps=parent != 0,
        )
    return found


def _basis_of(rung: Rung, number: int) -> Basis:
    return _BASES[int(rung.bases[np.searchsorted(rung.ids, number)])]


def _lot_node(reached: Reached, lot: KnownLot) -> Node:
    return Node(
        code=lot.code,
        is_unit=False,
        kind=lot.material,
        status=lot.status,
        basis=reached.bases[lot.id],
        measure=lot.measure,
        quantity=lot.quantity,
        has_steps=lot.id in reached.opened,
    )
