"""Grades of a page are those of each unit asked alone, one by one, in logic of three values."""

import math
import tomllib
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.model.quantities import Characteristic
from cellwright.model.routes import Grade
from cellwright.rules.grading import Failure, Graded, GradeRules, Outcome, Reject, grade, problems, why

RULES = b"""
name = "lfp32700"
version = 3
rejects = [{ code = "leaks", limits = [{ code = "k_mv_per_h", unit = "mV/h", upper = 0.05 }] }]

[[grades]]
code = "A"
limits = [
    { code = "capacity_ah", unit = "Ah", lower = 6.0, upper = 6.4 },
    { code = "dcir_ohm", unit = "ohm", upper = 0.013 },
]

[[grades]]
code = "B"
limits = [{ code = "capacity_ah", unit = "Ah", lower = 5.8 }]
"""


def rules() -> GradeRules:
    return msgspec.convert(tomllib.loads(RULES.decode()), GradeRules)


def graded(**columns: list[float | None]) -> Graded:
    return grade(rules(), len(columns["capacity_ah"]), columns=columns)


def test_each_unit_gets_the_first_grade_it_meets_and_hears_why() -> None:
    found = graded(
        capacity_ah=[6.1, 5.9, 5.5, 6.1, 6.1],
        dcir_ohm=[0.012, 0.012, 0.02, 0.02, 0.012],
        k_mv_per_h=[0.01, 0.01, 0.01, 0.01, 0.06],
    )
    assert found.grades == ("A", "B", "", "B", "")
    assert found.rejects == ("", "", "", "", "leaks")
    assert found.outcomes == (
        Outcome.GRADED,
        Outcome.GRADED,
        Outcome.NO_GRADE,
        Outcome.GRADED,
        Outcome.REJECTED,
    )
    assert [why(found, index) for index in range(5)] == [
        "grade A by lfp32700 version 3: every limit is met",
        "grade B by lfp32700 version 3; not A: capacity_ah of 5.9 Ah is under the limit of 6",
        "no grade by lfp32700 version 3 is met; first failed was A: capacity_ah of 5.5 Ah is under the limit of 6",
        "grade B by lfp32700 version 3; not A: dcir_ohm of 0.02 ohm is over the limit of 0.013",
        "rejected by lfp32700 version 3 as leaks: k_mv_per_h of 0.06 mV/h is over the limit of 0.05",
    ]


def test_unknown_is_neither_zero_nor_the_next_grade() -> None:
    found = graded(capacity_ah=[6.1, 5.9, None, math.inf], dcir_ohm=[None, math.nan, 0.012, 0.012])
    # The second fails A by what is known, so that its resistance is unknown does not matter.
    assert found.outcomes == (Outcome.UNKNOWN, Outcome.GRADED, Outcome.UNKNOWN, Outcome.NO_GRADE)
    assert found.grades == ("", "B", "", "")
    assert found.failures[0] == Failure("A", "dcir_ohm", "ohm", None, "", None)
    assert why(found, 0) == "no grade by lfp32700 version 3: dcir_ohm was not measured, and A asks for it; measure it"
    assert "no finite measurement" in why(found, 3)


def test_a_column_left_out_is_unknown_for_every_unit() -> None:
    assert graded(capacity_ah=[6.1, 6.2]).outcomes == (Outcome.UNKNOWN,) * 2


def test_what_is_not_required_may_be_missing() -> None:
    limits = (Characteristic(code="k", unit="", upper=1.0, required=False),)
    loose = GradeRules(name="loose", version=1, grades=(Grade(code="A", limits=limits),))
    assert grade(loose, 3, columns={"k": [None, 0.5, 2.0]}).grades == ("A", "A", "")


NAMES = ("a", "b", "c")
VALUES = st.none() | st.sampled_from([-math.inf, -2.0, -1.0, 0.0, 0.5, 1.0, 3.0, math.inf, math.nan])
LIMITS = st.builds(
    lambda code, edges, is_required: Characteristic(
        code=code, unit="", lower=min(edges), upper=max(edges), required=is_required
    ),
    st.sampled_from(NAMES),
    st.tuples(st.sampled_from([-1.0, 0.0, 1.0]), st.sampled_from([-1.0, 0.0, 1.0])),
    st.booleans(),
)
SETS = st.lists(LIMITS, min_size=1, max_size=3).map(tuple)


@st.composite
def pages(draw: st.DrawFn) -> tuple[GradeRules, int, dict[str, list[float | None]]]:
    grades = tuple(
        Grade(code=f"G{i}", limits=each) for i, each in enumerate(draw(st.lists(SETS, min_size=1, max_size=3)))
    )
    rejects = tuple(Reject(code=f"R{i}", limits=each) for i, each in enumerate(draw(st.lists(SETS, max_size=2))))
    count = draw(st.integers(0, 6))
    columns = {name: draw(st.lists(VALUES, min_size=count, max_size=count)) for name in NAMES}
    return GradeRules(name="x", version=1, grades=grades, rejects=rejects), count, columns


def is_missing(value: float | None) -> bool:
    return value is None or math.isnan(value)


def alone(rules: GradeRules, values: dict[str, float | None]) -> tuple[str, str]:
    """The oracle: one unit, by the words of the documentation."""
    for reject in rules.rejects:
        if any(not is_missing(values[each.code]) and not each.is_good(values[each.code]) for each in reject.limits):
            return "rejected", reject.code
    for each in rules.grades:
        known = [limit for limit in each.limits if not is_missing(values[limit.code])]
        if not all(limit.is_good(values[limit.code]) for limit in known):
            continue
        if any(is_missing(values[limit.code]) and limit.required for limit in each.limits):
            return "unknown", ""
        return "graded", each.code
    return "no_grade", ""


@given(pages())
def test_a_page_is_its_units(page: tuple[GradeRules, int, dict[str, list[float | None]]]) -> None:
    rules, count, columns = page
    found = grade(rules, count, columns=columns)
    for index in range(count):
        outcome, code = alone(rules, {name: column[index] for name, column in columns.items()})
        assert found.outcomes[index] == outcome
        assert found.grades[index] == (code if outcome == "graded" else "")
        assert found.rejects[index] == (code if outcome == "rejected" else "")
        failure = found.failures[index]
        is_best = outcome == "graded" and code == "G0"
        assert (failure is None) is is_best
        assert why(found, index)
        if failure is not None and failure.value is not None and failure.limit is not None:
            value = columns[failure.characteristic][index]
            assert value == failure.value
            assert (value < failure.limit) if failure.bound == "lower" else (value > failure.limit)


@given(pages(), st.randoms())
def test_the_order_of_units_does_not_matter(
    page: tuple[GradeRules, int, dict[str, list[float | None]]], random: Random
) -> None:
    rules, count, columns = page
    order = list(range(count))
    random.shuffle(order)
    found = grade(rules, count, columns=columns)
    moved = grade(rules, count, columns={name: [column[each] for each in order] for name, column in columns.items()})
    assert moved.grades == tuple(found.grades[each] for each in order)
    assert moved.outcomes == tuple(found.outcomes[each] for each in order)


def test_what_is_wrong_in_rules_is_all_said() -> None:
    limit = Characteristic(code="a", unit="", lower=2.0, upper=1.0)
    wrong = GradeRules(
        name="",
        version=0,
        grades=(Grade(code="A"), Grade(code="A", limits=(limit,))),
        rejects=(Reject(code="", limits=()),),
    )
    found = " | ".join(problems(wrong))
    for part in (
        "version from 1",
        "A is given 2 times",
        "(no code)",
        "put it last",
        "has no limits",
        "from 2.0 to 1.0",
    ):
        assert part in found
    with pytest.raises(ValueError, match="put it last"):
        grade(wrong, 0, columns={})
    assert "at least one" in problems(GradeRules(name="x", version=1, grades=()))[0]
    assert problems(rules()) == ()


def test_a_column_of_another_length_is_an_error() -> None:
    with pytest.raises(ValueError, match="2 values for 3 units"):
        grade(rules(), 3, columns={"capacity_ah": [6.0, 6.1]})
