"""Corrected resistance and capacity lie at least twice as near to the truth when chambers and channels are biased."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from cellwright.analysis.grading.effects import Factor
from cellwright.analysis.grading.fairness import Fair, fair_capacity, fair_resistance
from cellwright.analysis.quantiles import Floats

COUNT = 3000
ACTIVATION = 2500.0


def placed(random: np.random.Generator) -> list[Factor]:
    """Lots go through chambers in trays of a hundred; a channel belongs to a chamber."""
    chamber = random.permutation(np.repeat(np.arange(6), 5))[np.arange(COUNT) // 100]
    slot = np.arange(COUNT) % 100
    return [
        Factor(name="lot", codes=np.arange(COUNT) // 500, is_bias=False),
        Factor(name="chamber", codes=chamber),
        Factor(name="channel", codes=chamber * 100 + slot),
        Factor(name="position", codes=slot),
    ]


def biased(random: np.random.Generator, factors: list[Factor], scales: tuple[float, ...]) -> Floats:
    total = np.zeros(COUNT)
    for factor, scale in zip(factors, scales, strict=True):
        total += random.normal(scale=scale, size=700)[factor.codes]
    return total


def error_of(values: Floats, truth: Floats) -> float:
    difference = np.log(values / truth)
    return float(np.std(difference))


Correct = Callable[..., Fair]


# Cells 1 % in resistance and 0.3 % in capacity; channels and chambers a few times that.
@pytest.mark.parametrize(
    ("correct", "own", "scales", "slope"),
    [
        (fair_resistance, 0.010, (0.004, 0.020, 0.020, 0.005), None),
        (fair_capacity, 0.003, (0.003, 0.006, 0.006, 0.002), 0.005),
    ],
)
def test_the_error_at_least_halves(
    correct: Correct, own: float, scales: tuple[float, ...], slope: float | None
) -> None:
    random = np.random.default_rng(31)
    factors = placed(random)
    temperature_c = 25 + random.normal(scale=1.5, size=8)[factors[1].codes] + random.normal(scale=0.6, size=COUNT)
    lot = random.normal(scale=scales[0], size=10)[factors[0].codes]
    truth = 0.0122 * np.exp(random.normal(scale=own, size=COUNT) + lot)
    kelvin = temperature_c + 273.15
    heat = ACTIVATION * (1 / kelvin - 1 / 298.15) if slope is None else slope * (temperature_c - 25)
    measured = truth * np.exp(heat + biased(random, factors[1:], scales[1:]))
    found = correct(measured, temperature_c, factors)
    assert error_of(found.values, truth) < error_of(measured, truth) / 2
    assert found.is_temperature_corrected
    slope_found = found.effects.slopes[0]
    assert slope_found.value == pytest.approx(slope or ACTIVATION, abs=4 * slope_found.error)


def test_what_is_unknown_stays_unknown_and_an_even_temperature_has_no_slope() -> None:
    random = np.random.default_rng(32)
    values, codes = np.exp(random.normal(scale=0.01, size=500)), random.integers(0, 10, 500)
    values[0], values[1] = -1.0, math.nan
    temperature_c = np.full(500, 25.0)
    temperature_c[2] = math.nan
    found = fair_resistance(values, temperature_c, [Factor(name="channel", codes=codes)])
    assert np.isnan(found.values).tolist() == [True] * 3 + [False] * 497
    assert not found.is_temperature_corrected
    assert found.effects.slopes == ()
    assert found.effects.unknown_count == 3
