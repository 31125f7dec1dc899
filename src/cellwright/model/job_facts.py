"""Facts of dispatching: what stations were ordered to do, and that somebody was called."""

from msgspec import Struct

from cellwright.model.job_commands import MatchEvidence
from cellwright.model.wire import FactBase


class JobOrder(Struct, frozen=True, kw_only=True):
    """A job order as it was dispatched: units and members by number, in order."""

    job: str
    station: str
    operation: str
    units: tuple[int, ...] = ()
    members: tuple[int, ...] = ()
    serves: str = ""
    order: str = ""
    digest: str = ""
    """What the station must give back: SHA-256 of the order as it is sent."""


class JobsDispatched(FactBase, frozen=True, kw_only=True):
    """Stations were ordered to do jobs; members are reserved for them."""

    jobs: tuple[JobOrder, ...]
    evidence: MatchEvidence | None = None
    """How their members were matched; null = they were not."""


class JobProved(FactBase, frozen=True, kw_only=True):
    """A station gave a job order back as it was sent: it may begin."""

    job: str
    digest: str


class JobAmended(FactBase, frozen=True, kw_only=True):
    """Members of a job were replaced before it began; it must be proved again."""

    job: str
    members: tuple[int, ...]
    """Numbers of the units that were reserved and are free again."""
    replacements: tuple[int, ...]
    digest: str
    reason: str = ""


class JobEnded(FactBase, frozen=True, kw_only=True):
    """A job is over, and reserves nothing more."""

    job: str
    is_aborted: bool = False
    """It was given up; nothing was done, or nobody reported what."""
    reason: str = ""


class CallRaised(FactBase, frozen=True, kw_only=True):
    """A station could not go on by itself and called for somebody."""

    call: str
    station: str
    kind: str
    text: str


class CallCleared(FactBase, frozen=True, kw_only=True):
    """What a call was raised for is over."""

    call: str
    reason: str = ""
