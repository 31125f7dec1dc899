"""Rows of sample plans: how a station stands, and the samples that were taken."""

from msgspec import Struct


class SampleStandRow(Struct, frozen=True, gc=False):
    """An operation at a station since its last good sample; times UTC us."""

    station: str
    operation: str
    units: tuple[int, ...] = ()
    """Units reported since the last sample, one that came back twice."""
    times_us: tuple[int, ...] = ()
    """When each was reported."""
    good_us: int = 0
    """When the last good sample was recorded; 0 = there was none."""
    tools: tuple[str, ...] = ()
    """Tools replaced since the last good sample."""
    tool_counts: tuple[int, ...] = ()
    """How many units there had been when each was replaced."""
    is_failed: bool = False
    """Whether the last sample failed."""

    @property
    def key(self) -> tuple[str, str]:
        """Station and operation."""
        return (self.station, self.operation)


class SampleRow(Struct, frozen=True, gc=False):
    """A sample: what it gave, and the units that it speaks for."""

    id: int
    station: str
    operation: str
    characteristic: str
    values: tuple[float | None, ...]
    modes: tuple[str, ...]
    is_good: bool
    units: tuple[int, ...]
    of: tuple[int, ...]
    hold: int
    lower: float | None
    upper: float | None
    recorded_us: int
    recorded_by: str
    person: str
    reason: str

    @property
    def key(self) -> int:
        """Sample number."""
        return self.id


AnySampleRow = SampleStandRow | SampleRow
SAMPLE_ROW_TYPES: tuple[type[AnySampleRow], ...] = (SampleStandRow, SampleRow)
