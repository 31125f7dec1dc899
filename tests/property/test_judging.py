"""Judging: a unit is not good if and only if a limit is broken, a needed value is missing, or the machine said so."""

import math

from hypothesis import given
from hypothesis import strategies as st

from cellwright.model.commands import Result
from cellwright.model.quantities import Characteristic
from cellwright.model.routes import Grade, Operation, OperationKind
from cellwright.rules.quality import judge

VALUES = st.one_of(st.none(), st.floats(-10, 10), st.sampled_from([math.nan, math.inf, -math.inf]))
LIMITS = st.one_of(st.none(), st.floats(-10, 10))
CODES = ("a", "b", "c")


@st.composite
def characteristics(draw: st.DrawFn) -> tuple[Characteristic, ...]:
    codes = draw(st.sets(st.sampled_from(CODES)))
    return tuple(
        Characteristic(code=code, unit="1", lower=draw(LIMITS), upper=draw(LIMITS), required=draw(st.booleans()))
        for code in sorted(codes)
    )


@st.composite
def pages(draw: st.DrawFn) -> tuple[Operation, int, tuple[bool, ...], tuple[Result, ...]]:
    count = draw(st.integers(1, 6))
    grades = tuple(Grade(code=f"G{index}", limits=draw(characteristics())) for index in range(draw(st.integers(0, 3))))
    operation = Operation(
        code="o", name="o", kind=OperationKind.UNIT, characteristics=draw(characteristics()), grades=grades
    )
    verdicts = tuple(draw(st.lists(st.booleans(), min_size=count, max_size=count))) if draw(st.booleans()) else ()
    measured = sorted(draw(st.sets(st.sampled_from(CODES))))
    column = st.lists(VALUES, min_size=count, max_size=count)
    return operation, count, verdicts, tuple(Result(code, tuple(draw(column))) for code in measured)


def meets(limit: Characteristic, value: float | None) -> bool:
    """The oracle, written the long way."""
    if value is None or math.isnan(value):
        return not limit.required
    if math.isinf(value):
        return False
    if limit.lower is not None and value < limit.lower:
        return False
    return limit.upper is None or value <= limit.upper


def value_of(results: tuple[Result, ...], code: str, index: int) -> float | None:
    return next((each.values[index] for each in results if each.characteristic == code), None)


@given(pages())
def test_not_good_iff_limit_broken_value_missing_machine_said_so_or_no_grade(
    page: tuple[Operation, int, tuple[bool, ...], tuple[Result, ...]],
) -> None:
    operation, count, verdicts, results = page
    judgement = judge(operation, count, verdicts=verdicts, defects=(), results=results)
    for index in range(count):
        said = verdicts[index] if verdicts else True
        kept = all(meets(each, value_of(results, each.code, index)) for each in operation.characteristics)
        fitting = [
            grade.code
            for grade in operation.grades
            if all(meets(limit, value_of(results, limit.code, index)) for limit in grade.limits)
        ]
        graded = not operation.grades or bool(fitting)
        assert judgement.verdicts[index] is (said and kept and graded)
        if operation.grades:
            assert judgement.grades[index] == (fitting[0] if said and kept and fitting else "")
        if not judgement.verdicts[index] and said:
            assert judgement.defects[index]


@given(pages())
def test_a_page_is_judged_unit_by_unit(page: tuple[Operation, int, tuple[bool, ...], tuple[Result, ...]]) -> None:
    operation, count, verdicts, results = page
    whole = judge(operation, count, verdicts=verdicts, defects=(), results=results)
    for index in range(count):
        own = tuple(Result(each.characteristic, (each.values[index],)) for each in results)
        single = judge(operation, 1, verdicts=verdicts[index : index + 1], defects=(), results=own)
        assert single.verdicts[0] is whole.verdicts[index]
        assert single.defects[0] == whole.defects[index]
        assert single.grades == whole.grades[index : index + 1]
