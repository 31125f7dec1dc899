"""Curves of n cells as one page: their samples behind each other, by column, and where each cell's begin.

Current is positive while a cell is charged. A sample whose time, current or voltage is not finite was not measured and is
left out; the time without samples it leaves is a gap. What flowed in a gap is unknown: integrals over it are unknown.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from cellwright.analysis.quantiles import Floats

Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]

US_PER_S = 1_000_000
S_PER_H = 3600.0


class Curves(Struct, frozen=True, kw_only=True):
    """Samples of n cells: those of cell i are [starts[i], starts[i + 1]); times rise within a cell.

    `temperature_c` may hold NaN.
    """

    starts: Whole
    time_us: Whole
    current_a: Floats
    voltage_v: Floats
    temperature_c: Floats

    @property
    def count(self) -> int:
        """How many cells."""
        return len(self.starts) - 1

    @property
    def cells(self) -> Whole:
        """The cell of each sample."""
        return np.repeat(np.arange(self.count), np.diff(self.starts))


class Steps(Struct, frozen=True, kw_only=True):
    """What lies between neighbouring samples of a cell: its first sample, the cell, hours, and charge both ways (Ah)."""

    firsts: Whole
    cells: Whole
    hours: Floats
    charge_ah: Floats
    discharge_ah: Floats


def page_of(curves: Sequence[Curves]) -> Curves:
    """Put pages behind each other."""
    counts = np.concatenate([np.zeros(1, dtype=np.int64), *(np.diff(each.starts) for each in curves)])
    return Curves(
        starts=np.cumsum(counts),
        time_us=np.concatenate([np.zeros(0, dtype=np.int64), *(each.time_us for each in curves)]),
        current_a=np.concatenate([np.zeros(0), *(each.current_a for each in curves)]),
        voltage_v=np.concatenate([np.zeros(0), *(each.voltage_v for each in curves)]),
        temperature_c=np.concatenate([np.zeros(0), *(each.temperature_c for each in curves)]),
    )


def curve_of(time_s: Floats, current_a: Floats, voltage_v: Floats, *, temperature_c: Floats | None = None) -> Curves:
    """Return a page of one cell. Raises ValueError for columns of different lengths and times that do not rise."""
    time = np.asarray(time_s, dtype=np.float64)
    current, voltage = np.asarray(current_a, dtype=np.float64), np.asarray(voltage_v, dtype=np.float64)
    heat = np.full(len(time), np.nan) if temperature_c is None else np.asarray(temperature_c, dtype=np.float64)
    if len({len(time), len(current), len(voltage), len(heat)}) > 1:
        raise ValueError("time, current, voltage and temperature have different lengths; give one of each per sample")
    known = np.isfinite(time) & np.isfinite(current) & np.isfinite(voltage)
    time_us = np.rint(time[known] * US_PER_S).astype(np.int64)
    if (np.diff(time_us) <= 0).any():
        raise ValueError("the times of a curve do not rise; sort its samples, and leave out repeated ones")
    return Curves(
        starts=np.array([0, len(time_us)]),
        time_us=time_us,
        current_a=current[known],
        voltage_v=voltage[known],
        temperature_c=heat[known],
    )


def steps_of(curves: Curves) -> Steps:
    """Integrate current by trapezoids; where it changes sign between samples, each side has its triangle."""
    cells = curves.cells
    firsts = np.flatnonzero(cells[:-1] == cells[1:]) if len(cells) else np.zeros(0, dtype=np.int64)
    hours = (curves.time_us[firsts + 1] - curves.time_us[firsts]) / (US_PER_S * S_PER_H)
    one, two = curves.current_a[firsts], curves.current_a[firsts + 1]
    return Steps(
        firsts=firsts,
        cells=cells[firsts],
        hours=hours,
        charge_ah=hours * _positive_mean(one, two),
        discharge_ah=hours * _positive_mean(-one, -two),
    )


def _positive_mean(one: Floats, two: Floats) -> Floats:
    """Return the mean of the positive part of the straight line from one to two."""
    high, low = np.maximum(one, two), np.minimum(one, two)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = high * high / (2 * (high - low))
    return np.where(low >= 0, (one + two) / 2, np.where(high <= 0, 0.0, crossing))


def summed(values: Floats, cells: Whole, count: int) -> Floats:
    """Return the sum by cell."""
    return np.bincount(cells, weights=values, minlength=count).astype(np.float64)


def ratio(over: Floats, under: Floats) -> Floats:
    """Return over / under, NaN where the latter is not positive."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(under > 0, over / under, np.nan)
