"""What-ifs on limits: the same grades as the gate gives, whoever moves, and who lies too near a limit to tell."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.analysis.grading.spread import capability, spread_of
from cellwright.analysis.grading.what_if import Doubt, GradedColumns, Move, doubt, grade_columns, moves
from cellwright.model.commands import Result
from cellwright.model.corrections import Correction
from cellwright.model.quantities import Characteristic
from cellwright.model.routes import Grade, Operation, OperationKind
from cellwright.rules.quality import graded_columns, judge

CODES = ("capacity_ah", "dcir_ohm", "k_mv_per_h")
ENDS = st.one_of(st.none(), st.integers(0, 6).map(float))
VALUES = st.one_of(st.none(), st.integers(0, 6).map(float), st.sampled_from([math.nan, math.inf, -math.inf]))
LIMITS = st.builds(
    lambda code, ends, required: Characteristic(code=code, unit="1", lower=ends[0], upper=ends[1], required=required),
    st.sampled_from(CODES),
    st.tuples(ENDS, ENDS),
    st.booleans(),
)
GRADES = st.lists(st.lists(LIMITS, max_size=3), min_size=1, max_size=4).map(
    lambda all_limits: tuple(Grade(code=f"G{at}", limits=tuple(each)) for at, each in enumerate(all_limits))
)
CELLS = st.lists(st.tuples(st.booleans(), VALUES, VALUES, VALUES, VALUES), min_size=1, max_size=12)


@given(grades=GRADES, cells=CELLS, without=st.sets(st.sampled_from(CODES)))
def test_it_grades_as_the_gate_does(
    grades: tuple[Grade, ...],
    cells: list[tuple[bool, float | None, float | None, float | None, float | None]],
    without: set[str],
) -> None:
    correction = Correction(characteristic=CODES[0], corrected="fair_ah")
    operation = Operation(code="grade", name="", kind=OperationKind.UNIT, grades=grades, corrections=(correction,))
    verdicts, *columns = zip(*cells, strict=True)
    named = dict(zip((*CODES, "fair_ah"), columns, strict=True))
    results = tuple(Result(code, values) for code, values in named.items() if code not in without)
    judged = judge(operation, len(cells), verdicts=verdicts, defects=(), results=results)

    asked = graded_columns(operation, {each.characteristic: each.values for each in results})
    values = {code: np.array(column, dtype=np.float64) for code, column in asked.items()}
    found = grade_columns(grades, GradedColumns(is_good=np.array(verdicts), values=values, errors={}))
    assert tuple("" if place < 0 else grades[place].code for place in found) == judged.grades


def limit(lower: float | None = None, upper: float | None = None, *, required: bool = True) -> Characteristic:
    return Characteristic(code="capacity_ah", unit="Ah", lower=lower, upper=upper, required=required)


IN_FORCE = (Grade(code="A", limits=(limit(6.0),)), Grade(code="B", limits=(limit(5.8),)))
STRICTER = (Grade(code="A", limits=(limit(6.1),)), Grade(code="B", limits=(limit(5.8),)))
COLUMNS = GradedColumns(
    is_good=np.array([True, True, True, True, False, True]),
    values={"capacity_ah": np.array([6.2, 6.05, 5.9, 5.0, 6.2, np.nan])},
    errors={"capacity_ah": np.array([0.01, 0.06, 0.01, np.nan, 0.5, np.nan])},
)


def test_moves_say_who_goes_where_and_who_stays() -> None:
    was, now = grade_columns(IN_FORCE, COLUMNS), grade_columns(STRICTER, COLUMNS)
    assert moves(IN_FORCE, was, now) == (Move("A", "A", 1), Move("A", "B", 1), Move("B", "B", 1), Move("", "", 3))


def test_doubt_counts_those_that_an_error_would_move_and_not_those_that_are_not_good_anyway() -> None:
    assert doubt(IN_FORCE, COLUMNS) == Doubt(1, 4)
    assert doubt(STRICTER, COLUMNS) == Doubt(1, 4)


def test_a_spread_tells_unknown_from_known_and_counts_what_lies_beyond_the_picture() -> None:
    values = np.append(np.random.default_rng(1).normal(6.2, 0.05, 1000), [np.nan, np.inf, 60.0])
    found = spread_of(values)
    assert (found.count, found.unknown_count, found.below_count, found.above_count) == (1001, 2, 0, 1)
    assert sum(each.count for each in found.bins) == 1000
    assert found.robust_sigma == pytest.approx(0.05, rel=0.1)
    assert found.is_normal is False


@pytest.mark.parametrize("values", [[], [6.2], [6.2] * 3, [math.nan]])
def test_few_or_equal_values_have_a_spread_without_a_capability(values: list[float]) -> None:
    found = spread_of(np.array(values, dtype=np.float64))
    assert sum(each.count for each in found.bins) == found.count == len([each for each in values if each == each])  # noqa: PLR0124 - NaN
    assert capability(found, 6.0, None).ppk is None


def test_ppk_is_that_of_the_formula_and_its_bound_covers() -> None:
    random, covered = np.random.default_rng(2), 0
    for _ in range(400):
        able = capability(spread_of(random.normal(0, 1, 100)), -4.0, None)
        covered += able.low is None or able.low <= 4 / 3
    assert 0.92 < covered / 400 <= 0.99
    values = np.random.default_rng(3).normal(10, 2, 500)
    able = capability(spread_of(values), 4.0, 17.0)
    sigma = values.std(ddof=1)
    assert able.ppk == pytest.approx(min((17 - values.mean()) / (3 * sigma), (values.mean() - 4) / (3 * sigma)))
    assert able.low is not None
    assert able.low < able.ppk  # type: ignore[operator]
