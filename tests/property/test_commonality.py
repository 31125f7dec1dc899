import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.analysis.commonality import (
    Level,
    can_stand_out,
    group_alike,
    holm_adjusted,
    rank,
    yekutieli_adjusted,
)

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=40).map(np.array)


@given(p_values)
def test_corrected_values_keep_the_order_and_are_no_smaller(values: np.ndarray) -> None:
    for adjusted in (holm_adjusted(values), yekutieli_adjusted(values)):
        assert ((adjusted >= values) & (adjusted <= 1)).all()
        assert (np.diff(adjusted[np.argsort(values, kind="stable")]) >= 0).all()


@given(p_values, st.floats(0.001, 0.5))
def test_corrections_reject_what_their_definitions_reject(values: np.ndarray, alpha: float) -> None:
    ordered, count = np.sort(values), values.size
    # Holm: go down from the smallest as long as p <= alpha / (tests that are left).
    holm = next((each for each in range(count) if ordered[each] > alpha / (count - each)), count)
    margin = np.abs(holm_adjusted(values) - alpha)
    if (margin > 1e-12).all():
        assert np.count_nonzero(holm_adjusted(values) <= alpha) == holm
    # Benjamini and Yekutieli: the largest k with p(k) <= k alpha / (m c(m)).
    harmonic = math.fsum(1 / each for each in range(1, count + 1))
    passed = [each for each in range(1, count + 1) if ordered[each - 1] <= each * alpha / (count * harmonic)]
    margin = np.abs(yekutieli_adjusted(values) - alpha)
    if (margin > 1e-12).all():
        assert np.count_nonzero(yekutieli_adjusted(values) <= alpha) == max(passed, default=0)


# R: p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm") and "BY".
def test_published_corrections() -> None:
    values = np.array([0.03, 0.01, 0.05, 0.02, 0.04])
    assert holm_adjusted(values) == pytest.approx([0.09, 0.05, 0.09, 0.08, 0.09])
    assert yekutieli_adjusted(values) == pytest.approx([0.1141667] * 5, rel=1e-6)


@given(st.lists(st.floats(-40, 0), max_size=30).map(np.array))
def test_the_least_k_is_taken_for_which_at_most_k_can_stand_out(log_smallest: np.ndarray) -> None:
    kept = can_stand_out(log_smallest, 0.05)
    reaching = [np.count_nonzero(log_smallest <= math.log(0.05 / k)) for k in range(1, log_smallest.size + 2)]
    least = next(k for k, count in enumerate(reaching, 1) if count <= k)
    assert (kept == (log_smallest <= math.log(0.05 / least))).all()
    # So the correction for those kept is enough for all.
    assert np.count_nonzero(kept) <= least


def level(factor: str, bad_count: int, count: int, *, of: tuple[int, int] = (40, 4000), units: bytes = b"") -> Level:
    return Level(factor=factor, bad_count=bad_count, count=count, bad_total=of[0], total=of[1], units=units)


def test_the_level_that_holds_the_bad_ones_is_first() -> None:
    levels = [level("lot", 3, 1000), level("lot", 30, 1000), level("lot", 4, 1000), level("lot", 3, 1000)]
    ranking = rank(levels)
    assert [each.levels for each in ranking.findings] == [(1,), (2,), (0,), (3,)]
    first = ranking.findings[0]
    assert first.stands_out
    assert first.p_value < first.holm_p_value <= first.q_value < 1e-9
    assert first.ratio == pytest.approx(30 / 1000 / (10 / 3000))
    assert first.low_ratio < (first.ratio or 0) < (first.high_ratio or 0)
    assert (ranking.found_count, ranking.tests_count) == (1, 4)


def test_levels_of_the_same_units_are_shown_together_and_tested_once() -> None:
    levels = [
        level("can", 20, 500, units=b"a"),
        level("station", 20, 500, of=(50, 5000), units=b"a"),
        level("web", 20, 500, units=b"b"),
        level("tape", 20, 500),
        level("foil", 20, 500),
    ]
    assert group_alike(levels, range(5)) == [(1, 0), (2,), (3,), (4,)]
    ranking = rank(levels)
    assert ranking.tests_count == 4
    assert {each.levels for each in ranking.findings} == {(1, 0), (2,), (3,), (4,)}
    together = next(each for each in ranking.findings if each.levels == (1, 0))
    assert together.table.total == 5000, "the one with the most units to compare with is told"


def test_what_all_units_had_or_too_few_is_not_tested() -> None:
    # A unit of a tray of its own is bad by chance in one of 100: among 41 tests that is nothing.
    trays = [level("tray", int(each < 2), 1) for each in range(40)]
    ranking = rank([level("foil", 40, 4000), level("can", 20, 400), *trays])
    assert (ranking.common_count, ranking.small_count, ranking.tests_count) == (1, 40, 1)
    assert [each.levels for each in ranking.findings] == [(1,)]


def test_what_could_have_been_found_is_told_by_factor() -> None:
    levels = [level("can", 10, 1000) for _ in range(4)] + [level("tray", 1, 100) for _ in range(40)]
    ranking = rank(levels)
    assert ranking.found_count == 0
    assert [each.factor for each in ranking.detectable] == ["can", "tray"]
    assert [each.count for each in ranking.detectable] == [1000, 100]
    can, tray = (each.ratio or math.inf for each in ranking.detectable)
    assert 1 < can < tray < 100


def test_nothing_given_finds_nothing() -> None:
    for levels in ([], [level("can", 0, 10, of=(0, 100))], [level("can", 10, 10, of=(10, 10))]):
        ranking = rank(levels)
        assert (ranking.findings, ranking.tests_count, ranking.detectable) == ((), 0, ())


def test_without_a_cause_something_is_found_in_no_more_than_alpha_of_all_draws() -> None:
    """600 units, 30 of them bad by chance; factors share out the same units in different ways."""
    generator = np.random.default_rng(20)
    units = np.arange(600)
    factors = {"can": units // 100, "roll": units // 200, "reel": units // 50, "slot": units % 8, "lane": units % 2}
    alpha, draws, found = 0.2, 200, 0
    for _ in range(draws):
        bad = np.zeros(600, dtype=bool)
        bad[generator.choice(600, 30, replace=False)] = True
        levels = [
            level(factor, int(bad[of == each].sum()), int((of == each).sum()), of=(30, 600))
            for factor, of in factors.items()
            for each in np.unique(of)
        ]
        found += rank(levels, alpha_ratio=alpha, limit=1).found_count > 0
    assert found <= draws * alpha + 3 * math.sqrt(draws * alpha)


def test_findings_are_limited_but_not_those_that_stand_out() -> None:
    levels = [level("can", 9, 100, of=(40, 4000)) for _ in range(4)] + [level("tray", 1, 110) for _ in range(6)]
    ranking = rank(levels, limit=2)
    assert ranking.found_count == 4
    assert len(ranking.findings) == 4
