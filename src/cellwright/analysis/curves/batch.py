"""The tests of one batch judged together: the cells unlike the rest, by features and by the shape of their curves.

How far is far depends on how many cells there are: the robust sigma of a few is itself poorly known, and many cells by
many features are many chances. A cell is an outlier from where chance alone finds one in a hundred batches of normal
cells: the quantile of Student's t, Bonferroni over cells and scores. Of n values the median absolute deviation knows sigma
as well as the standard deviation of 0.37 n (F. R. Hampel, J. Am. Stat. Assoc. 69 (1974) 383-393), which are the degrees of
freedom. Never less than the limit of `outliers`.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from msgspec import Struct, structs

from cellwright.analysis.curves.outliers import LIMIT_SIGMA, Outlier, find_outliers
from cellwright.analysis.curves.page import Curves, Flags
from cellwright.analysis.curves.shape import Way, voltage_at
from cellwright.analysis.quantiles import Floats, student_quantile

JUDGED: Final = (
    "charge_ah",
    "discharge_ah",
    "efficiency_ratio",
    "mid_charge_v",
    "mid_discharge_v",
    "cc_ratio",
    "warming_c",
    "onset_ohm",
)
"""Features by which a cell is compared with its batch. Those that say the same as one of these are left out, and so are the
places of peaks, which jump from one peak to the next and are no normal values; the shape tells those."""
SHAPES: Final = {f"{way}_{kind}": (way, kind) for way in Way for kind in ("curve", "place")}
"""Names of outliers by shape: of the whole charge or discharge, or of a part of it."""
_ALPHA: Final = 0.01
"""In so many batches of normal cells chance alone finds an outlier."""
_MAD_EFFICIENCY: Final = 0.37
_GRID: Final = np.linspace(0.02, 0.98, 49)
"""Shares of the charge at which curves are compared; the steep ends say more of the cut-off than of the cell."""


class Unlike(Struct, frozen=True, kw_only=True):
    """Cells unlike the rest of their batch, the furthest first, and which cells could be compared at all."""

    outliers: tuple[Outlier, ...]
    is_known: Flags


def limit_for(count: int) -> float:
    """Return from how many robust sigma on a cell of a batch of so many cells is an outlier."""
    chances = 2 * max(1, count) * (len(JUDGED) + len(SHAPES))
    freedom = max(2, round(_MAD_EFFICIENCY * count))
    return max(LIMIT_SIGMA, student_quantile(1 - _ALPHA / chances, freedom))


def find_unlike(features: Mapping[str, Floats], curves: Curves) -> Unlike:
    """Compare the cells of a batch with each other; `features` by name, of which `JUDGED` are looked at.

    A batch with too few cells to have a spread judges nobody: then no cell is known.
    """
    limit_sigma = limit_for(curves.count)
    families = np.zeros(curves.count, dtype=np.int64)
    judged = {name: features[name] for name in JUDGED if name in features}
    found = find_outliers(judged, families, limit_sigma=limit_sigma)
    outliers, is_known = list(found.outliers), found.is_known
    for way in Way:
        shapes = find_outliers(
            {}, families, curves=voltage_at(curves, _GRID, way=way), grid=_GRID, limit_sigma=limit_sigma
        )
        outliers += [structs.replace(each, feature=f"{way}_{each.feature}") for each in shapes.outliers]
        is_known = is_known | shapes.is_known
    return Unlike(outliers=tuple(sorted(outliers, key=lambda each: -abs(each.off_sigma))), is_known=is_known)


def sigma_of(outlier: Outlier) -> float | None:
    """Return the robust sigma of the batch in the unit of the feature; None for a shape."""
    if outlier.value is None or outlier.family_value is None:
        return None
    return (outlier.value - outlier.family_value) / outlier.off_sigma


def sentence_of(outlier: Outlier) -> str:
    """Say in a sentence by what a cell is unlike its batch, and how far."""
    if outlier.feature in SHAPES:
        way, kind = SHAPES[outlier.feature]
        what = f"the whole {way}" if kind == "curve" else f"a part of the {way}"
        return (
            f"{what} lies {outlier.off_sigma:.1f} robust sigma off the batch's median curve, most at "
            f"{outlier.place:.0%} of its charge"
        )
    return (
        f"{outlier.feature} is {outlier.value:.6g}, {outlier.off_sigma:+.1f} robust sigma off the batch's median of "
        f"{outlier.family_value:.6g}"
    )
