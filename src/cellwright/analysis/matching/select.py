"""Partial selection in place: the smallest first, ties by number, so that the answer never depends on the order before."""

from cellwright.analysis.matching.compiled import compiled
from cellwright.analysis.matching.grid import Ints
from cellwright.analysis.matching.windows import Floats


@compiled
def select_cheapest(costs: Floats, cells: Ints, count: int, size: int) -> None:
    """Bring the `size` cells of the smallest (cost, cell) to the front; both arrays move together."""
    low, high = 0, count - 1
    while low < high:
        left, right = _part(costs, cells, low, high)
        if size - 1 <= right:
            high = right
        elif size - 1 >= left:
            low = left
        else:
            break


@compiled
def _part(costs: Floats, cells: Ints, low: int, high: int) -> tuple[int, int]:
    """Part a stretch by the middle one of three; return where the larger ones begin and the smaller ones end."""
    middle = _median_of_three(costs, cells, low, high)
    cost, cell = costs[middle], cells[middle]
    left, right = low, high
    while left <= right:
        while costs[left] < cost or (costs[left] == cost and cells[left] < cell):
            left += 1
        while costs[right] > cost or (costs[right] == cost and cells[right] > cell):
            right -= 1
        if left <= right:
            costs[left], costs[right] = costs[right], costs[left]
            cells[left], cells[right] = cells[right], cells[left]
            left += 1
            right -= 1
    return left, right


@compiled
def _median_of_three(costs: Floats, cells: Ints, low: int, high: int) -> int:
    first, middle, last = low, (low + high) // 2, high
    if _is_less(costs, cells, middle, first):
        first, middle = middle, first
    if _is_less(costs, cells, last, middle):
        middle = last
        if _is_less(costs, cells, middle, first):
            middle = first
    return middle


@compiled
def _is_less(costs: Floats, cells: Ints, one: int, other: int) -> bool:
    return bool(costs[one] < costs[other] or (costs[one] == costs[other] and cells[one] < cells[other]))
