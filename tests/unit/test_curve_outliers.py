"""Outliers of a family of curves: by a feature, by the whole curve, by a part that no scalar shows."""

import math

import numpy as np
import pytest

from cellwright.analysis.curves.outliers import find_outliers, reason_of
from cellwright.analysis.quantiles import Floats

GRID = np.linspace(0.0, 1.0, 101)


def family(count: int, *, seed: int = 1, level: float = 3.30) -> Floats:
    """Curves that differ by a little level, slope and noise of the voltmeter."""
    random = np.random.default_rng(seed)
    common = level - 0.05 * GRID - 0.5 * np.exp((GRID - 1) / 0.03)
    own = random.normal(scale=0.001, size=(count, 1)) + random.normal(scale=0.001, size=(count, 1)) * GRID
    return np.asarray(common + own + random.normal(scale=0.0002, size=(count, len(GRID))))


def test_each_kind_of_outlier_is_found_and_no_other_cell() -> None:
    curves = family(200)
    curves[7] += 0.02
    curves[11] += 0.012 * np.exp(-(((GRID - 0.5) / 0.02) ** 2))
    capacity = np.random.default_rng(2).normal(6.0, 0.02, size=200)
    capacity[3] = 5.7
    found = find_outliers({"capacity_ah": capacity}, np.zeros(200, dtype=np.int64), curves=curves, grid=GRID)
    assert {(each.cell, each.feature) for each in found.outliers} >= {(3, "capacity_ah"), (7, "curve"), (11, "place")}
    assert {each.cell for each in found.outliers} == {3, 7, 11}
    by = {(each.cell, each.feature): each for each in found.outliers}
    assert by[11, "place"].place == pytest.approx(0.5, abs=0.03)
    assert by[3, "capacity_ah"].off_sigma == pytest.approx(-15, abs=3)
    assert "capacity_ah of 5.7 lies" in reason_of(by[3, "capacity_ah"])
    assert "below its family's median of 5.99" in reason_of(by[3, "capacity_ah"])
    assert "the whole curve lies off" in reason_of(by[7, "curve"])
    assert reason_of(by[11, "place"]).startswith("at 0.")
    assert found.is_known.all()


def test_families_are_judged_by_themselves() -> None:
    curves = np.vstack([family(60), family(60, seed=2, level=3.25), family(5, seed=3, level=3.0)])
    families = np.repeat([0, 1, 2], [60, 60, 5])
    found = find_outliers({}, families, curves=curves, grid=GRID)
    assert found.outliers == ()
    # Five are no family: of them nothing is known.
    assert found.is_known.tolist() == [True] * 120 + [False] * 5


def test_a_few_percent_of_outliers_hide_nothing() -> None:
    curves = family(200)
    curves[:20] += 0.05
    found = find_outliers({}, np.zeros(200, dtype=np.int64), curves=curves, grid=GRID)
    assert {each.cell for each in found.outliers if each.feature == "curve"} == set(range(20))


def test_unknown_values_accuse_nobody() -> None:
    curves = family(50)
    curves[0], curves[1, :50] = math.nan, math.nan
    values = np.random.default_rng(3).normal(size=50)
    values[0] = math.nan
    found = find_outliers({"a": values, "same": np.ones(50)}, np.zeros(50, dtype=np.int64), curves=curves, grid=GRID)
    assert not found.outliers
    assert found.is_known.tolist() == [False] + [True] * 49
    assert np.isnan(found.feature_z["same"]).all()


def test_nonsense_is_an_error() -> None:
    families = np.zeros(3, dtype=np.int64)
    with pytest.raises(ValueError, match="the features a have not 3 values"):
        find_outliers({"a": np.ones(2)}, families)
    with pytest.raises(ValueError, match="give both or neither"):
        find_outliers({}, families, curves=np.ones((3, 2)))
    with pytest.raises(ValueError, match="3 cells by 2 grid points"):
        find_outliers({}, families, curves=np.ones((3, 3)), grid=np.ones(2))
