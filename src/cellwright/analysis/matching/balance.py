"""Parallel groups of equal sums: large and small capacities are mixed on purpose inside a pack."""

from typing import Final

import numpy as np

from cellwright.analysis.matching.compiled import compiled
from cellwright.analysis.matching.grid import Ints
from cellwright.analysis.matching.windows import Floats

_SWAPS_MAX: Final = 2000


def balance(packs: Ints, values: Floats, *, series: int) -> Ints:
    """Return packs (n, S * P) as parallel groups (n, S, P) whose sums of values differ as little as swaps can make them.

    Largest first, dealt row by row in turning direction; then, while it helps, the one swap between the group of the
    largest sum and that of the smallest which closes most of their gap.
    """
    order = np.argsort(-values[packs], axis=1, kind="stable")
    rows = np.take_along_axis(packs, order, axis=1).reshape(len(packs), packs.shape[1] // series, series)
    rows[:, 1::2] = rows[:, 1::2, ::-1]
    groups = np.ascontiguousarray(rows.transpose(0, 2, 1))
    _swap_all(groups, values)
    return groups


def unusable_ratios(groups: Ints, values: Floats) -> Floats:
    """Return for each pack (n, S, P) what share of its capacity its smallest parallel group leaves unusable."""
    sums = values[groups].sum(axis=2)
    mean = sums.mean(axis=1)
    unusable: Floats = (mean - sums.min(axis=1)) / mean
    return unusable


@compiled
def _swap_all(groups: Ints, values: Floats) -> None:
    for pack in range(len(groups)):
        sums = np.zeros(groups.shape[1])
        for series in range(groups.shape[1]):
            for parallel in range(groups.shape[2]):
                sums[series] += values[groups[pack, series, parallel]]
        for _ in range(_SWAPS_MAX):
            if not _swap_once(groups[pack], values, sums):
                break


@compiled
def _swap_once(groups: Ints, values: Floats, sums: Floats) -> bool:
    """Swap the pair of cells that brings the largest and the smallest sum nearest; False = no pair does."""
    large, small = int(np.argmax(sums)), int(np.argmin(sums))
    gap = sums[large] - sums[small]
    best, one, other = gap * (1 - 1e-9), -1, -1
    for first in range(groups.shape[1]):
        for second in range(groups.shape[1]):
            left = abs(gap - 2 * (values[groups[large, first]] - values[groups[small, second]]))
            if left < best:
                best, one, other = left, first, second
    if one < 0:
        return False
    moved = values[groups[large, one]] - values[groups[small, other]]
    groups[large, one], groups[small, other] = groups[small, other], groups[large, one]
    sums[large] -= moved
    sums[small] += moved
    return True
