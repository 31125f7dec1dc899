"""Groups from the outside in: the cell farthest from the middle takes its neighbours of one window first."""

from enum import Enum, auto
from typing import NamedTuple

import numpy as np

from cellwright.analysis.matching.compiled import compiled
from cellwright.analysis.matching.grid import (
    AXES,
    Grid,
    Ints,
    Search,
    count_touched,
    find_in_box,
    is_free,
    make_search,
    take_out,
    touch,
)
from cellwright.analysis.matching.select import select_cheapest
from cellwright.analysis.matching.windows import Floats

_CROWD = 16
"""A window with more than so many groups' cells is halved around its seed: the nearest are in there anyway."""
_NARROWEST = 1 / 256


class Order(Enum):
    """How far out a cell lies: cells are seeds of a group in this order, the farthest first."""

    FARTHEST_AXIS = auto()
    STRAIGHT = auto()
    ALL_AXES = auto()


class Wish(NamedTuple):
    """Which cells of a window a group takes: those whose cost is smallest."""

    features: Floats
    """Coordinates to be near in, (n, 3), times their weight."""
    pull: Floats
    """What a cell costs by itself; less than 0 = it is taken sooner."""


def positions(axes: int, steps: int) -> Floats:
    """Return where a window may lie, (n, 3): how much of it is farther out than the seed, the farthest out first.

    The order is one of places, never of how many cells fit: see the explanation of matching.
    """
    ticks = np.linspace(1.0, 0.0, steps)
    grids = np.meshgrid(*[ticks if axis < axes else np.zeros(1) for axis in range(AXES)], indexing="ij")
    table = np.stack([each.ravel() for each in grids], axis=1)
    return np.ascontiguousarray(table[np.argsort(-table.sum(axis=1), kind="stable")])


def distances(points: Floats, *, axes: int, order: Order) -> Floats:
    """Return how far out each cell lies, in widths of the middle 68 % from the medians."""
    low, middle, high = np.quantile(points[:, :axes], (0.16, 0.5, 0.84), axis=0)
    far = np.abs(points[:, :axes] - middle) / np.where(high > low, high - low, 1.0)
    match order:
        case Order.FARTHEST_AXIS:
            return np.asarray(far.max(axis=1))
        case Order.STRAIGHT:
            return np.asarray(np.sqrt((far * far).sum(axis=1)))
        case Order.ALL_AXES:
            return np.asarray(far.sum(axis=1))


def peel(grid: Grid, wish: Wish, seeds: Ints, outward: Floats, *, size: int) -> Ints:
    """Take groups of `size` cells out of the grid, one for each seed in turn that is still free and can have one."""
    groups = np.empty((len(grid.points) // size, size), np.int64)
    middle = np.median(grid.points, axis=0)
    made = _peel(grid, make_search(len(grid.points)), wish, (seeds, outward, middle), groups)
    return groups[:made]


@compiled
def _peel(grid: Grid, search: Search, wish: Wish, order: tuple[Ints, Floats, Floats], groups: Ints) -> int:
    seeds, outward, middle = order
    made, size = 0, groups.shape[1]
    for seed in seeds:
        if made == len(groups):
            break
        if is_free(grid, seed) and _find_window(grid, search, seed, (outward, middle), size) >= size:
            count = find_in_box(grid, search)
            _price(search, wish, seed, count)
            select_cheapest(search.costs, search.found, count, size)
            for slot in range(size):
                groups[made, slot] = search.found[slot]
                take_out(grid, groups[made, slot])
            made += 1
    return made


@compiled
def _find_window(grid: Grid, search: Search, seed: int, where: tuple[Floats, Floats], size: int) -> int:
    """Move the box to the first position that holds enough free cells; return how many it holds, 0 = there is none."""
    outward, middle = where
    for position in range(len(outward)):
        for axis in range(AXES):
            value, share = grid.points[seed, axis], outward[position, axis]
            search.low[axis] = value - (1.0 - share if value >= middle[axis] else share)
            search.high[axis] = search.low[axis] + 1.0
        touch(grid, search)
        count = count_touched(grid, search.touched)
        if count > _CROWD * size:
            return _narrow(grid, search, seed, size)
        if count >= size:
            count = find_in_box(grid, search)
            if count >= size:
                return count
    return 0


@compiled
def _narrow(grid: Grid, search: Search, seed: int, size: int) -> int:
    """Halve a crowded box around its seed while it stays crowded; return how many cells it holds."""
    width = 1.0
    count = find_in_box(grid, search)
    # Cells may be equal: then no box is small enough.
    while count > _CROWD * size and width > _NARROWEST:
        width /= 2
        low, high = search.low.copy(), search.high.copy()
        for axis in range(AXES):
            start = min(max(grid.points[seed, axis] - width / 2, low[axis]), high[axis] - width)
            search.low[axis], search.high[axis] = start, start + width
        smaller = find_in_box(grid, search)
        if smaller < 2 * size:
            search.low[:], search.high[:] = low, high
            break
        count = smaller
    return count


@compiled
def _price(search: Search, wish: Wish, seed: int, count: int) -> None:
    for index in range(count):
        cell = search.found[index]
        cost = wish.pull[cell]
        for axis in range(AXES):
            cost += abs(wish.features[cell, axis] - wish.features[seed, axis])
        search.costs[index] = cost
