"""Facts of correcting the record: how it was, and how it is from now on."""

from msgspec import Struct

from cellwright.model.wire import FactBase


class RunCorrection(Struct, frozen=True, kw_only=True):
    """Units first..last took [start, end) of a lot evenly, not [was_start, was_end) of the lot that was recorded."""

    first: int
    last: int
    lot: int
    start: int
    end: int
    tolerance: int
    was_lot: int
    was_start: int
    was_end: int


class PartCorrection(Struct, frozen=True, kw_only=True):
    """Part `number` of a lot as it is from now on, in the words of LotPart; `was_` is what was recorded."""

    child: int
    number: int
    parent: int
    parent_start: int
    parent_end: int
    child_start: int
    child_end: int
    lane: int
    reversed: bool
    tolerance: int
    was_parent: int
    was_parent_start: int
    was_parent_end: int
    was_child_start: int
    was_child_end: int
    was_lane: int
    was_reversed: bool
    was_tolerance: int


class StockCorrection(Struct, frozen=True, kw_only=True):
    """What went back to stock at a lot's end, in its measure; below 0 = that much more of it was taken."""

    lot: int
    returned: int


class RunsCorrected(FactBase, frozen=True, kw_only=True):
    """Units had taken other stretches of lots than was recorded; what was believed before is kept beside."""

    correction: int
    position: str
    layer: int
    runs: tuple[RunCorrection, ...]
    stocks: tuple[StockCorrection, ...] = ()
    reason: str
    second_person: str


class PartsCorrected(FactBase, frozen=True, kw_only=True):
    """Parts of lots had come from elsewhere than was recorded; what was believed before is kept beside."""

    correction: int
    parts: tuple[PartCorrection, ...]
    stocks: tuple[StockCorrection, ...] = ()
    reason: str
    second_person: str
