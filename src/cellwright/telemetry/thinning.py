"""Fewer points of a trend, chosen so that a chart of them looks like a chart of all."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cellwright.model.samples import Floats, Integers, is_known

_PER_BUCKET = 3
_ENDS = 2


def kept_points(times_us: Integers, values: Floats, states: Integers, *, max_points: int) -> NDArray[np.int64]:
    """Return which samples, sorted by time, stand for all: at most `max_points`.

    Kept are the first and the last, and of each of equal spans of time the lowest, the highest and the first unknown
    one. So the extremes of all are among them, and no gap is bridged.
    """
    if times_us.size <= max_points:
        return np.arange(times_us.size)
    borders_us = _borders(times_us, max(1, (max_points - _ENDS) // _PER_BUCKET))
    is_good = is_known(states)
    known, unknown = np.flatnonzero(is_good), np.flatnonzero(~is_good)
    good = values[known]
    kept = [0, times_us.size - 1]
    for start, end in _spans(times_us[known], borders_us):
        part = good[start:end]
        kept += (known[start + part.argmin()], known[start + part.argmax()])
    kept += (unknown[start] for start, _ in _spans(times_us[unknown], borders_us))
    return np.unique(np.array(kept, np.int64))


def weights(kept: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Return how many samples each kept one stands for: those from it up to the next kept one."""
    return np.diff(np.append(kept, total))


def _borders(times_us: Integers, count: int) -> NDArray[np.int64]:
    """Return the times between equal spans of ascending times."""
    first, last = int(times_us[0]), int(times_us[-1])
    width_us = max(1, -(-(last - first + 1) // count))
    return first + width_us * np.arange(1, count)


def _spans(times_us: Integers, borders_us: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield [start, end) of the samples between two borders, where there are any."""
    cuts = np.searchsorted(times_us, borders_us).tolist()
    return (pair for pair in pairwise([0, *cuts, times_us.size]) if pair[0] < pair[1])
