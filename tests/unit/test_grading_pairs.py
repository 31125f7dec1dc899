import numpy as np
import pytest

from cellwright.analysis.grading.pairs import find_pairs


def test_a_mass_beyond_the_tolerance_on_either_side_is_impossible_and_at_it_is_not() -> None:
    weighed = np.array([143.0, 146.0, 139.9, 140.0, 146.1])
    found = find_pairs(weighed, np.full((1, 5), 36.0), rest_g=107.0, tolerance_g=3.0)
    assert found.expected_g.tolist() == [143.0] * 5
    assert found.is_impossible.tolist() == [False, False, True, False, True]
    assert found.excess_g == pytest.approx([0.0, 3.0, -3.1, -3.0, 3.1])


def test_all_recorded_parts_are_added() -> None:
    found = find_pairs(np.array([12.0]), np.array([[2.0], [5.0]]), rest_g=4.0, tolerance_g=0.5)
    assert found.excess_g.tolist() == [1.0]
    assert found.is_impossible.tolist() == [True]


def test_an_unknown_mass_is_no_proof() -> None:
    found = find_pairs(np.array([np.nan, 500.0]), np.array([[36.0, np.nan]]), rest_g=107.0, tolerance_g=3.0)
    assert np.isnan(found.excess_g).all()
    assert not found.is_impossible.any()


@pytest.mark.parametrize("tolerance_g", [0.0, -1.0, float("nan")])
def test_a_tolerance_that_allows_nothing_is_refused(tolerance_g: float) -> None:
    with pytest.raises(ValueError, match="allows nothing"):
        find_pairs(np.array([1.0]), np.array([[1.0]]), rest_g=0.0, tolerance_g=tolerance_g)


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="1 recorded masses for 2 units"):
        find_pairs(np.array([1.0, 2.0]), np.array([[1.0]]), rest_g=0.0, tolerance_g=1.0)
