"""The flow from lots to packs of what a question reached: few nodes and bands, each with how many units it stands for.

A band from a lot to a lot counts the units that have something of the one through the other; what lies below the
largest is drawn as one. A question without units counts how much of its subject comes this way, in its measure.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

import numpy as np
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.facts import UNPLACED
from cellwright.model.ids import UnitKind, kind_of
from cellwright.rules.positions import Basis, Direction, Stretch, carry, units_on
from cellwright.rules.spans import Ids, Span, spans_of
from cellwright.rules.state import LoadRun, LotPartRow
from cellwright.views.reached import Reached
from cellwright.views.spread import Rung, read_codes, read_runs, rungs_from
from cellwright.views.trace import is_unit

BANDS_MAX: Final = 40
_LARGEST_MAX: Final = 6
"""Nodes of a level that stand for themselves, where there is room."""

Ranges = tuple[tuple[int, int], ...]
"""Units, or places on the subject: first and last of each range, in order and apart."""


class FlowNode(Struct, frozen=True, kw_only=True):
    """A unit or lot, or all others of a level as one."""

    level: str
    code: str
    """"" = it stands for several."""
    nodes_count: int
    amount: int
    column: int
    """From the left, as material flows."""


class FlowBand(Struct, frozen=True):
    """What goes from one node to another, by their places in the list."""

    source: int
    target: int
    amount: int


class Flow(Struct, frozen=True, kw_only=True):
    """Nodes and bands; amounts are counts of `counted`: a kind of unit, `unit` for several kinds, or a measure."""

    counted: str
    total: int
    nodes: tuple[FlowNode, ...]
    bands: tuple[FlowBand, ...]


class _Group(Struct, frozen=True):
    """A node by what it stands for."""

    level: str
    members: tuple[int, ...]
    count: int
    amount: int = -1
    """Of units; what lots stand for is added up when it is asked for."""


class _Way(Struct, frozen=True):
    """A part of a lot, and where it lies on the lot that was made."""

    part: LotPartRow
    stretches: tuple[Stretch, ...]


async def find_flow(connection: Connection, reached: Reached) -> Flow:
    """Return the flow of what was reached."""
    amounts, rungs = await _amounts(connection, reached)
    sketch = _largest_sketch(amounts, [_Rank.of(rung) for rung in rungs])
    names = await read_codes(connection, [each.members[0] for each in sketch.groups if _stands_for_a_unit(each)])
    names |= {lot.id: lot.code for lot in reached.lots.values()}
    columns = sketch.columns()
    kinds = {kind_of(first) for first, _ in amounts.total} if not amounts.is_measured else set()
    return Flow(
        counted=amounts.measure or (kinds.pop() if len(kinds) == 1 else "unit"),
        total=_count(amounts.total),
        nodes=tuple(
            FlowNode(
                level=group.level,
                code=names.get(group.members[0], "") if len(group.members) == group.count == 1 else "",
                nodes_count=group.count,
                amount=sketch.amount_of(group),
                column=columns[group.level],
            )
            for group in sketch.groups
        ),
        bands=tuple(FlowBand(*pair, amount) for pair, amount in sketch.bands() if amount),
    )


def _largest_sketch(amounts: "_Amounts", ranks: "Sequence[_Rank]") -> "_Sketch":
    """Return the sketch with the most nodes of which the bands can still be told apart."""
    sketches = (_Sketch(amounts, ranks, largest) for largest in range(_LARGEST_MAX, 0, -1))
    fitting = (sketch for sketch in sketches if len(sketch.pairs) <= BANDS_MAX)
    return next(fitting, None) or _Sketch(amounts, ranks, 0)


def _stands_for_a_unit(group: _Group) -> bool:
    return len(group.members) == group.count == 1 and is_unit(group.members[0])


async def _amounts(connection: Connection, reached: Reached) -> "tuple[_Amounts, list[Rung]]":
    """Return how lots are weighed, and the units that hold what took something, kind by kind."""
    is_forward = reached.asked.direction is Direction.FORWARD
    if not is_unit(reached.asked.subject) and not is_forward:
        return _Amounts(reached, (), ()), []
    runs = reached.runs if is_forward else await read_runs(connection, reached.lots)
    total = reached.taking
    if is_unit(reached.asked.subject):
        total = (Span(reached.asked.subject, reached.asked.subject, Basis.EXACT),)
    if is_unit(reached.asked.subject) and not is_forward:
        total = _taking(reached, runs)
    rungs = [rung async for rung in rungs_from(connection, total) if kind_of(int(rung.ids[0])) in reached.units]
    return _Amounts(reached, runs, tuple((span.first, span.last) for span in total)), rungs


def _taking(reached: Reached, runs: Iterable[LoadRun]) -> tuple[Span, ...]:
    """Return the units among those reached that took something of lots themselves."""
    found = np.array(_joined((run.a, run.b) for run in runs), np.int64).reshape(-1, 2)
    ids = np.sort(np.concatenate([rung.ids for rung in reached.units.values()]))
    places = np.searchsorted(found[:, 0], ids, side="right") - 1
    return spans_of(ids[(places >= 0) & (np.r_[found[:, 1], 0][places] >= ids)], Basis.EXACT)


def _joined(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return ranges in order that do not touch."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            if last > found[-1][1]:
                found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return tuple(found)


def _count(ranges: Ranges) -> int:
    return sum(last - first + 1 for first, last in ranges)


# --- amounts --------------------------------------------------------------------------------


class _Amounts:
    """What stands behind each lot and each part: spans of units, or of the subject."""

    def __init__(self, reached: Reached, runs: Sequence[LoadRun], total: Ranges) -> None:
        self._reached = reached
        self.is_measured = reached.section is not None and reached.asked.direction is Direction.BACKWARD
        self.measure = reached.lots[reached.asked.subject].measure if self.is_measured else ""
        section = reached.section
        is_empty = section is None or section.start >= section.end
        own = () if is_empty or section is None else ((section.start, section.end - 1),)
        self.total = own if self.is_measured else total
        self._runs: dict[int, list[LoadRun]] = {}
        for run in runs:
            self._runs.setdefault(run.lot, []).append(run)
        self._known: dict[int, Ranges] = {}
        self._taken: dict[int, Ranges] = {}

    @cached_property
    def ways(self) -> dict[int, list[_Way]]:
        """Parts by the lot that was consumed."""
        found: dict[int, list[_Way]] = {}
        for way in self._forward() if self._reached.asked.direction is Direction.FORWARD else self._backward():
            found.setdefault(way.part.parent, []).append(way)
        return found

    def _forward(self) -> Iterator[_Way]:
        reached = self._reached
        if reached.section is not None:
            starts = {reached.asked.subject: [reached.section]}
            crossings = carry(starts, reached.parts, reached.mixtures, Direction.FORWARD).crossings
            yield from (_Way(each.part, each.child) for each in crossings)

    def _backward(self) -> Iterator[_Way]:
        for part in self._reached.parts:
            if part.parent in self._reached.lots and part.child in self._reached.lots:
                end = part.child_end if part.tolerance != UNPLACED else self._reached.lots[part.child].quantity
                start = part.child_start if part.tolerance != UNPLACED else 0
                yield _Way(part, (Stretch(start, end),))

    def of_lot(self, lot: int) -> Ranges:
        """Return what has something of what was reached of a lot."""
        if lot not in self._known:
            ways = (self.of_way(way) for way in self.ways.get(lot, ()))
            self._known[lot] = _joined([*self.direct(lot), *(each for way in ways for each in way)])
        return self._known[lot]

    def of_way(self, way: _Way) -> Ranges:
        """Return what has something of a part."""
        child = way.part.child
        if child in self._reached.mixtures or self._is_whole(way):
            return self.of_lot(child)
        parts = list(self._parts_below(child))
        found = carry({child: way.stretches}, parts, self._reached.mixtures, Direction.FORWARD).stretches
        return _joined(each for lot, stretches in found.items() for each in self._direct(lot, stretches))

    def _is_whole(self, way: _Way) -> bool:
        own = self._reached.stretches.of(way.part.child)
        start, end = min(each.start for each in own), max(each.end for each in own)
        is_over = any(each.start <= start and each.end >= end and not each.lane for each in way.stretches)
        return is_over or set(own) <= set(way.stretches)

    def _parts_below(self, lot: int) -> Iterator[LotPartRow]:
        waiting, seen = [lot], {lot}
        while waiting:
            for way in self.ways.get(waiting.pop(), ()):
                yield way.part
                if way.part.child not in seen:
                    seen.add(way.part.child)
                    waiting.append(way.part.child)

    def direct(self, lot: int) -> Ranges:
        """Return the units that took something of what was reached of a lot themselves."""
        if lot not in self._taken:
            self._taken[lot] = self._direct(lot, self._reached.stretches.of(lot))
        return self._taken[lot]

    def _direct(self, lot: int, stretches: Iterable[Stretch]) -> Ranges:
        if self.is_measured:
            ends = ((each.start, each.end) for each in stretches if lot == self._reached.asked.subject)
            return self._within((start, end - 1) for start, end in ends if start < end)
        ranges = (units_on(run, stretch) for run in self._runs.get(lot, ()) for stretch in stretches)
        return self._within((each[0], each[-1]) for each in ranges if each)

    def _within(self, ranges: Iterable[tuple[int, int]]) -> Ranges:
        """Return what of ranges belongs to the question."""
        found: list[tuple[int, int]] = []
        for first, last in _joined(ranges):
            low, high = bisect_left(self._lasts, first), bisect_right(self._firsts, last)
            found += [(max(first, each[0]), min(last, each[1])) for each in self.total[low:high]]
        return tuple(found)

    @cached_property
    def _firsts(self) -> list[int]:
        return [first for first, _ in self.total]

    @cached_property
    def _lasts(self) -> list[int]:
        return [last for _, last in self.total]

    @cached_property
    def orders(self) -> dict[str, list[int]]:
        """Lots of each material, those first that most has something of."""
        return {
            material: sorted(lots, key=lambda lot: -_count(self.of_lot(lot)))
            for material, lots in self._reached.materials.items()
        }


# --- nodes and bands ------------------------------------------------------------------------


class _Rank(Struct, frozen=True):
    """Units of a kind with what is in each, and how much of it goes on into which parent; cells are only counted."""

    kind: UnitKind
    ids: Ids
    counts: Ids
    sources: Ids
    """Of each step to a parent: the unit, 0 = any cell."""
    parents: Ids
    sums: Ids

    @classmethod
    def of(cls, rung: Rung) -> "_Rank":
        """Return a rung of which cells are no longer told apart."""
        kind, inside = kind_of(int(rung.ids[0])), rung.parents != 0
        sources, parents, sums = rung.ids[inside], rung.parents[inside], rung.counts[inside]
        if kind is UnitKind.CELL and len(rung.ids) > 1:
            parents, places = np.unique(parents, return_inverse=True)
            sums = np.bincount(places, sums, minlength=len(parents)).astype(np.int64)
            sources = np.zeros(len(parents), np.int64)
        return cls(kind, rung.ids, rung.counts, sources, parents, sums)

    @property
    def is_counted(self) -> bool:
        """Whether these are so many cells."""
        return self.kind is UnitKind.CELL and len(self.ids) > 1


class _Sketch:
    """Nodes, so many of each level for themselves, and what flows between them."""

    def __init__(self, amounts: _Amounts, ranks: Sequence[_Rank], largest: int) -> None:
        self._amounts = amounts
        self.groups: list[_Group] = []
        self._place_of: dict[int, int] = {}
        self._others: dict[UnitKind, int] = {}
        for material, order in amounts.orders.items():
            self._add_lots(material, order, largest)
        for rank in ranks:
            self._add_units(rank, largest)
        self._ways = self._between_lots()
        self._sums: Counter[tuple[int, int]] = Counter()
        self._takers: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for rank in ranks:
            self._add_takers(rank)
            self._add_parents(rank)

    def _add_lots(self, material: str, order: Sequence[int], largest: int) -> None:
        shown = len(order) if len(order) <= largest + 1 else largest
        for members in (*((lot,) for lot in order[:shown]), *([tuple(order[shown:])] if order[shown:] else [])):
            self._place_of |= dict.fromkeys(members, len(self.groups))
            self.groups.append(_Group(material, members, len(members)))

    def amount_of(self, group: _Group) -> int:
        """Return what has something of a node."""
        if group.amount >= 0:
            return group.amount
        return _count(_joined(each for lot in group.members for each in self._amounts.of_lot(lot)))

    def _add_units(self, rank: _Rank, largest: int) -> None:
        """Of what holds cells, the fullest stand for themselves."""
        size = len(rank.ids)
        shown = 0 if rank.is_counted else size if size <= largest + 1 else largest
        order = np.argsort(-rank.counts, kind="stable")
        for place in order[:shown].tolist():
            number = int(rank.ids[place])
            self._place_of[number] = len(self.groups)
            self.groups.append(_Group(rank.kind, (number,), 1, int(rank.counts[place])))
        if size > shown:
            self._others[rank.kind] = len(self.groups)
            self.groups.append(_Group(rank.kind, (0,), size - shown, int(rank.counts[order[shown:]].sum())))

    def _place(self, number: int, kind: UnitKind) -> int:
        """Return the node of a unit, -1 = it is beyond what was asked."""
        return self._place_of.get(number, self._others.get(kind, -1))

    def _between_lots(self) -> dict[tuple[int, int], list[_Way]]:
        found: dict[tuple[int, int], list[_Way]] = {}
        for way in (way for ways in self._amounts.ways.values() for way in ways):
            pair = self._place_of[way.part.parent], self._place_of[way.part.child]
            # The heel of a batch stays in its level.
            if self.groups[pair[0]].level != self.groups[pair[1]].level:
                found.setdefault(pair, []).append(way)
        return found

    def _add_takers(self, rank: _Rank) -> None:
        """Add what units of a kind took of lots themselves."""
        for lot in (lot for order in self._amounts.orders.values() for lot in order):
            source = self._place_of[lot]
            own = [each for each in self._amounts.direct(lot) if kind_of(each[0]) is rank.kind]
            if rank.is_counted and own:
                self._takers.setdefault((source, self._others[rank.kind]), []).extend(own)
                continue
            for number in (number for first, last in own for number in range(first, last + 1)):
                target = self._place(number, rank.kind)
                self._takers.setdefault((source, target), []).append((number, number))

    def _add_parents(self, rank: _Rank) -> None:
        for source, parent, amount in zip(
            rank.sources.tolist(), rank.parents.tolist(), rank.sums.tolist(), strict=True
        ):
            pair = self._place(source, rank.kind), self._place(parent, kind_of(parent))
            if -1 not in pair:
                self._sums[pair] += amount

    @property
    def pairs(self) -> set[tuple[int, int]]:
        """Nodes between which something flows."""
        return {*self._sums, *self._takers, *self._ways}

    def bands(self) -> list[tuple[tuple[int, int], int]]:
        """Return the pairs of nodes with what flows between them."""
        found = dict(self._sums)
        for pair, ranges in self._takers.items():
            found[pair] = _count(_joined(ranges))
        for pair, ways in self._ways.items():
            found[pair] = _count(_joined(each for way in ways for each in self._amounts.of_way(way)))
        return sorted(found.items())

    def columns(self) -> Mapping[str, int]:
        """Return the column of each level: as far to the right as what it goes into allows."""
        after: dict[str, set[str]] = {}
        for source, target in self.pairs:
            after.setdefault(self.groups[source].level, set()).add(self.groups[target].level)
        ranks = dict.fromkeys((group.level for group in self.groups), 0)
        for _ in range(len(ranks)):
            ranks = {level: max((ranks[each] + 1 for each in after.get(level, ())), default=0) for level in ranks}
        most = max(ranks.values(), default=0)
        return {level: most - rank for level, rank in ranks.items()}
