"""An index of cells in a grid a quarter of a window wide, from which cells can be taken out."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cellwright.analysis.matching.compiled import compiled
from cellwright.analysis.matching.windows import SLACK_RATIO, Floats

AXES: Final = 3
PER_WINDOW: Final = 4
_EXTENT_MAX: Final = 1 << 20
"""So many steps an axis has at most, so that three fit into 63 bits; a longer one gets longer steps."""

Ints = NDArray[np.int64]


class Grid(NamedTuple):
    """Cells by place: those of `keys[k]` that are still free are order[starts[k] : starts[k] + live[k]]."""

    points: Floats
    """Coordinates of the cells, (n, 3); an axis without a window is 0."""
    keys: Ints
    """Places that hold cells, ascending: (i * shape[1] + j) * shape[2] + k."""
    starts: Ints
    live: Ints
    order: Ints
    rank: Ints
    """Where a cell stands in `order`."""
    home: Ints
    """Which of `keys` a cell is at."""
    origin: Floats
    step: Floats
    shape: Ints


class Search(NamedTuple):
    """Where is looked, and what is found: memory that searches share."""

    low: Floats
    """Lower corner of a box."""
    high: Floats
    touched: Ints
    """First and last place, inclusive, on each axis, (2, 3)."""
    found: Ints
    costs: Floats


def make_search(count: int) -> Search:
    """Return memory for searches among so many cells."""
    return Search(
        np.empty(AXES), np.empty(AXES), np.empty((2, AXES), np.int64), np.empty(count, np.int64), np.empty(count)
    )


def make_grid(points: Floats) -> Grid:
    """Return an index of cells, all of them free."""
    origin = points.min(axis=0)
    extent = np.ptp(points, axis=0)
    # A step is a hair longer than a quarter, so that a window with its slack never touches a fifth and sixth.
    step = np.maximum((1.0 + 1e-6) / PER_WINDOW, extent / (_EXTENT_MAX - 1))
    places = np.floor((points - origin) / step).astype(np.int64)
    shape = places.max(axis=0) + 1
    key = (places[:, 0] * shape[1] + places[:, 1]) * shape[2] + places[:, 2]
    order = np.argsort(key, kind="stable").astype(np.int64)
    keys, starts, live = np.unique(key[order], return_index=True, return_counts=True)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    home = np.searchsorted(keys, key).astype(np.int64)
    return Grid(points, keys, starts.astype(np.int64), live.astype(np.int64), order, rank, home, origin, step, shape)


@compiled
def is_free(grid: Grid, cell: int) -> bool:
    """Tell whether a cell was not taken out."""
    place = grid.home[cell]
    return bool(grid.rank[cell] < grid.starts[place] + grid.live[place])


@compiled
def take_out(grid: Grid, cell: int) -> None:
    """Take a free cell out: it changes places with the last free one of its place."""
    place = grid.home[cell]
    last = grid.starts[place] + grid.live[place] - 1
    other, rank = grid.order[last], grid.rank[cell]
    grid.order[rank], grid.order[last] = other, cell
    grid.rank[other], grid.rank[cell] = rank, last
    grid.live[place] -= 1


@compiled
def first_at_least(keys: Ints, key: int) -> int:
    """Return the index of the first of ascending keys that is not less than one."""
    low, high = 0, len(keys)
    while low < high:
        middle = (low + high) // 2
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def touch(grid: Grid, search: Search) -> None:
    """Find the places that the box touches."""
    for axis in range(AXES):
        first = np.floor((search.low[axis] - grid.origin[axis]) / grid.step[axis])
        last = np.floor((search.high[axis] - grid.origin[axis]) / grid.step[axis])
        search.touched[0, axis] = int(max(first, 0.0))
        search.touched[1, axis] = int(min(last, grid.shape[axis] - 1.0))


@compiled
def count_touched(grid: Grid, touched: Ints) -> int:
    """Count the free cells of all places from `touched[0]` to `touched[1]`."""
    count = 0
    for first in range(touched[0, 0], touched[1, 0] + 1):
        for second in range(touched[0, 1], touched[1, 1] + 1):
            row = (first * grid.shape[1] + second) * grid.shape[2]
            count += _count_row(grid, row + touched[0, 2], row + touched[1, 2])
    return count


@compiled
def _count_row(grid: Grid, first_key: int, last_key: int) -> int:
    count, place = 0, first_at_least(grid.keys, first_key)
    while place < len(grid.keys) and grid.keys[place] <= last_key:
        count += grid.live[place]
        place += 1
    return count


@compiled
def find_in_box(grid: Grid, search: Search) -> int:
    """Find the free cells inside the box, its edges included; return how many."""
    touch(grid, search)
    touched, count = search.touched, 0
    for first in range(touched[0, 0], touched[1, 0] + 1):
        for second in range(touched[0, 1], touched[1, 1] + 1):
            row = (first * grid.shape[1] + second) * grid.shape[2]
            place = first_at_least(grid.keys, row + touched[0, 2])
            count = _find_in_row(grid, search, place, row + touched[1, 2], count)
    return count


@compiled
def _find_in_row(grid: Grid, search: Search, place: int, last_key: int, count: int) -> int:
    while place < len(grid.keys) and grid.keys[place] <= last_key:
        for rank in range(grid.starts[place], grid.starts[place] + grid.live[place]):
            cell = grid.order[rank]
            if _is_inside(grid.points, cell, search):
                search.found[count] = cell
                count += 1
        place += 1
    return count


@compiled
def _is_inside(points: Floats, cell: int, search: Search) -> bool:
    half = SLACK_RATIO / 2
    for axis in range(AXES):
        if points[cell, axis] < search.low[axis] - half or points[cell, axis] > search.high[axis] + half:
            return False
    return True
