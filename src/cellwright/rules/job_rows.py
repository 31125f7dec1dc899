"""Rows of dispatching: job orders, what they reserve, and calls for somebody."""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct


class JobState(StrEnum):
    """Where a job order stands."""

    DISPATCHED = "dispatched"
    PROVED = "proved"
    """Its station gave it back as it was sent."""
    RUNNING = "running"
    ENDED = "ended"
    ABORTED = "aborted"


OVER = frozenset({JobState.ENDED, JobState.ABORTED})
"""A job in these states orders and reserves nothing."""


class JobRow(Struct, frozen=True, gc=False):
    """A job order; `made` are the units born in it. Times UTC us, 0 = not yet."""

    job: str
    station: str
    operation: str
    units: tuple[int, ...]
    members: tuple[int, ...]
    serves: str
    order: str
    digest: str
    """What the station must give back: of the order as it is now."""
    ordered_digest: str
    """Digest of the order as it was dispatched: what is sent again must be the same."""
    state: JobState
    made: tuple[int, ...] = ()
    dispatched_us: int = 0
    proved_us: int = 0
    started_us: int = 0
    ended_us: int = 0
    reason: str = ""

    @property
    def key(self) -> str:
        """Code of the job."""
        return self.job

    @property
    def page(self) -> tuple[int, ...]:
        """Units in process in it: those it works on, or those born in it."""
        return self.units or self.made


class CallRow(Struct, frozen=True, gc=False):
    """A call of a station for somebody. Times UTC us, 0 = not yet."""

    call: str
    station: str
    kind: str
    text: str
    raised_us: int
    raised_by: str
    cleared_us: int = 0
    cleared_by: str = ""
    reason: str = ""

    @property
    def key(self) -> str:
        """Code of the call."""
        return self.call


class OpenJobs:
    """Jobs that are not over (a few dozen), and by unit those that name it."""

    def __init__(self) -> None:
        """Begin with none."""
        self._jobs: dict[str, JobRow] = {}
        self._reserved: dict[int, str] = {}
        self._ordered: dict[int, str] = {}

    def put(self, row: JobRow) -> None:
        """Take the newest version of a job."""
        before = self._jobs.pop(row.job, None)
        if before is not None:
            self._forget(self._reserved, before.members, row.job)
            self._forget(self._ordered, before.units, row.job)
        if row.state not in OVER:
            self._jobs[row.job] = row
            self._reserved.update(dict.fromkeys(row.members, row.job))
            self._ordered.update(dict.fromkeys(row.units, row.job))

    def reserved_for(self, unit: int) -> str:
        """Return the job that a unit is kept for as a member, "" = none."""
        return self._reserved.get(unit, "")

    def ordered_by(self, unit: int) -> str:
        """Return the job that is to work on a unit, "" = none."""
        return self._ordered.get(unit, "")

    def at(self, station: str) -> list[JobRow]:
        """Return the jobs of a station in the order of their dispatch."""
        return [row for row in self._jobs.values() if row.station == station]

    @staticmethod
    def _forget(index: dict[int, str], units: Sequence[int], job: str) -> None:
        for unit in units:
            if index.get(unit) == job:
                del index[unit]
