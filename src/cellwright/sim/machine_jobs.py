"""Job orders of a virtual machine: they come from the MES at any host time, and are worked off in plant time."""

from collections.abc import Collection
from typing import Protocol

from cellwright.links.opcua.jobs import HeldJob, HeldState, StationJob
from cellwright.links.opcua.serverside_jobs import JobBoard, JobMemory, JobNodes
from cellwright.sim.clock import Clock, Pending, Signal


class StationJobNodes(JobNodes, Protocol):
    """The nodes of a station, and whether it has those of job orders."""

    code: str
    takes_jobs: bool


class MachineJobs:
    """The job orders of one machine; what it was told outlives its restarts."""

    def __init__(self, nodes: StationJobNodes, clock: Clock) -> None:
        """Remember nothing yet; a station without the nodes never gets a job."""
        self._code = nodes.code
        self._clock = clock
        self._memory = JobMemory()
        self._board = JobBoard(nodes, self._memory, self._arrived) if nodes.takes_jobs else None
        self._holds: list[Pending] = []
        self._taken: set[str] = set()
        self._changed = Signal(clock, f"a job for {nodes.code}", is_outside=True)

    def held(self) -> tuple[HeldJob, ...]:
        """Return what the machine remembers, in the order of arrival."""
        return self._memory.held()

    async def open(self) -> None:
        """Show what is remembered and take calls."""
        if self._board is not None:
            await self._board.open()

    async def close(self) -> None:
        """Show nothing and take no calls, as while the controller starts anew."""
        if self._board is not None:
            await self._board.close()

    async def next_job(self, *, hold_s: float = 0.0) -> StationJob:
        """Return the next job order, each once; waits until the MES sends one.

        Say `hold_s` (host time) when work waits for it: plant time stands still until a job comes, but no longer; then
        the wait goes on with time running.
        """
        if hold_s > 0.0 and self._next() is None:
            await self._hold(hold_s)
        while (job := self._next()) is None:
            await self._changed.wait()
        self._taken.add(job.job)
        return job

    def holds(self, job: StationJob) -> bool:
        """Tell whether the MES still wants a job order as it is; it may have cancelled or replaced it before it began."""
        return any(each.job == job for each in self._memory.held())

    async def job_started(self, job_id: str) -> None:
        """Show that a job order has begun; from now on it cannot be cancelled."""
        await self._move(job_id, HeldState.RUNNING)

    async def job_ended(self, job_id: str, *, is_aborted: bool = False) -> None:
        """Show that a job order is over; one that was cancelled meanwhile is none any more."""
        await self._move(job_id, HeldState.ABORTED if is_aborted else HeldState.ENDED)

    async def admitted(self, codes: Collection[str]) -> None:
        """Begin the job order that was taken up for units, now that they were checked in."""
        for each in self._memory.held():
            job = each.job
            is_due = each.state is HeldState.ALLOWED_TO_START and job.job in self._taken
            if is_due and not set(codes).isdisjoint(job.units or job.members):
                await self.job_started(job.job)

    def _next(self) -> StationJob | None:
        return self._memory.next_job(self._taken)

    async def _hold(self, grace_s: float) -> None:
        hold = self._clock.hold(self._code, grace_s)
        self._holds.append(hold)
        await hold.wait()
        self._holds.remove(hold)

    async def _move(self, job_id: str, state: HeldState) -> None:
        if any(each.job.job == job_id for each in self._memory.held()):
            self._memory.move(job_id, state)
            await self._publish()

    async def _publish(self) -> None:
        if self._board is not None:
            await self._board.publish()

    def _arrived(self) -> None:
        self._taken.intersection_update([each.job.job for each in self._memory.held()])
        if self._next() is None:
            return
        for hold in self._holds:
            hold.resolve()
        self._changed.fire()
