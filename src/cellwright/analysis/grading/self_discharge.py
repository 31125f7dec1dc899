"""Self-discharge of LFP cells by two open-circuit voltages, compared only where that is fair.

K = (OCV1 - OCV2) / t, both at one temperature: U(T0) = U(T) - (T - T0) dU/dT. K depends on where on the curve the cell
is: the same leak shows as much or as little as the curve is steep there, and on a plateau as nothing. So the leak itself
is told too: I = Q (dz/dU) K, with the capacity Q and the slope dU/dz of the open-circuit curve at the state of charge z
(the charge lost is I t = Q dz, and dz = dU / (dU/dz)). Where the slope is too small to see the leak of interest with the
voltmeter at hand, K is unknown, not zero.

After the last current the voltage goes on relaxing for days and looks like self-discharge. Cells are compared only with
those of equal rest before OCV1 and equal time between; others are marked.

dU/dT changes with the state of charge, even its sign (V. V. Viswanathan et al., J. Power Sources 195 (2010) 3720-3729;
of graphite Y. Reynier, R. Yazami and B. Fultz, J. Power Sources 119-121 (2003) 850-855). None is built in: measure it, or
fit it with `fit_entropy` on cells whose temperature differed between the two.
"""

from enum import StrEnum

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from cellwright.analysis.quantiles import Floats

Times = NDArray[np.int64]

US_PER_H = 3_600_000_000
MV_PER_V = 1000.0
_SENSITIVITY_SIGMA = 3.0
_FIT_COUNT_MIN = 20


class Reading(Struct, frozen=True, kw_only=True):
    """An open-circuit voltage by cell: voltage (V), temperature (degree C), when (us), NaN = not measured."""

    ocv_v: Floats
    temperature_c: Floats
    time_us: Times


class OpenCircuit(Struct, frozen=True, kw_only=True):
    """An open-circuit curve: voltage (V) at rising states of charge (0..1), and the entropy dU/dT (mV per degree C)."""

    soc_ratio: Floats
    ocv_v: Floats
    entropy_mv_per_c: float


class Setting(Struct, frozen=True, kw_only=True):
    """How self-discharge is measured; every value is a plant's own choice.

    `rest_tolerance_ratio`: by which share rest and time between may differ from the family's median.
    `voltmeter_mv`: repeatability (one sigma) of one voltage. `leak_of_interest_ma`: what must be seen.
    """

    capacity_ah: float
    reference_c: float = 25.0
    rest_tolerance_ratio: float = 0.05
    voltmeter_mv: float = 0.05
    leak_of_interest_ma: float = 0.1


class Doubt(StrEnum):
    """Why the self-discharge of a cell is unknown, or not to be compared; "" = no doubt."""

    NONE = ""
    NOT_MEASURED = "not_measured"
    TEMPERATURE_UNKNOWN = "temperature_unknown"
    TIME_INVALID = "time_invalid"
    FLAT = "flat"
    OFF_CURVE = "off_curve"
    REST_UNEQUAL = "rest_unequal"


class SelfDischarge(Struct, frozen=True, kw_only=True):
    """By cell: K (mV/h) at the reference temperature, its error, the leak (mA), state of charge, and the doubt if any.

    Where a cell rested unequally, K and leak are told all the same; leave it out of limits and comparisons.
    """

    k_mv_per_h: Floats
    error_mv_per_h: Floats
    leak_ma: Floats
    soc_ratio: Floats
    doubts: tuple[Doubt, ...]


def self_discharge(
    first: Reading, second: Reading, *, rest_us: Times, curve: OpenCircuit, setting: Setting
) -> SelfDischarge:
    """Return the self-discharge of the cells of one family; `rest_us` is the time without current before OCV1.

    Raises ValueError for a curve that does not rise and for columns of different lengths.
    """
    _check(first, second, rest_us=rest_us, curve=curve)
    one, two = (_at_reference(each, curve, setting.reference_c) for each in (first, second))
    between_us = second.time_us - first.time_us
    hours = np.where(between_us > 0, between_us / US_PER_H, np.nan)
    soc, slope = _place(one, curve)
    with np.errstate(divide="ignore", invalid="ignore"):
        k = (one - two) * MV_PER_V / hours
        leak_ma = setting.capacity_ah * k / slope
        error = np.sqrt(2.0) * setting.voltmeter_mv / hours
        seen = setting.leak_of_interest_ma * slope / setting.capacity_ah >= _SENSITIVITY_SIGMA * error
    doubts = {
        Doubt.NOT_MEASURED: ~np.isfinite(first.ocv_v) | ~np.isfinite(second.ocv_v),
        Doubt.TEMPERATURE_UNKNOWN: ~np.isfinite(first.temperature_c) | ~np.isfinite(second.temperature_c),
        Doubt.TIME_INVALID: (between_us <= 0) | (rest_us <= 0),
        Doubt.OFF_CURVE: np.isnan(soc),
        Doubt.FLAT: ~seen,
    }
    unknown = np.logical_or.reduce(list(doubts.values()))
    doubts[Doubt.REST_UNEQUAL] = _unequal(rest_us, setting, ~unknown) | _unequal(between_us, setting, ~unknown)
    return SelfDischarge(
        k_mv_per_h=np.where(unknown, np.nan, k),
        error_mv_per_h=np.where(unknown, np.nan, error),
        leak_ma=np.where(unknown, np.nan, leak_ma),
        soc_ratio=soc,
        doubts=_first_doubts(doubts, len(k)),
    )


def fit_entropy(first: Reading, second: Reading) -> tuple[float, float] | None:
    """Return dU/dT (mV per degree C) and its error from cells whose temperature changed between both; None = unknown.

    The slope is the median of those of all pairs (P. K. Sen, J. Am. Stat. Assoc. 63 (1968) 1379-1389), of at most the
    first 500 cells, so that cells with a high self-discharge do not count. The error is the slope's 68 % interval by
    the variance of Kendall's score, n (n - 1)(2n + 5) / 18. All cells must have had the same time between.
    """
    change_c = second.temperature_c - first.temperature_c
    change_mv = (second.ocv_v - first.ocv_v) * MV_PER_V
    known = np.flatnonzero(np.isfinite(change_c) & np.isfinite(change_mv))[:500]
    rows, columns = np.triu_indices(len(known), 1)
    steps_c = change_c[known][columns] - change_c[known][rows]
    steps_mv = change_mv[known][columns] - change_mv[known][rows]
    moved = steps_c != 0
    if len(known) < _FIT_COUNT_MIN or not moved.any():
        return None
    slopes = np.sort(steps_mv[moved] / steps_c[moved])
    count = len(known)
    reach = np.sqrt(count * (count - 1) * (2 * count + 5) / 18) / 2
    ends = np.clip(np.rint(len(slopes) / 2 + np.array([-reach, reach])), 0, len(slopes) - 1).astype(np.int64)
    low, high = slopes[ends]
    return float(np.median(slopes)), float((high - low) / 2)


def _check(first: Reading, second: Reading, *, rest_us: Times, curve: OpenCircuit) -> None:
    columns = [first.ocv_v, first.temperature_c, first.time_us, second.ocv_v, second.temperature_c, second.time_us]
    if len({len(column) for column in (*columns, rest_us)}) > 1:
        raise ValueError("columns of different lengths; give one value per cell")
    if len(curve.ocv_v) < 2 or (np.diff(curve.ocv_v) <= 0).any() or (np.diff(curve.soc_ratio) <= 0).any():
        raise ValueError("an open-circuit curve has two points or more and rises with the state of charge")


def _at_reference(reading: Reading, curve: OpenCircuit, reference_c: float) -> Floats:
    return reading.ocv_v - (reading.temperature_c - reference_c) * curve.entropy_mv_per_c / MV_PER_V


def _place(ocv_v: Floats, curve: OpenCircuit) -> tuple[Floats, Floats]:
    """Return the state of charge on the curve (NaN = beyond it) and the slope dU/dz (V) there."""
    soc = np.interp(ocv_v, curve.ocv_v, curve.soc_ratio, left=np.nan, right=np.nan)
    piece = np.clip(np.searchsorted(curve.ocv_v, ocv_v, side="right") - 1, 0, len(curve.ocv_v) - 2)
    return soc, (np.diff(curve.ocv_v) / np.diff(curve.soc_ratio))[piece]


def _unequal(time_us: Times, setting: Setting, usable: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which times differ from the median of the usable cells by more than the tolerance."""
    if not usable.any():
        return np.zeros(len(time_us), dtype=np.bool_)
    middle_us = np.median(time_us[usable])
    return np.asarray(np.abs(time_us - middle_us) > setting.rest_tolerance_ratio * middle_us)


def _first_doubts(doubts: dict[Doubt, NDArray[np.bool_]], count: int) -> tuple[Doubt, ...]:
    """Return by cell the gravest doubt: the first in order that holds."""
    names = list(doubts)
    table = np.vstack([*doubts.values(), np.ones(count, dtype=np.bool_)])
    return tuple([*names, Doubt.NONE][place] for place in np.argmax(table, axis=0).tolist())
