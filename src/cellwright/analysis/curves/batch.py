"""The tests of one batch judged together: the cells unlike the rest, by features and by the shape of their curves."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from msgspec import Struct, structs

from cellwright.analysis.curves.outliers import LIMIT_SIGMA, Outlier, find_outliers
from cellwright.analysis.curves.page import Curves, Flags
from cellwright.analysis.curves.shape import Way, voltage_at
from cellwright.analysis.quantiles import Floats

JUDGED: Final = (
    "charge_ah",
    "discharge_ah",
    "efficiency_ratio",
    "mid_charge_v",
    "mid_discharge_v",
    "cc_ratio",
    "warming_c",
    "onset_ohm",
    "discharge_plateau_v",
    "discharge_transition_ratio",
)
"""Features by which a cell is compared with its batch; those that say the same as one of these are left out."""
SHAPES: Final = {f"{way}_{kind}": (way, kind) for way in Way for kind in ("curve", "place")}
"""Names of outliers by shape: of the whole charge or discharge, or of a part of it."""
_GRID: Final = np.linspace(0.02, 0.98, 49)
"""Shares of the charge at which curves are compared; the steep ends say more of the cut-off than of the cell."""


class Unlike(Struct, frozen=True, kw_only=True):
    """Cells unlike the rest of their batch, the furthest first, and which cells could be compared at all."""

    outliers: tuple[Outlier, ...]
    is_known: Flags


def find_unlike(features: Mapping[str, Floats], curves: Curves, *, limit_sigma: float = LIMIT_SIGMA) -> Unlike:
    """Compare the cells of a batch with each other; `features` by name, of which `JUDGED` are looked at.

    A batch with too few cells to have a spread judges nobody: then no cell is known.
    """
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
