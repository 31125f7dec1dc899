"""Pieces: which stretch of which other lot is which stretch of this one, through all parts between them.

Where `positions` asks which lots a stretch may touch, with every end rounded outwards, pieces say where to draw what is
known of one lot on another: ends are rounded to the nearest, so that neighbours stay neighbours.
"""

from collections import deque
from collections.abc import Sequence

from msgspec import Struct

from cellwright.rules.positions import Direction
from cellwright.rules.state import LotPartRow


class Piece(Struct, frozen=True):
    """[start, end) of a lot is [own_start, own_end) of the lot asked about, evenly and within `tolerance` there.

    `lane` is the lane of the wider of the two that the narrower one is, 0 = both are equally wide.
    """

    lot: int
    start: int
    end: int
    own_start: int
    own_end: int
    is_reversed: bool = False
    lane: int = 0
    tolerance: int = 0

    def own(self, start: int, end: int) -> tuple[int, int]:
        """Return where a stretch of the lot lies on the lot asked about; what lies beyond the piece is cut off."""
        low, high = (min(max(each, self.start), self.end) for each in (start, end))
        return self.going_on(low, high)

    def going_on(self, start: int, end: int) -> tuple[int, int]:
        """Return where a stretch would lie if the piece went on evenly beyond its ends."""
        span, own = (self.start, self.end), (self.own_start, self.own_end)
        return mapped((start, end), span, own, is_reversed=self.is_reversed)


def pieces_of(
    lot: int, section: tuple[int, int], parts: Sequence[LotPartRow], direction: Direction, *, most: int
) -> list[Piece]:
    """Return the pieces of a section of a lot, itself first; at most `most`, the nearest lots first."""
    onward: dict[int, list[LotPartRow]] = {}
    is_backward = direction is Direction.BACKWARD
    for part in parts:
        onward.setdefault(part.child if is_backward else part.parent, []).append(part)
    found = [Piece(lot, *section, *section)]
    waiting = deque(found)
    while waiting and len(found) < most:
        near = waiting.popleft()
        joined = [_joined(near, part, is_backward=is_backward) for part in onward.get(near.lot, ())]
        far = [piece for piece in joined if piece is not None][: most - len(found)]
        found.extend(far)
        waiting.extend(far)
    return found


def _joined(near: Piece, part: LotPartRow, *, is_backward: bool) -> Piece | None:
    """Return the piece behind another one, through a part; None when they do not touch."""
    child, parent = (part.child_start, part.child_end), (part.parent_start, part.parent_end)
    here, there = (child, parent) if is_backward else (parent, child)
    low, high = max(near.start, here[0]), min(near.end, here[1])
    if low >= high:
        return None
    start, end = mapped((low, high), here, there, is_reversed=part.reversed)
    own_start, own_end = near.own(low, high)
    if start >= end or own_start >= own_end:
        return None
    parent_length = end - start if is_backward else high - low
    return Piece(
        lot=part.parent if is_backward else part.child,
        start=start,
        end=end,
        own_start=own_start,
        own_end=own_end,
        is_reversed=near.is_reversed is not part.reversed,
        lane=(part.lane or near.lane) if is_backward else (near.lane or part.lane),
        tolerance=near.tolerance + -(-part.tolerance * (own_end - own_start) // parent_length),
    )


def mapped(
    stretch: tuple[int, int], source: tuple[int, int], target: tuple[int, int], *, is_reversed: bool
) -> tuple[int, int]:
    """Return a stretch's place on the target, each end to the nearest."""
    length, size = source[1] - source[0], target[1] - target[0]
    low, high = (end - source[0] for end in stretch)
    if is_reversed:
        low, high = length - high, length - low
    return target[0] + (2 * low * size + length) // (2 * length), target[0] + (2 * high * size + length) // (2 * length)
