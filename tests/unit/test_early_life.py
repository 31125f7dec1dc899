"""Early life on the LFP cells of Severson et al. 2019: the published errors, by the public functions."""

import csv
import math
from pathlib import Path

import msgspec
import numpy as np
import pytest

from cellwright.analysis.curves.early_life import (
    EarlyLife,
    Policies,
    Population,
    apply,
    dumped,
    fit_early_life,
    loaded,
    risk,
    statement,
)
from cellwright.analysis.quantiles import Floats

CELLS = Path("shared/data/cells/severson_lfp_cells.csv")
SEVERSON = Population(
    name="A123 APR18650M1A, 1.1 Ah",
    chemistry="LFP/graphite",
    source="Severson et al. 2019, train split",
    end_of_life="80 % of the nominal capacity",
    policies=Policies.DIFFER,
)
CURVE = ("log10_var_dq100_10",)
CAPACITY = ("q2_ah", "q10_ah")


@pytest.fixture(scope="module")
def rows(checkout: Path) -> list[dict[str, str]]:
    path = checkout.parent / CELLS
    if not path.is_file():
        pytest.skip(f"needs {CELLS} beside the checkout")
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def columns(rows: list[dict[str, str]], split: str, names: tuple[str, ...]) -> tuple[dict[str, Floats], Floats]:
    chosen = [row for row in rows if row["split"] == split]
    features = {name: np.array([float(row[name]) for row in chosen]) for name in names}
    return features, np.array([float(row["cycle_life"]) for row in chosen])


def rmse_count(model: EarlyLife, features: dict[str, Floats], life: Floats) -> float:
    return float(np.sqrt(np.mean((apply(model, features).life_count - life) ** 2)))


# Severson 2019, table 1: variance model 138 (primary test) and 196 (secondary test) cycles; capacity alone re-computed.
@pytest.mark.parametrize(("names", "expected"), [(CURVE, (138, 196)), (CAPACITY, (384, 589))])
def test_published_errors_on_both_test_splits(
    rows: list[dict[str, str]], names: tuple[str, ...], expected: tuple[int, int]
) -> None:
    model = fit_early_life(*columns(rows, "train", names), population=SEVERSON)
    errors = [rmse_count(model, *columns(rows, split, names)) for split in ("test1", "test2")]
    assert errors == pytest.approx(expected, abs=0.5)


def test_it_says_what_it_was_fitted_on(rows: list[dict[str, str]]) -> None:
    model = fit_early_life(*columns(rows, "train", CURVE), population=SEVERSON)
    text = " ".join(statement(model))
    for part in (
        "41 cells",
        "LFP/graphite",
        "Severson et al. 2019",
        "mostly those of the policy",
        "log10_var_dq100_10",
    ):
        assert part in text
    assert model.explained_ratio > 0.8
    assert fit_early_life(*columns(rows, "train", CAPACITY), population=SEVERSON).explained_ratio < 0.5


def test_its_intervals_hold_about_as_many_cells_as_they_say(rows: list[dict[str, str]]) -> None:
    model = fit_early_life(*columns(rows, "train", CURVE), population=SEVERSON)
    features, life = columns(rows, "test1", CURVE)
    estimates = apply(model, features)
    held = np.mean((estimates.low_count <= life) & (life <= estimates.high_count))
    assert held >= 0.9
    assert not estimates.is_outside.all()
    # Half of the cells outlive their median; the score ranks as the estimate does.
    assert risk(model, features, wanted_count=1000) == pytest.approx(
        risk(model, {CURVE[0]: features[CURVE[0]].copy()}, wanted_count=1000)
    )
    order = np.argsort(estimates.life_count)
    assert (np.diff(risk(model, features, wanted_count=1000)[order]) <= 1e-3).all()


def test_it_goes_through_a_file(rows: list[dict[str, str]]) -> None:
    model = fit_early_life(*columns(rows, "train", CURVE), population=SEVERSON)
    assert loaded(dumped(model)) == model
    with pytest.raises(msgspec.ValidationError, match=r"\$"):
        loaded(b'{"population": 1}')


# --- without the data -------------------------------------------------------------------

MADE = Population(name="made", chemistry="none", source="a test", end_of_life="the end")


def test_a_known_line_is_found_again_and_unknowns_stay_unknown() -> None:
    random = np.random.default_rng(1)
    first, second = random.normal(size=400), random.normal(size=400)
    life = 10 ** (3.0 - 0.2 * first + 0.1 * second + random.normal(scale=0.05, size=400))
    first[:3] = math.nan
    model = fit_early_life({"a": first, "b": second}, life, population=MADE)
    assert [term.slope for term in model.terms] == pytest.approx([-0.2, 0.1], abs=0.01)
    assert (model.cells_count, model.unknown_count) == (397, 3)
    assert model.sigma == pytest.approx(0.05, rel=0.1)
    estimates = apply(model, {"a": np.array([0.0, math.nan, 9.0]), "b": np.zeros(3)})
    assert estimates.life_count[0] == pytest.approx(1000, rel=0.02)
    assert np.isnan([estimates.life_count[1], estimates.low_count[1], estimates.high_count[1]]).all()
    assert estimates.is_outside.tolist() == [False, False, True]
    assert np.isnan(risk(model, {"a": np.array([math.nan]), "b": np.zeros(1)}, wanted_count=10.0)).all()
    assert "is not known" in statement(model)[-1]


def test_the_interval_of_one_more_cell_holds_its_share() -> None:
    random = np.random.default_rng(2)
    held, chance = [], []
    for _ in range(400):
        feature = random.normal(size=12)
        life = 10 ** (3.0 - 0.2 * feature + random.normal(scale=0.1, size=12))
        model = fit_early_life({"a": feature[:11]}, life[:11], population=MADE)
        one = apply(model, {"a": feature[11:]}, confidence_ratio=0.8)
        held.append(one.low_count[0] <= life[11] <= one.high_count[0])
        chance.append((risk(model, {"a": feature[11:]}, wanted_count=900.0)[0], life[11] < 900))
    assert np.mean(held) == pytest.approx(0.8, abs=0.06)
    told, was = np.array(chance).T
    assert np.mean(told) == pytest.approx(np.mean(was), abs=0.04)


def test_left_out_errors_are_those_of_fits_without_the_cell() -> None:
    random = np.random.default_rng(3)
    feature = random.normal(size=15)
    life = 10 ** (3.0 - 0.2 * feature + random.normal(scale=0.1, size=15))
    model = fit_early_life({"a": feature}, life, population=MADE)
    told = []
    for each in range(15):
        rest = np.arange(15) != each
        without = fit_early_life({"a": feature[rest]}, life[rest], population=MADE)
        told.append(apply(without, {"a": feature[[each]]}).life_count[0])
    assert model.left_out_rmse_count == pytest.approx(np.sqrt(np.mean((np.array(told) - life) ** 2)))


@pytest.mark.parametrize(
    ("features", "life", "complaint"),
    [
        ({"a": np.arange(9.0)}, np.arange(1.0, 10.0), "9 cells have every feature and a life; 1 features need 10"),
        ({"a": np.arange(12.0), "b": np.arange(12.0) * 2}, np.arange(1.0, 13.0), "follows from the others"),
        ({"a": np.ones(12)}, np.arange(1.0, 13.0), "constant"),
        ({"a": np.arange(12.0)}, np.zeros(12), "not positive"),
        ({"a": np.arange(12.0), "b": np.arange(11.0)}, np.ones(12), "different lengths"),
        ({}, np.ones(12), "at least one"),
    ],
)
def test_what_cannot_be_fitted_is_said(features: dict[str, Floats], life: Floats, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        fit_early_life(features, life, population=MADE)
