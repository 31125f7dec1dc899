"""The health of a cycler's channels over many batches: each test against its own batch, so that lots do not count.

- **Discharge**: the median over its tests of the share of the batch's median, less one, with an interval by order
  statistics (sign test; W. J. Conover, Practical Nonparametric Statistics, 3rd ed., 3.2): a bad cell now and then moves it
  little.
- **Contact faults**: how many of the tests, with Wilson's interval.
- **Resistance at the onset**: Theil and Sen's slope of the logarithm of the share of the batch's median over the order of
  the batches, with Sen's interval (P. K. Sen, J. Am. Stat. Assoc. 63 (1968) 1379-1389): needles wear.

A channel stands out when something of it is beyond chance for as many channels as are looked at (Bonferroni): then, and
not before, the channel and not a cell is to be looked at.
"""

import math
from enum import StrEnum
from functools import lru_cache
from typing import Final

import numpy as np
from msgspec import Struct

from cellwright.analysis.curves.page import Flags, Whole
from cellwright.analysis.quantiles import Floats
from cellwright.analysis.ratios import Z_95, wilson_interval

SHOWN_ALPHA: Final = 0.05
"""Intervals that are shown hold the true value in all but this share of cases."""
ALPHA: Final = 0.01
"""How often, among all channels together, chance alone makes one stand out."""
TREND_COUNT_MIN: Final = 8
"""Tests below which a slope says nothing."""
TREND_TESTS: Final = 10
"""A trend is told per so many batches."""


class Sign(StrEnum):
    """By what a channel stands out."""

    FAULTS = "contact_faults"
    LOW = "low_discharge"
    HIGH = "high_discharge"
    RISING = "rising_resistance"
    FALLING = "falling_resistance"


class Bounds(Struct, frozen=True, kw_only=True):
    """An estimate and its interval; None = there is too little to say."""

    value: float | None
    lower: float | None
    upper: float | None


class ChannelHealth(Struct, frozen=True, kw_only=True):
    """What is known of a channel: its number, how many tests, and what they say."""

    channel: int
    tests_count: int
    discharge_off: Bounds
    """Median of discharge over the batch's median, less 1 (0 = as the others)."""
    discharge_count: int
    """Tests of which that is known."""
    faults_count: int
    judged_count: int
    """Tests whose contact could be judged."""
    faults_ratio: Bounds
    onset_trend: Bounds
    """Change of resistance at the onset per ten batches, as a share."""
    onset_count: int
    signs: tuple[Sign, ...]
    rarity: float
    """The smallest probability that chance alone does this, of one channel; those that stand out have the smallest."""


class ChannelTests(Struct, frozen=True, kw_only=True):
    """Tests by column, in the order of their batches: channel (from 0), batch (from 0), and what was found. NaN = unknown."""

    channels: Whole
    batches: Whole
    discharge_ratios: Floats
    onset_ratios: Floats
    """Resistance at the onset as a share of the batch's median."""
    is_fault: Flags
    is_judged: Flags


def channel_health(tests: ChannelTests, *, alpha_ratio: float = ALPHA) -> tuple[ChannelHealth, ...]:
    """Return what is known of each channel, what stands out first, then by channel."""
    numbers = np.unique(tests.channels).tolist()
    limit = alpha_ratio / max(1, len(numbers))
    totals = (int(tests.is_fault.sum()), int(tests.is_judged.sum()))
    found = [_health(tests, number, totals, limit_ratio=limit) for number in numbers]
    return tuple(sorted(found, key=lambda each: (not each.signs, each.rarity if each.signs else 0.0, each.channel)))


def _health(tests: ChannelTests, number: int, totals: tuple[int, int], *, limit_ratio: float) -> ChannelHealth:
    rows = tests.channels == number
    off = tests.discharge_ratios[rows] - 1
    off = off[np.isfinite(off)]
    faults, judged = int(tests.is_fault[rows].sum()), int(tests.is_judged[rows].sum())
    known = rows & (tests.onset_ratios > 0)
    slope, chance_of_slope = _trend(tests.batches[known].astype(np.float64), np.log(tests.onset_ratios[known]))
    chances = {
        Sign.FAULTS: _fault_chance(faults, judged, totals),
        Sign.LOW if np.sum(off < 0) * 2 > len(off) else Sign.HIGH: _sign_chance(off),
        Sign.RISING if (slope.value or 0) > 0 else Sign.FALLING: chance_of_slope,
    }
    interval = wilson_interval(faults, judged)
    return ChannelHealth(
        channel=number,
        tests_count=int(rows.sum()),
        discharge_off=_median(off),
        discharge_count=len(off),
        faults_count=faults,
        judged_count=judged,
        faults_ratio=Bounds(
            value=faults / judged if judged else None,
            lower=interval[0] if interval else None,
            upper=interval[1] if interval else None,
        ),
        onset_trend=slope,
        onset_count=int(known.sum()),
        signs=tuple(sign for sign, chance in chances.items() if chance < limit_ratio),
        rarity=min(chances.values()),
    )


def _median(off: Floats) -> Bounds:
    """Return the median with the narrowest order statistics that hold it often enough."""
    count = len(off)
    if not count:
        return Bounds(value=None, lower=None, upper=None)
    ranked = np.sort(off)
    # The k-th from either end holds the median unless fewer than k values lie on one side of it.
    depth = 0
    while _binomial_at_most(depth, count) * 2 <= SHOWN_ALPHA:
        depth += 1
    has_bounds = depth > 0
    return Bounds(
        value=float(np.median(ranked)),
        lower=float(ranked[depth - 1]) if has_bounds else None,
        upper=float(ranked[count - depth]) if has_bounds else None,
    )


@lru_cache(maxsize=4096)
def _binomial_at_most(count: int, trials: int) -> float:
    """Return the probability of at most so many heads of a fair coin."""
    return math.fsum(math.comb(trials, each) for each in range(count + 1)) / 2.0**trials


def _sign_chance(off: Floats) -> float:
    """Return how often chance alone puts as many on one side of 0 (both sides counted)."""
    low, high = int(np.sum(off < 0)), int(np.sum(off > 0))
    return min(1.0, 2 * _binomial_at_most(min(low, high), low + high)) if low + high else 1.0


def _fault_chance(faults: int, judged: int, totals: tuple[int, int]) -> float:
    """Return how often a channel like the others has as many faults; one fault is no sign, whatever its chance."""
    if faults < 2:
        return 1.0
    others = totals[1] - judged
    # Never less than one among the others: that none was seen does not prove that there is none.
    rate = min(1.0, (totals[0] - faults + 1) / (others + 2))
    log_rate, log_rest = math.log(rate), math.log1p(-rate) if rate < 1 else -math.inf
    terms = [
        math.lgamma(judged + 1)
        - math.lgamma(each + 1)
        - math.lgamma(judged - each + 1)
        + each * log_rate
        + _times(judged - each, log_rest)
        for each in range(faults, judged + 1)
    ]
    return min(1.0, math.fsum(map(math.exp, terms)))


def _times(count: int, log_ratio: float) -> float:
    return count * log_ratio if count else 0.0


def _trend(batches: Floats, logs: Floats) -> tuple[Bounds, float]:
    """Return Sen's slope per ten batches with its interval, and how often chance alone gives as steep a one (Kendall)."""
    count = len(logs)
    if count < TREND_COUNT_MIN:
        return Bounds(value=None, lower=None, upper=None), 1.0
    first, second = np.triu_indices(count, 1)
    runs, rises = batches[second] - batches[first], logs[second] - logs[first]
    slopes = np.sort(rises[runs != 0] / runs[runs != 0])
    if not len(slopes):
        return Bounds(value=None, lower=None, upper=None), 1.0
    spread = math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    score = float(np.sum(np.sign(slopes)))
    z = max(0.0, abs(score) - 1) / spread
    reach = Z_95 * spread
    low = max(0, math.floor((len(slopes) - reach) / 2))
    high = min(len(slopes) - 1, math.ceil((len(slopes) + reach) / 2))
    value, lower, upper = (
        math.expm1(TREND_TESTS * float(each)) for each in (np.median(slopes), slopes[low], slopes[high])
    )
    return Bounds(value=value, lower=lower, upper=upper), math.erfc(z / math.sqrt(2))
