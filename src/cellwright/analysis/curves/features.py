"""Features of charge and discharge curves: charge, energy, efficiency, voltages, shares of CC and CV, warming.

By definition: coulombic efficiency is charge given back over charge taken, energy efficiency the same in Wh; the
mid-voltage is that at half of the charge; the mean voltage is Wh / Ah. Integrals are trapezoids.
"""

import numpy as np
from msgspec import Struct

from cellwright.analysis.curves.page import Curves, Flags, Steps, Whole, ratio, steps_of, summed
from cellwright.analysis.quantiles import Floats

GAP_MAX_S = 120.0
_HOLD_V = 0.005
"""How near to its highest voltage a charge is held, so that the loop of a cycler does not count as constant current."""


class Features(Struct, frozen=True, kw_only=True):
    """Features by cell; NaN = unknown. Integrals are unknown when a gap longer than allowed lies in the curve."""

    charge_ah: Floats
    discharge_ah: Floats
    charge_wh: Floats
    discharge_wh: Floats
    efficiency_ratio: Floats
    energy_efficiency_ratio: Floats
    mid_charge_v: Floats
    mid_discharge_v: Floats
    mean_charge_v: Floats
    mean_discharge_v: Floats
    cc_ratio: Floats
    """Share of the charge that was taken before the current began to fall (by 1 %) at a held voltage."""
    cv_s: Floats
    charge_s: Floats
    discharge_s: Floats
    start_c: Floats
    warming_c: Floats
    """Highest temperature less the first one."""
    gap_s: Floats
    """Longest time between samples."""
    samples_count: Whole


def features_of(curves: Curves, *, gap_max_s: float = GAP_MAX_S) -> Features:
    """Return the features of every cell of a page."""
    steps, count = steps_of(curves), curves.count
    gap_s = _greatest(steps.hours * 3600, steps.cells, count)
    whole = np.where((gap_s <= gap_max_s), 1.0, np.nan)
    middle_v = (curves.voltage_v[steps.firsts] + curves.voltage_v[steps.firsts + 1]) / 2
    charge_ah, discharge_ah = (summed(each, steps.cells, count) for each in (steps.charge_ah, steps.discharge_ah))
    charge_wh, discharge_wh = (
        summed(each * middle_v, steps.cells, count) for each in (steps.charge_ah, steps.discharge_ah)
    )
    held = _held(curves, steps)
    seconds = steps.hours * 3600
    start_c, warming_c = _warming(curves)
    return Features(
        charge_ah=charge_ah * whole,
        discharge_ah=discharge_ah * whole,
        charge_wh=charge_wh * whole,
        discharge_wh=discharge_wh * whole,
        efficiency_ratio=np.where(discharge_ah > 0, ratio(discharge_ah, charge_ah), np.nan) * whole,
        energy_efficiency_ratio=np.where(discharge_wh > 0, ratio(discharge_wh, charge_wh), np.nan) * whole,
        mid_charge_v=_mid_voltage(curves, steps, steps.charge_ah) * whole,
        mid_discharge_v=_mid_voltage(curves, steps, steps.discharge_ah) * whole,
        mean_charge_v=ratio(charge_wh, charge_ah) * whole,
        mean_discharge_v=ratio(discharge_wh, discharge_ah) * whole,
        cc_ratio=ratio(summed(np.where(held, 0.0, steps.charge_ah), steps.cells, count), charge_ah) * whole,
        cv_s=summed(np.where(held, seconds, 0.0), steps.cells, count) * whole,
        charge_s=summed(np.where(steps.charge_ah > 0, seconds, 0.0), steps.cells, count) * whole,
        discharge_s=summed(np.where(steps.discharge_ah > 0, seconds, 0.0), steps.cells, count) * whole,
        start_c=start_c,
        warming_c=warming_c,
        gap_s=gap_s,
        samples_count=np.diff(curves.starts),
    )


def columns_of(features: Features) -> dict[str, Floats]:
    """Return features as columns by name, for outliers and models."""
    return {name: np.asarray(getattr(features, name), dtype=np.float64) for name in Features.__struct_fields__}


def _greatest(values: Floats, cells: Whole, count: int) -> Floats:
    """Return the greatest value by cell, NaN for none."""
    found = np.full(count, -np.inf)
    np.maximum.at(found, cells, values)
    return np.where(np.isinf(found), np.nan, found)


def _held(curves: Curves, steps: Steps) -> Flags:
    """Tell which steps charge at a held voltage: near the highest of the charge, with a current that has begun to fall."""
    charging = steps.charge_ah > 0
    step_v = np.minimum(curves.voltage_v[steps.firsts], curves.voltage_v[steps.firsts + 1])
    top_v = _greatest(np.where(charging, step_v, -np.inf), steps.cells, curves.count)
    current_a = steps.charge_ah / np.where(steps.hours > 0, steps.hours, 1.0)
    top_a = _greatest(np.where(charging, current_a, -np.inf), steps.cells, curves.count)
    return charging & (step_v >= top_v[steps.cells] - _HOLD_V) & (current_a < 0.99 * top_a[steps.cells])


def _mid_voltage(curves: Curves, steps: Steps, moved_ah: Floats) -> Floats:
    """Return the voltage at which half of the charge had moved, NaN for none."""
    totals = summed(moved_ah, steps.cells, curves.count)
    before_cell = np.concatenate([[0.0], np.cumsum(totals)[:-1]]) if len(totals) else totals
    run = np.cumsum(moved_ah)
    wanted = before_cell + totals / 2
    place = np.minimum(np.searchsorted(run, wanted), max(len(run) - 1, 0))
    if not len(run):
        return np.full(curves.count, np.nan)
    part = ratio(wanted - (run[place] - moved_ah[place]), moved_ah[place])
    one, two = curves.voltage_v[steps.firsts[place]], curves.voltage_v[steps.firsts[place] + 1]
    return np.where(totals > 0, one + np.clip(part, 0, 1) * (two - one), np.nan)


def _warming(curves: Curves) -> tuple[Floats, Floats]:
    """Return the first known temperature and how far the highest lies above it."""
    known = np.flatnonzero(np.isfinite(curves.temperature_c))
    cells = curves.cells[known]
    start_c = np.full(curves.count, np.nan)
    # Written from the last to the first, so that the first stays.
    start_c[cells[::-1]] = curves.temperature_c[known[::-1]]
    return start_c, _greatest(curves.temperature_c[known], cells, curves.count) - start_c
