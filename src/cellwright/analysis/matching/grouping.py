"""Groups of cells that fit into one window on every axis: several plans of one stock, of which the best is kept."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from msgspec import Struct

from cellwright.analysis.matching.bound import countable_cells
from cellwright.analysis.matching.exact import repair
from cellwright.analysis.matching.grid import Ints, make_grid
from cellwright.analysis.matching.peel import Order, Wish, distances, peel, positions
from cellwright.analysis.matching.split import split
from cellwright.analysis.matching.windows import SLACK_RATIO, Flags, Floats

CAPACITY: Final = 2
"""Axis of the capacity; the others are those of voltage and resistance."""

_WORK_MAX: Final = 300_000
"""So many cells are planned in all: a small stock in every way there is, a large one in the first few."""

_WAYS_TRIED: Final = 16
"""So many ways are tried for the sake of capacity; after them the first that reaches the bound is enough."""

_REPAIRS: Final = 6
"""So often a remainder is solved exactly, in all parts together."""

_STEPS_OF_REST: Final = 5
_SPLIT_WEIGHT: Final = 5.0
_AGE_PULL: Final = 0.05


class Way(Struct, frozen=True):
    """How a stock is planned."""

    peeled_ratio: float
    """Share of the cells that are seeds of a group from the outside in; the others are split."""
    weight_ratio: float
    """How much more than on the other axes cells of a peeled group are alike in capacity."""
    steps: int = 3
    """Positions of a window about a seed, on each axis."""
    order: Order = Order.FARTHEST_AXIS


_WAYS: Final = tuple(
    Way(peeled, weight, steps, order)
    for steps in (3, 5)
    for order in Order
    for weight in (8.0, 20.0, 3.0, 1.0)
    for peeled in (0.1, 0.35, 0.03, 1.0, 0.6)
)
_WAYS_OF_LARGE: Final = (Way(0.1, 8.0),)


class Space(Struct, frozen=True, eq=False):
    """Cells as points: windows are of width 1 on the first `axes` axes of `points`; `points` beyond are 0."""

    points: Floats
    axes: int
    capacity: Floats
    """Of the cells, in widths of a window of capacity, whether there is one or not."""
    capacity_matters: bool
    """Whether cells of a pack should be alike in capacity: False = they are mixed and balanced."""
    age_ratio: Floats
    """Age as a share of the limit; the older go first among equals."""

    def part(self, cells: Ints) -> "Space":
        """Return the space of some of the cells."""
        points = np.ascontiguousarray(self.points[cells])
        return Space(points, self.axes, self.capacity[cells], self.capacity_matters, self.age_ratio[cells])


class Grouping(Struct, frozen=True, eq=False):
    """Groups (n, size) of cells, and which cells could have been in one at all."""

    groups: Ints
    countable: Flags

    @property
    def bound_count(self) -> int:
        """No plan has more groups."""
        return int(self.countable.sum()) // int(self.groups.shape[1])


def group_cells(space: Space, *, size: int, parts_count: int = 1) -> Grouping:
    """Return the best grouping found: most groups first, then the least spread of capacity within them.

    The more parts of about this size there are, the less is tried for each.
    """
    grid = make_grid(space.points)
    countable = countable_cells(grid, size=size)
    bound_count = int(countable.sum()) // size
    best = np.empty((0, size), np.int64)
    if bound_count == 0:
        return Grouping(best, countable)
    best_value = (0, 0.0)
    for number, way in enumerate(_ways(len(space.points) * parts_count, space)):
        if number >= _WAYS_TRIED and len(best) == bound_count:
            break
        groups = _plan(space, way, size)
        value = (len(groups), -_spread(space, groups))
        if value > best_value:
            best, best_value = groups, value
    if len(best) < bound_count:
        best = repair(space.points, best, countable, axes=space.axes, tries=_REPAIRS // parts_count)
    return Grouping(best, countable)


def _ways(count: int, space: Space) -> Iterator[Way]:
    if count > _WORK_MAX:
        yield from _WAYS_OF_LARGE
        return
    weights = {each.weight_ratio for each in _WAYS} if space.capacity_matters else {8.0}
    ways = [each for each in _WAYS if each.weight_ratio in weights]
    yield from ways[: max(1, _WORK_MAX // count)]


def _spread(space: Space, groups: Ints) -> float:
    if not space.capacity_matters or not len(groups):
        return 0.0
    capacity = space.capacity[groups]
    return float((capacity.mean(axis=1) - capacity.min(axis=1)).mean())


def _plan(space: Space, way: Way, size: int) -> Ints:
    """Peel the outside, split the core, and peel what neither could use."""
    count = len(space.points)
    far = distances(space.points, axes=space.axes, order=way.order)
    order = np.argsort(-far - _AGE_PULL * space.age_ratio, kind="stable")
    pull = -_AGE_PULL * space.age_ratio
    near = _weighted(space, way.weight_ratio)
    outward = positions(space.axes, way.steps)
    used = np.zeros(count, np.bool_)
    peeled = peel(make_grid(space.points), Wish(near, pull), order[: int(way.peeled_ratio * count)], outward, size=size)
    used[peeled] = True
    parts = split(_weighted(space, _SPLIT_WEIGHT), np.flatnonzero(~used), size=size)
    parts = parts[(np.ptp(space.points[parts], axis=1) <= 1 + SLACK_RATIO).all(axis=1)]
    used[parts] = True
    rest = np.flatnonzero(~used)
    if len(rest) < size:
        return np.concatenate((peeled, parts))
    seeds = np.argsort(-far[rest], kind="stable")
    wish = Wish(np.ascontiguousarray(near[rest]), pull[rest])
    last = peel(make_grid(space.points[rest]), wish, seeds, positions(space.axes, _STEPS_OF_REST), size=size)
    return np.concatenate((peeled, parts, rest[last]))


def _weighted(space: Space, weight_ratio: float) -> Floats:
    """Return the coordinates in which cells of a group should be near."""
    features = space.points.copy()
    if space.capacity_matters:
        features[:, CAPACITY] = space.capacity * weight_ratio
    return features
