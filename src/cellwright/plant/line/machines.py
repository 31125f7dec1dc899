"""The line's stations: what each holds of job orders, and what it is told. A station that is not heard is asked again."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, Protocol

from asyncua.ua.uaerrors import UaError
from msgspec import Struct

from cellwright.errors import CellwrightError
from cellwright.links.opcua.jobs import HeldJob, HeldState, ReturnStatus, StationJob
from cellwright.rules.job_rows import OVER, JobRow
from cellwright.rules.line_view import Held, Phase, Sign

_LOOK_S: Final = 1.0
_IDLE_S: Final = 5.0
_SOON_S: Final = 0.02
_PHASES: Final = {
    HeldState.RUNNING: Phase.RUNNING,
    HeldState.INTERRUPTED: Phase.RUNNING,
    HeldState.ENDED: Phase.ENDED,
    HeldState.ABORTED: Phase.ABORTED,
}
_AWAY: Final = (CellwrightError, OSError, TimeoutError, UaError)


class Stations(Protocol):
    """Stations that take job orders; every call may raise when one is not reached."""

    async def store_and_start(self, station: str, job: StationJob) -> ReturnStatus:
        """Give a station a job order, and let it begin."""

    async def cancel(self, station: str, job_id: str) -> ReturnStatus:
        """Take a job order back that has not begun."""

    async def clear(self, station: str, job_id: str) -> ReturnStatus:
        """Let a station forget a job order that is over."""

    async def held(self, station: str) -> tuple[HeldJob, ...]:
        """Return the job orders that a station holds."""


class _Looked(Struct):
    """A station as it was last seen, and when it is looked at again (host time, s)."""

    sign: Sign
    heard_s: float
    next_s: float = 0.0


class Machines:
    """What the stations of a line hold."""

    def __init__(
        self, stations: Stations, codes: Iterable[str], clock_s: Callable[[], float], *, lost_s: float
    ) -> None:
        """Know nothing of any yet; one that is not heard for `lost_s` is lost."""
        self._stations = stations
        self._clock_s = clock_s
        self._lost_s = lost_s
        self._looked = {code: _Looked(Sign(is_reachable=False), clock_s()) for code in sorted(codes)}

    @property
    def signs(self) -> dict[str, Sign]:
        """What is known of each station."""
        return {code: each.sign for code, each in self._looked.items()}

    def held_codes(self) -> frozenset[str]:
        """Return the codes of all jobs that some station holds."""
        return frozenset(held.job for each in self._looked.values() for held in each.sign.held)

    def look_soon(self, station: str) -> None:
        """Look at a station at the next turn."""
        if station in self._looked:
            self._looked[station].next_s = 0.0

    def next_s(self, jobs: Mapping[str, JobRow]) -> float:
        """Return when the next station is due to be looked at (host time, s)."""
        return min(_due_s(each, jobs) for each in self._looked.values())

    async def look(self, jobs: Mapping[str, JobRow]) -> bool:
        """Look at the stations that are due; tell whether any shows something else than before."""
        now_s = self._clock_s()
        due = [code for code, each in self._looked.items() if _due_s(each, jobs) <= now_s]
        if not due:
            return False
        changes = await asyncio.gather(*(self._look_at(code, jobs) for code in due))
        return any(changes)

    async def _look_at(self, code: str, jobs: Mapping[str, JobRow]) -> bool:
        looked = self._looked[code]
        try:
            held = await self._stations.held(code)
        except _AWAY as error:
            now_s = self._clock_s()
            is_lost = now_s - looked.heard_s > self._lost_s
            fault = str(error) or type(error).__name__
            sign = Sign(is_reachable=False, is_lost=is_lost, held=looked.sign.held, fault=fault)
        else:
            now_s = looked.heard_s = self._clock_s()
            sign = Sign(is_reachable=True, held=tuple(_held(code, each) for each in held))
        has_changed, looked.sign = sign != looked.sign, sign
        looked.next_s = now_s + self._pause_s(code, sign, jobs)
        return has_changed

    @staticmethod
    def _pause_s(code: str, sign: Sign, jobs: Mapping[str, JobRow]) -> float:
        """Return after which time to look at a station again (s): seldom when it has nothing to do."""
        is_idle = sign.is_reachable and not any(row.station == code for row in jobs.values())
        return _IDLE_S if is_idle else _LOOK_S

    # --- acts -----------------------------------------------------------------------------------

    async def send(self, station: str, job: StationJob) -> str:
        """Give a station a job order; returns why it was not taken, "" = it was."""
        return await self._told(station, self._stations.store_and_start(station, job), is_gone_fine=False)

    async def withdraw(self, station: str, job: str) -> str:
        """Take a job order back; returns why it was not given back, "" = it was."""
        return await self._told(station, self._stations.cancel(station, job))

    async def forget(self, station: str, job: str) -> str:
        """Let a station forget a job order; returns why it does not, "" = it does."""
        return await self._told(station, self._stations.clear(station, job))

    async def _told(self, station: str, asking: Awaitable[ReturnStatus], *, is_gone_fine: bool = True) -> str:
        self.look_soon(station)
        try:
            status = await asking
        except _AWAY as error:
            return f"{station} was not reached ({str(error) or type(error).__name__}); look at the machine and its link"
        if status.is_done or (is_gone_fine and ReturnStatus.UNKNOWN_JOB_ORDER_ID in status):
            return ""
        return f"{station}: {status.text}"


def _due_s(looked: _Looked, jobs: Mapping[str, JobRow]) -> float:
    """Return when to look at a station again (host time, s): at once when a job is over, and it does not say so yet."""
    rows = [(each, jobs.get(each.job)) for each in looked.sign.held]
    is_turning = looked.sign.is_reachable and any(
        each.phase in (Phase.WAITING, Phase.RUNNING) and (row is None or row.state in OVER) for each, row in rows
    )
    return min(looked.next_s, looked.heard_s + _SOON_S) if is_turning else looked.next_s


def _held(station: str, held: HeldJob) -> Held:
    return Held(held.job.job, held.digest(station), _PHASES.get(held.state, Phase.WAITING))
