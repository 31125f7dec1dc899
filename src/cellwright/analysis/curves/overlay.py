"""What of many curves is drawn over each other: charge by direction as an axis, and so few samples that a screen copes.

Every point that is drawn is a sample that was measured. Half of those of a cell lie at equal steps along its curve, with
time, charge and voltage scaled to their ranges, so that bends get as many points as they are long. The other half are the
samples furthest off the line between their neighbours, where a curve jumps or turns: a bad contact must not be thinned
away. First and last sample are always kept.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cellwright.analysis.curves.page import US_PER_S, Curves, Whole, steps_of
from cellwright.analysis.quantiles import Floats

POINTS_MIN = 8
"""Fewer could not show both ends and what lies between."""


def moved_charge(curves: Curves) -> Floats:
    """Return at each sample the charge (Ah) moved since the current last changed its direction; a rest moves none.

    So charge and discharge both begin at 0, and lie over those of other cells.
    """
    steps, count = steps_of(curves), len(curves.time_us)
    moved_ah, way = np.zeros(count), np.zeros(count, dtype=np.int64)
    moved_ah[steps.firsts + 1] = steps.charge_ah + steps.discharge_ah
    way[steps.firsts + 1] = np.where(steps.charge_ah > steps.discharge_ah, 1, np.where(steps.discharge_ah > 0, -1, 0))
    run_ah = np.cumsum(moved_ah)
    begins = np.zeros(count, dtype=np.bool_)
    begins[curves.starts[:-1][np.diff(curves.starts) > 0]] = True
    turns = begins | _turned(way, begins)
    since = np.maximum.accumulate(np.where(turns, np.arange(count), 0)) if count else np.zeros(0, dtype=np.int64)
    return np.asarray(run_ah - (run_ah - moved_ah)[since])


def drawn_places(curves: Curves, moved_ah: Floats, *, points_max: int) -> tuple[Whole, Whole]:
    """Return which samples are drawn, and where among them those of each cell begin; `moved_ah` is `moved_charge`'s.

    Raises ValueError for fewer points than a curve can be told by.
    """
    if points_max < POINTS_MIN:
        raise ValueError(f"points_max is {points_max}; a curve needs {POINTS_MIN} points or more")
    borders = curves.starts.tolist()
    kept = [start + _of_cell(_scaled(curves, moved_ah, start, end), points_max) for start, end in pairwise(borders)]
    starts = np.cumsum([0, *map(len, kept)]).astype(np.int64)
    return np.concatenate([np.zeros(0, dtype=np.int64), *kept]), starts


def _turned(way: Whole, begins: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell at which samples charge begins to flow the other way than it flowed last in the same cell."""
    places = np.arange(len(way))
    last = np.maximum.accumulate(np.where(way != 0, places, -1)) if len(way) else places
    before = np.append(-1, last[:-1])[: len(way)]
    cell_begin = np.maximum.accumulate(np.where(begins, places, 0)) if len(way) else places
    flowed = before > cell_begin
    return np.asarray((way != 0) & flowed & (way != way[np.maximum(before, 0)]))


def _scaled(curves: Curves, moved_ah: Floats, start: int, end: int) -> Floats:
    """Return time, charge and voltage of a cell's samples, each as a share of its range."""
    table = np.column_stack(
        [
            (curves.time_us[start:end] - curves.time_us[start : start + 1]) / US_PER_S,
            moved_ah[start:end],
            curves.voltage_v[start:end],
        ]
    )
    span = np.ptp(table, axis=0) if len(table) else np.ones(3)
    return np.asarray(table / np.where(span > 0, span, 1.0))


def _of_cell(scaled: Floats, points_max: int) -> Whole:
    """Return which samples of a cell stand for all of it."""
    count = len(scaled)
    if count <= points_max:
        return np.arange(count)
    run = np.append(0.0, np.cumsum(np.hypot(np.diff(scaled[:, 0]), np.diff(scaled[:, 2]))))
    even = np.searchsorted(run, np.linspace(0.0, run[-1], points_max // 2))
    off = np.abs(scaled[1:-1, 2] - (scaled[:-2, 2] + scaled[2:, 2]) / 2)
    sharp = np.argpartition(off, -(points_max - len(even) - 2))[-(points_max - len(even) - 2) :] + 1
    return np.unique(np.concatenate([[0, count - 1], np.minimum(even, count - 1), sharp])).astype(np.int64)
