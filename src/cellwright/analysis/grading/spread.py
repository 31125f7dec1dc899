"""How the values of a characteristic are spread, and how capable that is of a grade's limits."""

import math

import numpy as np
from msgspec import Struct

from cellwright.analysis.grading.limits import IQR_SIGMA
from cellwright.analysis.quantiles import Floats

CAPABLE_COUNT_MIN = 50
"""Values that a capability needs: of 50, the lower bound of an index of 1.33 is 1.06 (Bissell's formula)."""
_SHOWN_SIGMA = 6.0
_BINS_MIN, _BINS_MAX = 8, 60
_SKEW_MAX, _KURTOSIS_MAX = 0.5, 1.0
Z_95_ONE_SIDED = 1.6448536269514722


class Bin(Struct, frozen=True):
    """So many values in [start, end)."""

    start: float
    end: float
    count: int


class ValueSpread(Struct, frozen=True, kw_only=True):
    """Values of a characteristic; None = unknown. Bins reach 6 robust sigma from the median; beyond are `below` and `above`."""

    count: int
    unknown_count: int
    mean: float | None
    median: float | None
    sigma: float | None
    """Standard deviation."""
    robust_sigma: float | None
    """Distance of the quartiles / 1.349."""
    is_normal: bool | None
    """Whether skewness and excess kurtosis are small; None = too few values to say."""
    bins: tuple[Bin, ...]
    below_count: int = 0
    above_count: int = 0


class Capability(Struct, frozen=True):
    """Ppk, and its one-sided 95 % lower bound; None = unknown."""

    ppk: float | None
    low: float | None


def spread_of(values: Floats) -> ValueSpread:
    """Return how values are spread; NaN and infinite ones are unknown."""
    known = values[np.isfinite(values)]
    unknown_count = len(values) - len(known)
    if not len(known):
        return ValueSpread(
            count=0,
            unknown_count=unknown_count,
            mean=None,
            median=None,
            sigma=None,
            robust_sigma=None,
            is_normal=None,
            bins=(),
        )
    low, median, high = np.quantile(known, (0.25, 0.5, 0.75)).tolist()
    robust = (high - low) / IQR_SIGMA
    bins, below_count, above_count = _bins(known, median, robust)
    return ValueSpread(
        count=len(known),
        unknown_count=unknown_count,
        mean=float(known.mean()),
        median=median,
        sigma=float(known.std(ddof=1)) if len(known) > 1 else None,
        robust_sigma=robust if len(known) > 1 else None,
        is_normal=_is_normal(known),
        bins=bins,
        below_count=below_count,
        above_count=above_count,
    )


def _bins(known: Floats, median_n: float, robust_sigma: float) -> tuple[tuple[Bin, ...], int, int]:
    """Return bins by the rule of Freedman and Diaconis (1981), and how many values lie below and above them."""
    low, high = float(known.min()), float(known.max())
    if robust_sigma > 0:
        low, high = max(low, median_n - _SHOWN_SIGMA * robust_sigma), min(high, median_n + _SHOWN_SIGMA * robust_sigma)
    if not low < high:
        pad = abs(low) * 0.001 or 1.0
        low, high = low - pad, high + pad
    width = 2 * robust_sigma * IQR_SIGMA / len(known) ** (1 / 3) or high - low
    count = int(min(_BINS_MAX, max(_BINS_MIN, math.ceil((high - low) / width))))
    counts, edges = np.histogram(known, bins=count, range=(low, high))
    pairs = zip(edges.tolist(), edges[1:].tolist(), counts.tolist(), strict=False)
    below_count, above_count = int(np.count_nonzero(known < low)), int(np.count_nonzero(known > high))
    return tuple(Bin(*each) for each in pairs), below_count, above_count


def _is_normal(known: Floats) -> bool | None:
    if len(known) < CAPABLE_COUNT_MIN:
        return None
    spread = float(known.std())
    if spread <= 0:
        return False
    scaled = (known - known.mean()) / spread
    skew, kurtosis = float((scaled**3).mean()), float((scaled**4).mean()) - 3
    return abs(skew) <= _SKEW_MAX and abs(kurtosis) <= _KURTOSIS_MAX


def capability(spread: ValueSpread, lower: float | None, upper: float | None) -> Capability:
    """Return Ppk = min(upper - mean, mean - lower) / 3 sigma with the overall standard deviation, and its lower bound.

    Bound: A. F. Bissell, How reliable is your capability index? Appl. Stat. 39 (1990) 331-340:
    Ppk - z sqrt(1 / 9n + Ppk^2 / 2(n - 1)). Unknown for fewer than 50 values, and where they are not about normal.
    """
    if not spread.is_normal or spread.mean is None or not spread.sigma or (lower is None and upper is None):
        return Capability(None, None)
    above = math.inf if upper is None else upper - spread.mean
    below = math.inf if lower is None else spread.mean - lower
    ppk = min(above, below) / (3 * spread.sigma)
    half = Z_95_ONE_SIDED * math.sqrt(1 / (9 * spread.count) + ppk * ppk / (2 * (spread.count - 1)))
    return Capability(ppk, ppk - half)
