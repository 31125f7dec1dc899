"""What any store of samples does, whatever it is made of."""

from collections.abc import Sequence
from typing import Any, Protocol

from msgspec import Struct

from cellwright.model.samples import (
    TIME_US_LIMIT,
    Curve,
    CurvePage,
    LastValue,
    SampleBlock,
    Signal,
    Trend,
    Written,
)

POINTS_MIN = 5
"""Fewer points could not show a first, a lowest, a highest, an unknown and a last one."""


class Scan(Struct, frozen=True, kw_only=True):
    """A question in SQL over the tables `samples`, `curves` and `signals`, restricted to keys and a time [from, to).

    Keys are channels of samples and units of curves, [key_from, key_to): what lies outside is not even opened.
    """

    sql: str
    parameters: Sequence[Any] = ()
    key_from: int = 0
    key_to: int = 1 << 62
    from_us: int = 0
    to_us: int = TIME_US_LIMIT


class BatchTests(Struct, frozen=True, kw_only=True):
    """The tests of one operation in one batch of curves: its number, their units, and a time [from, to) that holds them."""

    batch: int
    operation: str
    units: Sequence[int]
    from_us: int = 0
    to_us: int = TIME_US_LIMIT


class TelemetryStore(Protocol):
    """Keeps samples and curves: what it acknowledged is durable, and a repeated batch changes nothing."""

    async def define(self, signals: Sequence[Signal]) -> tuple[int, ...]:
        """Return the channel of each signal, the same for the same signal; ConflictError if a name changes its unit."""
        ...

    async def write(self, block: SampleBlock) -> Written:
        """Keep a block and return when it is durable.

        Raises ValueError for a block that is not well-formed, ConflictError for another one under the same key,
        TelemetryFullError when there is no room.
        """
        ...

    async def write_curves(self, page: CurvePage) -> Written:
        """Keep curves as `write` keeps samples; a curve that was written before is replaced for readers of one."""
        ...

    async def last(self, signals: Sequence[str]) -> list[LastValue | None]:
        """Return the newest sample of each signal, None where there is none; TelemetryError for an unknown name."""
        ...

    async def read(
        self, signals: Sequence[str], from_us: int, to_us: int, *, max_points: int | None = None
    ) -> list[Trend]:
        """Return each signal over [from, to), thinned to `max_points` with every extreme kept.

        Samples of one time are in the order in which they were accepted. Raises TelemetryError for an unknown name.
        """
        ...

    async def curve(self, unit: int, operation: str, *, attempt: int | None = None) -> Curve | None:
        """Return the curve of a unit's operation: of its newest attempt unless one is named; None if there is none."""
        ...

    async def curves(self, tested: BatchTests) -> list[Curve]:
        """Return the curves of a batch as it was written, by unit and attempt; one that was not written is absent."""
        ...
