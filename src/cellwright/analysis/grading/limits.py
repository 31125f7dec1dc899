"""Dynamic part-average limits: what lies far from the rest of its own lot is not good, though it meets the specification.

AEC-Q001, Guidelines for Part Average Testing: limits are the median +- k robust sigma of the lot, robust sigma =
(Q3 - Q1) / 1.35. The quartiles of a normal distribution are 1.349 sigma apart; 1.349 is used here. The guideline's k is 6.
Which k is useful depends on how far bad cells lie off: see how many escape and how many good ones are lost on returns of
your own. A limit is set on the bad side only, and self-discharge, which is skewed, is judged by its logarithm.
"""

from enum import StrEnum

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from cellwright.analysis.quantiles import Floats

K_SIGMA = 6.0
LOT_COUNT_MIN = 30
"""Cells that a lot needs: AEC-Q001 asks for 30 parts of a lot."""
IQR_SIGMA = 1.3489795003921634
"""Distance of the quartiles of a normal distribution, in sigma."""


class BadSide(StrEnum):
    """Which values are bad."""

    HIGH = "high"
    LOW = "low"
    BOTH = "both"


class Screen(Struct, frozen=True, kw_only=True):
    """How a characteristic is screened."""

    bad_side: BadSide
    k_sigma: float = K_SIGMA
    is_log: bool = False
    """Limits on the logarithm; a value that is not positive is taken as less than any."""
    lot_count_min: int = LOT_COUNT_MIN


class LotLimits(Struct, frozen=True, kw_only=True):
    """Limits by lot, in the unit of the values (NaN = none could be set), with the cells, median and robust sigma behind.

    Of a screen on the logarithm `sigma` is that of the natural logarithm.
    """

    lower: Floats
    upper: Floats
    median: Floats
    sigma: Floats
    counts: NDArray[np.int64]


class Screened(Struct, frozen=True, kw_only=True):
    """By cell: whether it lies beyond its lot's limits, whether that is known, and how many sigma off it lies.

    `off_sigma` is positive on the high side; NaN = the value, or the spread of its lot, is unknown.
    """

    is_out: NDArray[np.bool_]
    is_known: NDArray[np.bool_]
    off_sigma: Floats
    limits: LotLimits


def screen(values: Floats, lots: NDArray[np.int64], how: Screen) -> Screened:
    """Screen cells against the limits of their own lots, which are counted from 0; -1 = no lot, so nothing is known."""
    values = np.asarray(values, dtype=np.float64)
    scaled = _scaled(values, is_log=how.is_log)
    limits = _limits(scaled, lots, how)
    has_lot = lots >= 0
    lot = np.where(has_lot, lots, 0)
    if not len(limits.sigma):
        return Screened(
            is_out=np.zeros(len(values), dtype=np.bool_),
            is_known=np.zeros(len(values), dtype=np.bool_),
            off_sigma=np.full(len(values), np.nan),
            limits=limits,
        )
    middle = _scaled(limits.median, is_log=how.is_log)
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.where(has_lot, (scaled - middle[lot]) / limits.sigma[lot], np.nan)
    is_known = ~np.isnan(off)
    high = (off > how.k_sigma) & (how.bad_side is not BadSide.LOW)
    low = (off < -how.k_sigma) & (how.bad_side is not BadSide.HIGH)
    return Screened(is_out=is_known & (high | low), is_known=is_known, off_sigma=off, limits=limits)


def _scaled(values: Floats, *, is_log: bool) -> Floats:
    if not is_log:
        return values
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(values > 0, np.log(values), np.where(np.isnan(values), np.nan, -np.inf))


def _limits(scaled: Floats, lots: NDArray[np.int64], how: Screen) -> LotLimits:
    count = int(lots.max(initial=-1)) + 1
    usable = (lots >= 0) & ~np.isnan(scaled)
    order = np.lexsort((scaled[usable], lots[usable]))
    ranked, counts = scaled[usable][order], np.bincount(lots[usable], minlength=count)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]]) if count else np.zeros(0, dtype=np.int64)
    low, middle, high = (_quantile(ranked, starts, counts, share) for share in (0.25, 0.5, 0.75))
    with np.errstate(invalid="ignore"):
        sigma = (high - low) / IQR_SIGMA
    # Without enough cells, and of a lot whose quartiles agree or are not finite, the spread is unknown.
    sigma = np.where((counts >= how.lot_count_min) & np.isfinite(sigma) & (sigma > 0), sigma, np.nan)
    is_low, is_high = how.bad_side is not BadSide.HIGH, how.bad_side is not BadSide.LOW
    back = np.exp if how.is_log else np.asarray
    with np.errstate(over="ignore", invalid="ignore"):
        lower = back(middle - how.k_sigma * sigma) if is_low else np.full(count, np.nan)
        upper = back(middle + how.k_sigma * sigma) if is_high else np.full(count, np.nan)
    return LotLimits(lower=lower, upper=upper, median=back(middle), sigma=sigma, counts=counts)


def _quantile(ranked: Floats, starts: NDArray[np.int64], counts: NDArray[np.int64], share_ratio: float) -> Floats:
    """Return a quantile of each lot, linear between order statistics (definition 7 of R. J. Hyndman and Y. Fan, 1996)."""
    if not len(ranked):
        return np.full(len(counts), np.nan)
    place = share_ratio * np.maximum(counts - 1, 0)
    below = np.minimum(starts + np.floor(place).astype(np.int64), len(ranked) - 1)
    above = np.minimum(starts + np.ceil(place).astype(np.int64), len(ranked) - 1)
    part = place - np.floor(place)
    with np.errstate(invalid="ignore"):
        found = np.where(part > 0, (1 - part) * ranked[below] + part * ranked[above], ranked[below])
    return np.where(counts > 0, found, np.nan)
