"""A plan in the words of the stock: each group with its spread against the windows, and how even its parallel sums are."""

from typing import Final

import numpy as np
from msgspec import Struct

from cellwright.plant.matching.stock import Floats, Ints, Seen
from cellwright.plant.matching.task import Outcome, Windows

_OCV: Final = "ocv_v"
_DCIR: Final = "dcir_ohm"
_CAPACITY: Final = "capacity_ah"


class Group(Struct, frozen=True, kw_only=True):
    """Units that go together; ratios are of the smallest of them, or of the stock's middle where that is smaller."""

    number: int
    """From 1 on, in the order in which they should leave: that with the oldest unit first."""
    oldest_d: float
    ocv_spread_v: float
    dcir_spread_ratio: float
    capacity_spread_ratio: float
    sum_min_ah: float
    """The smallest parallel group: what the unit can do."""
    sum_max_ah: float
    unusable_ratio: float
    """What the smallest parallel group leaves unusable of the mean one."""
    batches_count: int


class Planned(Struct, frozen=True, eq=False):
    """A plan of a stock by some windows; `packs` are places in the stock: (n, series, parallel)."""

    windows: Windows
    outcome: Outcome
    packs: Ints
    groups: tuple[Group, ...]


def planned_of(seen: Seen, windows: Windows, outcome: Outcome) -> Planned:
    """Return what a worker found, in places of the stock."""
    shape = (outcome.packs_count, outcome.series_count, outcome.parallel_count)
    packs = seen.offered[np.frombuffer(outcome.packs, np.int64)].reshape(shape)
    groups = _groups(seen, windows, packs, np.frombuffer(outcome.unusable, np.float64))
    return Planned(windows, outcome, packs, groups)


def _groups(seen: Seen, windows: Windows, packs: Ints, unusable: Floats) -> tuple[Group, ...]:
    if not len(packs):
        return ()
    flat = packs.reshape(len(packs), -1)
    usable = usable_by(seen, windows)
    sums = seen.columns[_CAPACITY][packs].sum(axis=2)
    _, batch = np.unique(seen.batch, return_inverse=True)
    columns = (
        seen.columns["age_d"][flat].max(axis=1),
        np.ptp(seen.columns[_OCV][flat], axis=1),
        _spread_ratios(seen.columns[_DCIR], flat, usable),
        _spread_ratios(seen.columns[_CAPACITY], flat, usable),
        sums.min(axis=1),
        sums.max(axis=1),
        unusable,
    )
    rows = zip(*(each.tolist() for each in columns), strict=True)
    return tuple(
        Group(
            number=number,
            oldest_d=oldest_d,
            ocv_spread_v=ocv_v,
            dcir_spread_ratio=dcir_ratio,
            capacity_spread_ratio=capacity_ratio,
            sum_min_ah=min_ah,
            sum_max_ah=max_ah,
            unusable_ratio=lost_ratio,
            batches_count=len(np.unique(batch[flat[number - 1]])),
        )
        for number, (oldest_d, ocv_v, dcir_ratio, capacity_ratio, min_ah, max_ah, lost_ratio) in enumerate(rows, 1)
    )


def usable_by(seen: Seen, windows: Windows) -> Ints:
    """Return the places that may be matched by some windows."""
    places = seen.offered
    fits = seen.columns["age_d"][places] <= windows.max_age_d
    if windows.max_k_mv_per_d is not None:
        fits &= seen.columns["k_mv_per_d"][places] <= windows.max_k_mv_per_d
    return places[fits]


def reference_of(values: Floats) -> float:
    """Return what a window given as a ratio is a ratio of at most: the median or the mean, the smaller one."""
    return float(min(np.median(values), values.mean())) if len(values) else float("nan")


def _spread_ratios(values: Floats, flat: Ints, usable: Ints) -> Floats:
    own = values[flat]
    ratios: Floats = np.ptp(own, axis=1) / np.minimum(own.min(axis=1), reference_of(values[usable]))
    return ratios
