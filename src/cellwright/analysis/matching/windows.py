"""Windows as coordinates: numbers whose difference is at most 1 exactly when two cells fit into one pack."""

import math
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

SLACK_RATIO: Final = 1e-9
"""So much wider than asked a window is, in its own widths: 3.290 V - 3.287 V is a little more than 3 mV in binary."""

_SLACK: Final = 1 + 4 * SLACK_RATIO


class WidthWindow(Struct, frozen=True):
    """A range of values of at most a fixed width, in their unit."""

    width: float

    def coordinate(self, values: Floats) -> Floats:
        """Return values in widths of the window."""
        return values / self.width

    def fits(self, values: Floats) -> Flags:
        """Tell for each row of values whether its range is inside the window."""
        return np.asarray(np.ptp(values, axis=1) <= self.width * _SLACK)


class RatioWindow(Struct, frozen=True):
    """A range of at most a ratio of the smallest value, or of the reference when that is smaller."""

    ratio: float
    reference: float

    def coordinate(self, values: Floats) -> Floats:
        """Return positive values as coordinates u of the window.

        A pack fits when max <= h(min) with h(x) = x + ratio * min(x, reference). Its coordinate solves Abel's equation
        u(h(x)) = u(x) + 1, and is piecewise linear: u = x / (ratio * reference) from the reference on, below it
        (1 + ratio)^k x / (ratio * reference) - k, with k steps of h up to the reference.
        """
        below = np.log(self.reference / values) / math.log1p(self.ratio)
        steps = np.maximum(np.ceil(below), 0.0)
        return np.asarray((1.0 + self.ratio) ** steps * values / (self.ratio * self.reference) - steps)

    def fits(self, values: Floats) -> Flags:
        """Tell for each row of values whether its range is inside the window."""
        smallest = np.minimum(values.min(axis=1), self.reference)
        return np.asarray(np.ptp(values, axis=1) <= self.ratio * smallest * _SLACK)


Window = WidthWindow | RatioWindow


def reference_of(values: Floats) -> float:
    """Return what a window given as a ratio is a ratio of at most: the stock's median or its mean, the smaller one."""
    return float(min(np.median(values), values.mean()))
