"""The plain way to trace, as the measure of right answers: every cell an edge of its own, every position a fraction.

It shares nothing with the product's rules. It is for plants of 10^5 cells: each takes some 10 KB of memory.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple, TypeAlias

import numpy as np

from cellwright.model.ids import UnitKind, first_id
from cellwright.model.quantities import Measure
from cellwright.testing.plant_year import PlantYear, module_ids, pack_ids, vehicle_ids

FIRST_CELL = first_id(UnitKind.CELL, 0)
FIRST_MODULE = first_id(UnitKind.MODULE, 0)


Length: TypeAlias = "int | Fraction"


class Place(NamedTuple):
    """[start, end) of a lot, in its measure, in one lane (0 = full width)."""

    lot: int
    start: Length
    end: Length
    lane: int = 0


class Part(NamedTuple):
    """A row of `lot_part`."""

    child: int
    number: int
    parent: int
    parent_start: int
    parent_end: int
    child_start: int
    child_end: int
    lane: int
    is_reversed: bool
    tolerance: int


class Run(NamedTuple):
    """What counts of a row of `load_run`."""

    a: int
    b: int
    lot: int
    start: int
    end: int


class Edges(NamedTuple):
    """The edges of one direction by node: those that hold for ever, and those that hold from and to (UTC us, 0 = still)."""

    steady: dict[int, list[int]]
    spells: dict[int, list[tuple[int, int, int]]]

    def of(self, node: int, at_us: int | None) -> Iterator[int]:
        """Yield the nodes that one step leads to at a time (None = now)."""
        yield from self.steady.get(node, ())
        for far, from_us, to_us in self.spells.get(node, ()):
            if not to_us if at_us is None else from_us <= at_us and (not to_us or at_us < to_us):
                yield far


class PlantWalk:
    """All edges of a plant in both directions. Nodes are the product's ids, and those of `vehicle_ids`."""

    def __init__(self, year: PlantYear) -> None:
        """Expand a plant."""
        self._year = year
        measures = [block.measure for block in year.blocks.values()]
        self.mixtures = {number for number, block, _ in year.lots.tolist() if measures[block] is Measure.MG}
        self._parts: dict[int, list[Part]] = defaultdict(list)
        self._runs: dict[int, list[Run]] = defaultdict(list)
        self._consumed = Edges(defaultdict(list), defaultdict(list))
        self._made = Edges(defaultdict(list), defaultdict(list))
        self._expand_lots()
        self._expand_runs()
        self._expand_units()

    def forward(self, node: int, *, at_us: int | None = None) -> set[int]:
        """Return all that was made of a lot or unit, itself included, as it was put together at a time (None = now)."""
        return _reachable(self._made, node, at_us)

    def parents(self, unit: int) -> set[int]:
        """Return what a unit is in now, one step up."""
        return set(self._made.of(unit, None))

    def backward(self, node: int, *, at_us: int | None = None) -> set[int]:
        """Return all that a lot or unit was made of, itself included, as it was put together at a time (None = now)."""
        return _reachable(self._consumed, node, at_us)

    def places_of(self, cell: int, within: Container[int] | None = None) -> Iterator[Place]:
        """Yield every stretch of every lot, of any level, that is in a cell; of mixtures all that went in.

        `within` are the only lots that are looked at.
        """
        for run in self._runs[cell]:
            if within is None or run.lot in within:
                yield from self._climb(_taken(run, cell), within)

    def cells_on(self, lot: int, start: int, end: int, *, lane: int = 0) -> set[int]:
        """Return the cells that hold something of [start, end) of a lot in a lane, each looked at by itself."""
        lots = self._lots_made_of(lot)
        cells = {cell for each in lots for cell in self._made.steady.get(each, ()) if cell >= FIRST_CELL}
        return {
            cell
            for cell in cells
            if any(_is_on(place, lot, (start, end), lane) for place in self.places_of(cell, lots))
        }

    def _lots_made_of(self, lot: int) -> set[int]:
        found, front = {lot}, [lot]
        while front:
            front = [
                far
                for near in front
                for far in self._made.steady.get(near, ())
                if far < FIRST_CELL and far not in found
            ]
            found.update(front)
        return found

    def _climb(self, place: Place, within: Container[int] | None) -> Iterator[Place]:
        yield place
        for part in self._parts.get(place.lot, ()):
            onward = self._on_parent(part, place) if within is None or part.parent in within else None
            if onward is not None:
                yield from self._climb(onward, within)

    def _on_parent(self, part: Part, place: Place) -> Place | None:
        """Return what of a part's parent is in a place of its child."""
        if part.child in self.mixtures:
            return Place(part.parent, part.parent_start, part.parent_end)
        low, high = max(place.start, part.child_start), min(place.end, part.child_end)
        if low >= high:
            return None
        if part.is_reversed:
            low, high = (part.child_start + part.child_end - each for each in (high, low))
        size, length = part.parent_end - part.parent_start, part.child_end - part.child_start
        start, end = (part.parent_start + _share(each - part.child_start, size, length) for each in (low, high))
        lane = 0 if part.parent in self.mixtures else part.lane or place.lane
        return Place(part.parent, start, end, lane)

    def _join(self, consumed: int, made: int) -> None:
        self._made.steady[consumed].append(made)
        self._consumed.steady[made].append(consumed)

    def _expand_lots(self) -> None:
        for row in self._year.parts.tolist():
            part = Part(*row)
            self._parts[part.child].append(part)
            self._join(part.parent, part.child)

    def _expand_runs(self) -> None:
        for row in self._year.runs[["a", "b", "lot", "pos_a", "pos_b"]].tolist():
            run = Run(*row)
            for cell in range(run.a, run.b + 1):
                self._runs[cell].append(run)
                self._join(run.lot, cell)

    def _expand_units(self) -> None:
        for unit, parent, _, from_us, to_us in members_of(self._year):
            self._made.spells[unit].append((parent, from_us, to_us))
            self._consumed.spells[parent].append((unit, from_us, to_us))
        packs = pack_ids(np.arange(self._year.packs_count)).tolist()
        for pack, vehicle in zip(packs, vehicle_ids(self._year.vehicle_of).tolist(), strict=True):
            self._join(pack, vehicle)


def members_of(year: PlantYear) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield every membership, past and present: unit, parent, slot, from and to (UTC us, 0 = still)."""
    moved = set(year.moves["unit"].tolist())
    for module, cells in enumerate(year.cells_of):
        parent, built_us = int(module_ids(np.array([module]))[0]), int(year.module_built_us(np.array([module]))[0])
        for slot, (unit, number) in enumerate(zip(year.cell_ids(cells).tolist(), cells.tolist(), strict=True)):
            if number >= 0 and unit not in moved:
                yield unit, parent, slot, built_us, 0
    built_us_of = year.pack_built_us(np.arange(year.packs_count)).tolist()
    units = module_ids(np.arange(year.modules_count)).tolist()
    for unit, pack, slot in zip(units, year.pack_of.tolist(), year.slot_of.tolist(), strict=True):
        if pack >= 0 and unit not in moved:
            yield unit, int(pack_ids(np.array([pack]))[0]), slot, built_us_of[pack], 0
    yield from year.moves.tolist()


def cells_among(nodes: Iterable[int]) -> set[int]:
    """Return those nodes that are cells."""
    return {node for node in nodes if FIRST_CELL <= node < FIRST_MODULE}


def lots_among(nodes: Iterable[int]) -> set[int]:
    """Return those nodes that are lots."""
    return {node for node in nodes if node < FIRST_CELL}


def vehicles_among(nodes: Iterable[int]) -> set[int]:
    """Return those nodes that are vehicles."""
    first = int(vehicle_ids(np.array([0]))[0])
    return {node for node in nodes if node >= first}


def _reachable(edges: Edges, start: int, at_us: int | None) -> set[int]:
    seen, front = {start}, {start}
    while front:
        front = {far for near in front for far in edges.of(near, at_us)} - seen
        seen |= front
    return seen


def _taken(run: Run, cell: int) -> Place:
    """Return what a cell of a run took: the run's units share its stretch evenly."""
    index, count, length = cell - run.a, run.b - run.a + 1, run.end - run.start
    return Place(run.lot, run.start + _share(index, length, count), run.start + _share(index + 1, length, count))


def _share(amount: Length, size: int, length: int) -> Length:
    """Return amount * size / length without rounding."""
    whole, rest = divmod(amount * size, length)
    return whole if not rest else Fraction(amount * size, length)


def _is_on(place: Place, lot: int, section: tuple[int, int], lane: int) -> bool:
    is_beside = lane and place.lane and lane != place.lane
    return place.lot == lot and not is_beside and place.start < section[1] and place.end > section[0]
