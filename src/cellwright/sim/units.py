"""Physical units - cells, modules, packs - and what truly happened to them."""

from enum import StrEnum

from msgspec import Struct, field

from cellwright.sim.lots import Span


class Place(StrEnum):
    """Where a unit physically is."""

    LINE = "line"
    SCRAP = "scrap"
    HOLD = "hold"
    PARKED = "parked"
    """Taken off the line because its request was refused."""
    DONE = "done"
    """Finished, but nothing is built from it."""
    MEMBER = "member"
    SHIPPED = "shipped"


class Interval(Struct, frozen=True):
    """True stretch [start, end) of a lot that a unit took at a position, in the lot's measure."""

    kind: str
    lot: str
    start: float
    end: float


class Work(Struct, frozen=True):
    """An operation that physically happened: where, when it ended (UTC us), and the machine's verdict."""

    operation: str
    station: str
    time_us: int
    is_good: bool


class Unit(Struct, eq=False):
    """A unit with its true properties; values by name carry their unit as suffix."""

    kind: str
    number: int
    code: str = ""
    born_us: int = 0
    intervals: list[Interval] = field(default_factory=list)
    works: list[Work] = field(default_factory=list)
    traits: dict[str, float] = field(default_factory=dict)
    causes: list[str] = field(default_factory=list)
    struck: list[str] = field(default_factory=list)
    """Every cause that was ever in it, mended since or not."""
    place: Place = Place.LINE
    parent: str = ""
    slot: int = -1
    members: list[str] = field(default_factory=list)
    """What is in each slot."""
    planned: list[str] = field(default_factory=list)
    """What was reported to be in each slot."""

    @property
    def is_as_planned(self) -> bool:
        """Whether every member is in the slot that was reported."""
        return self.members == self.planned

    def tries(self, operation: str) -> int:
        """Return how often an operation was done."""
        return sum(work.operation == operation for work in self.works)

    @property
    def is_defective(self) -> bool:
        """Whether a true defect is in the unit, seen or not."""
        return bool(self.causes)

    def consume(self, span: Span) -> None:
        """Note what the unit truly took."""
        self.intervals.append(Interval(span.position, span.lot.code, span.start, span.end))

    def blame(self, cause: str) -> None:
        """Note a true defect once."""
        if cause not in self.causes:
            self.causes.append(cause)
        if cause not in self.struck:
            self.struck.append(cause)

    def clear(self, cause: str) -> None:
        """Forget a defect that rework has mended."""
        if cause in self.causes:
            self.causes.remove(cause)
