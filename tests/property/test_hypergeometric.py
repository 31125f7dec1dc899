import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.analysis.hypergeometric import (
    Fourfold,
    critical_count,
    log_tail,
    p_value_of,
    ratio_at,
    ratio_bounds,
    ratio_of,
)


def log_tails(*tables: Fourfold) -> list[float]:
    columns = [(each.bad_count, each.count, each.bad_total, each.total) for each in tables]
    return [float(each) for each in log_tail(*np.array(columns, dtype=np.int64).reshape(-1, 4).T)]


def weight(table: Fourfold, bad_count: int) -> int:
    good = table.count - bad_count
    return math.comb(table.bad_total, bad_count) * math.comb(table.total - table.bad_total, good)


def exact_p(table: Fourfold) -> Fraction:
    """P(X >= bad_count) by counting every way to choose the part."""
    ways = sum(weight(table, each) for each in range(max(table.bad_count, table.least), table.most + 1))
    return Fraction(ways, math.comb(table.total, table.count))


def chance_at(table: Fourfold, bad_count: int, odds_ratio: float) -> float:
    """P(X >= bad_count) of Fisher's noncentral distribution, over its whole support."""
    range_of = range(table.least, table.most + 1)
    logs = np.array([math.log(weight(table, each)) + each * math.log(odds_ratio) for each in range_of])
    shares = np.exp(logs - logs.max())
    return float(shares[max(0, bad_count - table.least) :].sum() / shares.sum())


def ratio_of_odds(table: Fourfold, odds_ratio: float) -> float:
    """The ratio of the shares of bad units that a part is expected to have."""
    counts = np.arange(table.least, table.most + 1, dtype=np.float64)
    logs = np.array([math.log(weight(table, int(each))) for each in counts]) + counts * math.log(odds_ratio)
    shares = np.exp(logs - logs.max())
    inside = float(shares @ counts / shares.sum())
    return inside / table.count / ((table.bad_total - inside) / (table.total - table.count))


@st.composite
def tables(draw: st.DrawFn, largest: int = 60) -> Fourfold:
    total = draw(st.integers(2, largest))
    count, bad_total = draw(st.integers(1, total - 1)), draw(st.integers(0, total))
    least = max(0, count + bad_total - total)
    return Fourfold(draw(st.integers(least, min(count, bad_total))), count, bad_total, total)


# --- the test ---------------------------------------------------------------------------------------


def test_every_small_table_is_as_counted_one_by_one() -> None:
    all_tables = [
        Fourfold(bad_count, count, bad_total, total)
        for total in range(2, 15)
        for count in range(1, total)
        for bad_total in range(total + 1)
        for bad_count in range(max(0, count + bad_total - total), min(count, bad_total) + 1)
    ]
    assert len(all_tables) == 2821
    for table, found in zip(all_tables, log_tails(*all_tables), strict=True):
        assert math.exp(found) == pytest.approx(float(exact_p(table)), rel=1e-12), table


@given(tables(largest=3000))
def test_larger_tables_are_as_counted(table: Fourfold) -> None:
    exact = exact_p(table)
    expected = math.log(exact.numerator) - math.log(exact.denominator)
    assert log_tails(table) == pytest.approx([expected], rel=1e-12, abs=1e-12)


# The tea-tasting lady (Fisher 1935): 4 of 4 right is 1 in 70, 3 or more are 17 in 70.
@pytest.mark.parametrize(("right", "p_value"), [(4, 1 / 70), (3, 17 / 70), (2, 53 / 70), (0, 1.0)])
def test_the_lady_tasting_tea(right: int, p_value: float) -> None:
    assert p_value_of(Fourfold(right, 4, 4, 8)) == pytest.approx(p_value, rel=1e-14)


@given(tables(largest=500))
def test_more_bad_units_are_less_likely(table: Fourfold) -> None:
    more = [Fourfold(each, table.count, table.bad_total, table.total) for each in range(table.least, table.most + 1)]
    found = log_tails(*more)
    assert found[0] == 0
    assert all(later < earlier for earlier, later in itertools.pairwise(found))


@given(tables(largest=400))
def test_part_and_badness_may_change_places(table: Fourfold) -> None:
    mirrored = Fourfold(table.bad_count, table.bad_total, table.count, table.total)
    assert log_tails(table) == pytest.approx(log_tails(mirrored), rel=1e-11, abs=1e-12)


def test_counts_of_a_hundred_million_keep_their_digits() -> None:
    # The sum of both tails is 1 plus the term that both hold; a part of everything but one unit has an exact answer.
    total = 10**8
    table = Fourfold(25_001_000, 50_000_000, 50_000_000, total)
    below = Fourfold(50_000_000 - 25_001_000 + 1, 50_000_000, 50_000_000, total)
    assert sum(map(math.exp, log_tails(table, below))) == pytest.approx(1, rel=1e-9)
    assert math.exp(log_tails(Fourfold(200, total - 1, 200, total))[0]) == pytest.approx(1 - 200 / total, rel=1e-14)
    lone = Fourfold(1, 1, 200, total)
    assert p_value_of(lone) == pytest.approx(200 / total, rel=1e-13)
    # All 10 bad ones in a part of a millionth: a product of ten ratios.
    exact = math.fsum(math.log((100 - each) / (total - each)) for each in range(10))
    assert log_tails(Fourfold(10, 100, 10, total)) == pytest.approx([exact], rel=1e-13)


def test_what_no_float_can_hold_keeps_its_order() -> None:
    far = [Fourfold(each, 5000, 5000, 10**8) for each in (4000, 4001, 5000)]
    found = log_tails(*far)
    assert all(each < -700 for each in found)
    assert found == sorted(found, reverse=True)


# --- bounds -----------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(tables())
def test_the_bounds_are_where_the_chances_are_half_of_alpha(table: Fourfold) -> None:
    low, high = ratio_bounds(table, 0.05)
    ratio = ratio_of(table)
    assert ratio is None or low <= ratio + 1e-9
    assert high is None or ratio is None or ratio <= high + 1e-9
    if table.least < table.bad_count:
        assert ratio_of_odds(table, odds_where(table, table.bad_count, 0.025)) == pytest.approx(low, rel=1e-6)
    if table.bad_count < table.most:
        expected = ratio_of_odds(table, odds_where(table, table.bad_count + 1, 0.975))
        assert high == pytest.approx(expected, rel=1e-6)


def odds_where(table: Fourfold, bad_count: int, chance: float) -> float:
    """The odds ratio at which so many bad units have a chance, by bisection over the whole support."""
    low, high = -80.0, 80.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if chance_at(table, bad_count, math.exp(middle)) < chance else (low, middle)
    return math.exp(low)


@given(tables())
def test_the_lower_bound_is_above_one_exactly_when_the_test_says_so(table: Fourfold) -> None:
    low, _ = ratio_bounds(table, 0.05)
    p_value = p_value_of(table)
    if table.least < table.bad_count and abs(p_value - 0.025) > 1e-9:
        assert (low > 1) is (p_value < 0.025)


def test_bounds_hold_as_often_as_they_say() -> None:
    """Whatever the truth, at most 2.5 % of what may be drawn has a bound on its wrong side."""
    plain = Fourfold(0, 12, 9, 40)
    for odds_ratio in (0.3, 1.0, 2.0, 7.0, 30.0):
        truth = ratio_of_odds(plain, odds_ratio)
        chances = [chance_at(plain, each, odds_ratio) for each in range(plain.most + 2)]
        too_high = too_low = 0.0
        for each in range(plain.most + 1):
            low, high = ratio_bounds(Fourfold(each, plain.count, plain.bad_total, plain.total), 0.05)
            chance = chances[each] - chances[each + 1]
            too_high += chance if low > truth + 1e-9 else 0.0
            too_low += chance if high is not None and high < truth - 1e-9 else 0.0
        assert too_high <= 0.025
        assert too_low <= 0.025


# R: fisher.test(matrix(c(3, 1, 1, 3), 2), alternative = "greater") at 95 %: the odds ratio is at least 0.3135693.
def test_published_bound_of_an_odds_ratio() -> None:
    table = Fourfold(3, 4, 4, 8)
    low, _ = ratio_bounds(table, 0.1)
    assert low == pytest.approx(ratio_of_odds(table, 0.3135693), rel=2e-5)


def test_ends_that_nothing_limits_are_those_of_the_margins() -> None:
    assert ratio_bounds(Fourfold(0, 10, 5, 100))[0] == 0
    low, high = ratio_bounds(Fourfold(5, 10, 5, 100))
    assert low > 1
    assert high is None
    assert ratio_of(Fourfold(5, 10, 5, 100)) is None
    # Ten of the part's ten are bad, and twenty others: more than that the part cannot hold.
    assert ratio_bounds(Fourfold(10, 10, 30, 100))[1] == pytest.approx(1 / (20 / 90))
    assert ratio_of(Fourfold(3, 100, 3, 100)) is None
    assert p_value_of(Fourfold(3, 100, 3, 100)) == 1


def test_bounds_of_large_counts_are_near_those_of_the_normal_distribution() -> None:
    table = Fourfold(25_001_000, 50_000_000, 50_000_000, 10**8)
    low, high = ratio_bounds(table)
    ratio = ratio_of(table) or 0.0
    # ln of the ratio of two shares has the variance (1 - p1) / x1 + (1 - p2) / x2; finite: half of each is fixed.
    spread = 1.959964 * math.sqrt(2 * 0.5 / 25_000_000)
    assert math.log(ratio / low) == pytest.approx(spread, rel=1e-2)
    assert math.log((high or 0.0) / ratio) == pytest.approx(spread, rel=1e-2)


# --- what can be found ------------------------------------------------------------------------------


@given(tables(largest=300), st.floats(1e-6, 0.2))
def test_the_critical_count_is_the_first_that_is_rare_enough(table: Fourfold, limit: float) -> None:
    needed = critical_count(table, math.log(limit))
    among = range(table.least, table.most + 1)
    rare = [each for each in among if p_value_of(Fourfold(each, *margins(table))) <= limit]
    assert needed == (rare[0] if rare else None)


def margins(table: Fourfold) -> tuple[int, int, int]:
    return table.count, table.bad_total, table.total


def test_a_detectable_ratio_is_reached_as_often_as_it_says() -> None:
    table = Fourfold(8, 50, 20, 400)
    odds_ratio = odds_where(table, 8, 0.8)
    assert ratio_at(table, 0.8) == pytest.approx(ratio_of_odds(table, odds_ratio), rel=1e-6)
