"""The dense core: halve it where it spreads most, in multiples of a group, until every part is one group."""

from typing import Final

import numpy as np

from cellwright.analysis.matching.compiled import compiled
from cellwright.analysis.matching.grid import AXES, Ints
from cellwright.analysis.matching.select import select_cheapest
from cellwright.analysis.matching.windows import Floats

_SAMPLE: Final = 256
_TAIL_RATIO: Final = 0.02


def split(features: Floats, cells: Ints, *, size: int) -> Ints:
    """Return cells as groups of `size` that are near in their features, (n, size); what is over is left out."""
    count = len(cells) // size
    inside = cells.copy()
    _split(features, inside, np.empty(len(inside)), size)
    return inside[: count * size].reshape(count, size)


@compiled
def _split(features: Floats, cells: Ints, costs: Floats, size: int) -> None:
    """Order cells so that each run of `size` is a group; the cells over are in the last part."""
    pending = [(0, len(cells))]
    while pending:
        low, high = pending.pop()
        groups = (high - low) // size
        if groups < 2:
            continue
        axis = _widest(features, cells[low:high], size)
        for index in range(low, high):
            costs[index] = features[cells[index], axis]
        half = size * (groups // 2)
        select_cheapest(costs[low:high], cells[low:high], high - low, half)
        pending.append((low, low + half))
        pending.append((low + half, high))


@compiled
def _widest(features: Floats, cells: Ints, size: int) -> int:
    """Return the axis on which cells spread most: all of a small part, the middle 96 % of a sample of a large one."""
    step = max(1, len(cells) // _SAMPLE)
    best, widest = 0, -1.0
    for axis in range(AXES):
        values = np.sort(features[cells[::step], axis])
        cut = int(len(values) * _TAIL_RATIO) if len(cells) > 4 * size else 0
        spread = values[len(values) - 1 - cut] - values[cut]
        if spread > widest:
            best, widest = axis, spread
    return best
