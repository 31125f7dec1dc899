"""Corrections: a measured value as it would be at one temperature, on the average gauge; and the effects that gauges have."""

from msgspec import Struct

from cellwright.model.wire import Code, CommandBase, FactBase, Int64, Text


class Correction(Struct, frozen=True, kw_only=True):
    """How an operation corrects a characteristic: the corrected value is recorded beside the measured one.

    ln of the measured value = ln of the corrected one + arrhenius_k (1/T - 1/T0) + linear_ratio (T - T0) + the effects
    of the gauges that it was measured with.
    """

    characteristic: str
    corrected: str
    """Under which characteristic the corrected value is recorded."""
    temperature: str = ""
    """Characteristic that tells at which temperature it was measured; "" = it does not matter."""
    reference_c: float = 25.0
    arrhenius_k: float = 0.0
    linear_ratio: float = 0.0
    """Share by which the value grows for one degree."""
    temperature_error_ratio: float = 0.0
    """Standard error of what temperature takes away, as a share of it."""
    by: tuple[str, ...] = ()
    """Characteristics that tell what it was measured with: chamber, channel, needle."""
    lots: str = ""
    """Material position whose lots truly differ, "" = none: their difference is not blamed on gauges."""
    graded: bool = True
    """Whether grades ask for the corrected value, where there is one."""


class GaugeEffect(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What each gauge of a kind adds to the natural logarithm of a value: estimates, their standard errors, and n."""

    by: Code
    """Characteristic that tells the gauge."""
    levels: tuple[Int64, ...]
    """Number of each gauge, as stations report it."""
    offsets_ratio: tuple[float, ...]
    """What each adds to the natural logarithm: 0.01 = it shows 1 % too much."""
    errors_ratio: tuple[float, ...]
    """Standard error of each."""
    counts: tuple[Int64, ...]
    """Values that each gave."""
    spread_ratio: float
    """Standard deviation among gauges of the kind: the error for one that was never seen."""


class Share(Struct, frozen=True, forbid_unknown_fields=True):
    """Share of the variance that something explains."""

    of: Code
    """Kind of gauge; `page` and `lot`: true differences; `rest`: cells and repeatability."""
    share_ratio: float
    """Share of the variance."""


class Window(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What effects were estimated from."""

    pages_count: Int64
    """Reports that it holds."""
    units_count: Int64
    """Values in them."""
    from_us: Int64
    """When the first was reported, UTC us."""
    to_us: Int64
    """When the last was reported, UTC us."""


class ReleaseCorrection(CommandBase, frozen=True, kw_only=True):
    """Put the estimated effects of a station's gauges in force: what is reported from now on is corrected by them.

    Needs a second person's signature: whoever estimated may not release alone.
    """

    station: Code
    operation: Code
    characteristic: Code
    effects: tuple[GaugeEffect, ...]
    window: Window
    """What they were estimated from."""
    shares: tuple[Share, ...] = ()
    """Where the variance of the window came from."""
    reason: Text = ""
    second_person: Code = ""


class CorrectionReleased(FactBase, frozen=True, kw_only=True):
    """The effects of a station's gauges on a characteristic are in force, as a version of them."""

    station: str
    operation: str
    characteristic: str
    version: int
    """Counted from 1 for each station, operation and characteristic."""
    effects: tuple[GaugeEffect, ...]
    window: Window
    """What they were estimated from."""
    shares: tuple[Share, ...] = ()
    """Where the variance of the window came from."""
    reason: str = ""
    second_person: str = ""
    """Who signed with the actor; "" = released before two had to."""


class CorrectedValue(Struct, frozen=True):
    """By which version of effects a value was corrected (0 = none), and the standard error of it; None = unknown."""

    version: int
    error_ratio: float | None
    error_mv_per_h: float | None = None
    """Self-discharge alone: standard error of K at one temperature."""
    doubt: str = ""
    """Self-discharge alone: why it is unknown, "" = it is known."""


class CorrectedBy(Struct, frozen=True, kw_only=True):
    """How a characteristic of a page was corrected: by which version of effects, 0 = none was released yet."""

    characteristic: str
    version: int
    """Of the effects; 0 = none was released, so temperature alone was taken away."""
    errors_ratio: tuple[float | None, ...]
    """Standard error of what was taken away, by unit; None = unknown."""
    errors_mv_per_h: tuple[float | None, ...] = ()
    """Self-discharge alone: standard error of K at one temperature, by unit; None = K is unknown."""
    doubts: tuple[str, ...] = ()
    """Self-discharge alone: why K is unknown, by unit; "" = it is known."""

    def of_unit(self, index: int) -> CorrectedValue:
        """Return what it says of one unit of the page."""
        return CorrectedValue(
            version=self.version,
            error_ratio=self.errors_ratio[index],
            error_mv_per_h=self.errors_mv_per_h[index] if self.errors_mv_per_h else None,
            doubt=self.doubts[index] if self.doubts else "",
        )
