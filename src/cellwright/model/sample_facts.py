"""Facts of sample plans."""

from cellwright.model.wire import FactBase


class SampleRecorded(FactBase, frozen=True, kw_only=True):
    """A sample of an operation was destroyed at a station: it vouches for the units since the last one, or does not."""

    sample: int
    """Number of the sample."""
    station: str
    operation: str
    characteristic: str
    """What was measured of each piece, as the plan names it."""
    values: tuple[float | None, ...]
    """One value per piece; null = not measured."""
    is_good: bool
    """Whether every piece was good by the plan as it was then."""
    modes: tuple[str, ...] = ()
    """How each piece failed."""
    units: tuple[int, ...] = ()
    """Units of the operation at the station since the sample before, in the order of their reports."""
    of: tuple[int, ...] = ()
    """Units that the pieces were made with or taken from."""
    hold: int = 0
    """Hold that the units came under because the sample failed; 0 = none."""
    lower: float | None = None
    """Lowest good value by the plan as it was then; null = no limit."""
    upper: float | None = None
    """Highest good value by the plan as it was then; null = no limit."""
    person: str = ""
    reason: str = ""
