"""The shape of curves on fixed grids: charge by voltage, its derivative, and what changed between two cycles.

- **Charge by voltage** Q(V): the charge that had moved when the voltage first got to each grid point; nothing at points
  beyond which it began. Severson et al., Nature Energy 4 (2019) 383-391, interpolate discharges
  so, on 1,000 voltages, and take the difference of two cycles.
- **dQ/dV**, incremental capacity: the charge between neighbouring grid points over their distance, so that the sum over
  the grid is the charge (M. Dubarry, B. Y. Liaw et al., Electrochem. Solid-State Lett. 9 (2006) A454-A457). An LFP cell has
  a peak for each plateau of its graphite.
- **dV/dQ**, differential voltage, on a grid of the share of charge (I. Bloom et al., J. Power Sources 139 (2005) 295-303):
  its peaks lie between plateaus.
"""

from enum import StrEnum

import numpy as np
from msgspec import Struct

from cellwright.analysis.curves.page import Curves, Flags, Steps, steps_of, summed
from cellwright.analysis.quantiles import Floats

Range = tuple[float, float]
"""From and to, in the unit of the grid that it is a part of."""


class Way(StrEnum):
    """Which part of a curve."""

    CHARGE = "charge"
    DISCHARGE = "discharge"


class Peak(Struct, frozen=True, kw_only=True):
    """The highest point between two grid points, by cell: where it lies, how high, and the area; NaN = none known."""

    place: Floats
    height: Floats
    area: Floats


class Change(Struct, frozen=True, kw_only=True):
    """What a curve changed between two cycles, by cell: log10 of the variance, least and mean of the difference (Ah)."""

    log10_variance: Floats
    least_ah: Floats
    mean_ah: Floats


def charge_at(curves: Curves, grid_v: Floats, *, way: Way = Way.DISCHARGE) -> Floats:
    """Return the charge (Ah) moved by cell at each voltage of a rising grid; NaN where it never got to."""
    steps = steps_of(curves)
    moved_ah = _moved(steps, way)
    found = np.full((curves.count, len(grid_v)), np.nan)
    for cell, (voltage, run) in _of_cells(curves, steps, moved_ah):
        found[cell] = _crossings(np.asarray(grid_v), voltage, run, way)
    return found


def voltage_at(curves: Curves, grid_ratio: Floats, *, way: Way = Way.DISCHARGE) -> Floats:
    """Return the voltage (V) by cell at each share (0..1) of the charge that moved; NaN for a cell without any."""
    steps = steps_of(curves)
    moved_ah = _moved(steps, way)
    found = np.full((curves.count, len(grid_ratio)), np.nan)
    for cell, (voltage, run) in _of_cells(curves, steps, moved_ah):
        if run[-1] > 0:
            found[cell] = np.interp(grid_ratio, run / run[-1], voltage)
    return found


def incremental_capacity(charge_ah: Floats, grid_v: Floats) -> Floats:
    """Return |dQ/dV| (Ah/V) between the points of a grid from Q(V); one column fewer."""
    return np.asarray(np.abs(np.diff(charge_ah, axis=1)) / np.diff(grid_v))


def differential_voltage(voltage_v: Floats, grid_ratio: Floats, total_ah: Floats) -> Floats:
    """Return |dV/dQ| (V/Ah) between the points of a grid from V(share of charge); one column fewer."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.abs(np.diff(voltage_v, axis=1)) / (np.diff(grid_ratio) * total_ah[:, None]))


def peak(values: Floats, grid: Floats, window: Range) -> Peak:
    """Return the highest point of a derivative within a window of its grid, refined by a parabola through three points.

    The area is summed over the window. A cell with an unknown value there has no peak.
    """
    middles = (grid[:-1] + grid[1:]) / 2
    inside = np.flatnonzero((middles >= window[0]) & (middles <= window[1]))
    if len(inside) < 3:
        raise ValueError(f"the window {window} holds {len(inside)} points of the grid; it needs three or more")
    part = values[:, inside]
    known: Flags = np.all(np.isfinite(part), axis=1)
    top = np.clip(np.argmax(np.where(known[:, None], part, 0.0), axis=1), 1, len(inside) - 2)
    rows = np.arange(len(part))
    low, high, next_low = part[rows, top - 1], part[rows, top], part[rows, top + 1]
    bend = low - 2 * high + next_low
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = np.where(bend < 0, np.clip((low - next_low) / (2 * bend), -1, 1), 0.0)
    step = np.diff(middles[inside])[0]
    return Peak(
        place=np.where(known, middles[inside][top] + shift * step, np.nan),
        height=np.where(known, high - (low - next_low) * shift / 4, np.nan),
        area=np.where(known, part @ np.diff(grid)[inside], np.nan),
    )


def change(early_ah: Floats, late_ah: Floats) -> Change:
    """Return how Q(V) of each cell changed from an early to a late cycle, on the same grid.

    Severson et al. 2019: with cycles 10 and 100 the log10 of the variance (of a sample) is their best feature.
    A cell is unknown where more than a tenth of the grid is; the rest is left out.
    """
    difference = late_ah - early_ah
    known = np.isfinite(difference)
    counts = known.sum(axis=1)
    enough = (counts >= 2) & (counts >= 0.9 * difference.shape[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(enough, np.where(known, difference, 0.0).sum(axis=1) / counts, np.nan)
        squares = np.where(known, (difference - mean[:, None]) ** 2, 0.0).sum(axis=1)
        log10_variance = np.log10(squares / (counts - 1))
    least = np.where(known, difference, np.inf).min(axis=1, initial=np.inf)
    return Change(log10_variance=log10_variance, least_ah=np.where(enough, least, np.nan), mean_ah=mean)


class Plateaus(Struct, frozen=True, kw_only=True):
    """Grids and windows for the plateaus of an LFP cell at moderate rates; recalled values: look at curves of your own."""

    lower_v: float = 2.8
    upper_v: float = 3.5
    step_v: float = 0.005
    window_v: tuple[float, float] = (3.0, 3.45)
    """Where the tallest plateau is looked for."""
    step_ratio: float = 0.01
    window_ratio: tuple[float, float] = (0.2, 0.8)
    """Shares of charge between which the step from one plateau to the next is looked for."""


LFP = Plateaus()


def plateau_columns(curves: Curves, *, way: Way = Way.DISCHARGE, plateaus: Plateaus = LFP) -> dict[str, Floats]:
    """Return by cell the tallest plateau (V, Ah/V, Ah in the window) and the steepest step between two (share, V/Ah)."""
    grid_v = np.arange(plateaus.lower_v, plateaus.upper_v + plateaus.step_v / 2, plateaus.step_v)
    grid_ratio = np.arange(0.0, 1.0 + plateaus.step_ratio / 2, plateaus.step_ratio)
    steps = steps_of(curves)
    total_ah = summed(_moved(steps, way), steps.cells, curves.count)
    charge_ah = charge_at(curves, grid_v, way=way)
    tallest = peak(incremental_capacity(charge_ah, grid_v), grid_v, plateaus.window_v)
    steepness = differential_voltage(voltage_at(curves, grid_ratio, way=way), grid_ratio, total_ah)
    steepest = peak(steepness, grid_ratio, plateaus.window_ratio)
    return {
        f"{way}_plateau_v": tallest.place,
        f"{way}_plateau_ah_per_v": tallest.height,
        f"{way}_plateau_ah": tallest.area,
        f"{way}_transition_ratio": steepest.place,
        f"{way}_transition_v_per_ah": steepest.height,
    }


def _moved(steps: Steps, way: Way) -> Floats:
    return steps.charge_ah if way is Way.CHARGE else steps.discharge_ah


def _of_cells(curves: Curves, steps: Steps, moved_ah: Floats) -> list[tuple[int, tuple[Floats, Floats]]]:
    """Return the voltages and the running charge of the part of each cell's curve in which charge moved."""
    kept = np.flatnonzero(moved_ah > 0)
    edges = np.searchsorted(steps.cells[kept], np.arange(curves.count + 1))
    found = []
    for cell, (start, end) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        if start == end:
            continue
        firsts = steps.firsts[kept[start:end]]
        voltage = np.append(curves.voltage_v[firsts], curves.voltage_v[firsts[-1] + 1])
        found.append((cell, (voltage, np.append(0.0, np.cumsum(moved_ah[kept[start:end]])))))
    return found


def _crossings(grid_v: Floats, voltage_v: Floats, run_ah: Floats, way: Way) -> Floats:
    """Return the charge at which a curve first got to each voltage."""
    sign = 1.0 if way is Way.CHARGE else -1.0
    reached = np.maximum.accumulate(sign * voltage_v)
    # The first point that got as far, and the one before it, which did not.
    place = np.searchsorted(reached, sign * grid_v)
    inside = place < len(reached)
    after = np.clip(place, 1, len(reached) - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = (sign * grid_v - reached[after - 1]) / (reached[after] - reached[after - 1])
    found = run_ah[after - 1] + part * (run_ah[after] - run_ah[after - 1])
    return np.where(inside, np.where(place > 0, found, 0.0), np.nan)
