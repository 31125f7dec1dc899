"""A process that keeps samples is killed at every step that leaves a trace: nothing acknowledged is lost or doubled."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cellwright.database.pool import connect
from cellwright.telemetry.checking import verify_telemetry
from cellwright.telemetry.manifest import list_segments
from cellwright.telemetry.segments import files_below
from cellwright.telemetry.store import SegmentStore, open_store
from cellwright.testing.telemetry import SIGNALS, START_US, MemoryStore, expect_same
from cellwright.testing.telemetry_process import BATCHES, STEPS, TINY, Job, acknowledged, keep

UNITS = (1, 5, 8)
HITS = {
    "segments.write_part": 3,
    "segments.publish": 4,
    "sealing.save": 3,
    "sealing.add_segments": 2,
    "store.keep_batch": 5,
}


class Teller:
    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def tell(self, job: Job) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(job) + b"\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@pytest.fixture(scope="module")
def teller() -> Iterator[Teller]:
    command = [sys.executable, "-m", "cellwright.testing.telemetry_process"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Teller(process)
        assert process.stdin is not None
        process.stdin.close()


async def oracle_of(batches: int) -> MemoryStore:
    oracle = MemoryStore()
    channels = await oracle.define(SIGNALS)
    for number in range(1, batches + 1):
        await keep(oracle, number, channels)
    return oracle


async def says_the_same(store: SegmentStore, batches: int) -> bool:
    try:
        await expect_same(store, await oracle_of(batches), units=UNITS)
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize(
    ("step", "when", "hit"),
    [
        *((step, when, 1) for step in STEPS for when in ("before", "after")),
        *((step, when, hit) for step, hit in HITS.items() for when in ("before", "after")),
        *(("segments.write_part", "half", hit) for hit in (1, 3)),
    ],
)
async def test_a_kill_loses_and_doubles_nothing(
    step: str, when: str, hit: int, *, teller: Teller, database_url: str, tmp_path: Path
) -> None:
    assert teller.tell(Job(database_url, str(tmp_path), step, when, hit)) == -9
    root, kept = tmp_path / "telemetry", acknowledged(tmp_path)

    async with open_store(database_url, root, lambda: START_US, settings=TINY) as store:
        await store.define(SIGNALS)
        # The batch that was being written is there or not, as a whole.
        assert await says_the_same(store, kept) or await says_the_same(store, kept + 1)
    connection = await connect(database_url)
    try:
        verdict = await verify_telemetry(connection, root)
        assert verdict.whole, verdict
        # Opening has removed what the crash left.
        assert sorted(files_below(root)) == sorted(each.path for each in await list_segments(connection))

        assert teller.tell(Job(database_url, str(tmp_path))) == 0
        assert acknowledged(tmp_path) == BATCHES
        verdict = await verify_telemetry(connection, root)
        assert verdict.whole, verdict
        assert verdict.fresh_rows == 0
        assert sorted(files_below(root)) == sorted(each.path for each in await list_segments(connection))
    finally:
        await connection.close()
    async with open_store(database_url, root, lambda: START_US, settings=TINY) as store:
        await expect_same(store, await oracle_of(BATCHES), units=UNITS)
