"""Curves of welds: what each weld took, and which of a family are unlike the others in what they took or in their shape.

The energy says how much heat there was, the shape when: a splash, a sheet that did not lie on, or a dirty electrode bends the
curve of power while the controller still brings the energy home. So the shape is compared apart from the amount: power over its
own mean, at fixed shares of the weld's own time, against the median curve of the family (`curves.outliers`).
"""

from typing import Final

import numpy as np
from msgspec import Struct

from cellwright.analysis.curves.outliers import LIMIT_SIGMA, Outlier, find_outliers
from cellwright.analysis.curves.page import Curves, Whole
from cellwright.analysis.quantiles import Floats

SHAPE_COUNT: Final = 16
"""Points of a shape."""
_ON_RATIO: Final = 0.1
"""Of its greatest power: a weld is on from the first to the last sample that has so much."""
_HALF_RATIO: Final = 0.5
"""Of its greatest power: where the resistance is looked at."""
_POINTS_MIN: Final = 4
"""Fewer samples while a weld is on are no curve."""
_US_PER_S: Final = 1e6
_US_PER_MS: Final = 1e3
_UOHM_PER_OHM: Final = 1e6


class Welds(Struct, frozen=True, kw_only=True):
    """What welds took, one value per weld, NaN = not known; `shapes` has a row per weld of power over its mean."""

    energy_j: Floats
    peak_a: Floats
    peak_w: Floats
    duration_ms: Floats
    resistance_uohm: Floats
    shapes: Floats

    @property
    def columns(self) -> dict[str, Floats]:
        """The numbers by name, without the shapes."""
        return {
            "energy_j": self.energy_j,
            "peak_a": self.peak_a,
            "peak_w": self.peak_w,
            "duration_ms": self.duration_ms,
            "resistance_uohm": self.resistance_uohm,
        }


class Judged(Struct, frozen=True, kw_only=True):
    """How far each weld lies from its family: the shape's distance (robust sigma, NaN = not known), and who is an outlier."""

    shape_off_sigma: Floats
    outliers: tuple[Outlier, ...]


def welds_of(curves: Curves) -> Welds:
    """Return what each curve of a page, one per weld, took."""
    count = curves.count
    welds = Welds(
        **{name: np.full(count, np.nan) for name in ("energy_j", "peak_a", "peak_w", "duration_ms", "resistance_uohm")},
        shapes=np.full((count, SHAPE_COUNT), np.nan),
    )
    for weld in range(count):
        rows = slice(int(curves.starts[weld]), int(curves.starts[weld + 1]))
        _read(welds, weld, curves.time_us[rows], np.abs(curves.current_a[rows]), np.abs(curves.voltage_v[rows]))
    return welds


def judge_welds(welds: Welds, families: Whole, *, limit_sigma: float = LIMIT_SIGMA) -> Judged:
    """Compare welds with their family (a module, say; counted from 0, -1 = none) by energy, duration, resistance and shape."""
    features = {name: welds.columns[name] for name in ("energy_j", "duration_ms", "resistance_uohm")}
    found = find_outliers(features, families, curves=welds.shapes, grid=shares(), limit_sigma=limit_sigma)
    return Judged(shape_off_sigma=found.curve_z, outliers=found.outliers)


def shares() -> Floats:
    """Return at which shares of a weld's time its shape has points."""
    return np.linspace(0.0, 1.0, SHAPE_COUNT)


def _read(welds: Welds, weld: int, time_us: Whole, current_a: Floats, voltage_v: Floats) -> None:
    power_w = current_a * voltage_v
    known = np.isfinite(power_w)
    time_us, power_w = time_us[known], power_w[known]
    current_a, voltage_v = current_a[known], voltage_v[known]
    on = (
        np.flatnonzero(power_w >= _ON_RATIO * power_w.max())
        if len(power_w) and power_w.max() > 0
        else np.array([], int)
    )
    if len(on) < _POINTS_MIN:
        return
    rows = slice(int(on[0]), int(on[-1]) + 1)
    at_s = (time_us - time_us[rows][0]) / _US_PER_S
    lasted_s = float(at_s[rows][-1])
    strong = power_w >= _HALF_RATIO * power_w.max()
    welds.energy_j[weld] = np.trapezoid(power_w, at_s)
    welds.peak_a[weld], welds.peak_w[weld] = current_a.max(), power_w.max()
    welds.duration_ms[weld] = lasted_s * _US_PER_MS
    welds.resistance_uohm[weld] = np.median(voltage_v[strong] / current_a[strong]) * _UOHM_PER_OHM
    mean_w = np.trapezoid(power_w[rows], at_s[rows]) / lasted_s
    welds.shapes[weld] = np.interp(shares() * lasted_s, at_s[rows], power_w[rows]) / mean_w
