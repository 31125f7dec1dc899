"""Pieces agree with the plain walk through the parts, point by point, and never cover what was cut out."""

import itertools
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from cellwright.rules.pieces import Piece, pieces_of
from cellwright.rules.positions import Direction
from cellwright.rules.state import LotPartRow

ROLL, CALENDERED, REEL = 1, 2, 3
LENGTH = 100_000


@st.composite
def webs(draw: st.DrawFn) -> list[LotPartRow]:
    """A roll that is calendered (longer, reversed) and slit into one reel of lane 2, with pieces cut out."""
    longer = LENGTH + draw(st.integers(0, 2000))
    cuts = sorted(draw(st.lists(st.integers(0, longer), min_size=0, max_size=6, unique=True)))
    edges = [0, *cuts[: len(cuts) // 2 * 2], longer]
    kept = [(low, high) for low, high in zip(edges[::2], edges[1::2], strict=True) if low < high]
    parts = [LotPartRow(CALENDERED, 1, ROLL, 0, LENGTH, 0, longer, 0, draw(st.booleans()), 50)]
    at, is_reversed = 0, draw(st.booleans())
    for number, (low, high) in enumerate(kept, 1):
        parts.append(LotPartRow(REEL, number, CALENDERED, low, high, at, at + high - low, 2, is_reversed, 50))
        at += high - low
    return parts


def origin(parts: list[LotPartRow], lot: int, at: Fraction) -> Fraction | None:
    """Return the point of the roll that a point of a lot came from."""
    if lot == ROLL:
        return at
    for part in (each for each in parts if each.child == lot and each.child_start <= at < each.child_end):
        share = (at - part.child_start) / (part.child_end - part.child_start)
        share = 1 - share if part.reversed else share
        return origin(parts, part.parent, part.parent_start + share * (part.parent_end - part.parent_start))
    return None


def place(piece: Piece, at: Fraction) -> Fraction:
    """Return where a point of the lot asked about lies on the piece's lot."""
    share = (at - piece.own_start) / (piece.own_end - piece.own_start)
    share = 1 - share if piece.is_reversed else share
    return piece.start + share * (piece.end - piece.start)


@given(webs(), st.integers(0, LENGTH - 1))
def test_every_point_of_a_reel_lies_on_the_roll_where_the_walk_says(parts: list[LotPartRow], start: int) -> None:
    length = max(part.child_end for part in parts if part.child == REEL)
    low = min(start, length - 1)
    pieces = [
        piece for piece in pieces_of(REEL, (low, length), parts, Direction.BACKWARD, most=100) if piece.lot == ROLL
    ]
    assert all((piece.lane, piece.tolerance > 0) == (2, True) for piece in pieces)
    for point in range(low, length, 997):
        at = Fraction(2 * point + 1, 2)
        here = [piece for piece in pieces if piece.own_start <= at < piece.own_end]
        expected = origin(parts, REEL, at)
        assert expected is not None
        if here:  # a piece of a millimetre or two may round to nothing
            assert min(abs(place(piece, at) - expected) for piece in here) <= 4
        else:
            assert any(part.child_end - part.child_start <= 2 for part in parts if part.child == REEL)


@given(webs())
def test_forward_and_backward_pieces_are_the_same_stretches(parts: list[LotPartRow]) -> None:
    length = max(part.child_end for part in parts if part.child == REEL)
    back = [each for each in pieces_of(REEL, (0, length), parts, Direction.BACKWARD, most=100) if each.lot == ROLL]
    ahead = [each for each in pieces_of(ROLL, (0, LENGTH), parts, Direction.FORWARD, most=100) if each.lot == REEL]
    assert all(each.lane == 2 for each in ahead)
    covered = sorted((each.start, each.end) for each in ahead)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(covered)), "laid twice"
    for piece in back:
        mirrored = min(ahead, key=lambda each: abs(each.start - piece.own_start))
        assert abs(mirrored.own_start - piece.start) + abs(mirrored.own_end - piece.end) <= 8
        assert mirrored.is_reversed is piece.is_reversed


def test_no_more_pieces_than_wanted() -> None:
    parts = [LotPartRow(10 + n, 1, ROLL, n * 10, n * 10 + 10, 0, 10, 0, False, 0) for n in range(50)]
    found = pieces_of(ROLL, (0, 500), parts, Direction.FORWARD, most=20)
    assert [piece.lot for piece in found] == [ROLL, *range(10, 29)]
