"""Factors by which units may differ (lots, machines, slots), and the levels that a population has of them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache

import numpy as np
from msgspec import Struct

from cellwright.analysis.hypergeometric import IntArray
from cellwright.analysis.unit_sets import Exposures
from cellwright.rules.positions import Basis, weakest


class FactorKind(StrEnum):
    """What a level of a factor is."""

    LOT = "lot"
    """A lot of a material, at any depth."""
    STATION = "station"
    """A station that did an operation on the unit, or made a lot that is in it."""
    CHANNEL = "channel"
    """A place of a station that works on carriers."""
    SLOT = "slot"
    """A place of the carrier during an operation, whatever the station."""
    CARRIER = "carrier"
    """A carrier during an operation."""
    MEMBER_SLOT = "member_slot"
    """A place in a module or pack."""
    LANE = "lane"
    """A lane of a material that is slit, whatever the lot."""
    POSITION = "position"
    """A tenth of the length (or amount) of a material's lots, whatever the lot."""
    TOOL = "tool"
    """A tool of a station from its fitting to its replacement."""
    ROLE = "role"
    """The roles of the person who did an operation."""
    SHIFT = "shift"
    """Eight hours, counted from midnight UTC, in which an operation was done."""


class Factor(Struct, frozen=True):
    """A factor: its kind, and the material, operation, tool or kind of unit that it is of."""

    kind: FactorKind
    of: str


class FactorLevel(Struct):
    """A level that units had: `code` is that of the lot, station or carrier, or what else names it."""

    factor: Factor
    code: str
    basis: Basis
    """The weakest of the ways in which units are known to have had it."""


class LevelBook:
    """Levels by number, and who had them."""

    def __init__(self) -> None:
        """Begin with none."""
        self.levels: list[FactorLevel] = []
        self._numbers: dict[tuple[Factor, str], int] = {}
        self._columns: list[tuple[IntArray, IntArray, IntArray]] = []

    def number(self, factor: Factor, code: str, basis: Basis = Basis.EXACT) -> int:
        """Return the number of a level, which is known on this basis too."""
        number = self._numbers.setdefault((factor, code), len(self.levels))
        if number == len(self.levels):
            self.levels.append(FactorLevel(factor, code, basis))
        self.weaken((number,), basis)
        return number

    def weaken(self, numbers: Iterable[int], basis: Basis) -> None:
        """Note that levels are known on this basis too."""
        for number in numbers:
            level = self.levels[number]
            if level.basis is not basis:
                level.basis = weakest((level.basis, basis))

    def add(self, levels: IntArray, starts: IntArray, ends: IntArray) -> None:
        """Note that units [start, end) had levels."""
        self._columns.append((levels, starts, ends))

    def add_units(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Note that single units had levels: pairs of level and unit."""
        columns = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        self.add(columns[:, 0], columns[:, 1], columns[:, 1] + 1)

    def exposures(self) -> Exposures:
        """Return who had which level."""
        if not self._columns:
            nothing = np.zeros(0, np.int64)
            return Exposures(nothing, nothing, nothing)
        return Exposures(*(np.concatenate(column) for column in zip(*self._columns, strict=True)))


_SHIFT_US = 8 * 3_600_000_000


def moment_code(time_us: int) -> str:
    """Return a time as text to the minute, UTC."""
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M")


def shift_code(time_us: int) -> str:
    """Return when the eight hours began in which a time lies, UTC."""
    return _begin_of_shift(time_us // _SHIFT_US)


@lru_cache(maxsize=10_000)
def _begin_of_shift(number: int) -> str:
    return moment_code(number * _SHIFT_US)
