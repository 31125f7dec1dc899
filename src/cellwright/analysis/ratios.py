"""Ratios of counts: how well a share is known from n, and what a chain of yields comes to."""

import math
from collections.abc import Iterable

Z_95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


def wilson_interval(good_count: int, count: int, z_sigma: float = Z_95) -> tuple[float, float] | None:
    """Return the Wilson score interval (ratios 0..1) of a share `good_count` of `count`; None for no count.

    With p = x / n, z the normal quantile: (p + z^2/2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n).
    E. B. Wilson, Probable inference, the law of succession, and statistical inference, J. Am. Stat. Assoc. 22 (1927)
    209-212. Recommended for small n and shares near 1 by Brown, Cai and DasGupta, Stat. Sci. 16 (2001) 101-133.
    """
    if not 0 <= good_count <= count:
        raise ValueError(f"{good_count} of {count} is no share")
    if not count:
        return None
    share, square = good_count / count, z_sigma * z_sigma / count
    middle = share + square / 2
    half = math.sqrt(square * (share * (1 - share) + square / 4))
    # At the ends the formula gives 0 or 1 exactly; rounding would not.
    low = 0.0 if good_count == 0 else max(0.0, (middle - half) / (1 + square))
    high = 1.0 if good_count == count else min(1.0, (middle + half) / (1 + square))
    return low, high


def rolled_ratio(passed_ratio: Iterable[float | None]) -> float | None:
    """Return the rolled throughput yield (0..1): the product of first-pass yields; None when one is unknown.

    It is the share of units that would pass every operation without a repeat if operations failed independently.
    """
    known = list(passed_ratio)
    if not known:
        return None
    product = 1.0
    for ratio in known:
        if ratio is None:
            return None
        product *= ratio
    return product
