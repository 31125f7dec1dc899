"""Robust scores: how far a value lies from the middle of its family, in sigma that outliers do not widen.

z = (x - median) / (1.4826 median |x - median|), the constant making it sigma on normal data (F. R. Hampel, J. Am. Stat.
Assoc. 69 (1974) 383-393). Where half of a family are the same the spread is unknown, and so is z.
"""

import numpy as np

from cellwright.analysis.curves.page import Whole
from cellwright.analysis.quantiles import Floats

MAD_SIGMA = 1.482602218505602
"""1 / 0.75 quantile of the normal distribution."""
FAMILY_COUNT_MIN = 8
"""Known values below which a family has no spread to speak of: the error of sigma is then over a third."""


def robust_z(values: Floats, families: Whole) -> Floats:
    """Return z by cell within its family (-1 = none); values may have more columns, each scored by itself."""
    table = np.asarray(values, dtype=np.float64)
    found = np.full(table.shape, np.nan)
    for family in np.unique(families[families >= 0]).tolist():
        rows = families == family
        found[rows] = _scores(table[rows])
    return found


def middle(values: Floats) -> Floats:
    """Return the median by column of what is known; NaN where nothing is."""
    ranked = np.sort(values, axis=0)
    counts = np.isfinite(values).sum(axis=0)
    below, above = (np.maximum(each, 0) for each in ((counts - 1) // 2, counts // 2))
    if not len(ranked):
        return np.full(values.shape[1:], np.nan)
    take = np.take_along_axis
    pair = (
        take(ranked, below[None, ...], axis=0)[0]
        + take(ranked, np.minimum(above, len(ranked) - 1)[None, ...], axis=0)[0]
    )
    return np.where(counts > 0, pair / 2, np.nan)


def spread_of(values: Floats) -> tuple[Floats, Floats]:
    """Return the median and the robust sigma by column of one family; sigma NaN = unknown."""
    finite = np.where(np.isfinite(values), values, np.nan)
    centre = middle(finite)
    spread = MAD_SIGMA * middle(np.abs(finite - centre))
    usable = (np.isfinite(finite).sum(axis=0) >= FAMILY_COUNT_MIN) & (spread > 0)
    return centre, np.where(usable, spread, np.nan)


def _scores(part: Floats) -> Floats:
    centre, spread = spread_of(part)
    return np.asarray((np.where(np.isfinite(part), part, np.nan) - centre) / spread)
