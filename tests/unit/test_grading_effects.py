"""Variance components against published data, against the equations they must solve, and against a known truth."""

import math

import numpy as np
import pytest

from cellwright.analysis.grading.effects import Factor, corrected, fit_effects, statement
from cellwright.analysis.quantiles import Floats

# Davies and Goldsmith, Statistical Methods in Research and Production (1972): yield of dyestuff by batch; the example
# of many texts. By the analysis of variance: between 1764.05, within 2451.25.
DYESTUFF = (
    (1545, 1440, 1440, 1520, 1580),
    (1540, 1555, 1490, 1560, 1495),
    (1595, 1550, 1605, 1510, 1560),
    (1445, 1440, 1595, 1465, 1545),
    (1595, 1630, 1515, 1635, 1625),
    (1520, 1455, 1450, 1480, 1445),
)


def test_published_components_of_one_factor() -> None:
    codes = np.repeat(np.arange(6), 5)
    found = fit_effects(
        np.array(DYESTUFF, dtype=float).ravel(), [Factor(name="batch", codes=codes)], clip_sigma=math.inf
    )
    assert found.mean == pytest.approx(1527.5)
    assert found.components[0].variance == pytest.approx(1764.05, rel=1e-4)
    assert found.rest_variance == pytest.approx(2451.25, rel=1e-4)
    # Shrunk by n s_b^2 / (n s_b^2 + s_e^2) = 1 - MSE / MSB = 1 - 2451.25 / 11271.5.
    deviations = np.array(DYESTUFF).mean(axis=1) - 1527.5
    assert found.components[0].effects == pytest.approx(deviations * (1 - 2451.25 / 11271.5), rel=1e-4)


def dense(factors: list[Factor], variances: list[float], rest: float) -> Floats:
    count = len(factors[0].codes)
    whole = rest * np.eye(count)
    for factor, variance in zip(factors, variances, strict=True):
        whole += variance * (factor.codes[:, None] == factor.codes[None, :])
    return whole


def test_unbalanced_crossed_components_solve_the_restricted_likelihood() -> None:
    random = np.random.default_rng(5)
    count = 240
    factors = [
        Factor(name="lot", codes=random.integers(0, 6, count), is_bias=False),
        Factor(name="channel", codes=np.minimum(random.geometric(0.08, count), 30) - 1),
        Factor(name="chamber", codes=random.integers(0, 4, count)),
    ]
    heat = random.normal(size=count)
    y = 10.0 + 0.7 * heat + random.normal(scale=1.0, size=count)
    for factor, scale in zip(factors, (1.0, 0.8, 1.5), strict=True):
        y = y + random.normal(scale=scale, size=40)[factor.codes]
    found = fit_effects(y, factors, covariates={"heat": heat}, clip_sigma=math.inf)
    assert found.is_converged
    # Score equations of REML (Harville, JASA 72 (1977) 320-338): y' P V_i P y = tr(P V_i) for every component.
    inverse = np.linalg.inv(dense(factors, [each.variance for each in found.components], found.rest_variance))
    fixed = np.column_stack([np.ones(count), heat])
    weights = np.linalg.inv(fixed.T @ inverse @ fixed)
    projected = inverse - inverse @ fixed @ weights @ fixed.T @ inverse
    for each in (*factors, Factor(name="rest", codes=np.arange(count))):
        same = (each.codes[:, None] == each.codes[None, :]).astype(float)
        assert y @ projected @ same @ projected @ y == pytest.approx(np.trace(projected @ same), rel=1e-4)
    # Generalised least squares and its error; predictions s^2 Z' P y and their error.
    fixed_effects = weights @ fixed.T @ inverse @ y
    assert (found.mean, found.slopes[0].value) == pytest.approx(tuple(fixed_effects), rel=1e-6)
    assert found.slopes[0].error == pytest.approx(math.sqrt(weights[1, 1]), rel=1e-6)
    for each, component in zip(factors, found.components, strict=True):
        levels = (each.codes[:, None] == np.arange(len(component.effects))[None, :]).astype(float)
        assert component.effects == pytest.approx(component.variance * levels.T @ projected @ y, rel=1e-5, abs=1e-6)
        spread = component.variance - component.variance**2 * np.diag(levels.T @ projected @ levels)
        assert component.errors == pytest.approx(np.sqrt(spread), rel=1e-4)


def plant(seed: int, *, bad_ratio: float = 0.0) -> tuple[Floats, Floats, Floats, list[Factor]]:
    """Log resistance of cells: truth, what is measured, temperature; chambers, channels and positions are biased."""
    random = np.random.default_rng(seed)
    count = 3000
    factors = [
        Factor(name="lot", codes=np.arange(count) // 200, is_bias=False),
        Factor(name="chamber", codes=random.integers(0, 6, count)),
        Factor(name="channel", codes=random.integers(0, 150, count)),
        Factor(name="position", codes=random.integers(0, 40, count)),
    ]
    scales = {"lot": 0.004, "chamber": 0.012, "channel": 0.012, "position": 0.004}
    effects = {each.name: random.normal(scale=scales[each.name], size=500)[each.codes] for each in factors}
    truth = math.log(0.0122) + random.normal(scale=0.010, size=count) + effects["lot"]
    temperature = 25.0 + random.normal(scale=1.0, size=count)
    measured = truth + effects["chamber"] + effects["channel"] + effects["position"] - 0.012 * (temperature - 25.0)
    measured = measured + random.normal(scale=0.002, size=count)
    bad = random.random(count) < bad_ratio
    return truth, np.where(bad, measured + 0.25, measured), temperature, factors


def error_of(values: Floats, truth: Floats) -> float:
    """Root mean square error beside a common offset, which no gauge without a reference can know."""
    difference = values - truth
    return float(np.sqrt(np.mean((difference - difference.mean()) ** 2)))


@pytest.mark.parametrize("bad_ratio", [0.0, 0.03])
def test_the_error_at_least_halves_when_chambers_and_channels_are_biased(bad_ratio: float) -> None:
    truth, measured, temperature, factors = plant(11, bad_ratio=bad_ratio)
    heat = {"temperature": temperature - 25.0}
    found = fit_effects(measured, factors, covariates=heat)
    values = corrected(measured, factors, found, covariates=heat)
    good = np.abs(measured - truth) < 0.15
    assert error_of(values.values[good], truth[good]) < error_of(measured[good], truth[good]) / 2
    assert found.slopes[0].value == pytest.approx(-0.012, abs=0.0005)
    assert {each.name: math.sqrt(each.variance) for each in found.components} == pytest.approx(
        {"lot": 0.004, "chamber": 0.012, "channel": 0.012, "position": 0.004}, rel=0.45
    )
    assert found.rest_variance == pytest.approx(0.010**2 + 0.002**2, rel=0.12 + 10 * bad_ratio)


def test_the_error_that_is_told_of_effects_is_the_error_that_is_made() -> None:
    random = np.random.default_rng(21)
    codes = np.minimum(random.geometric(0.005, 4000), 500) - 1
    truth = random.normal(scale=0.5, size=500)
    found = fit_effects(truth[codes] + random.normal(size=4000), [Factor(name="channel", codes=codes)])
    component = found.components[0]
    far = (component.effects - (truth[: len(component.effects)] - truth[codes].mean())) / component.errors
    assert np.sqrt(np.mean(far**2)) == pytest.approx(1.0, abs=0.1)
    assert np.mean(np.abs(far) < 1.96) == pytest.approx(0.95, abs=0.03)


def test_bad_cells_pull_less_than_they_would() -> None:
    truth, measured, temperature, factors = plant(12, bad_ratio=0.03)
    heat = {"temperature": temperature - 25.0}
    good = np.abs(measured - truth) < 0.15
    errors = []
    for clip_sigma in (2.5, math.inf):
        found = fit_effects(measured, factors, covariates=heat, clip_sigma=clip_sigma)
        values = corrected(measured, factors, found, covariates=heat).values
        errors.append(error_of(values[good], truth[good]))
    assert errors[0] < 0.7 * errors[1]


def test_without_bias_little_is_taken_away() -> None:
    random = np.random.default_rng(3)
    values = random.normal(size=2000)
    factors = [Factor(name="channel", codes=random.integers(0, 200, 2000))]
    found = fit_effects(values, factors)
    assert found.components[0].share_ratio < 0.03
    assert error_of(corrected(values, factors, found).values, values) < 0.15


def test_unknowns_are_left_out_counted_and_stay_unknown() -> None:
    random = np.random.default_rng(4)
    values, codes = random.normal(size=100), random.integers(0, 5, 100)
    values[0], codes[1] = math.nan, -1
    factors = [Factor(name="channel", codes=codes)]
    found = fit_effects(values, factors)
    assert (found.cells_count, found.unknown_count) == (98, 2)
    result = corrected(values, [Factor(name="channel", codes=np.append(codes[:-1], 77))], found)
    assert np.isnan(result.values).tolist() == [True, True] + [False] * 98
    # A channel that was never seen: nothing is taken away, and the error is the whole spread of channels.
    assert result.values[-1] == values[-1]
    assert result.errors[-1] == pytest.approx(math.sqrt(found.components[0].variance))


def test_what_cannot_be_told_apart_is_said() -> None:
    random = np.random.default_rng(6)
    codes = random.integers(0, 5, 200)
    factors = [
        Factor(name="chamber", codes=codes),
        Factor(name="oven", codes=(codes + 1) % 5),
        Factor(name="channel", codes=codes * 4 + random.integers(0, 4, 200)),
    ]
    found = fit_effects(random.normal(size=200), factors)
    assert set(found.nested) == {
        ("chamber", "oven"),
        ("oven", "chamber"),
        ("channel", "chamber"),
        ("channel", "oven"),
    }
    text = " ".join(statement(found))
    assert "chamber and oven hold the same cells" in text
    assert "Every level of channel was seen with one level of chamber only" in text


@pytest.mark.parametrize(
    ("values", "codes", "covariate", "complaint"),
    [
        (np.ones(10), np.zeros(9, dtype=np.int64), None, "different lengths"),
        (np.ones(3), np.zeros(3, dtype=np.int64), None, "3 units have every value; a fit needs 4"),
        (np.ones(10), np.zeros(10, dtype=np.int64), np.ones(10), "never varies"),
    ],
)
def test_what_cannot_be_fitted_is_said(
    values: Floats, codes: "np.ndarray[tuple[int], np.dtype[np.int64]]", covariate: Floats | None, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        fit_effects(
            values, [Factor(name="a", codes=codes)], covariates=None if covariate is None else {"heat": covariate}
        )


def test_names_and_sizes_are_checked() -> None:
    codes = np.arange(4000)
    with pytest.raises(ValueError, match="name of its own"):
        fit_effects(np.ones(4000), [Factor(name="a", codes=codes), Factor(name="a", codes=codes)])
    with pytest.raises(ValueError, match="4000 levels"):
        fit_effects(np.ones(4000), [Factor(name="a", codes=codes), Factor(name="b", codes=codes)])
