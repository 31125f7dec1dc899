"""Judging, grading and fates by example; the general truth is in tests/property."""

import math

import pytest
from msgspec import structs

from cellwright.model.commands import Result
from cellwright.model.quantities import Characteristic
from cellwright.model.routes import NotGood, NotGoodAction, Operation, OperationKind, Route
from cellwright.rules.quality import Fate, Judgement, fate, judge
from cellwright.testing.plants import small_plant

LEAK = Characteristic(code="leak", unit="Pa/min", lower=0.0, upper=5.0)
MASS = Characteristic(code="mass", unit="g", upper=100.0, required=False)
SEAL = Operation(code="seal", name="Seal", kind=OperationKind.UNIT, characteristics=(LEAK, MASS))
GRADE = next(each for each in small_plant().routes["cell"].operations if each.code == "grade")


def judged(
    *results: Result, count: int = 1, verdicts: tuple[bool, ...] = (), defects: tuple[str, ...] = ()
) -> Judgement:
    return judge(SEAL, count, verdicts=verdicts, defects=defects, results=results)


def test_a_page_is_judged_value_by_value() -> None:
    page = judged(
        Result("leak", (1.0, 6.0, None, -1.0, math.nan)), Result("mass", (None, 1.0, 1.0, 101.0, 1.0)), count=5
    )
    assert page.verdicts == (True, False, False, False, False)
    assert page.defects == ("", "leak:high", "leak:not_measured", "leak:low", "leak:not_measured")
    assert page.grades == ()


def test_a_column_without_values_is_not_measured() -> None:
    assert judged(Result("leak", ()), count=2).defects == ("leak:not_measured",) * 2


def test_the_machines_word_counts_and_its_defect_stays() -> None:
    page = judged(Result("leak", (1.0, 9.0)), count=2, verdicts=(False, False), defects=("scratch", ""))
    assert page == Judgement((False, False), ("scratch", "leak:high"), ())


def test_a_defect_found_on_a_good_unit_is_kept_as_a_note() -> None:
    page = judged(Result("leak", (1.0,)), defects=("scratch",))
    assert page == Judgement((True,), ("scratch",), ())


def test_unknown_characteristics_are_recorded_and_not_judged() -> None:
    assert judged(Result("leak", (1.0,)), Result("colour", (math.inf,))).verdicts == (True,)


def test_the_first_grade_that_fits_is_given_and_none_is_not_good() -> None:
    capacity = Result("capacity_ah", (6.5, 5.9, 5.6, 6.5))
    page = judge(GRADE, 4, verdicts=(True, True, True, False), defects=("", "", "note", ""), results=(capacity,))
    assert page.grades == ("A", "B", "", "")
    assert page.verdicts == (True, True, False, False)
    assert page.defects == ("", "", "note", "")


def test_grades_without_measurement_are_none() -> None:
    easy = structs.replace(GRADE, characteristics=())
    page = judge(easy, 1, verdicts=(), defects=(), results=())
    assert page == Judgement((False,), ("grade:none",), ("",))


def route(rule: NotGood) -> Route:
    born = Operation(code="wind", name="Wind", kind=OperationKind.COMMISSION)
    later = structs.replace(SEAL, code="later")
    return Route(
        id=1, code="r", revision=1, product="p", operations=(born, structs.replace(SEAL, not_good=rule), later)
    )


REWORK = NotGood(action=NotGoodAction.REWORK, operation="seal", limit=2)


@pytest.mark.parametrize(
    ("rule", "attempts", "expected"),
    [
        (NotGood(), 1, Fate("scrap", 1)),
        (NotGood(action=NotGoodAction.HOLD), 9, Fate("hold", 1)),
        (REWORK, 1, Fate("rework", 1)),
        (REWORK, 2, Fate("rework", 1)),
        (REWORK, 3, Fate("scrap", 1)),
        (structs.replace(REWORK, holds_at_limit=True), 2, Fate("rework", 1)),
        (structs.replace(REWORK, holds_at_limit=True), 3, Fate("hold", 1)),
        (NotGood(holds_at_limit=True), 1, Fate("scrap", 1)),
        (structs.replace(REWORK, operation="nowhere"), 1, Fate("scrap", 1)),
        (structs.replace(REWORK, operation="later"), 1, Fate("scrap", 1)),
        (structs.replace(REWORK, operation="wind"), 1, Fate("scrap", 1)),
    ],
)
def test_what_is_not_good_goes_back_waits_or_is_scrapped(rule: NotGood, attempts: int, expected: Fate) -> None:
    assert fate(route(rule), 1, good=False, attempts=attempts) == expected


def test_what_is_good_goes_on() -> None:
    assert fate(route(REWORK), 1, good=True, attempts=9) == Fate("", 2)
