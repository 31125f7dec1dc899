import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.analysis.ratios import Z_95, rolled_ratio, wilson_interval

shares = st.integers(1, 10**9).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count)))


@given(shares)
def test_the_interval_holds_the_share_and_lies_between_0_and_1(share: tuple[int, int]) -> None:
    good_count, count = share
    low_ratio, high_ratio = wilson_interval(good_count, count) or (1.0, 0.0)
    assert 0 <= low_ratio <= good_count / count <= high_ratio <= 1
    assert low_ratio < high_ratio


@given(shares)
def test_its_ends_are_the_shares_whose_score_test_just_passes(share: tuple[int, int]) -> None:
    # The definition: |p - p0| = z sqrt(p0 (1 - p0) / n) at both ends that are not 0 or 1.
    good_count, count = share
    for end_ratio in wilson_interval(good_count, count) or ():
        if 0 < end_ratio < 1:
            error = Z_95 * math.sqrt(end_ratio * (1 - end_ratio) / count)
            assert abs(good_count / count - end_ratio) == pytest.approx(error, rel=1e-5, abs=1e-12)


@given(shares)
def test_good_and_bad_mirror_each_other(share: tuple[int, int]) -> None:
    good_count, count = share
    low_ratio, high_ratio = wilson_interval(good_count, count) or (1.0, 0.0)
    other_low_ratio, other_high_ratio = wilson_interval(count - good_count, count) or (1.0, 0.0)
    assert (other_low_ratio, other_high_ratio) == pytest.approx((1 - high_ratio, 1 - low_ratio), abs=1e-12)


@given(shares, st.integers(2, 100))
def test_more_of_the_same_is_known_better(share: tuple[int, int], times: int) -> None:
    good_count, count = share
    low_ratio, high_ratio = wilson_interval(good_count, count) or (1.0, 0.0)
    more_low_ratio, more_high_ratio = wilson_interval(good_count * times, count * times) or (1.0, 0.0)
    assert more_high_ratio - more_low_ratio < high_ratio - low_ratio


# R: binom::binom.confint(x, n, methods = "wilson"); 81 of 263 is Newcombe's example (Stat. Med. 17 (1998) 857-872).
@pytest.mark.parametrize(
    ("good_count", "count", "interval"),
    [(81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0.0, 0.1611)), (1, 29, (0.0061, 0.1718))],
)
def test_published_intervals(good_count: int, count: int, interval: tuple[float, float]) -> None:
    assert wilson_interval(good_count, count) == pytest.approx(interval, abs=5e-5)


def test_no_count_has_no_interval_and_nonsense_is_an_error() -> None:
    assert wilson_interval(0, 0) is None
    with pytest.raises(ValueError, match="3 of 2 is no share"):
        wilson_interval(3, 2)
    with pytest.raises(ValueError, match="no share"):
        wilson_interval(-1, 2)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_a_rolled_yield_is_no_better_than_its_worst_operation(ratios: list[float]) -> None:
    rolled = rolled_ratio(ratios)
    assert rolled is not None
    assert 0 <= rolled <= min(ratios)
    assert rolled_ratio([*ratios, None]) is None


def test_a_rolled_yield_multiplies() -> None:
    assert rolled_ratio([0.9, 0.5]) == pytest.approx(0.45)
    assert rolled_ratio([]) is None
