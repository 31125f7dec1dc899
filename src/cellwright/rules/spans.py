"""Spans: runs of consecutive unit ids, each with how surely it is known; millions of units as a few numbers."""

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from cellwright.rules.positions import Basis

Ids: TypeAlias = NDArray[np.int64]

_SUREST_FIRST = tuple(Basis)


class Span(Struct, frozen=True, order=True):
    """Units first..last, both included."""

    first: int
    last: int
    basis: Basis

    @property
    def count(self) -> int:
        """How many units."""
        return self.last - self.first + 1


def join_spans(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans in order that do not overlap; where several say something of a unit, the surest counts."""
    by_basis: dict[Basis, list[tuple[int, int]]] = {basis: [] for basis in _SUREST_FIRST}
    for span in spans:
        by_basis[span.basis].append((span.first, span.last))
    covered: list[tuple[int, int]] = []
    found: list[Span] = []
    for basis, ranges in by_basis.items():
        joined = _union(ranges)
        found += [Span(first, last, basis) for first, last in _without(joined, covered)]
        covered = _union([*covered, *joined])
    return tuple(sorted(found))


def count_units(spans: Iterable[Span]) -> int:
    """Return how many units spans hold that do not overlap."""
    return sum(span.count for span in spans)


def ids_of(spans: Iterable[Span]) -> Ids:
    """Return the ids of spans that are in order, ascending."""
    parts = [np.arange(span.first, span.last + 1, dtype=np.int64) for span in spans]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def spans_of(ids: Ids, basis: Basis) -> tuple[Span, ...]:
    """Return ascending ids as spans."""
    if not len(ids):
        return ()
    cuts = np.flatnonzero(np.diff(ids) != 1)
    firsts, lasts = ids[np.r_[0, cuts + 1]], ids[np.r_[cuts, len(ids) - 1]]
    return tuple(Span(first, last, basis) for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True))


def _union(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def _without(ranges: Iterable[tuple[int, int]], taken: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return what is left of ordered ranges beside other ordered ranges."""
    left, place = [], 0
    for first, last in ranges:
        at = first
        while place < len(taken) and taken[place][1] < at:
            place += 1
        here = place
        while here < len(taken) and taken[here][0] <= last:
            if taken[here][0] > at:
                left.append((at, taken[here][0] - 1))
            at = max(at, taken[here][1] + 1)
            here += 1
        if at <= last:
            left.append((at, last))
    return left
