"""Profiles along a web: values placed on another web, and joined to as many bins as a picture needs."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


class Placed(Struct, frozen=True):
    """Values (NaN = not measured), each on its [starts, ends)."""

    starts: Whole
    ends: Whole
    values: Floats


class Bins(Struct, frozen=True):
    """Stretches [starts, ends) with the mean, least and greatest of what was measured there, and how many that were.

    A bin without a measured value has None. `lower` and `upper` are left out where every bin is one value.
    """

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    values: tuple[float | None, ...]
    lower: tuple[float | None, ...]
    upper: tuple[float | None, ...]
    counts: tuple[int, ...]


def placed(
    values: Floats, grid: tuple[int, int], source: tuple[int, int], target: tuple[int, int], *, is_reversed: bool
) -> Placed:
    """Put values of a grid (start, step) on a web where the piece `source` of theirs became `target`.

    What lies beyond the piece is cut off.
    """
    start, step = grid
    steps = start + step * np.arange(len(values) + 1, dtype=np.int64)
    low, high = (np.clip(edges, *source) - source[0] for edges in (steps[:-1], steps[1:]))
    kept = high > low
    low, high, length = low[kept], high[kept], source[1] - source[0]
    if is_reversed:
        low, high = length - high, length - low
    scale = (target[1] - target[0]) / length
    ends = [target[0] + np.rint(edges * scale).astype(np.int64) for edges in (low, high)]
    return Placed(ends[0], ends[1], values[kept])


def binned(every: Placed, most: int) -> Bins:
    """Join neighbours until there are at most `most` bins; with fewer values than that, each is a bin of its own."""
    if not len(every.values):
        return Bins((), (), (), (), (), ())
    order = np.argsort(every.starts, kind="stable")
    starts, ends, values = every.starts[order], every.ends[order], every.values[order]
    size = -(-len(values) // most)
    firsts = np.arange(0, len(values), size)
    counts = np.add.reduceat(~np.isnan(values), firsts, dtype=np.int64)
    means = np.full(len(firsts), float("nan"))
    np.divide(np.add.reduceat(np.nan_to_num(values), firsts), counts, out=means, where=counts > 0)
    return Bins(
        starts=tuple(starts[firsts].tolist()),
        ends=tuple(np.maximum.reduceat(ends, firsts).tolist()),
        values=_told(means),
        lower=_told(np.fmin.reduceat(values, firsts)) if size > 1 else (),
        upper=_told(np.fmax.reduceat(values, firsts)) if size > 1 else (),
        counts=tuple(counts.tolist()),
    )


def _told(values: Floats) -> tuple[float | None, ...]:
    """Return numbers with None where nothing was measured."""
    return tuple(None if value != value else value for value in np.asarray(values).tolist())  # noqa: PLR0124 NaN
