"""Gauge repeatability and reproducibility: how much of what is measured is the gauge, with intervals.

Parts x appraisers (people, testers or channels) x repeats, crossed and balanced, both random:
y = m + P + O + PO + E, by the analysis of variance (D. C. Montgomery and G. C. Runger, Quality Engineering 6 (1993)
289-305; AIAG, Measurement Systems Analysis, 4th ed. 2010, chapter III). Intervals of the variances: exact for the
repeatability, modified large samples for the rest. They are due to F. A. Graybill and C.-M. Wang (J. Am. Stat. Assoc. 75
(1980) 869-873) for sums and to N. Ting and others (J. Stat. Comput. Simul. 35 (1990) 135-143) for differences of mean
squares, and recommended for gauges by R. K. Burdick, C. M. Borror and D. C. Montgomery (J. Quality Technology 35 (2003)
342-354).
"""

import math

import numpy as np
from msgspec import Struct

from cellwright.analysis.quantiles import Floats, chi_square_quantile, fisher_quantile

CONFIDENCE = 0.95
DISTINCT_SIGMA = math.sqrt(2.0)
"""Number of distinct categories = sqrt(2) part sigma / gauge sigma (AIAG)."""

Weights = tuple[float, ...]
"""How often each mean square counts."""


class MeanSquare(Struct, frozen=True):
    """A line of the analysis of variance."""

    value: float
    freedom: int


MeanSquares = tuple[MeanSquare, MeanSquare, MeanSquare, MeanSquare]


class Variance(Struct, frozen=True, kw_only=True):
    """A variance with its interval, and its share of the total variance; an estimate under zero is told as zero."""

    value: float
    lower: float
    upper: float
    share_ratio: float


class GaugeStudy(Struct, frozen=True, kw_only=True):
    """What a study found; variances are in the square of the unit of the values."""

    repeatability: Variance
    appraiser: Variance
    interaction: Variance
    gauge: Variance
    """Repeatability, appraiser and interaction together."""
    part: Variance
    total: Variance
    gauge_sigma_ratio: float
    """Gauge sigma / total sigma: the "% study variation" of AIAG, as a ratio."""
    distinct_count: int
    mean_squares: MeanSquares
    """Of part, appraiser, interaction, repeatability."""
    confidence_ratio: float


class _Shape(Struct, frozen=True):
    parts: int
    appraisers: int
    repeats: int


def study(values: Floats, *, confidence_ratio: float = CONFIDENCE) -> GaugeStudy:
    """Study a gauge by values[part, appraiser, repeat], all measured.

    Raises ValueError for fewer than two of any, for unknown values, and where nothing differs.
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 3 or min(table.shape) < 2:
        raise ValueError(
            f"a study needs two parts, appraisers and repeats or more, as a table of three axes; got {table.shape}"
        )
    if not np.isfinite(table).all():
        raise ValueError("a study needs every value; measure what is missing, or leave its part out")
    shape = _Shape(*table.shape)
    return from_mean_squares(_mean_squares(table, shape), repeats=shape.repeats, confidence_ratio=confidence_ratio)


def from_mean_squares(squares: MeanSquares, *, repeats: int, confidence_ratio: float = CONFIDENCE) -> GaugeStudy:
    """Return a study from its analysis of variance: mean squares of part, appraiser, interaction and repeatability."""
    o, p, r = squares[1].freedom + 1, squares[0].freedom + 1, repeats
    alpha_ratio = (1 - confidence_ratio) / 2
    # Each variance is a combination of the four mean squares.
    combined = {
        "repeatability": (0.0, 0.0, 0.0, 1.0),
        "appraiser": (0.0, 1 / (p * r), -1 / (p * r), 0.0),
        "interaction": (0.0, 0.0, 1 / r, -1 / r),
        "gauge": (0.0, 1 / (p * r), (p - 1) / (p * r), (r - 1) / r),
        "part": (1 / (o * r), 0.0, -1 / (o * r), 0.0),
        "total": (1 / (o * r), 1 / (p * r), (o * p - o - p) / (o * p * r), (r - 1) / r),
    }
    intervals = {name: _interval(squares, weights, alpha_ratio) for name, weights in combined.items()}
    total = intervals["total"][0]
    if total <= 0:
        raise ValueError("nothing differs in these values; a gauge that always says the same cannot be studied")
    found = {
        name: Variance(value=max(value, 0.0), lower=lower, upper=upper, share_ratio=max(value, 0.0) / total)
        for name, (value, lower, upper) in intervals.items()
    }
    gauge, parts = found["gauge"].value, found["part"].value
    return GaugeStudy(
        **found,
        gauge_sigma_ratio=math.sqrt(gauge / total),
        distinct_count=int(DISTINCT_SIGMA * math.sqrt(parts / gauge)) if gauge else 0,
        mean_squares=squares,
        confidence_ratio=confidence_ratio,
    )


def _interval(squares: tuple[MeanSquare, ...], weights: Weights, alpha_ratio: float) -> tuple[float, float, float]:
    """Return a weighted sum of mean squares with its bounds, each wrong with a chance of alpha; bounds are at least 0."""
    value = math.fsum(weight * each.value for weight, each in zip(weights, squares, strict=True))
    terms = [(weight, each) for weight, each in zip(weights, squares, strict=True) if weight]
    plus = [(weight * each.value, each.freedom) for weight, each in terms if weight > 0]
    minus = [(-weight * each.value, each.freedom) for weight, each in terms if weight < 0]
    down = _reach(plus, minus, alpha_ratio, is_upper=False)
    up = _reach(plus, minus, alpha_ratio, is_upper=True)
    return value, max(0.0, value - math.sqrt(max(down, 0.0))), max(0.0, value + math.sqrt(max(up, 0.0)))


_Terms = list[tuple[float, int]]


def _reach(plus: _Terms, minus: _Terms, alpha_ratio: float, *, is_upper: bool) -> float:
    """Return V of Ting and others 1990 for one bound; without `minus` it is that of Graybill and Wang 1980.

    Their products of terms of one sign beside one of the other are left out: no variance of this model has such a sum.
    """
    first, second = (_upward, _downward) if is_upper else (_downward, _upward)
    reach = sum((first(freedom, alpha_ratio) * size) ** 2 for size, freedom in plus)
    reach += sum((second(freedom, alpha_ratio) * size) ** 2 for size, freedom in minus)
    for size, freedom in plus:
        for other, other_freedom in minus:
            share_ratio = alpha_ratio if is_upper else 1 - alpha_ratio
            f = fisher_quantile(share_ratio, freedom, other_freedom)
            gained, lost = first(freedom, alpha_ratio), second(other_freedom, alpha_ratio)
            reach += ((f - 1) ** 2 - gained**2 * f**2 - lost**2) / f * size * other
    return reach


def _downward(freedom: int, alpha_ratio: float) -> float:
    """G = 1 - 1 / F(alpha; n, infinity) = 1 - n / chi square, upper point."""
    return 1 - freedom / chi_square_quantile(1 - alpha_ratio, freedom)


def _upward(freedom: int, alpha_ratio: float) -> float:
    """H = 1 / F(1 - alpha; n, infinity) - 1 = n / chi square - 1, lower point."""
    return freedom / chi_square_quantile(alpha_ratio, freedom) - 1


def _mean_squares(table: Floats, shape: _Shape) -> MeanSquares:
    p, o, r = shape.parts, shape.appraisers, shape.repeats
    grand = table.mean()
    cell, part, appraiser = table.mean(axis=2), table.mean(axis=(1, 2)), table.mean(axis=(0, 2))
    between = cell - part[:, None] - appraiser[None, :] + grand
    sums = (
        (o * r * np.sum((part - grand) ** 2), p - 1),
        (p * r * np.sum((appraiser - grand) ** 2), o - 1),
        (r * np.sum(between**2), (p - 1) * (o - 1)),
        (np.sum((table - cell[:, :, None]) ** 2), p * o * (r - 1)),
    )
    part_square, appraiser_square, both, rest = (MeanSquare(float(total) / freedom, freedom) for total, freedom in sums)
    return part_square, appraiser_square, both, rest
