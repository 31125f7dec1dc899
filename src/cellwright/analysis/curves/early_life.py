"""Early life: how long a cell may live, by features of its first cycles, with what that was fitted on.

The model is a straight line through log10 of the cycle life (Severson et al., Nature Energy 4 (2019) 383-391; re-analysed
by Attia et al., J. Electrochem. Soc. 168 (2021) 090532). Their best single feature is log10 of the variance of
Q100(V) - Q10(V), how the discharge curve changed between cycles 10 and 100. Intervals are those of ordinary least
squares for one more cell: s sqrt(1 + h), h = x' (X'X)^-1 x, by Student's t (N. R. Draper and H. Smith, Applied
Regression Analysis, 3rd ed. 1998). Leave-one-out errors are exact: residual / (1 - h) (Allen's PRESS,
Technometrics 16 (1974) 125-127).

A model says what its cells were. Where charging policies differ from cell to cell, what it learned is mostly the policy,
and inside one production lot it knows less than its interval says.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from cellwright.analysis.quantiles import Floats, student_below, student_quantile

Flags = NDArray[np.bool_]

CONFIDENCE = 0.95
_SPARE_CELLS = 8
"""Cells beyond the coefficients without which a scatter is hardly known: the 95 % interval of s is then -32 to +92 %."""


class Policies(StrEnum):
    """Whether the cells of a population were all cycled alike."""

    ALIKE = "alike"
    DIFFER = "differ"
    UNKNOWN = "unknown"


class Population(Struct, frozen=True, kw_only=True):
    """The cells that a model is fitted on: what they are, where they come from, and how they were cycled."""

    name: str
    chemistry: str
    source: str
    end_of_life: str
    """What counts as the end, for example "80 % of the nominal capacity"."""
    policies: Policies = Policies.UNKNOWN


class Term(Struct, frozen=True, kw_only=True):
    """A feature of a model: its slope (log10 cycles per unit), and the mean and range of the cells it was fitted on."""

    feature: str
    slope: float
    mean: float
    lower: float
    upper: float


class EarlyLife(Struct, frozen=True, kw_only=True):
    """A fitted model, with all that applying and judging it needs; `dumped` and `loaded` carry it through a file."""

    population: Population
    terms: tuple[Term, ...]
    level: float
    """log10 cycles of a cell whose features are the means."""
    sigma: float
    """Scatter (log10 cycles) of cells around the line."""
    freedom: int
    inverse: tuple[tuple[float, ...], ...]
    """(X'X)^-1 of the column of ones and the centred features."""
    cells_count: int
    unknown_count: int
    """Cells left out because a feature or the life is unknown."""
    life_lower_count: float
    life_upper_count: float
    left_out_rmse_count: float
    """Root mean square error (cycles) of each cell told by the others."""
    left_out_error_ratio: float
    """Mean absolute error of the same, as a share of the life."""
    explained_ratio: float
    """R squared in log10 cycles."""
    version: int = 1


class Estimates(Struct, frozen=True):
    """Cycle life by cell with its interval (NaN = a feature is unknown), and which lie outside what was fitted."""

    life_count: Floats
    low_count: Floats
    high_count: Floats
    is_outside: Flags


def fit_early_life(features: Mapping[str, Floats], life_count: Floats, *, population: Population) -> EarlyLife:
    """Fit log10 cycle life on features, each a column of one value per cell; cells with an unknown are left out.

    Raises ValueError for columns of different lengths, lives that are not positive, features that say the same twice,
    and fewer cells than 8 beyond the coefficients.
    """
    names = tuple(features)
    table, life = _table(features, names), np.asarray(life_count, dtype=np.float64)
    known = np.isfinite(table).all(axis=1) & np.isfinite(life)
    _check_fit(table, life, known=known)
    table, log_life = table[known], np.log10(life[known])
    means = table.mean(axis=0)
    design = np.column_stack([np.ones(len(table)), table - means])
    inverse = np.linalg.inv(design.T @ design)
    slopes = np.linalg.lstsq(design, log_life, rcond=None)[0]
    residuals = log_life - design @ slopes
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    told = 10 ** (log_life - residuals / (1 - leverage))
    freedom = len(table) - design.shape[1]
    return EarlyLife(
        population=population,
        terms=tuple(
            Term(feature=name, slope=slope, mean=mean, lower=lower, upper=upper)
            for name, slope, mean, lower, upper in zip(
                names,
                slopes[1:].tolist(),
                means.tolist(),
                table.min(axis=0).tolist(),
                table.max(axis=0).tolist(),
                strict=True,
            )
        ),
        level=float(slopes[0]),
        sigma=float(np.sqrt(residuals @ residuals / freedom)),
        freedom=freedom,
        inverse=tuple(map(tuple, inverse.tolist())),
        cells_count=len(table),
        unknown_count=int(np.count_nonzero(~known)),
        life_lower_count=float(life[known].min()),
        life_upper_count=float(life[known].max()),
        left_out_rmse_count=float(np.sqrt(np.mean((told - life[known]) ** 2))),
        left_out_error_ratio=float(np.mean(np.abs(told / life[known] - 1))),
        explained_ratio=float(1 - residuals @ residuals / np.sum((log_life - log_life.mean()) ** 2)),
    )


def apply(model: EarlyLife, features: Mapping[str, Floats], *, confidence_ratio: float = CONFIDENCE) -> Estimates:
    """Estimate the cycle life of cells, with the interval that holds a share of them as long as they are alike."""
    middle, error, table = _predicted(model, features)
    half = student_quantile((1 + confidence_ratio) / 2, model.freedom) * error
    lower, upper = ([getattr(term, side) for term in model.terms] for side in ("lower", "upper"))
    # A comparison with NaN is false: of a cell with an unknown feature nothing is claimed either way.
    outside: Flags = np.any((table < np.array(lower)) | (table > np.array(upper)), axis=1)
    return Estimates(10**middle, 10 ** (middle - half), 10 ** (middle + half), outside)


def risk(model: EarlyLife, features: Mapping[str, Floats], *, wanted_count: float) -> Floats:
    """Return by cell the chance (0..1) of a life under the wanted cycles; NaN where a feature is unknown."""
    middle, error, _ = _predicted(model, features)
    return student_below((np.log10(wanted_count) - middle) / error, model.freedom)


def statement(model: EarlyLife) -> tuple[str, ...]:
    """Say in sentences what a model was fitted on, how well it tells, where it holds, and what it cannot know."""
    people = model.population
    ranges = "; ".join(f"{term.feature} from {term.lower:g} to {term.upper:g}" for term in model.terms)
    return (
        (
            f"Fitted on {model.cells_count} cells: {people.name}, {people.chemistry} ({people.source}); "
            f"{model.unknown_count} more were left out because a value was unknown."
        ),
        (
            f"Life counts the cycles to {people.end_of_life}; theirs was {model.life_lower_count:.0f} to "
            f"{model.life_upper_count:.0f} cycles."
        ),
        (
            f"Each told by the others, the error is {model.left_out_rmse_count:.0f} cycles root mean square, "
            f"{model.left_out_error_ratio:.0%} of the life on average; the line explains {model.explained_ratio:.0%} of log life."
        ),
        f"It holds for {ranges}; beyond that every estimate is marked as outside.",
        _CONFOUNDED[people.policies],
    )


_CONFOUNDED = {
    Policies.ALIKE: "All cells were cycled alike, so differences of life are those of the cells.",
    Policies.DIFFER: "Cycling policies differed from cell to cell: differences of life are mostly those of the policy. "
    "Inside a production lot the model is not proved; fit it on cells of your own that were cycled alike.",
    Policies.UNKNOWN: "Whether the cells were cycled alike is not known; take the differences of life as those of cell and "
    "policy together.",
}


def dumped(model: EarlyLife) -> bytes:
    """Return a model as JSON."""
    return msgspec.json.encode(model)


def loaded(data: bytes) -> EarlyLife:
    """Read a model from the JSON of `dumped`; raises msgspec.ValidationError with the place that is wrong."""
    return msgspec.json.decode(data, type=EarlyLife)


def _predicted(model: EarlyLife, features: Mapping[str, Floats]) -> tuple[Floats, Floats, Floats]:
    """Return log10 life, its error for one more cell, and the features as a table."""
    table = _table(features, tuple(term.feature for term in model.terms))
    centred = table - np.array([term.mean for term in model.terms])
    design = np.column_stack([np.ones(len(table)), centred])
    middle = model.level + centred @ np.array([term.slope for term in model.terms])
    leverage = np.einsum("ij,jk,ik->i", design, np.array(model.inverse), design)
    return middle, model.sigma * np.sqrt(1 + leverage), table


def _table(features: Mapping[str, Floats], names: tuple[str, ...]) -> Floats:
    absent = [name for name in names if name not in features]
    if absent or not names:
        raise ValueError(f"the model needs the features {', '.join(names) or '(at least one)'}; absent: {absent}")
    columns = [np.asarray(features[name], dtype=np.float64) for name in names]
    if len({len(column) for column in columns}) > 1:
        raise ValueError(
            f"features of different lengths: {[len(column) for column in columns]}; give one value per cell"
        )
    return np.column_stack(columns)


def _check_fit(table: Floats, life: Floats, *, known: Flags) -> None:
    if (life[known] <= 0).any():
        raise ValueError("a cycle life is not positive; leave out (NaN) cells whose end was not reached")
    needed = table.shape[1] + 1 + _SPARE_CELLS
    if np.count_nonzero(known) < needed:
        text = f"{np.count_nonzero(known)} cells have every feature and a life; {table.shape[1]} features need {needed}"
        raise ValueError(text)
    centred = table[known] - table[known].mean(axis=0)
    scale = np.sqrt((centred**2).sum(axis=0))
    if (scale == 0).any() or np.linalg.cond(centred / scale) > 1e8:
        raise ValueError("a feature is constant or follows from the others; leave one of them out")
