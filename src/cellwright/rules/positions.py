"""Positions: a stretch of a lot carried to its parents and children, with how surely each end is known.

A part maps [parent_start, parent_end) of a lot onto [child_start, child_end) of another evenly; pieces that were cut
out are parts that do not exist. A lot measured by mass is a mixture: what went into it is in all of it.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct, structs

from cellwright.model.facts import UNPLACED
from cellwright.model.quantities import Measure
from cellwright.rules.genealogy import interval_of
from cellwright.rules.state import LoadRun, LotPartRow


class Basis(StrEnum):
    """How a stretch is known: to the piece, within a tolerance, or only that it went into the whole lot."""

    EXACT = "exact"
    INTERVAL = "interval"
    LOT = "lot"


class Direction(StrEnum):
    """Towards what a thing was made of, or towards what was made of it."""

    BACKWARD = "backward"
    FORWARD = "forward"


class Stretch(Struct, frozen=True, order=True):
    """[start, end) of a lot in its measure, each end within `tolerance`; lane 0 is the full width.

    An empty stretch was not counted as touched, but lies within the tolerance.
    """

    start: int
    end: int
    tolerance: int = 0
    lane: int = 0
    basis: Basis = Basis.EXACT


class Crossing(Struct, frozen=True):
    """A part that a trace went through: the stretches of its parent and of its child that it joins."""

    part: LotPartRow
    parent: tuple[Stretch, ...]
    child: tuple[Stretch, ...]


class Reach(Struct):
    """What a trace reached: the stretches of every lot, nearest lots first, and the parts between them."""

    stretches: dict[int, tuple[Stretch, ...]] = {}
    crossings: list[Crossing] = []


def is_mixture(measure: Measure) -> bool:
    """Tell whether positions of a lot say when it was drawn, not what of its parents is there."""
    return measure is Measure.MG


def strongest(bases: Iterable[Basis]) -> Basis:
    """Return the surest of several ways to know a thing."""
    return min(bases, key=list(Basis).index, default=Basis.LOT)


def weakest(bases: Iterable[Basis]) -> Basis:
    """Return the least sure link of a chain."""
    return max(bases, key=list(Basis).index, default=Basis.EXACT)


def stretch_of(run: LoadRun, unit: int) -> Stretch:
    """Return what a unit of a run took of the run's lot."""
    start, end = interval_of(run, unit)
    return Stretch(start, end, run.tolerance, 0, _basis(run.tolerance))


def units_on(run: LoadRun, stretch: Stretch) -> range:
    """Return the units of a run that took something of a stretch, those within the tolerances included."""
    units, slack = range(run.a, run.b + 1), stretch.tolerance + run.tolerance
    low, high = stretch.start - slack, max(stretch.end + slack, stretch.start - slack + 1)
    if run.start == run.end:
        return units if low <= run.start <= high else units[:0]
    first = bisect_right(units, low, key=lambda unit: interval_of(run, unit)[1])
    return units[first : bisect_left(units, high, key=lambda unit: interval_of(run, unit)[0])]


def to_parent(part: LotPartRow, stretch: Stretch, *, is_blended: bool = False) -> Stretch | None:
    """Return what of the part's parent is in a stretch of its child, None when nothing is.

    The tolerance grows by the part's own; `is_blended` says that the child is a mixture.
    """
    if is_blended:
        return Stretch(part.parent_start, part.parent_end, max(part.tolerance, 0), 0, Basis.LOT)
    if part.tolerance == UNPLACED:
        is_touched = _touches(stretch, stretch.tolerance, part.child_start, part.child_end)
        return Stretch(part.parent_start, part.parent_end, 0, part.lane, Basis.LOT) if is_touched else None
    parent, child = part.parent_end - part.parent_start, part.child_end - part.child_start
    slack = stretch.tolerance + _scaled_up(part.tolerance, child, parent)
    if not _touches(stretch, slack, part.child_start, part.child_end):
        return None
    source, target = (part.child_start, part.child_end), (part.parent_start, part.parent_end)
    start, end = _carried(stretch, source, target, is_flipped=part.reversed)
    tolerance = _scaled_up(stretch.tolerance, parent, child) + part.tolerance
    return Stretch(start, end, tolerance, part.lane or stretch.lane, _weakened(stretch.basis, tolerance))


def to_child(part: LotPartRow, stretch: Stretch, *, blend_size: int | None = None) -> Stretch | None:
    """Return where a stretch of the part's parent went on its child, None when it is not in it.

    `blend_size` is the child's quantity when it is a mixture: then it is everywhere in it.
    """
    slack = stretch.tolerance + max(part.tolerance, 0)
    is_beside = part.lane and stretch.lane and part.lane != stretch.lane
    if is_beside or not _touches(stretch, slack, part.parent_start, part.parent_end):
        return None
    if blend_size is not None:
        return Stretch(0, blend_size, 0, 0, Basis.LOT)
    if part.tolerance == UNPLACED:
        return Stretch(part.child_start, part.child_end, 0, 0, Basis.LOT)
    parent, child = part.parent_end - part.parent_start, part.child_end - part.child_start
    source, target = (part.parent_start, part.parent_end), (part.child_start, part.child_end)
    start, end = _carried(stretch, source, target, is_flipped=part.reversed)
    tolerance = _scaled_up(slack, child, parent)
    return Stretch(start, end, tolerance, 0 if part.lane else stretch.lane, _weakened(stretch.basis, tolerance))


def merge(stretches: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """Join stretches of one lot that overlap, touch, or lie no further apart than their tolerance."""
    merged: list[Stretch] = []
    for stretch in sorted(stretches, key=lambda each: (each.lane, each.basis, each.start, each.end)):
        last = merged[-1] if merged else None
        if last is None or not _joins(last, stretch):
            merged.append(stretch)
            continue
        merged[-1] = structs.replace(
            last, end=max(last.end, stretch.end), tolerance=max(last.tolerance, stretch.tolerance)
        )
    return tuple(merged)


def carry(
    starts: Mapping[int, Iterable[Stretch]],
    parts: Sequence[LotPartRow],
    mixtures: Mapping[int, int],
    direction: Direction,
) -> Reach:
    """Carry stretches of lots through all parts between them; `mixtures` are the quantities of lots by mass."""
    onward = _by_near_lot(parts, direction)
    found = {lot: list(stretches) for lot, stretches in starts.items()}
    reach = Reach(stretches={}, crossings=[])
    for lot in _ordered(found, onward, direction):
        near = reach.stretches[lot] = merge(found.get(lot, ()))
        for part in onward.get(lot, ()):
            pairs = [(each, _step(part, each, mixtures, direction)) for each in near]
            far = merge(stretch for _, stretch in pairs if stretch is not None)
            if far:
                found.setdefault(_far_lot(part, direction), []).extend(far)
                touched = tuple(each for each, stretch in pairs if stretch is not None)
                ends = (far, touched) if direction is Direction.BACKWARD else (touched, far)
                reach.crossings.append(Crossing(part, *ends))
    reach.stretches = {lot: stretches for lot, stretches in reach.stretches.items() if stretches}
    return reach


def _step(part: LotPartRow, stretch: Stretch, mixtures: Mapping[int, int], direction: Direction) -> Stretch | None:
    if direction is Direction.FORWARD:
        return to_child(part, stretch, blend_size=mixtures.get(part.child))
    found = to_parent(part, stretch, is_blended=part.child in mixtures)
    # A mixture has no lanes.
    return structs.replace(found, lane=0) if found is not None and part.parent in mixtures else found


def _near_lot(part: LotPartRow, direction: Direction) -> int:
    return part.child if direction is Direction.BACKWARD else part.parent


def _far_lot(part: LotPartRow, direction: Direction) -> int:
    return part.parent if direction is Direction.BACKWARD else part.child


def _by_near_lot(parts: Iterable[LotPartRow], direction: Direction) -> dict[int, list[LotPartRow]]:
    onward: dict[int, list[LotPartRow]] = {}
    for part in parts:
        onward.setdefault(_near_lot(part, direction), []).append(part)
    return onward


def _ordered(starts: Iterable[int], onward: Mapping[int, Sequence[LotPartRow]], direction: Direction) -> Iterator[int]:
    """Yield lots so that each comes after all that lead to it (Kahn 1962)."""
    waiting: dict[int, int] = {}
    for part in (part for parts in onward.values() for part in parts):
        far = _far_lot(part, direction)
        waiting[far] = waiting.get(far, 0) + 1
    lots = dict.fromkeys([*starts, *onward])
    ready = deque(lot for lot in lots if not waiting.get(lot))
    while ready:
        lot = ready.popleft()
        yield lot
        for part in onward.get(lot, ()):
            far = _far_lot(part, direction)
            waiting[far] -= 1
            if not waiting[far]:
                ready.append(far)


def _basis(tolerance: int) -> Basis:
    return Basis.INTERVAL if tolerance else Basis.EXACT


def _weakened(basis: Basis, tolerance: int) -> Basis:
    return weakest((basis, _basis(tolerance)))


def _joins(last: Stretch, following: Stretch) -> bool:
    gap = following.start - last.end
    return last.lane == following.lane and last.basis is following.basis and gap <= last.tolerance


def _touches(stretch: Stretch, slack: int, start: int, end: int) -> bool:
    low, high = max(stretch.start - slack, start), min(stretch.end + slack, end)
    is_point = start == end or (stretch.start == stretch.end and not slack)
    return low < high or (low == high and is_point)


def _scaled_up(amount: int, target: int, source: int) -> int:
    """Return amount * target / source, rounded up; a source of no length says nothing, so the whole target counts."""
    if not amount:
        return 0
    return -(-amount * target // source) if source else target


def _carried(
    stretch: Stretch, source: tuple[int, int], target: tuple[int, int], *, is_flipped: bool
) -> tuple[int, int]:
    """Return a stretch's place on the target, rounded outwards; what lies beyond the source is cut off."""
    length, size = source[1] - source[0], target[1] - target[0]
    if not length:
        return target
    low, high = (min(max(end, source[0]), source[1]) - source[0] for end in (stretch.start, stretch.end))
    if is_flipped:
        low, high = length - high, length - low
    return target[0] + low * size // length, target[0] - (-high * size // length)
