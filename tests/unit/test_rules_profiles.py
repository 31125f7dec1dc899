"""Profiles and marks of lots: kept as reported, or refused with every reason; nothing is judged or routed by them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from cellwright.model.answers import Receipt, Refusal
from cellwright.model.commands import CheckOut, Marks, Profile
from cellwright.model.facts import LotTransformed
from cellwright.model.webs import LotMark, LotProfile
from cellwright.rules.profiles import MARKS_MAX, VALUES_MAX, mark_reasons, profile_reasons
from cellwright.testing.flow import Driver, replay, results, rows_of

WEIGHT = "areal_weight_gsm"


@pytest.fixture
def driver() -> Driver:
    driver = Driver()
    driver.supply()
    return driver


def weights(*values: float | None, **fields: Any) -> Profile:
    return Profile(**{"characteristic": WEIGHT, "step": 1000, "values": values, **fields})


def one_mark(start: int, end: int, *, output: int = 0, lane: int = 0, defect: str = "streak") -> Marks:
    return Marks(defects=(defect,), outputs=(output,), starts=(start,), ends=(end,), lanes=(lane,))


def report(*profiles: Profile, marks: Marks | None = None, quantity: int = 3000) -> CheckOut:
    return CheckOut(station="COAT-01", lots=("L-1",), quantities=(quantity,), profiles=profiles, marks=marks or Marks())


def test_what_was_reported_is_in_the_fact_by_lot(driver: Driver) -> None:
    profiles = (weights(200.0, None, 201.5, output=1, lane=2), weights(199.0, start=500, step=2500))
    lots = driver.coat(3000, count=2, profiles=profiles, marks=one_mark(100, 250, output=1, lane=1))
    (fact,) = driver.last_facts
    assert isinstance(fact, LotTransformed)
    assert fact.profiles == (
        LotProfile(lot=fact.lots[1], characteristic=WEIGHT, lane=2, step=1000, values=(200.0, None, 201.5)),
        LotProfile(lot=fact.lots[0], characteristic=WEIGHT, start=500, step=2500, values=(199.0,)),
    )
    assert fact.marks == (LotMark(lot=fact.lots[1], defect="streak", start=100, end=250, lane=1),)
    assert len(lots) == 2


def test_the_whole_width_is_meant_when_no_lanes_are_given(driver: Driver) -> None:
    driver.coat(3000, marks=structs.replace(one_mark(0, 3000), lanes=()))
    (fact,) = driver.last_facts
    assert isinstance(fact, LotTransformed)
    assert [mark.lane for mark in fact.marks] == [0]


def test_a_profile_out_of_limits_and_a_mark_change_neither_verdict_nor_any_row() -> None:
    plain, seen = Driver(), Driver()
    for driver, fields in ((plain, {}), (seen, {"profiles": (weights(1.0, 999.0),), "marks": one_mark(0, 10)})):
        driver.supply()
        driver.coat(3000, results=results(areal_weight_gsm=[200.0]), **fields)  # type: ignore[arg-type]
    assert rows_of(plain.state) == rows_of(seen.state)
    assert rows_of(replay(seen.plant, seen.envelopes)) == rows_of(seen.state)


WRONG_PROFILES = [
    (weights(1.0, output=1), "interval_invalid", "output 1, but the page has 1 lots"),
    (weights(1.0, output=-1), "interval_invalid", "output -1"),
    (weights(1.0, lane=1001), "interval_invalid", "lane 1001; lanes are 1 to 1000"),
    (weights(1.0, lane=-1), "interval_invalid", "lane -1"),
    (weights(1.0, start=-1), "interval_invalid", "from -1 by 1000"),
    (weights(1.0, start=3000), "interval_invalid", "does not lie on output 0 of 3000"),
    (weights(1.0, 1.0, 1.0, 1.0), "interval_invalid", "with 4 values"),
    (weights(1.0, step=0), "interval_invalid", "a step is 1 or more"),
    (weights(1.0, 1.0, step=-1, start=100), "interval_invalid", "by -1"),
    (weights(), "page_mismatch", "has no values"),
    (weights(1.0, characteristic=""), "page_mismatch", "has no characteristic"),
    (weights(1.0, float("nan")), "page_mismatch", "not finite"),
    (weights(float("inf")), "page_mismatch", "not finite"),
]


@pytest.mark.parametrize(("profile", "code", "words"), WRONG_PROFILES)
def test_a_profile_that_lies_nowhere_is_refused(profile: Profile, code: str, words: str) -> None:
    (found,) = profile_reasons(report(profile))
    assert (found.code, words in found.text) == (code, True), found.text


WRONG_MARKS = [
    (one_mark(10, 10), "interval_invalid", "[10, 10) is no stretch"),
    (one_mark(20, 10), "interval_invalid", "[20, 10)"),
    (one_mark(-5, 10), "interval_invalid", "[-5, 10)"),
    (one_mark(2990, 3001), "interval_invalid", "of output 0 of 3000"),
    (one_mark(0, 10, output=2), "interval_invalid", "output 2, but the page has 1 lots"),
    (one_mark(0, 10, lane=-3), "interval_invalid", "lane -3"),
    (one_mark(0, 10, defect=""), "page_mismatch", "has no defect"),
    (structs.replace(one_mark(0, 10), ends=()), "page_mismatch", "marks.ends has 0 values for 1 marks"),
    (structs.replace(one_mark(0, 10), lanes=(1, 2)), "page_mismatch", "marks.defects has 1 values for 2 marks"),
]


@pytest.mark.parametrize(("marks", "code", "words"), WRONG_MARKS)
def test_a_mark_that_lies_nowhere_is_refused(marks: Marks, code: str, words: str) -> None:
    found = mark_reasons(report(marks=marks))
    assert found
    assert (found[0].code, words in found[0].text) == (code, True), found[0].text


def test_every_reason_is_given_at_once(driver: Driver) -> None:
    lots = driver.check_in("COAT-01", count=1).lots
    wrong = report(weights(1.0, lane=-1), weights(1.0, start=5000), marks=one_mark(9, 1, lane=2000))
    answer = driver.submit(structs.replace(wrong, lots=lots))
    assert isinstance(answer, Refusal)
    words = [each.text for each in answer.reasons]
    for expected in ("profile 0", "profile 1", "mark 0 (streak) is in lane 2000", "mark 0 (streak): [9, 1)"):
        assert any(expected in text for text in words), (expected, words)


def test_the_same_profile_twice_is_refused() -> None:
    (found,) = profile_reasons(report(weights(1.0, lane=1), weights(2.0, lane=1), weights(2.0, lane=2)))
    assert "lane 1 of output 0 is given 2 times" in found.text


def test_too_many_values_and_marks_are_refused_with_one_reason_each() -> None:
    most = weights(*(1.0,) * VALUES_MAX, step=1)
    assert profile_reasons(report(most, quantity=VALUES_MAX)) == []
    (found,) = profile_reasons(report(most, weights(1.0, lane=-1), quantity=VALUES_MAX))
    assert (found.code, f"at most {VALUES_MAX}" in found.text) == ("count_invalid", True)
    full = [(-1,) * count for count in (MARKS_MAX, MARKS_MAX + 1)]
    marks = [Marks(defects=("d",) * len(each), outputs=(0,) * len(each), starts=each, ends=each) for each in full]
    assert len(mark_reasons(report(marks=marks[0]))) == MARKS_MAX
    (found,) = mark_reasons(report(marks=marks[1]))
    assert found.code == "count_invalid"


@pytest.mark.parametrize("fields", [{"profiles": (weights(1.0),)}, {"marks": one_mark(0, 1)}])
def test_units_have_no_profiles(driver: Driver, fields: dict[str, Any]) -> None:
    units = driver.check_in("WIND-01", count=1).units
    done = CheckOut(station="WIND-01", units=units, consumed=driver.takes("WIND-01", 1))
    answer = driver.submit(structs.replace(done, **fields))
    assert isinstance(answer, Refusal)
    assert answer.codes == {"page_mismatch"}
    assert "operation wind makes no lots" in answer.reasons[0].text
    assert isinstance(driver.submit(done), Receipt)


whole = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(whole, max_size=3), st.lists(whole, max_size=3), st.lists(whole, max_size=3), whole, whole)
def test_whatever_is_accepted_lies_on_its_lot(
    outputs: list[int], starts: list[int], ends: list[int], step: int, at: int
) -> None:
    marks = Marks(defects=("d",) * len(outputs), outputs=tuple(outputs), starts=tuple(starts), ends=tuple(ends))
    profile = weights(1.0, 2.0, start=at, step=step)
    for command in (report(marks=marks), report(profile)):
        if not mark_reasons(command) and not profile_reasons(command):
            assert all(
                0 <= start < end <= 3000 for start, end in zip(command.marks.starts, command.marks.ends, strict=True)
            )
            assert all(0 <= each.start <= each.start + each.step < 3000 for each in command.profiles)
