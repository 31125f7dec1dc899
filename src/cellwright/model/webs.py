"""Webs: what was measured along a lot, and the flaws seen on it, as facts keep them."""

from msgspec import Struct


class LotProfile(Struct, frozen=True, kw_only=True):
    """A characteristic along a lot: value k holds for [start + k * step, start + (k + 1) * step), None = not measured."""

    lot: int
    characteristic: str
    lane: int = 0
    start: int = 0
    step: int
    """Length for which one value holds, in the lot's measure."""
    values: tuple[float | None, ...]
    """One value per step; null = not measured."""


class LotMark(Struct, frozen=True, kw_only=True):
    """A flaw seen on [start, end) of a lot, in its measure."""

    lot: int
    defect: str
    start: int
    end: int
    lane: int = 0
