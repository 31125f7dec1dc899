"""Resistance and capacity as they would be at one temperature, on the average chamber, channel and position.

Both are corrected by their logarithm, because a channel or a degree changes them by a share.

- Resistance follows Arrhenius: ln R = ln R0 + B (1/T - 1/T0), T in kelvin. W. Waag, S. Kaebitz and D. U. Sauer, Applied
  Energy 102 (2013) 885-897, find it of the parts of a lithium-ion cell's resistance. B is fitted on the cells themselves.
- Capacity is taken as ln Q = ln Q0 + b (T - T0), a straight line over the few degrees that chambers differ; b is fitted.

A lot's own difference is true and stays: give it as a factor with `is_bias=False`, or chambers are blamed for lots.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from cellwright.analysis.grading.effects import Effects, Factor, corrected, fit_effects
from cellwright.analysis.quantiles import Floats

ZERO_C = -273.15
REFERENCE_C = 25.0
_VARIED_C = 0.2
"""Standard deviation of the temperature under which a slope would be fitted on noise of the sensors."""


class Fair(Struct, frozen=True, kw_only=True):
    """Corrected values in their unit (NaN = unknown), the relative error of the correction, and the fit behind it.

    `effects` are of the natural logarithm; its slope, if temperature varied enough, is B (K) or b (1 per degree C).
    """

    values: Floats
    error_ratio: Floats
    effects: Effects
    is_temperature_corrected: bool


def fair_resistance(
    resistance_ohm: Floats, temperature_c: Floats, factors: Sequence[Factor], *, reference_c: float = REFERENCE_C
) -> Fair:
    """Correct resistances; one that is not positive or not measured, or whose temperature is unknown, stays unknown."""
    kelvin = np.asarray(temperature_c, dtype=np.float64) - ZERO_C
    return _fair(resistance_ohm, 1 / kelvin - 1 / (reference_c - ZERO_C), factors, temperature_c=temperature_c)


def fair_capacity(
    capacity_ah: Floats, temperature_c: Floats, factors: Sequence[Factor], *, reference_c: float = REFERENCE_C
) -> Fair:
    """Correct capacities; one that is not positive or not measured, or whose temperature is unknown, stays unknown."""
    return _fair(capacity_ah, np.asarray(temperature_c) - reference_c, factors, temperature_c=temperature_c)


def _fair(values: Floats, heat: Floats, factors: Sequence[Factor], *, temperature_c: Floats) -> Fair:
    given = np.asarray(values, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(given > 0, np.log(given), np.nan)
    # Also without a slope: at an unknown temperature the value at the reference is unknown.
    logs = np.where(np.isfinite(temperature_c), logs, np.nan)
    used = np.isfinite(logs)
    is_varied = bool(used.any()) and float(np.std(np.asarray(temperature_c)[used])) > _VARIED_C
    covariates = {"temperature": heat} if is_varied else {}
    effects = fit_effects(logs, factors, covariates=covariates)
    result = corrected(logs, factors, effects, covariates=covariates)
    return Fair(
        values=np.exp(result.values), error_ratio=result.errors, effects=effects, is_temperature_corrected=is_varied
    )
