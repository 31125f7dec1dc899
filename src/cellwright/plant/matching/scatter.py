"""A stock as a picture: each unit as a point, or, when they are too many to tell apart, how many lie in each field."""

from typing import Final

import numpy as np
from msgspec import Struct

from cellwright.plant.matching.groups import reference_of
from cellwright.plant.matching.stock import FATES, NUMBER, Fate, Floats, Ints, Seen
from cellwright.plant.matching.task import Windows

POINTS_MAX: Final = 5000
"""More units than these are counted in fields."""
_FIELDS_ACROSS: Final = 200
_FIELDS_DOWN: Final = 120
_TAIL: Final = 0.005
"""Share of the units at either end that do not say how far an axis reaches ..."""
_FAR: Final = 3.0
"""... when all of them reach so many times as far as the others."""
_INSIDE: Final = 0.5 + 1e-9


class Points(Struct, frozen=True):
    """Units one by one: code, place, and what their fate is."""

    codes: tuple[str, ...]
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    fates: tuple[str, ...]


class Fields(Struct, frozen=True, kw_only=True):
    """Fields in which units were counted: those with any, by their number from the lower left corner on."""

    across_count: int
    down_count: int
    at: tuple[int, ...]
    """Number of the field: row * across_count + column."""
    usable_counts: tuple[int, ...]
    other_counts: tuple[int, ...]


class Frame(Struct, frozen=True):
    """How far units of one group may lie apart at the middle, on either axis; None = the axis has no window."""

    x: float | None
    y: float | None


class Scatter(Struct, frozen=True, kw_only=True):
    """A stock along two axes; None = nothing is known along it."""

    x: str
    y: str
    x_low: float | None
    x_high: float | None
    y_low: float | None
    y_high: float | None
    x_middle: float | None
    """Median of the usable ones."""
    y_middle: float | None
    frames: tuple[Frame, ...]
    """By the windows in force, and by those that are tried beside them."""
    drawn_count: int
    unknown_count: int
    """Units of which the value on an axis is not known: they are not drawn."""
    outside_count: int
    """Units so far from all others that they lie outside of the picture."""
    points: Points
    """All that are drawn, or, beside fields, only those reserved."""
    fields: Fields | None


def scatter_of(seen: Seen, x: str, y: str, *windows: Windows) -> Scatter:
    """Return a stock along two axes, with a frame for each set of windows."""
    xs, ys = seen.columns[x], seen.columns[y]
    known = np.flatnonzero(~(np.isnan(xs) | np.isnan(ys)))
    x_low, x_high = _range(xs[known])
    y_low, y_high = _range(ys[known])
    is_many = len(known) > POINTS_MAX
    one_by_one = known[seen.fates[known] == NUMBER[Fate.RESERVED]][:POINTS_MAX] if is_many else known
    usable = seen.usable[np.isin(seen.usable, known)]
    across, up = _scaled(xs[known], x_low, x_high), _scaled(ys[known], y_low, y_high)
    inside = (np.abs(across - 0.5) <= _INSIDE) & (np.abs(up - 0.5) <= _INSIDE)
    return Scatter(
        x=x,
        y=y,
        x_low=x_low,
        x_high=x_high,
        y_low=y_low,
        y_high=y_high,
        x_middle=_middle(xs[usable]),
        y_middle=_middle(ys[usable]),
        frames=tuple(Frame(_window(each, x, xs[usable]), _window(each, y, ys[usable])) for each in windows),
        drawn_count=int(inside.sum()),
        unknown_count=len(xs) - len(known),
        outside_count=int((~inside).sum()),
        points=_points(seen, one_by_one, xs, ys),
        fields=_fields(seen, known[inside], across[inside], up[inside]) if is_many else None,
    )


def _range(values: Floats) -> tuple[float | None, float | None]:
    """Return from where to where an axis reaches: as far as the values, unless a few lie so far out that they hide the others."""
    if not len(values):
        return None, None
    low, high = float(values.min()), float(values.max())
    inner_low, inner_high = (float(each) for each in np.quantile(values, (_TAIL, 1 - _TAIL)))
    core = inner_high - inner_low
    if high - low <= _FAR * core or not core:
        return low, high
    return max(low, inner_low - core / 2), min(high, inner_high + core / 2)


def _middle(values: Floats) -> float | None:
    return float(np.median(values)) if len(values) else None


def _window(windows: Windows, axis: str, usable: Floats) -> float | None:
    """Return how far units of a group may lie apart on an axis, in its unit, at the middle of the stock."""
    ratios = {"dcir_ohm": windows.window_dcir_ratio, "capacity_ah": windows.window_capacity_ratio}
    if axis == "ocv_v":
        return windows.window_ocv_v
    ratio = ratios.get(axis)
    return ratio * reference_of(usable) if ratio is not None and len(usable) else None


def _points(seen: Seen, places: Ints, xs: Floats, ys: Floats) -> Points:
    return Points(
        codes=tuple(seen.codes[places].tolist()),
        xs=tuple(xs[places].tolist()),
        ys=tuple(ys[places].tolist()),
        fates=tuple(str(FATES[fate]) for fate in seen.fates[places].tolist()),
    )


def _scaled(values: Floats, low: float | None, high: float | None) -> Floats:
    """Return values from 0 to 1 along their range."""
    if low is None or high is None or high <= low:
        return np.full(len(values), 0.5)
    return (values - low) / (high - low)


def _fields(seen: Seen, places: Ints, across: Floats, up: Floats) -> Fields:
    columns = np.clip((across * _FIELDS_ACROSS).astype(np.int64), 0, _FIELDS_ACROSS - 1)
    rows = np.clip((up * _FIELDS_DOWN).astype(np.int64), 0, _FIELDS_DOWN - 1)
    at = rows * _FIELDS_ACROSS + columns
    size = _FIELDS_ACROSS * _FIELDS_DOWN
    is_usable = seen.fates[places] == NUMBER[Fate.USABLE]
    usable, other = np.bincount(at[is_usable], minlength=size), np.bincount(at[~is_usable], minlength=size)
    filled = np.flatnonzero(usable + other)
    return Fields(
        across_count=_FIELDS_ACROSS,
        down_count=_FIELDS_DOWN,
        at=tuple(filled.tolist()),
        usable_counts=tuple(usable[filled].tolist()),
        other_counts=tuple(other[filled].tolist()),
    )
