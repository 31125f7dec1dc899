"""What a unit has in common with others: a cause that may have made it bad, and the question that finds the others."""

from enum import StrEnum
from typing import Final

from msgspec import Struct

from cellwright.rules.positions import Basis
from cellwright.rules.spans import Span
from cellwright.views.machines import Window

US_PER_S: Final = 1_000_000


class CauseKind(StrEnum):
    """What units have in common."""

    STRETCH = "stretch"
    """A stretch of a lot, as far as it can be told, in a lane or over the full width."""
    LANE = "lane"
    """A lane of a lot, in all its length."""
    LOT = "lot"
    """A whole lot."""
    MACHINE = "machine"
    """A station around the time at which the unit was there."""
    CHANNEL = "channel"
    """A place of a station that works on carriers, for some days."""
    TOOL = "tool"
    """A tool of a station between two fittings, for some days at most."""
    CARRIER = "carrier"
    """A carrier that units stood in together."""
    MEMBER = "member"
    """A module or pack."""


class Cause(Struct, frozen=True, kw_only=True):
    """A cause; which fields are set depends on its kind. Positions in the lot's measure, times in UTC us."""

    kind: CauseKind
    code: str
    """Of the lot, station, or module or pack."""
    of: str
    """Material of a lot, operation of a station, kind of a module or pack."""
    basis: Basis
    """How surely the unit had it: exact, within a tolerance, or only that it went in somewhere."""
    measure: str = ""
    start: int | None = None
    """None = from the beginning of the lot."""
    end: int | None = None
    tolerance: int | None = None
    """How much of the stretch, at either end, is there because it cannot be told more surely."""
    lane: int = 0
    from_us: int | None = None
    to_us: int | None = None
    at_us: int | None = None
    """When the unit left the station, or came to it and is still there."""
    tool: str = ""
    fitted_us: int | None = None
    """When the tool was fitted; None = nobody said so."""
    channel: int | None = None
    carrier: str = ""
    left_us: int | None = None
    """When the unit was taken out of the module or pack; None = it is in it."""


class Shared(Struct, frozen=True, kw_only=True):
    """A cause with the units that share it, the one asked for included; None = more than can be told at once."""

    cause: Cause
    units: tuple[Span, ...] | None


def window_of(cause: Cause) -> Window:
    """Return what a machine worked on by a cause, as a recall asks for it."""
    return Window(
        station=cause.code,
        from_us=cause.from_us or 0,
        to_us=cause.to_us or 0,
        tool=cause.tool,
        channel=cause.channel,
        carrier=cause.carrier,
    )


def whole_seconds(from_us: int, to_us: int) -> tuple[int, int]:
    """Return a time in whole seconds, none of it left out: questions are asked in these."""
    return max(0, from_us // US_PER_S * US_PER_S), -(-to_us // US_PER_S) * US_PER_S
