"""Job orders at stations (placeholder until the branch `jobs` is merged)."""

from enum import IntEnum, StrEnum

from msgspec import Struct


class HeldState(StrEnum):
    """Where a job stands at its station."""

    ALLOWED = "AllowedToStart"
    RUNNING = "Running"
    ENDED = "Ended"
    ABORTED = "Aborted"


class ReturnStatus(IntEnum):
    """What a station answers."""

    OK = 0


class StationJob(Struct, frozen=True, kw_only=True):
    """A job order as a station gets it."""

    job: str
    operation: str
    units: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    serves: str = ""


class HeldJob(Struct, frozen=True):
    """A job order as a station gives it back."""

    job: StationJob
    state: HeldState
