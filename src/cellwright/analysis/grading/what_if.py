"""What other limits would do: grades of the same cells by other rules, who moves, and who lies too near a limit to tell.

The rule is the gate's own: a unit that is good so far gets the first grade whose limits it meets; a required value that is
unknown does not meet a limit, one that is not required does, and an infinite one never does.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from cellwright.analysis.quantiles import Floats
from cellwright.model.quantities import Characteristic
from cellwright.model.routes import Grade

Flags = NDArray[np.bool_]
Places = NDArray[np.int64]
"""By cell: place of its grade, -1 = none."""

NO_GRADE = -1


class GradedColumns(Struct, frozen=True, kw_only=True):
    """Columns of cells; NaN = unknown. `is_good` says who was good before grades were asked.

    `errors` are standard errors in the unit of the values, of characteristics for which any is known.
    """

    is_good: Flags
    values: Mapping[str, Floats]
    errors: Mapping[str, Floats]


class Move(Struct, frozen=True):
    """So many cells go from one grade to another, "" = none."""

    was: str
    now: str
    count: int


class Doubt(Struct, frozen=True):
    """How many of the cells whose error is known would get another grade within one standard error of one value."""

    count: int
    known_count: int


def grade_columns(grades: Sequence[Grade], columns: GradedColumns) -> Places:
    """Return the place of the grade that each cell gets."""
    return _grade(grades, columns.is_good, columns.values)


def _grade(grades: Sequence[Grade], is_good: Flags, values: Mapping[str, Floats]) -> Places:
    given = np.full(len(is_good), NO_GRADE, dtype=np.int64)
    for place, grade in enumerate(grades):
        is_met = is_good & (given == NO_GRADE)
        for limit in grade.limits:
            column = values.get(limit.code)
            is_met &= meets(limit, np.full(len(is_good), np.nan) if column is None else column)
        given[is_met] = place
    return given


def meets(limit: Characteristic, values: Floats) -> Flags:
    """Tell of each value what `Characteristic.is_good` tells of one."""
    low = -np.inf if limit.lower is None else limit.lower
    high = np.inf if limit.upper is None else limit.upper
    is_within = np.isfinite(values) & (values >= low) & (values <= high)
    return is_within if limit.required else is_within | np.isnan(values)


def moves(grades: Sequence[Grade], was: Places, now: Places) -> tuple[Move, ...]:
    """Return from which grade to which cells go, those that stay included, in the order of the grades, none last."""
    order = [*range(len(grades)), NO_GRADE]
    names = {**{place: grade.code for place, grade in enumerate(grades)}, NO_GRADE: ""}
    counted = (
        (first, then, int(np.count_nonzero((was == first) & (now == then)))) for first, then in product(order, order)
    )
    return tuple(Move(names[first], names[then], count) for first, then, count in counted if count)


def doubt(grades: Sequence[Grade], columns: GradedColumns) -> Doubt:
    """Return whose grade is not sure: with one value a standard error higher or lower they would get another one."""
    return _counted(columns, doubtful(grades, columns))


def _counted(columns: GradedColumns, flips: Flags) -> Doubt:
    is_known = np.zeros(len(columns.is_good), dtype=np.bool_)
    for errors in columns.errors.values():
        is_known |= np.isfinite(errors)
    return Doubt(int(np.count_nonzero(flips)), int(np.count_nonzero(is_known)))


def doubtful(grades: Sequence[Grade], columns: GradedColumns) -> Flags:
    """Tell whose grade would be another one within one standard error of one value."""
    given = grade_columns(grades, columns)
    flips = np.zeros(len(given), dtype=np.bool_)
    for code, shifted in _shifted(columns):
        flips |= _grade(grades, columns.is_good, {**columns.values, code: shifted}) != given
    return flips


def _shifted(columns: GradedColumns) -> Iterator[tuple[str, Floats]]:
    for code, errors in columns.errors.items():
        values = columns.values[code]
        known = np.where(np.isfinite(errors), errors, 0.0)
        yield code, values - known
        yield code, values + known
