"""Samples: what was measured again and again, as whole counts of a signal's resolution, and curves of units."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Integers: TypeAlias = NDArray[np.integer[Any]]
Floats: TypeAlias = NDArray[np.float64]

TIME_US_LIMIT = 1 << 58
"""Times are UTC microseconds in [0, this), up to the year 11103: a clock that is wrong is kept as it told."""

_COUNT_LIMIT = float(1 << 63)
_WHOLE = 1e-9


class State(IntEnum):
    """How far a value can be trusted. Of an invalid or missing one nothing is known; that is not zero."""

    VALID = 0
    INVALID = 1
    """Measured, and known to be wrong."""
    STALE = 2
    """The last one known, repeated: nothing newer came."""
    ESTIMATED = 3
    """Computed, not measured."""
    MISSING = 4
    """Expected, and did not come."""


class BatchKey(Struct, frozen=True):
    """Who sends a batch, and which of its batches it is: a repeat has no effect, another content is a conflict."""

    source: str
    epoch: int
    seq: int


class Signal(Struct, frozen=True):
    """Something measured: value = count * scale + offset, in `unit`. A name keeps its unit for ever."""

    name: str
    unit: str
    scale: float = 1.0
    offset: float = 0.0

    def values(self, counts: Integers, states: Integers) -> Floats:
        """Return what counts mean in `unit`; NaN where nothing is known."""
        per_unit = 1 / self.scale
        # A division by 10,000 gives the decimal that was meant, a multiplication by 0.0001 often its neighbour.
        is_whole = abs(per_unit) >= 1 and abs(per_unit - round(per_unit)) < _WHOLE * abs(per_unit)
        scaled = counts / round(per_unit) if is_whole else counts * self.scale
        return np.where(is_known(states), scaled + self.offset, np.nan)

    def counts(self, values: Floats) -> NDArray[np.int64]:
        """Return values in `unit` as counts, rounded once; NaN gives 0, to be marked as missing by its state.

        Raises ValueError for a value that no count can hold.
        """
        scaled = np.rint((np.nan_to_num(values, nan=0.0, posinf=np.inf, neginf=-np.inf) - self.offset) / self.scale)
        if np.any(np.abs(scaled) >= _COUNT_LIMIT):
            worst = values[int(np.argmax(np.abs(scaled)))]
            raise ValueError(f"{self.name}: {worst} {self.unit} does not fit a count of {self.scale} {self.unit}")
        return np.where(np.isnan(values), 0, scaled).astype(np.int64)


def is_known(states: Integers) -> NDArray[np.bool_]:
    """Tell of which samples something is known."""
    return np.asarray((states != State.INVALID) & (states != State.MISSING), np.bool_)


class SampleBlock(Struct, frozen=True, eq=False):
    """Samples of any signals, by column: channel (as the store numbers signals), time, count and state."""

    key: BatchKey
    channels: Integers
    times_us: Integers
    counts: Integers
    states: Integers


class Written(Struct, frozen=True):
    """The answer to a batch, the same for every repeat: its number in the store, and how many rows it has."""

    batch: int
    count: int


class Lost(Struct, frozen=True):
    """What an answer cannot show because a file is gone or damaged: rows of all keys in [from_us, to_us]."""

    path: str
    count: int
    from_us: int
    to_us: int


class Trend(Struct, frozen=True, eq=False):
    """A signal over [from, to), oldest first; thinned, its points are samples that were, none is made up.

    Point k stands for `weights[k]` samples, those from it up to the next point.
    """

    signal: str
    unit: str
    times_us: NDArray[np.int64]
    values: Floats
    states: NDArray[np.uint8]
    weights: NDArray[np.int64]
    counts: Mapping[State, int]
    """How many samples of each state there are, thinned or not."""
    lost: tuple[Lost, ...] = ()

    @property
    def count(self) -> int:
        """How many samples there are."""
        return sum(self.counts.values())


class LastValue(Struct, frozen=True):
    """The newest sample of a signal by the equipment's time; `value` is None where nothing is known."""

    signal: str
    unit: str
    time_us: int
    value: float | None
    state: State


# --- curves -----------------------------------------------------------------------------------------


class CurveHead(Struct, frozen=True):
    """Whose curve it is: unit, operation and attempt (from 1); where and by what programme it was made."""

    unit: int
    operation: str
    attempt: int
    channel: str
    program: str
    version: str

    @property
    def identity(self) -> tuple[int, str, int]:
        """Unit, operation and attempt."""
        return (self.unit, self.operation, self.attempt)


class CurvePoints(Struct, frozen=True, eq=False):
    """Points of one curve or of many, one after another; NaN = not known."""

    times_us: Integers
    steps: Integers
    voltages_v: Floats
    currents_a: Floats
    """Charging is positive."""
    temperatures_c: Floats
    states: Integers


class Resolution(Struct, frozen=True):
    """What one count is; choose none finer than the instrument's noise, for every digit of noise is paid for."""

    voltage_uv: int = 100
    current_ua: int = 1000
    temperature_mc: int = 100


class CurvePage(Struct, frozen=True, eq=False):
    """Curves as they are written: the points of curve k are at [ends[k - 1], ends[k])."""

    key: BatchKey
    heads: tuple[CurveHead, ...]
    ends: Integers
    points: CurvePoints
    resolution: Resolution = Resolution()


class Curve(Struct, frozen=True, eq=False):
    """What one operation did to one unit."""

    head: CurveHead
    points: CurvePoints
