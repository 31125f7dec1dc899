"""Fewer points of a trend, chosen so that a chart of them looks like a chart of all."""

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
    buckets = _buckets(times_us, max(1, (max_points - _ENDS) // _PER_BUCKET))
    known = np.flatnonzero(is_known(states))
    kept = [np.array([0, times_us.size - 1])]
    if known.size:
        kept.append(known[_first_extremes(buckets[known], values[known])])
        kept.append(known[_first_extremes(buckets[known], -values[known])])
    unknown = np.flatnonzero(~is_known(states))
    kept.append(unknown[_starts(buckets[unknown])])
    return np.unique(np.concatenate(kept))


def weights(kept: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Return how many samples each kept one stands for: those from it up to the next kept one."""
    return np.diff(np.append(kept, total))


def _buckets(times_us: Integers, count: int) -> NDArray[np.int64]:
    """Return the number of the bucket, from 0, of each of ascending times."""
    first, last = int(times_us[0]), int(times_us[-1])
    width_us = max(1, -(-(last - first + 1) // count))
    return np.asarray((times_us - first) // width_us, np.int64)


def _starts(buckets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where a new bucket begins."""
    return np.flatnonzero(np.diff(buckets, prepend=-1))


def _first_extremes(buckets: NDArray[np.int64], values: Floats) -> NDArray[np.int64]:
    """Return where the lowest value of each bucket stands first."""
    starts = _starts(buckets)
    lowest = np.minimum.reduceat(values, starts)
    sizes = np.diff(np.append(starts, values.size))
    hits = np.flatnonzero(values == np.repeat(lowest, sizes))
    return np.asarray(hits[_starts(buckets[hits])], np.int64)
