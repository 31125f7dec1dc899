"""What a question about genealogy reaches: how many of each level, and which, however many they are.

Ids and stretches only; what they are called is read a page at a time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.ids import KIND_SHIFT, UnitKind, kind_of
from cellwright.rules.positions import Basis, Direction, Stretch, merge, strongest
from cellwright.rules.spans import Ids, Span
from cellwright.rules.state import LoadRun, LotPartRow
from cellwright.rules.stretch_columns import StretchColumns
from cellwright.views.intervals import PART
from cellwright.views.known import KnownLot, lots_of
from cellwright.views.origins import descend, find_origins
from cellwright.views.spread import Rung, Section, gather, rungs_from
from cellwright.views.stored import decode_rows
from cellwright.views.trace import (
    PARTS_BACKWARD,
    carry_between,
    is_unit,
    parts_between,
    section_of,
)

PARTS_OF_LOTS: Final = f"""
    SELECT p.* FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT {PART} FROM lot_part WHERE lot_part.child = k.id OFFSET 0) AS p
"""  # noqa: S608 names are ours
_BASES: Final = tuple(Basis)


class Asked(Struct, frozen=True, kw_only=True):
    """A question: of a unit or lot by id, or of [start, end) of a lot in its measure; a lane only forward (0 = all)."""

    subject: int
    direction: Direction
    start: int | None = None
    end: int | None = None
    lane: int = 0


class Level(Struct, frozen=True, kw_only=True):
    """All units of a kind, or all lots of a material, that were reached."""

    level: str
    is_unit: bool
    nodes_count: int
    basis: Basis
    """How surely the least sure of them is known."""


class Reached(Struct, frozen=True, kw_only=True, dict=True):
    """The answer by ids: units of each kind, and lots, the nearest first; the subject is among them."""

    asked: Asked
    lots: Mapping[int, KnownLot]
    bases: Mapping[int, Basis]
    """How surely each lot is known."""
    stretches: "Stretches"
    parts: Sequence[LotPartRow]
    """All parts of which both lots were reached, and others."""
    runs: Sequence[LoadRun] = ()
    """Forward: what units took of the lots."""
    units: Mapping[UnitKind, Rung]
    taking: tuple[Span, ...] = ()
    """Forward from a lot: the units that took something of it, or of what was made of it, themselves."""
    section: Stretch | None = None
    """What of the subject was asked for, when it is a lot."""

    @cached_property
    def materials(self) -> dict[str, list[int]]:
        """Lots by material, the nearest first."""
        found: dict[str, list[int]] = {}
        for lot in self.lots.values():
            found.setdefault(lot.material, []).append(lot.id)
        return found

    @cached_property
    def opened(self) -> frozenset[int]:
        """Lots from which a further step leads, in the direction that is asked for."""
        if self.asked.direction is Direction.BACKWARD:
            return frozenset(part.child for part in self.parts)
        return frozenset({*(part.parent for part in self.parts), *(run.lot for run in self.runs)})

    @cached_property
    def mixtures(self) -> dict[int, int]:
        """Quantity of lots by mass."""
        return {lot.id: lot.quantity for lot in self.lots.values() if lot.measure == "mg"}

    def levels(self) -> tuple[Level, ...]:
        """Return the levels, nearest first."""
        order = sorted(self.units, key=list(UnitKind).index)
        lots = [self._lot_level(material, ids) for material, ids in self.materials.items()]
        if self.asked.direction is Direction.FORWARD:
            return (*lots, *map(self._unit_level, order))
        return (*map(self._unit_level, reversed(order)), *lots)

    def _lot_level(self, material: str, ids: Sequence[int]) -> Level:
        basis = max((self.bases[number] for number in ids), key=_BASES.index)
        return Level(level=material, is_unit=False, nodes_count=len(ids), basis=basis)

    def _unit_level(self, kind: UnitKind) -> Level:
        rung = self.units[kind]
        return Level(level=kind, is_unit=True, nodes_count=len(rung.ids), basis=_BASES[int(rung.bases.max())])

    def holds(self, number: int) -> bool:
        """Tell whether a unit or lot was reached."""
        if not is_unit(number):
            return number in self.lots
        rung = self.units.get(kind_of(number))
        place = 0 if rung is None else int(np.searchsorted(rung.ids, number))
        return rung is not None and place < len(rung.ids) and int(rung.ids[place]) == number


class Stretches(Struct, frozen=True):
    """What of each lot was reached, as lists or, where there are thousands, as columns ascending by lot."""

    lists: Mapping[int, tuple[Stretch, ...]] = {}
    columns: StretchColumns | None = None

    def of(self, lot: int) -> tuple[Stretch, ...]:
        """Return what of a lot was reached."""
        if self.columns is None:
            return self.lists.get(lot, ())
        low, high = np.searchsorted(self.columns.lot, [lot, lot + 1])
        return merge(_stretches(self.columns.chosen(np.arange(low, high))))


def _stretches(columns: StretchColumns) -> Iterator[Stretch]:
    names = ("start", "end", "tolerance", "lane", "basis")
    numbers = (getattr(columns, name).tolist() for name in names)
    for start, end, tolerance, lane, basis in zip(*numbers, strict=True):
        yield Stretch(start, end, tolerance, lane, _BASES[basis])


async def reach(connection: Connection, asked: Asked) -> Reached:
    """Return what a question reaches. Raises TraceError for what is no section of a lot, or too much at once."""
    is_forward = asked.direction is Direction.FORWARD
    if is_unit(asked.subject):
        return await (_forward_of_unit if is_forward else _backward_of_unit)(connection, asked)
    return await (_forward_of_lot if is_forward else _backward_of_lot)(connection, asked)


async def _forward_of_unit(connection: Connection, asked: Asked) -> Reached:
    span = Span(asked.subject, asked.subject, Basis.EXACT)
    units = await _climbed(connection, (span,))
    return Reached(asked=asked, lots={}, bases={}, stretches=Stretches(), parts=(), units=units)


async def _forward_of_lot(connection: Connection, asked: Asked) -> Reached:
    found = await gather(connection, Section(lot=asked.subject, start=asked.start, end=asked.end, lane=asked.lane))
    return Reached(
        asked=asked,
        lots=found.lots,
        bases=_bases(found.stretches),
        stretches=Stretches(found.stretches),
        parts=found.parts,
        runs=found.runs,
        units=await _climbed(connection, found.units),
        taking=found.units,
        section=found.stretch,
    )


async def _backward_of_unit(connection: Connection, asked: Asked) -> Reached:
    origins = await find_origins(connection, asked.subject)
    _, ids = await descend(connection, np.array([asked.subject], np.int64))
    numbers = origins.lots.tolist()
    known = await lots_of(connection, numbers)
    records = await connection.fetch(PARTS_OF_LOTS, numbers)
    parts = decode_rows(LotPartRow, [tuple(record) for record in records])
    bases = {number: _BASES[place] for number, place in zip(numbers, origins.bases.tolist(), strict=True)}
    return Reached(
        asked=asked,
        lots=_nearest_first(known, parts),
        bases=bases,
        stretches=Stretches(columns=origins.stretches.chosen(np.argsort(origins.stretches.lot, kind="stable"))),
        parts=parts,
        units=_by_kind(ids),
    )


async def _backward_of_lot(connection: Connection, asked: Asked) -> Reached:
    section = await section_of(connection, asked.subject, start=asked.start, end=asked.end, lane=0)
    starts = {asked.subject: [section]}
    parts = await parts_between(connection, PARTS_BACKWARD, starts)
    found, lots = await carry_between(connection, starts, parts, Direction.BACKWARD)
    return Reached(
        asked=asked,
        lots={number: lots[number] for number in found.stretches},
        bases=_bases(found.stretches),
        stretches=Stretches(found.stretches),
        parts=parts,
        units={},
        section=section,
    )


def _bases(stretches: Mapping[int, Iterable[Stretch]]) -> dict[int, Basis]:
    return {number: strongest(each.basis for each in found) for number, found in stretches.items()}


async def _climbed(connection: Connection, spans: Sequence[Span]) -> dict[UnitKind, Rung]:
    return {kind_of(int(rung.ids[0])): rung async for rung in rungs_from(connection, spans)}


def _by_kind(ids: Ids) -> dict[UnitKind, Rung]:
    """Return units, which ascend, by kind: all known exactly."""
    numbers, starts = np.unique(ids >> KIND_SHIFT, return_index=True)
    parts: Any = zip(numbers.tolist(), np.split(ids, starts[1:]), strict=True)
    none = np.zeros(len(ids), np.int64)
    return {
        kind_of(number << KIND_SHIFT): Rung(own, none[: len(own)] + 1, none[: len(own)], none[: len(own)])
        for number, own in parts
    }


def _nearest_first(lots: Mapping[int, KnownLot], parts: Sequence[LotPartRow]) -> dict[int, KnownLot]:
    """Return lots in the order in which their materials went into one another, the last first."""
    steps: dict[str, set[str]] = {}
    for part in parts:
        if part.parent in lots and part.child in lots:
            steps.setdefault(lots[part.child].material, set()).add(lots[part.parent].material)
    depths: dict[str, int] = {}
    for _ in range(len(steps) + 1):
        before = dict(depths)
        for made, consumed in steps.items():
            for material in consumed - {made}:
                depths[material] = max(depths.get(material, 0), depths.get(made, 0) + 1)
        # Materials that go round in a ring never settle.
        if depths == before:
            break
    return dict(sorted(lots.items(), key=lambda each: (depths.get(each[1].material, 0), each[1].material, each[0])))
