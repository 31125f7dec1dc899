"""Cells that are not like their family: by each feature, and by the distance of the whole curve from the median curve.

By feature: robust z (`robust`). By curve: at each point of a fixed grid the robust z of a cell is its Stahel-Donoho
outlyingness in one dimension; its mean over the grid is how far the whole curve lies off, its maximum how far the curve
lies off somewhere (M. Hubert, P. J. Rousseeuw and P. Segaert, Stat. Methods Appl. 24 (2015) 177-202). Their squares are
skewed as chi square is, whose cube root is near normal (E. B. Wilson and M. M. Hilferty, Proc. Natl. Acad. Sci. 17 (1931)
684-688), so the robust z of d^(2/3) is judged, on the high side. A defect that no scalar shows may show in either.
"""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from cellwright.analysis.curves.page import Flags, Whole
from cellwright.analysis.curves.robust import FAMILY_COUNT_MIN, MAD_SIGMA, middle, robust_z
from cellwright.analysis.quantiles import Floats

LIMIT_SIGMA = 5.0
"""A normal cell of one in 1.7 million lies so far off by one feature; choose by what you can afford to look at."""
_FLOOR_RATIO = 0.25
"""Spread at a grid point counts as at least this part of the grid's median spread, so that where all curves agree to a
digit of the voltmeter, a digit more is no distance."""


class Outlier(Struct, frozen=True, kw_only=True):
    """An outlier: the cell, by what ("curve" = the whole curve, "place" = a part of it), how far, and where on the grid."""

    cell: int
    feature: str
    off_sigma: float
    value: float | None = None
    """The value of the feature; None for a curve."""
    family_value: float | None = None
    """The family's median of it."""
    place: float | None = None
    """The grid point at which the curve lies furthest off."""


class Family(Struct, frozen=True, kw_only=True):
    """Scores of a batch: z by feature and cell, and of the curve its mean and greatest outlyingness with their z.

    `is_known` tells which cells could be judged by anything; a cell without scores is unknown, not good.
    """

    outliers: tuple[Outlier, ...]
    feature_z: dict[str, Floats]
    mean_off_sigma: Floats
    most_off_sigma: Floats
    curve_z: Floats
    place_z: Floats
    is_known: Flags


def find_outliers(
    features: Mapping[str, Floats],
    families: Whole,
    *,
    curves: Floats | None = None,
    grid: Floats | None = None,
    limit_sigma: float = LIMIT_SIGMA,
) -> Family:
    """Find cells unlike their family (a lot on one chamber, say; counted from 0, -1 = none), the furthest first.

    `curves` holds one row per cell on `grid`, as `shape.voltage_at` and `shape.charge_at` give them.
    """
    count = len(families)
    given = {name: np.asarray(column, dtype=np.float64) for name, column in features.items()}
    _check(given, count, curves=curves, grid=grid)
    feature_z = {name: robust_z(column, families) for name, column in given.items()}
    table = np.full((count, 1), np.nan) if curves is None else np.asarray(curves, dtype=np.float64)
    points = np.zeros(table.shape[1]) if grid is None else np.asarray(grid, dtype=np.float64)
    off = np.abs(_off_curve(table, families))
    mean_off, most_off = _mean(off), np.where(np.isnan(off), -np.inf, off).max(axis=1)
    most_off = np.where(np.isinf(most_off), np.nan, most_off)
    curve_z, place_z = (robust_z(np.cbrt(each * each), families) for each in (mean_off, most_off))
    places = points[np.argmax(np.nan_to_num(off, nan=-1.0), axis=1)]
    found = [each for name in given for each in _by_feature(name, given[name], feature_z[name], families, limit_sigma)]
    for name, scores in (("curve", curve_z), ("place", place_z)):
        rows = np.flatnonzero(scores > limit_sigma).tolist()
        found += [
            Outlier(cell=row, feature=name, off_sigma=float(scores[row]), place=float(places[row])) for row in rows
        ]
    scored = [*feature_z.values(), curve_z, place_z]
    return Family(
        outliers=tuple(sorted(found, key=lambda each: -abs(each.off_sigma))),
        feature_z=feature_z,
        mean_off_sigma=mean_off,
        most_off_sigma=most_off,
        curve_z=curve_z,
        place_z=place_z,
        is_known=np.asarray(np.any([np.isfinite(each) for each in scored], axis=0)),
    )


def reason_of(outlier: Outlier) -> str:
    """Say in a sentence by what a cell is unlike its family, and how far."""
    far = f"{abs(outlier.off_sigma):.1f} robust sigma"
    if outlier.feature == "curve":
        return f"the whole curve lies off the median curve, {far} more than its family's do, most at {outlier.place:g}"
    if outlier.feature == "place":
        return f"at {outlier.place:g} the curve lies off the median curve, {far} more than its family's do anywhere"
    side = "above" if outlier.off_sigma > 0 else "below"
    return f"{outlier.feature} of {outlier.value:g} lies {far} {side} its family's median of {outlier.family_value:g}"


def _check(features: Mapping[str, Floats], count: int, *, curves: Floats | None, grid: Floats | None) -> None:
    wrong = sorted(name for name, column in features.items() if column.shape != (count,))
    if wrong:
        raise ValueError(f"the features {', '.join(wrong)} have not {count} values; give one value per cell")
    if (curves is None) is not (grid is None):
        raise ValueError("curves need their grid, and a grid its curves; give both or neither")
    if curves is not None and grid is not None and curves.shape != (count, len(grid)):
        raise ValueError(f"curves are a table of {count} cells by {len(grid)} grid points, not {curves.shape}")


def _off_curve(table: Floats, families: Whole) -> Floats:
    """Return z by cell and grid point, with the spread of each point held from below."""
    found = np.full(table.shape, np.nan)
    for family in np.unique(families[families >= 0]).tolist():
        rows = families == family
        off = table[rows] - middle(table[rows])
        spread = MAD_SIGMA * middle(np.abs(off))
        enough = np.isfinite(off).sum(axis=0) >= FAMILY_COUNT_MIN
        known = spread[enough & (spread > 0)]
        if known.size:
            held = np.maximum(np.nan_to_num(spread), _FLOOR_RATIO * float(np.median(known)))
            found[rows] = np.where(enough, off / held, np.nan)
    return found


def _mean(off: Floats) -> Floats:
    known = np.isfinite(off)
    counts = known.sum(axis=1)
    sums = np.where(known, off, 0.0).sum(axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _by_feature(name: str, column: Floats, scores: Floats, families: Whole, limit_sigma: float) -> list[Outlier]:
    found = []
    for row in np.flatnonzero(np.abs(scores) > limit_sigma).tolist():
        alike = column[families == families[row]]
        found.append(
            Outlier(
                cell=row,
                feature=name,
                off_sigma=float(scores[row]),
                value=float(column[row]),
                family_value=float(middle(alike)),
            )
        )
    return found
