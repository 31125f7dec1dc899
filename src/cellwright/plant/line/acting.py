"""Carrying out an act: one command to the gate, or one call to a station. The same act again does no harm."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from cellwright.errors import UnansweredError
from cellwright.links.opcua.jobs import StationJob
from cellwright.model.answers import Refusal
from cellwright.model.commands import Command, Submission
from cellwright.model.job_commands import AbortJob, ClearCall, DispatchJobs, Job, ProveJob, RaiseCall
from cellwright.plant.clock import Clock
from cellwright.plant.gate import Gate
from cellwright.plant.line.machines import Machines
from cellwright.rules.job_rows import JobRow
from cellwright.rules.line_view import Act, Clear, Drop, Forget, Order, Prove, Raise, Send, Wish, Withdraw

ACTOR: Final = "line"
"""Who the supervisor is in the record, and the source of its commands."""


class Hands:
    """Does what was decided; `code_of` gives the printed code of a unit."""

    def __init__(self, gate: Gate, machines: Machines, clock: Clock, epoch: int) -> None:
        """Begin to count commands in an epoch of its own."""
        self._gate = gate
        self._machines = machines
        self._clock = clock
        self._epoch = epoch
        self._seq = 0
        self.token = self._new_token()

    async def do(self, act: Act, jobs: Mapping[str, JobRow], code_of: Callable[[int], str]) -> str:
        """Do one thing; returns why it was refused or failed, "" = it is done."""
        match act:
            case Send():
                return await self._machines.send(act.station, _station_job(jobs[act.job], code_of))
            case Withdraw():
                return await self._machines.withdraw(act.station, act.job)
            case Forget():
                return await self._machines.forget(act.station, act.job)
            case _:
                return await self._submit(_command(act, code_of))

    async def _submit(self, command: Command) -> str:
        self._seq += 1
        self.token = self._new_token()
        submission = Submission(
            source=ACTOR, epoch=self._epoch, seq=self._seq, time_us=self._clock(), actor=ACTOR, command=command
        )
        try:
            answer = await self._gate.submit(submission)
        except UnansweredError as error:
            return str(error)
        return "; ".join(each.text for each in answer.reasons) if isinstance(answer, Refusal) else ""

    def _new_token(self) -> str:
        """Return a name never used before: of this run of the supervisor, and of its next command."""
        return f"{self._epoch % 0xFFFFFF:06X}-{self._seq + 1}"


def _station_job(row: JobRow, code_of: Callable[[int], str]) -> StationJob:
    return StationJob(
        job=row.job,
        operation=row.operation,
        units=_codes(row.units, code_of),
        members=_codes(row.members, code_of),
        serves=row.serves,
    )


def _codes(units: Sequence[int], code_of: Callable[[int], str]) -> tuple[str, ...]:
    return tuple(code_of(unit) for unit in units)


def _command(act: Order | Prove | Drop | Raise | Clear, code_of: Callable[[int], str]) -> Command:
    match act:
        case Order():
            return DispatchJobs(jobs=tuple(_job(each, code_of) for each in act.jobs), evidence=act.evidence)
        case Prove():
            return ProveJob(job=act.job, digest=act.digest)
        case Drop():
            return AbortJob(job=act.job, reason=act.reason)
        case Raise():
            return RaiseCall(call=act.call, station=act.station, kind=act.kind, text=act.text)
        case Clear():
            return ClearCall(call=act.call, reason=act.reason)


def _job(wish: Wish, code_of: Callable[[int], str]) -> Job:
    return Job(
        job=wish.job,
        station=wish.station,
        operation=wish.operation,
        units=_codes(wish.units, code_of),
        members=_codes(wish.members, code_of),
        serves=wish.serves,
        order=wish.order,
    )
