"""What is true from one moment to another: rows of intervals, and the newest of each subject."""

from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

from msgspec import Struct


class Dated(Protocol):
    """A row of an interval [from_us, to_us) in UTC us; to_us 0 = still."""

    @property
    def from_us(self) -> int:
        """When it begins."""

    @property
    def to_us(self) -> int:
        """When it ended, 0 = not yet."""


class InstallationRow(Struct, frozen=True, gc=False):
    """A pack is in a vehicle, at a position ("" = its only one), from `from_us` to `to_us` (UTC us; 0 = still)."""

    pack: int
    from_us: int
    vehicle: str
    position: str
    to_us: int = 0

    @property
    def key(self) -> tuple[int, int]:
        """Pack and time of entry."""
        return (self.pack, self.from_us)


class ShipmentRow(Struct, frozen=True, gc=False):
    """A unit is with a partner from `from_us` to `to_us` (UTC us; 0 = still)."""

    unit: int
    from_us: int
    partner: str
    reference: str
    to_us: int = 0

    @property
    def key(self) -> tuple[int, int]:
        """Unit and time of leaving."""
        return (self.unit, self.from_us)


class OrderRow(Struct, frozen=True, gc=False):
    """A work order: good units of a product that are wanted; closed_us 0 = open. Times UTC us."""

    order: str
    product: str
    quantity: int
    due_us: int
    released_us: int
    released_by: str
    closed_us: int = 0
    closed_by: str = ""
    reason: str = ""

    @property
    def key(self) -> str:
        """Code of the order."""
        return self.order


class GivenCodeRow(Struct, frozen=True, gc=False):
    """A printed code that a unit got beside its own, from `from_us` on (UTC us)."""

    code: str
    unit: int
    from_us: int

    @property
    def key(self) -> str:
        """The code."""
        return self.code


K = TypeVar("K", bound=Hashable)
D = TypeVar("D", bound=Dated)


class Newest(Generic[K, D]):
    """The newest of the dated rows of each subject, by the time at which they begin."""

    def __init__(self, subject: Callable[[D], K]) -> None:
        """Begin with no rows; `subject` tells what a row is about."""
        self._subject = subject
        self._rows: dict[K, D] = {}

    def put(self, row: D) -> None:
        """Take a row, or a newer version of one."""
        subject = self._subject(row)
        known = self._rows.get(subject)
        if known is None or known.from_us <= row.from_us:
            self._rows[subject] = row

    def get(self, subject: K) -> D | None:
        """Return the newest row of a subject, None when no row of it is present."""
        return self._rows.get(subject)

    def open(self, subject: K) -> D | None:
        """Return the row of a subject that has not ended, None when there is none."""
        row = self._rows.get(subject)
        return None if row is None or row.to_us else row


def begins_us(moment_us: int, *before: Dated | None) -> int:
    """Return when an interval begins that follows others: not before any of them ended."""
    return max([moment_us, *(row.to_us for row in before if row is not None)])


def ends_us(moment_us: int, row: Dated) -> int:
    """Return when an interval ends: after it began, so that no two of a subject begin together."""
    return max(moment_us, row.from_us + 1)
