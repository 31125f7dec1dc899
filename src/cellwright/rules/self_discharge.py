"""Self-discharge of LFP cells by two open-circuit voltages, compared only where that is fair.

K = (OCV1 - OCV2) / t, both at one temperature: U(T0) = U(T) - (T - T0) dU/dT. K depends on where on the curve the cell
is: the same leak shows as much or as little as the curve is steep there, and on a plateau as nothing. So the leak itself
is told too: I = Q (z1 - z2) / t, with the capacity Q and the states of charge z that the open-circuit curve has at both
voltages; where the second lies beyond the curve, I = Q (dz/dU) K by its slope at the first. Where the slope is too small
to see the leak of interest with the voltmeter at hand, K is unknown, not zero.

After the last current the voltage goes on relaxing for days and looks like self-discharge. Cells are compared only with
those of equal rest before OCV1 and equal time between, so K of a cell whose times are not the nominal ones is unknown.

dU/dT changes with the state of charge, even its sign (V. V. Viswanathan et al., J. Power Sources 195 (2010) 3720-3729;
of graphite Y. Reynier, R. Yazami and B. Fultz, J. Power Sources 119-121 (2003) 850-855). None is built in: measure it, or
fit it with `analysis.grading.entropy` on cells whose temperature differed between the two.
"""

from itertools import pairwise

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from cellwright.model.self_discharge import CurvePoint, Doubt, SelfDischarge

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MV_PER_V = 1000.0
MA_PER_A = 1000.0
SENSITIVITY_SIGMA = 3.0
"""By how many standard errors the leak of interest must show."""


class Reading(Struct, frozen=True, kw_only=True):
    """An open-circuit voltage (V) by cell, and the temperature (degree C) at that moment; NaN = not measured."""

    ocv_v: Floats
    temperature_c: Floats


class Times(Struct, frozen=True, kw_only=True):
    """By cell: hours without current before the first voltage, and between both; NaN = unknown."""

    rest_h: Floats
    between_h: Floats


class Discharged(Struct, frozen=True, kw_only=True):
    """By cell: K (mV/h) at the reference temperature, its standard error, the leak (mA), state of charge, and the doubt.

    With a doubt, K, error and leak are NaN.
    """

    k_mv_per_h: Floats
    error_mv_per_h: Floats
    leak_ma: Floats
    soc_ratio: Floats
    doubts: tuple[Doubt, ...]


class _Curve(Struct, frozen=True):
    soc_ratio: Floats
    ocv_v: Floats


def self_discharge(
    first: Reading, second: Reading, times: Times, *, rule: SelfDischarge, capacity_ah: Floats | None = None
) -> Discharged:
    """Return the self-discharge of cells by a plant's rule; `capacity_ah` by cell where it is known (NaN = it is not).

    Raises ValueError for a curve that does not rise and for columns of different lengths.
    """
    charge_ah = np.full(len(first.ocv_v), rule.capacity_ah) if capacity_ah is None else _usable(capacity_ah, rule)
    curve = _checked(first, second, times, rule=rule, charge_ah=charge_ah)
    one, two = (_at_reference(each, rule) for each in (first, second))
    hours = np.where(times.between_h > 0, times.between_h, np.nan)
    soc, slope = _place(one, curve)
    left, _ = _place(two, curve)
    warmed_c = np.abs(second.temperature_c - first.temperature_c)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        k = (one - two) * MV_PER_V / hours
        chord_ma, tangent_ma = charge_ah * MA_PER_A * (soc - left) / hours, charge_ah * k / slope
        error = _error_mv(warmed_c, rule) / hours
        blur = np.sqrt(2.0) * rule.voltmeter_mv / hours
        seen = rule.leak_of_interest_ma * slope / charge_ah >= SENSITIVITY_SIGMA * blur
    doubts = {
        Doubt.NOT_MEASURED: ~np.isfinite(first.ocv_v) | ~np.isfinite(second.ocv_v),
        Doubt.TEMPERATURE_UNKNOWN: ~np.isfinite(warmed_c),
        Doubt.TIME_INVALID: ~(np.isfinite(hours) & (times.rest_h > 0)),
        Doubt.OFF_CURVE: np.isnan(soc),
        Doubt.FLAT: ~seen,
        Doubt.ENTROPY_UNKNOWN: _far_apart(warmed_c, rule),
        Doubt.REST_UNEQUAL: _unequal(times.rest_h, rule.nominal_rest_h, rule)
        | _unequal(times.between_h, rule.nominal_between_h, rule),
    }
    unknown = np.logical_or.reduce(list(doubts.values()))
    return Discharged(
        k_mv_per_h=np.where(unknown, np.nan, k),
        error_mv_per_h=np.where(unknown, np.nan, error),
        leak_ma=np.where(unknown, np.nan, np.where(np.isnan(left), tangent_ma, chord_ma)),
        soc_ratio=soc,
        doubts=_first_doubts(doubts, len(k)),
    )


def is_rising(points: tuple[CurvePoint, ...]) -> bool:
    """Tell whether points make an open-circuit curve: two or more, each above the one before in both."""
    rises = (a.soc_ratio < b.soc_ratio and a.ocv_v < b.ocv_v for a, b in pairwise(points))
    return len(points) > 1 and all(rises)


def _checked(first: Reading, second: Reading, times: Times, *, rule: SelfDischarge, charge_ah: Floats) -> _Curve:
    columns = [first.ocv_v, first.temperature_c, second.ocv_v, second.temperature_c, times.rest_h, times.between_h]
    if len({len(column) for column in (*columns, charge_ah)}) > 1:
        raise ValueError("columns of different lengths; give one value per cell")
    if not is_rising(rule.curve):
        raise ValueError("an open-circuit curve has two points or more and rises with the state of charge")
    points = np.array([(each.soc_ratio, each.ocv_v) for each in rule.curve])
    return _Curve(points[:, 0], points[:, 1])


def _usable(capacity_ah: Floats, rule: SelfDischarge) -> Floats:
    """Return capacities with the plant's own where one is unknown or none."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(capacity_ah) & (capacity_ah > 0), capacity_ah, rule.capacity_ah)


def _at_reference(reading: Reading, rule: SelfDischarge) -> Floats:
    entropy_mv_per_c = rule.entropy_mv_per_c or 0.0
    return reading.ocv_v - (reading.temperature_c - rule.reference_c) * entropy_mv_per_c / MV_PER_V


def _error_mv(warmed_c: Floats, rule: SelfDischarge) -> Floats:
    """Return the standard error of the difference of both voltages at the reference temperature."""
    thermometer_mv = (rule.entropy_mv_per_c or 0.0) * rule.temperature_error_c
    squares = 2.0 * rule.voltmeter_mv**2 + thermometer_mv**2 + (warmed_c * rule.entropy_error_mv_per_c) ** 2
    return np.sqrt(squares)


def _far_apart(warmed_c: Floats, rule: SelfDischarge) -> Flags:
    """Tell which cells were so much warmer at one voltage that an unknown dU/dT may look like a leak."""
    return np.asarray((warmed_c > rule.temperature_tolerance_c) & (rule.entropy_mv_per_c is None))


def _place(ocv_v: Floats, curve: _Curve) -> tuple[Floats, Floats]:
    """Return the state of charge on the curve (NaN = beyond it) and the slope dU/dz (V) there."""
    soc = np.interp(ocv_v, curve.ocv_v, curve.soc_ratio, left=np.nan, right=np.nan)
    piece = np.clip(np.searchsorted(curve.ocv_v, ocv_v, side="right") - 1, 0, len(curve.ocv_v) - 2)
    return soc, (np.diff(curve.ocv_v) / np.diff(curve.soc_ratio))[piece]


def _unequal(time_h: Floats, nominal_h: float, rule: SelfDischarge) -> Flags:
    return np.asarray(~(np.abs(time_h - nominal_h) <= rule.rest_tolerance_ratio * nominal_h))


def _first_doubts(doubts: dict[Doubt, Flags], count: int) -> tuple[Doubt, ...]:
    """Return by cell the gravest doubt: the first in order that holds."""
    names = list(doubts)
    table = np.vstack([*doubts.values(), np.ones(count, dtype=np.bool_)])
    return tuple([*names, Doubt.NONE][place] for place in np.argmax(table, axis=0).tolist())
