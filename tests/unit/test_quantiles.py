"""Quantiles against printed tables, and against each other."""

import math

import numpy as np
import pytest

from cellwright.analysis.quantiles import chi_square_quantile, fisher_quantile, student_below, student_quantile


# NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.6.7.2: upper critical values of Student's t.
@pytest.mark.parametrize(
    ("share", "freedom", "expected"),
    [(0.975, 1, 12.706), (0.95, 5, 2.015), (0.975, 10, 2.228), (0.99, 30, 2.457), (0.999, 100, 3.174)],
)
def test_student(share: float, freedom: int, expected: float) -> None:
    assert student_quantile(share, freedom) == pytest.approx(expected, abs=5e-4)
    assert student_quantile(1 - share, freedom) == pytest.approx(-student_quantile(share, freedom))
    assert student_below(np.array([student_quantile(share, freedom)]), freedom)[0] == pytest.approx(share, abs=1e-12)


# The same, section 1.3.6.7.3: upper critical values of F at 5 % and 1 %.
@pytest.mark.parametrize(
    ("share", "over", "under", "expected"),
    [(0.95, 1, 1, 161.448), (0.95, 2, 18, 3.555), (0.95, 9, 60, 2.040), (0.99, 5, 10, 5.636), (0.99, 20, 20, 2.938)],
)
def test_fisher(share: float, over: int, under: int, expected: float) -> None:
    assert fisher_quantile(share, over, under) == pytest.approx(expected, abs=6e-4)
    # F(p; a, b) = 1 / F(1 - p; b, a).
    assert fisher_quantile(1 - share, under, over) == pytest.approx(1 / fisher_quantile(share, over, under))


# The same, section 1.3.6.7.4: upper and lower critical values of chi square.
@pytest.mark.parametrize(
    ("share", "freedom", "expected"),
    [(0.95, 1, 3.841), (0.975, 9, 19.023), (0.025, 9, 2.700), (0.99, 30, 50.892), (0.05, 60, 43.188)],
)
def test_chi_square(share: float, freedom: int, expected: float) -> None:
    assert chi_square_quantile(share, freedom) == pytest.approx(expected, abs=6e-4)


def test_exact_forms() -> None:
    # t with one degree is Cauchy's, chi square with two is exponential, F with (2, 2) is x / (1 + x).
    values = np.array([-30.0, -1.0, 0.0, 0.5, 8.0])
    assert student_below(values, 1) == pytest.approx(0.5 + np.arctan(values) / math.pi, rel=1e-12)
    assert chi_square_quantile(0.9, 2) == pytest.approx(-2 * math.log(0.1), rel=1e-12)
    assert fisher_quantile(0.8, 2, 2) == pytest.approx(4.0, rel=1e-12)
    assert student_quantile(0.5, 7) == 0.0
    assert math.isnan(student_below(np.array([math.nan]), 3)[0])


def test_many_degrees_come_near_the_normal_distribution() -> None:
    assert student_quantile(0.975, 1_000_000) == pytest.approx(1.9599639845, abs=1e-5)
    assert chi_square_quantile(0.5, 1_000_000) == pytest.approx(1_000_000 - 2 / 3, abs=1e-3)


def test_nonsense_is_an_error() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        fisher_quantile(1.5, 2, 3)
