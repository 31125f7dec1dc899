"""An upper bound that needs no plan: which cells some window holds together with enough others."""

import numpy as np

from cellwright.analysis.matching.compiled import compiled
from cellwright.analysis.matching.grid import AXES, PER_WINDOW, Grid, Ints, count_touched
from cellwright.analysis.matching.windows import Flags


def countable_cells(grid: Grid, *, size: int) -> Flags:
    """Tell for each cell whether it may be in a group of `size`; no other cell can, so groups <= sum // size.

    Every window that holds a cell lies in a block of PER_WINDOW + 1 places on each axis that covers the cell's place: a cell
    is countable when one of those blocks holds enough free cells. Rounding outwards keeps the bound valid.
    """
    countable = np.zeros(len(grid.keys), np.bool_)
    _mark(grid, countable, size)
    return countable[grid.home]


@compiled
def _mark(grid: Grid, countable: Flags, size: int) -> None:
    touched, around = np.empty((2, AXES), np.int64), np.empty((2, AXES), np.int64)
    place = np.empty(AXES, np.int64)
    for index in range(len(grid.keys)):
        key = grid.keys[index]
        place[2] = key % grid.shape[2]
        place[1] = key // grid.shape[2] % grid.shape[1]
        place[0] = key // grid.shape[2] // grid.shape[1]
        for axis in range(AXES):
            around[0, axis] = max(0, place[axis] - PER_WINDOW)
            around[1, axis] = min(grid.shape[axis] - 1, place[axis] + PER_WINDOW)
        # Most cells: so many at the very place, or too few far around it.
        if grid.live[index] >= size:
            countable[index] = True
        elif count_touched(grid, around) >= size:
            countable[index] = _has_block(grid, place, touched, size)


@compiled
def _has_block(grid: Grid, place: Ints, touched: Ints, size: int) -> bool:
    blocks = (PER_WINDOW + 1) ** AXES
    for number in range(blocks):
        rest = number
        for axis in range(AXES):
            # From the block around the place outwards: dense ones come first.
            shift = (rest + PER_WINDOW // 2) % (PER_WINDOW + 1)
            rest //= PER_WINDOW + 1
            touched[0, axis] = max(0, place[axis] - shift)
            touched[1, axis] = min(grid.shape[axis] - 1, place[axis] - shift + PER_WINDOW)
        if count_touched(grid, touched) >= size:
            return True
    return False
