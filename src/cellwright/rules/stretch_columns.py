"""Stretches by the thousand: what `positions` does with one at a time, done with columns of numbers.

The same mapping without the merging: neighbours stay apart, so nothing is ever reached that `positions.carry` does not
reach, and a vehicle's 7,000 stretches take milliseconds.
"""

from typing import TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from cellwright.model.facts import UNPLACED
from cellwright.rules.positions import Basis

Ids: TypeAlias = NDArray[np.int64]

EXACT, INTERVAL, LOT = range(len(Basis))
"""Places in `Basis`, the surest first."""

_SAFE = 2**62
_ODD = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio: multiplied by it, near numbers end far apart (D. Knuth, TAOCP 3, 6.4)."""


class StretchColumns(Struct, frozen=True):
    """Stretches [start, end) of lots, each end within `tolerance`; `basis` by its place in `Basis`."""

    lot: Ids
    start: Ids
    end: Ids
    tolerance: Ids
    lane: Ids
    basis: Ids

    def __len__(self) -> int:
        """How many there are."""
        return len(self.lot)

    def chosen(self, places: NDArray[np.bool_] | Ids) -> "StretchColumns":
        """Return some of them."""
        return StretchColumns(*(getattr(self, name)[places] for name in self.__struct_fields__))


class PartColumns(Struct, frozen=True):
    """Parts of lots, ascending by child."""

    child: Ids
    parent: Ids
    parent_start: Ids
    parent_end: Ids
    child_start: Ids
    child_end: Ids
    lane: Ids
    reversed: Ids
    tolerance: Ids

    def chosen(self, places: NDArray[np.bool_] | Ids) -> "PartColumns":
        """Return some of them."""
        return PartColumns(*(getattr(self, name)[places] for name in self.__struct_fields__))


class RunColumns(Struct, frozen=True):
    """What units took: unit k took its share of [start, end) of a lot, which units first..last took evenly."""

    unit: Ids
    first: Ids
    last: Ids
    lot: Ids
    start: Ids
    end: Ids
    tolerance: Ids


def join(columns: list[StretchColumns]) -> StretchColumns:
    """Return all of several columns, each stretch once, ascending by lot."""
    names = StretchColumns.__struct_fields__
    whole = StretchColumns(*(np.concatenate([getattr(each, name) for each in columns]) for name in names))
    places = _once(whole)
    return whole.chosen(places[np.argsort(whole.lot[places])])


def taken(runs: RunColumns) -> StretchColumns:
    """Return the stretch that each unit took, by interpolation as `genealogy.interval_of`."""
    count, length, index = runs.last - runs.first + 1, runs.end - runs.start, runs.unit - runs.first
    start = runs.start + np.rint(length * index / count).astype(np.int64)
    end = runs.start + np.rint(length * (index + 1) / count).astype(np.int64)
    basis = np.where(runs.tolerance > 0, INTERVAL, EXACT)
    return StretchColumns(runs.lot, start, end, runs.tolerance, np.zeros(len(start), np.int64), basis)


def carry_back(starts: StretchColumns, parts: PartColumns, mixtures: Ids) -> StretchColumns:
    """Return stretches and all that they were made of; `mixtures` are the ascending ids of lots by mass."""
    children, lows, counts = np.unique(parts.child, return_index=True, return_counts=True)
    found, front = [starts], starts
    while len(front):
        front = front.chosen(is_among(front.lot, children))
        made = np.searchsorted(children, front.lot)
        low, count = lows[made], counts[made]
        places = np.repeat(low - (np.cumsum(count) - count), count) + np.arange(count.sum())
        front = _to_parents(parts.chosen(places), front.chosen(np.repeat(np.arange(len(front)), count)), mixtures)
        front = front.chosen(_once(front))
        found.append(front)
    return join(found)


def _to_parents(parts: PartColumns, made: StretchColumns, mixtures: Ids) -> StretchColumns:
    """As `positions.to_parent`, row by row; rows that touch nothing are left out."""
    parent, child = parts.parent_end - parts.parent_start, parts.child_end - parts.child_start
    own = np.maximum(parts.tolerance, 0)
    slack = made.tolerance + _scaled_up(own, child, parent)
    is_blended = is_among(parts.child, mixtures)
    is_whole = is_blended | (parts.tolerance == UNPLACED)
    is_touched = is_blended | _touches(made, slack, parts.child_start, parts.child_end)
    start, end = _carried(parts, made)
    tolerance = _scaled_up(made.tolerance, parent, child) + own
    basis = np.maximum(made.basis, np.where(tolerance > 0, INTERVAL, EXACT))
    lane = np.where(is_blended, 0, np.where(is_whole | (parts.lane > 0), parts.lane, made.lane))
    mapped = StretchColumns(
        parts.parent,
        np.where(is_whole, parts.parent_start, start),
        np.where(is_whole, parts.parent_end, end),
        np.where(is_whole, own, tolerance),
        np.where(is_among(parts.parent, mixtures), 0, lane),
        np.where(is_whole, LOT, basis),
    )
    return mapped.chosen(is_touched)


def _once(columns: StretchColumns) -> Ids:
    """Return the places of stretches, each once, in no order."""
    mixed = _mixed(columns)
    order = np.argsort(mixed)
    alike = np.flatnonzero(np.diff(mixed[order]) == 0)
    one, other = columns.chosen(order[alike]), columns.chosen(order[alike + 1])
    is_same = np.logical_and.reduce([getattr(one, name) == getattr(other, name) for name in columns.__struct_fields__])
    return np.delete(order, alike[is_same])


def _mixed(columns: StretchColumns) -> NDArray[np.uint64]:
    """Return a number of each row by which equal rows come to stand together: sorting all columns takes six times as long.

    Rows that differ share one as good as never; if they do, an equal row between them may stay, which is only a repetition.
    """
    mixed = np.zeros(len(columns), np.uint64)
    for name in columns.__struct_fields__:
        mixed = (mixed ^ getattr(columns, name).view(np.uint64)) * _ODD
        mixed ^= mixed >> np.uint64(29)
    return mixed


def is_among(numbers: Ids, ascending: Ids) -> NDArray[np.bool_]:
    """Tell which numbers are among others, which ascend."""
    if not len(ascending):
        return np.zeros(len(numbers), bool)
    places = np.minimum(np.searchsorted(ascending, numbers), len(ascending) - 1)
    found: NDArray[np.bool_] = ascending[places] == numbers
    return found


def _touches(made: StretchColumns, slack: Ids, start: Ids, end: Ids) -> NDArray[np.bool_]:
    low, high = np.maximum(made.start - slack, start), np.minimum(made.end + slack, end)
    is_point = (start == end) | ((made.start == made.end) & (slack == 0))
    touched: NDArray[np.bool_] = (low < high) | ((low == high) & is_point)
    return touched


def _scaled_up(amount: Ids, target: Ids, source: Ids) -> Ids:
    """As `positions`: amount * target / source, rounded up; a source of no length makes the whole target count."""
    safe = np.where(source > 0, source, 1)
    scaled = -(-_times(amount, target) // safe)
    return np.where(amount == 0, 0, np.where(source > 0, scaled, target)).astype(np.int64)


def _carried(parts: PartColumns, made: StretchColumns) -> tuple[Ids, Ids]:
    """As `positions`: the place on the parent, rounded outwards; what lies beyond the child's part is cut off."""
    length, size = parts.child_end - parts.child_start, parts.parent_end - parts.parent_start
    safe = np.where(length > 0, length, 1)
    low, high = (np.clip(end - parts.child_start, 0, length) for end in (made.start, made.end))
    is_flipped = parts.reversed > 0
    low, high = np.where(is_flipped, length - high, low), np.where(is_flipped, length - low, high)
    start = parts.parent_start + (_times(low, size) // safe).astype(np.int64)
    end = parts.parent_start - (-_times(high, size) // safe).astype(np.int64)
    return np.where(length > 0, start, parts.parent_start), np.where(length > 0, end, parts.parent_end)


def _times(one: Ids, other: Ids) -> NDArray[np.int64]:
    """Multiply whole numbers exactly, also where 64 bits would not do."""
    if len(one) and float(np.abs(one).max()) * float(np.abs(other).max()) >= _SAFE:
        product: NDArray[np.int64] = one.astype(object) * other.astype(object)
        return product
    return one * other
