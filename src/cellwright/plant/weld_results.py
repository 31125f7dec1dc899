"""What analysis makes of the curves of welds as they are stored: one step is one weld, and a module is a family."""

from typing import Final

import numpy as np
from msgspec import Struct

from cellwright.analysis.curves.outliers import Outlier
from cellwright.analysis.curves.page import Curves
from cellwright.analysis.welds import Judged, Welds, judge_welds, welds_of
from cellwright.model.plant import Plant
from cellwright.model.samples import CurvePage
from cellwright.telemetry.features import StepFeatures

METHOD: Final = "cellwright.welds 1"
WHOLE: Final = 0
"""The step under which the features of a whole unit are kept; welds are counted from 1."""
ENERGY: Final = "weld_energy_j"
"""Parameter of a recipe that makes the steps of an operation welds."""
HOLD_SIGMA: Final = 10.0
"""Robust sigma from which a weld stops its unit; from `outliers.LIMIT_SIGMA` on it is shown. Of 320 welds of a pack, 5 sigma
finds a good one now and then, for robust sigma of 80 welds is itself uncertain by a tenth, and tails are not normal."""
SHAPE: Final = "shape_"
"""What the names of a shape's points begin with."""
_WORDS: Final = {"curve": "shape", "place": "a part of its shape"}


class Suspect(Struct, frozen=True):
    """A unit with welds unlike its others: their numbers, and in words why. `is_far` ones are held, not only shown."""

    unit: int
    operation: str
    attempt: int
    welds: tuple[int, ...]
    reason: str
    is_far: bool


class WeldResults(Struct, frozen=True):
    """Features of welds and of units as a whole, and the units that people should look at."""

    features: tuple[StepFeatures, ...] = ()
    suspects: tuple[Suspect, ...] = ()


def is_welded(plant: Plant, operation: str) -> bool:
    """Tell whether the steps of an operation's curves are welds."""
    recipe = plant.recipes.get(operation)
    return recipe is not None and ENERGY in recipe.parameters


def weld_results(page: CurvePage, plant: Plant) -> WeldResults:
    """Return the features of every weld of a page, and what is unlike its family; curves of other kinds are left alone."""
    features: list[StepFeatures] = []
    suspects: list[Suspect] = []
    begins = np.concatenate([[0], np.asarray(page.ends)[:-1]]).astype(int).tolist()
    for place, begin in enumerate(begins):
        if is_welded(plant, page.heads[place].operation):
            _add(page, place, slice(begin, int(page.ends[place])), features, suspects)
    return WeldResults(tuple(features), tuple(suspects))


def _add(page: CurvePage, place: int, rows: slice, features: list[StepFeatures], suspects: list[Suspect]) -> None:
    head, points = page.heads[place], page.points
    steps = np.asarray(points.steps)[rows].astype(np.int64)
    order = np.argsort(steps, kind="stable")
    numbers, firsts = np.unique(steps[order], return_index=True)
    curves = Curves(
        starts=np.append(firsts, len(steps)).astype(np.int64),
        time_us=np.asarray(points.times_us)[rows][order].astype(np.int64),
        current_a=points.currents_a[rows][order],
        voltage_v=points.voltages_v[rows][order],
        temperature_c=points.temperatures_c[rows][order],
    )
    welds = welds_of(curves)
    judged = judge_welds(welds, np.zeros(len(numbers), dtype=np.int64))
    unlike = sorted({int(numbers[each.cell]) for each in judged.outliers})
    whole: dict[str, float | None] = {"welds_count": float(len(numbers)), "outliers_count": float(len(unlike))}
    features.append(StepFeatures(head.unit, head.operation, head.attempt, WHOLE, METHOD, whole))
    for index, number in enumerate(numbers.tolist()):
        values = _values(welds, judged, index, is_outlier=number in unlike)
        features.append(StepFeatures(head.unit, head.operation, head.attempt, number, METHOD, values))
    if unlike:
        reason = "; ".join(_why(int(numbers[each.cell]), each) for each in judged.outliers[:3])
        is_far = abs(judged.outliers[0].off_sigma) >= HOLD_SIGMA
        suspects.append(Suspect(head.unit, head.operation, head.attempt, tuple(unlike), reason, is_far))


def _values(welds: Welds, judged: Judged, index: int, *, is_outlier: bool) -> dict[str, float | None]:
    values = {name: float(column[index]) for name, column in welds.columns.items()}
    values["shape_off_sigma"] = float(judged.shape_off_sigma[index])
    values["is_outlier_count"] = float(is_outlier)
    values |= {f"{SHAPE}{point:02d}_ratio": float(value) for point, value in enumerate(welds.shapes[index])}
    return {name: value if np.isfinite(value) else None for name, value in values.items()}


def _why(number: int, outlier: Outlier) -> str:
    what = _WORDS.get(outlier.feature, outlier.feature)
    return f"weld {number}: {what} lies {abs(outlier.off_sigma):.1f} robust sigma from the others of its module"
