"""Physical lots, what they were made of, and machines that draw from them with imperfect counters.

A lot's own measure (mm, mg or count) begins at the end that is used first: a roll begins at its outer end, so every
roll made from a roll runs against its parent. Two positions are kept apart everywhere: where the material truly is,
and what the machine's counter reads.
"""

from collections.abc import Sequence

from msgspec import Struct, field
from numpy import float64
from numpy.random import Generator
from numpy.typing import NDArray

from cellwright.sim.randoms import bounded

SCALE_ERROR_RATIO = 1.5e-4
"""Largest error of a length counter, of the length counted."""
ZERO_ERROR_MM = 5.0
READING_ERROR_MM = 4.0
LENGTH_TOLERANCE_MM = 50
"""No length counter is further from the truth than this, on lots up to 250 m."""
MASS_ERROR_RATIO = 5e-4
READING_ERROR_MG = 50.0
MASS_TOLERANCE_RATIO = 1e-3
"""No scale is further from the truth than this part of the lot's mass (and 100 mg)."""

FloatArray = NDArray[float64]


class Part(Struct, frozen=True):
    """[p0, p1) of a parent became [c0, c1) of the child, each in its lot's own measure."""

    parent: str
    position: str
    p0: float
    p1: float
    c0: float
    c1: float
    lane: int = 0
    reversed: bool = False


class Flaw(Struct, frozen=True):
    """A true defect on [start, end) of a web (mm), in one lane (-1 = all); a cut flaw is seen and cut out."""

    start: float
    end: float
    lane: int
    cause: str
    is_cut: bool = False


class Lot(Struct, eq=False):
    """A physical lot: true `size` and `used`, and the same as the machines' counters have it."""

    code: str
    material: str
    measure: str
    size: float
    booked: int
    used: float = 0.0
    counted: int = 0
    made_us: int = 0
    expires_us: int = 0
    parts: list[Part] = field(default_factory=list)
    splices: list[float] = field(default_factory=list)
    """Positions (mm) where a piece was cut out and the ends joined."""
    areal_gsm: FloatArray | None = None
    """Webs: coating mass per area (g/m2) by metre (rows) and lane (columns), by the lot's own measure."""
    traits: dict[str, float] = field(default_factory=dict)
    """Properties that later steps feel: particles, moisture, burr, solids."""
    flaws: list[Flaw] = field(default_factory=list)
    """True defects by position."""

    @property
    def left(self) -> float:
        """What is truly left, in the lot's measure."""
        return self.size - self.used

    @property
    def booked_left(self) -> int:
        """What is left by the counters."""
        return self.booked - self.counted


class Counter:
    """A position's counter: a constant scale error, a zero error at each loading, and noise at each reading."""

    def __init__(self, random: Generator, measure: str) -> None:
        """Draw the scale error of a counter of mm, mg or count (which never errs)."""
        error = {"mm": SCALE_ERROR_RATIO, "mg": MASS_ERROR_RATIO, "count": 0.0}[measure]
        self._noise = {"mm": READING_ERROR_MM, "mg": READING_ERROR_MG, "count": 0.0}[measure]
        self._zero_limit = ZERO_ERROR_MM if measure == "mm" else 0.0
        self._random = random
        self._zero = 0.0
        self.scale = 1.0 + float(random.uniform(-error, error))

    def reset(self) -> None:
        """Start counting anew, as at every loading."""
        self._zero = float(self._random.uniform(-self._zero_limit, self._zero_limit))

    def read(self, length: float) -> int:
        """Return the reading at a true distance from the last reset."""
        noise = bounded(self._random, self._noise / 3, self._noise) if self._noise else 0.0
        return max(0, round(length * self.scale + self._zero + noise)) if length > 0 else 0


class Span(Struct, frozen=True):
    """A stretch of a lot: truly [start, end), as counted [counted_start, counted_end)."""

    position: str
    lot: Lot
    start: float
    end: float
    counted_start: int
    counted_end: int

    @property
    def length(self) -> float:
        """True length, in the lot's measure."""
        return self.end - self.start


class Feed:
    """A lot at a material position, drawn from with a counter; leader and trailer are lost."""

    def __init__(self, position: str, lot: Lot, counter: Counter, *, leader: float = 0.0, trailer: float = 0.0) -> None:
        """Load a lot and thread its leader (in its measure)."""
        counter.reset()
        self.position = position
        self.lot = lot
        self._counter = counter
        self._trailer = trailer
        self._origin = lot.used
        self._base = lot.counted
        lot.used += leader

    @property
    def available(self) -> float:
        """What can still be drawn, in the lot's measure."""
        return self.lot.left - self._trailer

    def fits(self, amount: float) -> bool:
        """Tell whether `amount` can be drawn, splices skipped."""
        start = self._clear_of_splices(self.lot.used, amount)
        return start + amount <= self.lot.size - self._trailer

    def take(self, amount: float) -> Span:
        """Draw `amount` and return where it came from; a stretch with a splice is skipped and lost."""
        lot = self.lot
        start = self._clear_of_splices(lot.used, amount)
        counted_start = max(lot.counted, self._reading(start))
        lot.used = start + amount
        lot.counted = max(counted_start + 1, self._reading(lot.used))
        return Span(self.position, lot, start, lot.used, counted_start, lot.counted)

    def _reading(self, true_position: float) -> int:
        return min(self._base + self._counter.read(true_position - self._origin), self.lot.booked)

    def _clear_of_splices(self, start: float, amount: float) -> float:
        margin_mm = 150.0
        for splice in self.lot.splices:
            if start - margin_mm < splice < start + amount:
                start = splice + margin_mm
        return start


def to_parent(parts: Sequence[Part], position: float) -> float | None:
    """Return where on the parent a position of the child came from, None when it lies on no part."""
    for part in parts:
        if part.c0 <= position < part.c1:
            share = (position - part.c0) / (part.c1 - part.c0)
            return part.p1 - share * (part.p1 - part.p0) if part.reversed else part.p0 + share * (part.p1 - part.p0)
    return None
