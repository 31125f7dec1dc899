"""Sample plans: of which operation a sample is destroyed every so often, because its result cannot be seen from outside."""

from msgspec import Struct

from cellwright.model.quantities import Characteristic


class SamplePlan(Struct, frozen=True, kw_only=True):
    """When a sample of an operation is due at each of its stations, how long it may wait, and when it is good.

    The acceptance number is zero: one bad value, or one bad way to fail, fails the sample.
    """

    operation: str
    name: str
    characteristic: Characteristic
    """What is measured of each piece, such as the pull force of a weld."""
    coupon_count: int = 1
    """Pieces of one sample."""
    every_count: int = 1
    """Units after a good sample until the next one is due."""
    every_s: int | None = None
    """Seconds after a good sample until the next one is due, such as a shift; None = time does not matter."""
    grace_count: int = 0
    """Units that may still be made while a sample is due."""
    tools: tuple[str, ...] = ()
    """Tools of the station whose replacement makes a sample due."""
    good_modes: tuple[str, ...] = ()
    """Ways to fail that are as wanted, such as a torn nugget."""
    bad_modes: tuple[str, ...] = ()
    """Ways to fail that condemn a sample whatever its force, such as a parted interface."""

    @property
    def modes(self) -> tuple[str, ...]:
        """Every way to fail that may be told; none = nobody asks for it."""
        return self.good_modes + self.bad_modes
