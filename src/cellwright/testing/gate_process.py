"""A process that is nothing but a gate of the tiny plant: submissions in on stdin, answers out on stdout, one a line.

Tests kill it at random moments, and make its batches so small that it always decides ahead. A line of the answer is [source, epoch, seq, answer]; READY says that it listens.
"""

import asyncio
import sys
from typing import Final

import msgspec

from cellwright.model.commands import Submission
from cellwright.plant.gate import Gate
from cellwright.testing.flow import START_US
from cellwright.testing.gates import make_gate
from cellwright.testing.plants import small_plant

READY: Final = b"ready\n"
_LINE_BYTES_MAX: Final = 1 << 22
_FULL_COUNT: Final = 2

_decode = msgspec.json.Decoder(Submission).decode


async def _answer(gate: Gate, line: bytes) -> None:
    said = _decode(line)
    answer = await gate.submit(said)
    sys.stdout.buffer.write(msgspec.json.encode([said.source, said.epoch, said.seq, answer]) + b"\n")
    sys.stdout.buffer.flush()


async def run(url: str) -> None:
    """Answer until the input ends."""
    reader = asyncio.StreamReader(limit=_LINE_BYTES_MAX)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with (
        make_gate(url, small_plant(), lambda: START_US, full_count=_FULL_COUNT) as gate,
        asyncio.TaskGroup() as tasks,
    ):
        sys.stdout.buffer.write(READY)
        sys.stdout.buffer.flush()
        while line := await reader.readline():
            tasks.create_task(_answer(gate, line))


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1]))
