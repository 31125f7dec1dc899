"""Stations of a line in memory: they take job orders as machines do, and ask the gate before each step."""

import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import count

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.errors import LinkError
from cellwright.links.opcua.jobs import HeldJob, HeldState, ReturnStatus, StationJob
from cellwright.model.answers import Admit, Answer, Receipt
from cellwright.model.commands import CheckIn, CheckOut, Command, Consumed, LoadCarrier, Submission, UnloadCarrier
from cellwright.model.plant import Plant
from cellwright.plant.clock import Clock
from cellwright.plant.gate import Gate
from cellwright.rules.materials import operation_uses
from cellwright.testing.flow import RefusedError, results

_PAUSE_S = 0.002
_NEW = (HeldState.NOT_ALLOWED_TO_START, HeldState.ALLOWED_TO_START)


class _Station(Struct):
    """A station: its jobs in the order they came, how often it took material, whether it is heard, and whether it works."""

    held: dict[str, HeldJob]
    is_reachable: bool = True
    is_idle: bool = False
    gives_up_count: int = 0
    """So many jobs are given up before they begin."""
    used_count: int = 0


class MemoryStations:
    """Stations that do every job they hold, one after another; `gate_of` gives the gate that runs now."""

    def __init__(self, plant: Plant, gate_of: Callable[[], Gate], clock: Clock) -> None:
        """Hold no jobs."""
        self.stations = {code: _Station({}) for code, each in plant.stations.items() if each.dispatched}
        self.refusals: list[Answer] = []
        self.sent: list[str] = []
        """Codes of the jobs that were taken, in order."""
        self.joined: dict[str, tuple[str, ...]] = {}
        """What was physically put together: members by unit."""
        self.worked: list[tuple[str, str]] = []
        """Operation and unit, in the order in which it physically happened."""
        self.bad: set[str] = set()
        """Operations that find the next unit not good."""
        self.place_of: dict[str, str] = {}
        self.answered: Callable[[str], None] = lambda _: None
        """Told of each station that got an answer, as by a link."""
        self._plant = plant
        self._gate_of = gate_of
        self._clock = clock
        self._epoch = time.monotonic_ns()
        self._numbers = count(1)
        self._magazines = count(1)

    # --- what the supervisor calls --------------------------------------------------------------

    async def store_and_start(self, station: str, job: StationJob) -> ReturnStatus:
        """Take a job order; the same again is taken and changes nothing."""
        held = self._reach(station).held
        if job.job in held:
            return ReturnStatus.NO_ERROR if held[job.job].job == job else ReturnStatus.OTHER_CONTENT
        held[job.job] = HeldJob(job, HeldState.ALLOWED_TO_START)
        self.sent.append(job.job)
        return ReturnStatus.NO_ERROR

    async def cancel(self, station: str, job_id: str) -> ReturnStatus:
        """Give a job order back that has not begun."""
        held = self._reach(station).held
        if job_id not in held:
            return ReturnStatus.UNKNOWN_JOB_ORDER_ID
        if held[job_id].state not in _NEW:
            return ReturnStatus.INVALID_JOB_ORDER_STATUS
        del held[job_id]
        return ReturnStatus.NO_ERROR

    async def clear(self, station: str, job_id: str) -> ReturnStatus:
        """Forget a job order that is over."""
        held = self._reach(station).held
        if job_id in held and held[job_id].state in (*_NEW, HeldState.RUNNING):
            return ReturnStatus.INVALID_JOB_ORDER_STATUS
        held.pop(job_id, None)
        return ReturnStatus.NO_ERROR

    async def held(self, station: str) -> tuple[HeldJob, ...]:
        """Return the job orders that a station holds."""
        await asyncio.sleep(0)
        return tuple(self._reach(station).held.values())

    def _reach(self, station: str) -> _Station:
        if not self.stations[station].is_reachable:
            raise LinkError(f"{station} is not reachable: its cable is out")
        return self.stations[station]

    # --- what the machines do -------------------------------------------------------------------

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for code in self.stations:
                group.create_task(self._work(code))

    async def _work(self, code: str) -> None:
        while True:
            for each in list(self.stations[code].held.values()):
                if each.state in _NEW and not self.stations[code].is_idle:
                    await self._do(code, each.job)
                    break
            await asyncio.sleep(_PAUSE_S)

    async def _do(self, code: str, job: StationJob) -> None:
        station = self.stations[code]
        if station.gives_up_count:
            station.gives_up_count -= 1
            station.held[job.job] = HeldJob(job, HeldState.ABORTED)
            return
        if not job.operation:
            await self._bring(code, job)
            return
        recipe = self._plant.recipes[job.operation].digest
        carrier = self.place_of.get(job.members[0], "") if job.members else ""
        ask = CheckIn(
            station=code, operation=job.operation, units=job.units, carrier=carrier, recipe_digest=recipe, person="P-1",
            job=job.job,
        )  # fmt: skip
        answer = await self._submit(code, ask)
        if not isinstance(answer, Admit) or job.job not in station.held:
            return
        station.held[job.job] = HeldJob(job, HeldState.RUNNING)
        await asyncio.sleep(_PAUSE_S)
        self._happen(job, answer.units)
        out = self._report(code, job, answer.units)
        receipt = await self._submit(code, out)
        if not isinstance(receipt, Receipt):
            raise RefusedError(f"{code} reports what it did, and is refused: {receipt}")
        station.used_count += len(answer.units)
        station.held[job.job] = HeldJob(job, HeldState.ENDED)

    def _happen(self, job: StationJob, units: Sequence[str]) -> None:
        """Put together, or work on, what lies there: once and for all."""
        self.worked.extend((job.operation, unit) for unit in units)
        if job.members:
            self.joined[units[0]] = job.members
            self.place_of = {unit: place for unit, place in self.place_of.items() if unit not in job.members}

    def _report(self, code: str, job: StationJob, units: tuple[str, ...]) -> CheckOut:
        is_bad = job.operation in self.bad
        self.bad.discard(job.operation)
        used = self.stations[code].used_count
        uses = [each for each in operation_uses(self._plant, job.operation) if not each.optional]
        rows = [(use.position, at, use.quantity) for use in uses for at in range(len(units))]
        consumed = Consumed(
            positions=tuple(name for name, _, _ in rows),
            outputs=tuple(at for _, at, _ in rows),
            starts=tuple((used + at) * quantity for _, at, quantity in rows),
            ends=tuple((used + at + 1) * quantity for _, at, quantity in rows),
        )
        measured = results(voltage_v=[13.2] * len(units)) if job.operation == "test" else ()
        return CheckOut(
            station=code,
            operation=job.operation,
            units=units,
            verdicts=(not is_bad,) * len(units),
            consumed=consumed,
            results=measured,
        )

    async def _bring(self, code: str, job: StationJob) -> None:
        for lain in {self.place_of[unit] for unit in job.units if unit in self.place_of}:
            inside = tuple(unit for unit, place in self.place_of.items() if place == lain)
            await self._submit(code, UnloadCarrier(station=code, carrier=lain, units=inside))
            self.place_of = {unit: place for unit, place in self.place_of.items() if place != lain}
        carrier = f"MAG-{next(self._magazines)}"
        slots = tuple(range(len(job.units)))
        answer = await self._submit(code, LoadCarrier(station=code, carrier=carrier, units=job.units, slots=slots))
        if isinstance(answer, Receipt):
            self.place_of.update(dict.fromkeys(job.units, carrier))
            self.stations[code].held[job.job] = HeldJob(job, HeldState.ENDED)

    async def _submit(self, code: str, command: Command) -> Answer:
        """Ask the gate until it answers, as a link does."""
        said = Submission(
            source=code, epoch=self._epoch, seq=next(self._numbers), time_us=self._clock(), actor=code, command=command
        )
        answer = await self._gate_of().submit(said)
        self.answered(code)
        if not isinstance(answer, Admit | Receipt):
            self.refusals.append(answer)
            await asyncio.sleep(_PAUSE_S)
        return answer


async def count_open(connection: Connection) -> tuple[int, int]:
    """Return how many jobs, and how many calls, are open."""
    jobs = await connection.fetchval("SELECT count(*) FROM job WHERE ended_us = 0")
    calls = await connection.fetchval("SELECT count(*) FROM call WHERE cleared_us = 0")
    return int(jobs), int(calls)
