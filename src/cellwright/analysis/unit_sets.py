"""Sets of units as intervals of their ids: how many units, and how many bad ones, had each of many levels.

Ids become places within the population, so units beside it vanish and those of all lines stand in one row. The cost is
that of sorting the intervals, whatever the number of units in them.
"""

import hashlib

import numpy as np
from msgspec import Struct

from cellwright.analysis.hypergeometric import IntArray


class Spans(Struct, frozen=True):
    """Disjoint, ascending intervals [start, end) of unit ids."""

    starts: IntArray
    ends: IntArray

    @property
    def count(self) -> int:
        """How many units are in them."""
        return int((self.ends - self.starts).sum())

    def places(self, ids: IntArray) -> IntArray:
        """Return how many units of the spans lie below each id."""
        if not self.starts.size:
            return np.zeros_like(ids)
        below = np.concatenate((np.zeros(1, np.int64), np.cumsum(self.ends - self.starts)))
        at = np.searchsorted(self.starts, ids, side="right")
        before = np.maximum(at - 1, 0)
        inside = np.clip(ids - self.starts[before], 0, self.ends[before] - self.starts[before])
        return np.asarray(np.where(at > 0, below[before] + inside, 0), np.int64)

    def ids(self, places: IntArray) -> IntArray:
        """Return the units that stand at places."""
        first = np.concatenate((np.zeros(1, np.int64), np.cumsum(self.ends - self.starts)))
        at = np.searchsorted(first, places, side="right") - 1
        return np.asarray(self.starts[at] + places - first[at], np.int64)

    def all_ids(self) -> IntArray:
        """Return every unit; for spans of few units."""
        return self.ids(np.arange(self.count))

    def holds(self, ids: IntArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Tell which ids are in the spans."""
        return np.asarray(self.places(ids + 1) > self.places(ids))


class Census(Struct, frozen=True):
    """A population: its units and which of them are bad, by place.

    `owners` says to which unit of the population each member at a place belongs: then members are what levels are
    known of, and their owners are counted. None = the units themselves.
    """

    spans: Spans
    bad: IntArray
    """Places of the bad units, ascending; of owners, their numbers."""
    owners: IntArray | None = None
    owners_count: int = 0

    @property
    def total(self) -> int:
        """How many units are counted."""
        return self.spans.count if self.owners is None else self.owners_count


class Exposures(Struct, frozen=True):
    """Intervals [start, end) of unit ids that had a level each; levels are numbered from 0."""

    levels: IntArray
    starts: IntArray
    ends: IntArray


class Parts(Struct, frozen=True):
    """Levels as disjoint intervals of places, ascending by level and place; those of level k are at first[k:k + 2]."""

    starts: IntArray
    ends: IntArray
    first: IntArray

    def of(self, level: int) -> tuple[IntArray, IntArray]:
        """Return starts and ends of a level."""
        among = slice(int(self.first[level]), int(self.first[level + 1]))
        return self.starts[among], self.ends[among]

    def counts(self) -> IntArray:
        """Return how many units had each level."""
        return _sums(self.ends - self.starts, self.first)

    def counts_among(self, places: IntArray) -> IntArray:
        """Return how many of the units at these places (ascending) had each level."""
        found = np.searchsorted(places, self.ends) - np.searchsorted(places, self.starts)
        return _sums(found.astype(np.int64), self.first)

    def digest(self, level: int) -> bytes:
        """Return what is equal for levels that the same units had."""
        starts, ends = self.of(level)
        return hashlib.blake2b(starts.tobytes() + ends.tobytes(), digest_size=16).digest()


def spans_of(ids: IntArray) -> Spans:
    """Return single units as spans."""
    return joined(ids, ids + 1)


def joined(starts: IntArray, ends: IntArray) -> Spans:
    """Return intervals, which may overlap, as spans."""
    kept = starts < ends
    order = np.argsort(starts[kept], kind="stable")
    low, high = starts[kept][order], ends[kept][order]
    if not low.size:
        return Spans(low, high)
    reached = np.maximum.accumulate(high)
    firsts = np.concatenate(([0], np.flatnonzero(low[1:] > reached[:-1]) + 1))
    return Spans(low[firsts], reached[np.concatenate((firsts[1:] - 1, [low.size - 1]))])


def overlap(one: Spans, other: Spans) -> Spans:
    """Return what two sets of units have in common."""
    edges = np.unique(np.concatenate((one.starts, one.ends, other.starts, other.ends)))
    starts, ends = edges[:-1], edges[1:]
    inside = one.holds(starts) & other.holds(starts)
    return joined(starts[inside], ends[inside])


def sampled(spans: Spans, bad: IntArray, count: int, seed: int = 0) -> Spans:
    """Return the bad units (ids, ascending, of the spans) and at most `count` others, drawn by a seed."""
    others_count = spans.count - bad.size
    if others_count <= count:
        return spans
    drawn = np.random.default_rng(seed).choice(others_count, size=count, replace=False)
    places = spans.places(bad)
    # The k-th unit that is not bad stands k places on, plus one for every bad unit before it.
    among = np.sort(drawn) + np.searchsorted(places - np.arange(places.size), np.sort(drawn), side="right")
    return spans_of(np.concatenate((bad, spans.ids(among))))


def parts_of(census: Census, exposures: Exposures, levels_count: int) -> Parts:
    """Return which units of a population had each level."""
    starts, ends = census.spans.places(exposures.starts), census.spans.places(exposures.ends)
    if census.owners is None:
        return _merged(exposures.levels, starts, ends, levels_count=levels_count, size=census.total)
    lengths = np.maximum(ends - starts, 0)
    offsets = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    owners = census.owners[np.repeat(starts, lengths) + offsets]
    levels = np.repeat(exposures.levels, lengths)
    return _merged(levels, owners, owners + 1, levels_count=levels_count, size=census.total)


def shared_counts(parts: Parts, places: Spans) -> IntArray:
    """Return how many of the units at these places had each level."""
    return _sums(places.places(parts.ends) - places.places(parts.starts), parts.first)


def _merged(levels: IntArray, starts: IntArray, ends: IntArray, *, levels_count: int, size: int) -> Parts:
    """Join intervals of a level that overlap or touch; a level's places lie behind those of the one before."""
    kept = starts < ends
    base = levels[kept] * (size + 1)
    low, high = base + starts[kept], base + ends[kept]
    order = np.argsort(low, kind="stable")
    low, high, base = low[order], high[order], base[order]
    reached = np.maximum.accumulate(high) if high.size else high
    is_first = np.ones(low.size, np.bool_)
    is_first[1:] = (low[1:] > reached[:-1]) | (base[1:] != base[:-1])
    at = np.flatnonzero(is_first)
    lasts = np.concatenate((at[1:] - 1, [low.size - 1])) if at.size else at
    number = base[at] // (size + 1)
    first = np.searchsorted(number, np.arange(levels_count + 1))
    return Parts(low[at] - base[at], reached[lasts] - base[at], first.astype(np.int64))


def _sums(values: IntArray, first: IntArray) -> IntArray:
    total = np.concatenate((np.zeros(1, np.int64), np.cumsum(values)))
    return np.asarray(total[first[1:]] - total[first[:-1]], np.int64)
