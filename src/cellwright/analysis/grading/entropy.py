"""How the open-circuit voltage of cells changes with temperature, from cells that were warmer the second time."""

import numpy as np

from cellwright.analysis.quantiles import Floats

COUNT_MIN = 20
"""Cells under which nothing is estimated."""
_COUNT_MAX = 500


def fit_entropy(change_c: Floats, change_mv: Floats) -> tuple[float, float] | None:
    """Return dU/dT (mV per degree C) and its error from how temperature and voltage changed, by cell; None = unknown.

    The slope is the median of those of all pairs (P. K. Sen, J. Am. Stat. Assoc. 63 (1968) 1379-1389), of at most the
    first 500 cells, so that cells with a high self-discharge do not count. The error is the slope's 68 % interval by
    the variance of Kendall's score, n (n - 1)(2n + 5) / 18. All cells must have had the same time between.
    """
    known = np.flatnonzero(np.isfinite(change_c) & np.isfinite(change_mv))[:_COUNT_MAX]
    rows, columns = np.triu_indices(len(known), 1)
    steps_c = change_c[known][columns] - change_c[known][rows]
    steps_mv = change_mv[known][columns] - change_mv[known][rows]
    moved = steps_c != 0
    if len(known) < COUNT_MIN or not moved.any():
        return None
    slopes = np.sort(steps_mv[moved] / steps_c[moved])
    count = len(known)
    reach = np.sqrt(count * (count - 1) * (2 * count + 5) / 18) / 2
    ends = np.clip(np.rint(len(slopes) / 2 + np.array([-reach, reach])), 0, len(slopes) - 1).astype(np.int64)
    low, high = slopes[ends]
    return float(np.median(slopes)), float((high - low) / 2)
