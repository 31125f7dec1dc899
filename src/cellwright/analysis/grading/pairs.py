"""Impossible pairs: a unit that does not weigh what its record says cannot be the unit of that record.

A code read from the wrong piece, a tray turned round, a cell filled twice or not at all: the mass that was weighed last and
the sum of what was recorded before then differ by more than both scales can.
"""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from cellwright.analysis.quantiles import Floats


class Pairs(Struct, frozen=True):
    """By unit: what it should weigh by its record (g), how much more it weighs, and whether that is impossible.

    NaN = a mass of it is unknown; that is no proof of anything.
    """

    expected_g: Floats
    excess_g: Floats
    is_impossible: NDArray[np.bool_]


def find_pairs(weighed_g: Floats, recorded_g: Floats, *, rest_g: float, tolerance_g: float) -> Pairs:
    """Compare masses with the sum of what was recorded (a row of `recorded_g` for each part) and `rest_g`, never weighed.

    Raises ValueError for a tolerance that is not positive, and for columns of different lengths.
    """
    if not tolerance_g > 0:
        raise ValueError(
            f"a tolerance of {tolerance_g} g allows nothing; give what both scales and the parts may differ"
        )
    if recorded_g.shape[1] != len(weighed_g):
        raise ValueError(f"{recorded_g.shape[1]} recorded masses for {len(weighed_g)} units; give one per unit")
    expected = rest_g + recorded_g.sum(axis=0)
    excess = weighed_g - expected
    return Pairs(expected, excess, np.abs(excess) > tolerance_g)
