"""Profiles: each value where its piece puts it, and bins that lose neither an extreme nor a value."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.analysis.profiles import Placed, binned, placed

NAN = math.nan


def of(*values: float) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.array(values, dtype=np.float64)


def test_values_lie_on_their_grid_and_are_cut_at_the_piece() -> None:
    found = placed(of(1.0, 2.0, 3.0, 4.0), (500, 1000), (1000, 3600), (1000, 3600), is_reversed=False)
    assert list(zip(found.starts, found.ends, found.values, strict=True)) == [
        (1000, 1500, 1.0),
        (1500, 2500, 2.0),
        (2500, 3500, 3.0),
        (3500, 3600, 4.0),
    ]


def test_a_reversed_and_stretched_piece_mirrors_them() -> None:
    found = placed(of(1.0, 2.0), (0, 1000), (0, 2000), (100, 2120), is_reversed=True)
    assert list(zip(found.starts, found.ends, found.values, strict=True)) == [(1110, 2120, 1.0), (100, 1110, 2.0)]


def test_few_values_are_bins_of_their_own() -> None:
    bins = binned(Placed(np.array([0, 10]), np.array([10, 20]), of(1.5, NAN)), 2)
    assert (bins.starts, bins.ends, bins.values, bins.counts) == ((0, 10), (10, 20), (1.5, None), (1, 0))
    assert bins.lower == bins.upper == ()


def test_joined_bins_keep_mean_extremes_and_counts() -> None:
    edges = np.arange(0, 60, 10)
    bins = binned(Placed(edges[:-1], edges[1:], of(1.0, 5.0, NAN, NAN, 7.0)), 3)
    assert (bins.starts, bins.ends) == ((0, 20, 40), (20, 40, 50))
    assert (bins.values, bins.lower, bins.upper) == ((3.0, None, 7.0), (1.0, None, 7.0), (5.0, None, 7.0))
    assert bins.counts == (2, 0, 1)


def test_no_values_make_no_bins() -> None:
    assert binned(Placed(np.array([], dtype=np.int64), np.array([], dtype=np.int64), of()), 5).starts == ()


@given(st.lists(st.floats(0.0, 1e6) | st.just(NAN), min_size=1, max_size=300), st.integers(1, 50))
def test_bins_lose_nothing(values: list[float], most: int) -> None:
    edges = np.arange(len(values) + 1)
    bins = binned(Placed(edges[:-1], edges[1:], np.array(values)), most)
    known = [value for value in values if not math.isnan(value)]
    assert len(bins.starts) <= most
    assert (bins.starts[0], bins.ends[-1]) == (0, len(values))
    assert bins.starts[1:] == bins.ends[:-1]
    assert sum(bins.counts) == len(known)
    greatest = [each for each in bins.upper or bins.values if each is not None]
    least = [each for each in bins.lower or bins.values if each is not None]
    assert (max(greatest, default=0.0), min(least, default=0.0)) == (max(known, default=0.0), min(known, default=0.0))
    total = sum(mean * count for mean, count in zip(bins.values, bins.counts, strict=True) if mean is not None)
    assert total == pytest.approx(sum(known))
