"""A process that is nothing but the gate and the supervisor of a line; its stations are in the process that started it.

Tests kill it at any moment. Lines of JSON: in come `[number, submission]` and `[number, result]` of a call; out go READY,
`["answer", number, answer]`, and `["call", number, method, station, argument]`.
"""

import asyncio
import sys
from typing import Any, Final

import msgspec

from cellwright.database.pool import connect
from cellwright.links.opcua.jobs import HeldJob, ReturnStatus, StationJob
from cellwright.model.commands import Submission
from cellwright.plant.gate import Gate
from cellwright.plant.line.supervisor import Around, Line
from cellwright.testing.gates import make_gate
from cellwright.testing.line_world import line_plant

READY: Final = b"ready\n"
_LINE_BYTES_MAX: Final = 1 << 22


class Inward(msgspec.Struct, array_like=True):
    """A line that comes in: a submission, or the result of a call."""

    number: int
    submission: Submission | None
    result: msgspec.Raw


class _Outside:
    """Stations in the other process."""

    def __init__(self) -> None:
        self._count = 0
        self._waiting: dict[int, asyncio.Future[msgspec.Raw]] = {}

    def answered(self, number: int, result: msgspec.Raw) -> None:
        """Take the result of a call."""
        self._waiting.pop(number).set_result(result)

    async def store_and_start(self, station: str, job: StationJob) -> ReturnStatus:
        """Give a station a job order."""
        return ReturnStatus(msgspec.json.decode(await self._call("store_and_start", station, job)))

    async def cancel(self, station: str, job_id: str) -> ReturnStatus:
        """Take a job order back."""
        return ReturnStatus(msgspec.json.decode(await self._call("cancel", station, job_id)))

    async def clear(self, station: str, job_id: str) -> ReturnStatus:
        """Let a station forget a job order."""
        return ReturnStatus(msgspec.json.decode(await self._call("clear", station, job_id)))

    async def held(self, station: str) -> tuple[HeldJob, ...]:
        """Return the job orders that a station holds."""
        return msgspec.json.decode(await self._call("held", station, None), type=tuple[HeldJob, ...])

    async def _call(self, method: str, station: str, argument: Any) -> msgspec.Raw:
        self._count += 1
        future = self._waiting[self._count] = asyncio.get_running_loop().create_future()
        _say(["call", self._count, method, station, argument])
        result: msgspec.Raw = await future
        return result


def _say(content: list[Any]) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(content) + b"\n")
    sys.stdout.buffer.flush()


async def _hear(line: bytes, gate: Gate, supervisor: Line, outside: _Outside) -> None:
    """Answer a submission, or take the result of a call."""
    said = msgspec.json.decode(line, type=Inward)
    if said.submission is None:
        outside.answered(said.number, said.result)
        return
    answer = await gate.submit(said.submission)
    supervisor.nudge(said.submission.source)
    _say(["answer", said.number, answer])


async def run(url: str, epoch: int, now_us: int) -> None:
    """Answer and supervise until the input ends."""
    reader = asyncio.StreamReader(limit=_LINE_BYTES_MAX)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    plant, outside = line_plant(), _Outside()
    async with make_gate(url, plant, lambda: now_us) as gate, asyncio.TaskGroup() as tasks:
        around = Around(
            connect=lambda: connect(url), gate=gate, plant=plant, clock=lambda: now_us, stations=outside, epoch=epoch
        )
        async with Line(around) as supervisor:
            sys.stdout.buffer.write(READY)
            sys.stdout.buffer.flush()
            while line := await reader.readline():
                tasks.create_task(_hear(line, gate, supervisor, outside))


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
