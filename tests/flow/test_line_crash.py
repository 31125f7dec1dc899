"""The process with the supervisor is killed in the middle of modules; no cell is lost, reserved twice or joined twice."""

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from itertools import count
from random import Random

import msgspec

from cellwright.database.pool import connect
from cellwright.links.opcua.jobs import StationJob
from cellwright.model.answers import Answer
from cellwright.model.commands import ReleaseOrder, Submission, UnloadCarrier
from cellwright.plant.check import check
from cellwright.testing.flow import START_US
from cellwright.testing.line_process import READY
from cellwright.testing.line_stations import MemoryStations, count_open
from cellwright.testing.line_world import line_plant
from cellwright.testing.replay import RecordingDriver, through_gate

PLANT = line_plant()
NOW_US = START_US + 86_400_000_000
KILLS = 6
MODULES = 4
CELLS = 20

encode = msgspec.json.encode


class Outward(msgspec.Struct, array_like=True):
    """A line that the process says."""

    kind: str
    number: int
    content: msgspec.Raw
    station: str = ""
    argument: msgspec.Raw = msgspec.Raw(b"null")


class Killed:
    """A process with gate and supervisor that dies at chosen events; its stations, here, live on and ask again."""

    def __init__(self, url: str, chance: Random) -> None:
        self._url = url
        self._chance = chance
        self._process: Process | None = None
        self._numbers = count(1)
        self._waiting: dict[int, tuple[Submission, asyncio.Future[Answer]]] = {}
        self._left = KILLS
        self._until_kill = chance.randint(5, 25)
        self.stations = MemoryStations(PLANT, lambda: self, lambda: NOW_US)  # type: ignore[arg-type, return-value]
        self.kills: Counter[str] = Counter()

    async def submit(self, submission: Submission) -> Answer:
        """Ask the gate, whichever process it is in; what was not answered is asked again."""
        number = next(self._numbers)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = (submission, future)
        self._send([number, submission, None])
        return await future

    async def run(self) -> None:
        """Start the process, again and again, and serve it."""
        for epoch in count(1):
            process = self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "cellwright.testing.line_process", self._url, str(epoch), str(NOW_US)),
                stdin=PIPE,
                stdout=PIPE,
                limit=1 << 22,
            )
            assert process.stdout is not None
            assert await process.stdout.readline() == READY
            for number, (submission, _) in list(self._waiting.items()):
                self._send([number, submission, None])
            with contextlib.suppress(ProcessLookupError):
                await self._serve(process)
            await process.wait()

    async def stop(self) -> None:
        """Let the process end."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()

    async def _serve(self, process: Process) -> None:
        assert process.stdout is not None
        while (line := await process.stdout.readline()).endswith(b"\n"):
            said = msgspec.json.decode(line, type=Outward)
            what = "answer" if said.kind == "answer" else str(msgspec.json.decode(said.content))
            if self._dies(f"before {what}"):
                process.kill()
                return
            if said.kind == "answer":
                _, future = self._waiting.pop(said.number)
                future.set_result(msgspec.json.decode(said.content, type=Answer))
                continue
            result = await self._call(what, said)
            if self._dies(f"after {what}"):
                process.kill()
                return
            self._send([said.number, None, result])

    async def _call(self, method: str, said: Outward) -> object:
        stations = self.stations
        if method == "held":
            return await stations.held(said.station)
        if method == "store_and_start":
            job = msgspec.json.decode(said.argument, type=StationJob)
            return int(await stations.store_and_start(said.station, job))
        job_id = msgspec.json.decode(said.argument, type=str)
        return int(await getattr(stations, method)(said.station, job_id))

    def _dies(self, event: str) -> bool:
        """Count what matters; tell whether the process is killed now."""
        if event.endswith("held") or not self._left:
            return False
        self._until_kill -= 1
        if self._until_kill > 0:
            return False
        self._left -= 1
        self._until_kill = self._chance.randint(3, 14)
        self.kills[event] += 1
        return True

    def _send(self, content: list[object]) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(encode(content) + b"\n")


def story() -> RecordingDriver:
    driver = RecordingDriver(PLANT)
    driver.supply(cells=CELLS + 10)
    driver.person("P-1", "operator", qualification="hv_work")
    driver.receive("KIT-2", "kit", 100)
    driver.load("MOD-02", "kit", "KIT-2", 10)
    for first in range(0, CELLS, 8):
        carrier = f"TRAY-{first + 1}"
        driver.graded(min(8, CELLS - first), carrier)
        driver.must(UnloadCarrier(station="TRAY-01", carrier=carrier))
    driver.must(ReleaseOrder(order="WO-1", product="module", quantity=MODULES))
    return driver


async def test_a_killed_supervisor_loses_nothing_and_does_nothing_twice(database_url: str) -> None:
    await through_gate(database_url, story())
    killed = Killed(database_url, Random(3))
    connection = await connect(database_url)
    tasks = [asyncio.create_task(killed.run()), asyncio.create_task(killed.stations.run())]
    finished = "SELECT count(*) FROM unit WHERE product = 'module' AND status = 'finished'"
    async with asyncio.timeout(90):
        while await connection.fetchval(finished) < MODULES or await count_open(connection) != (0, 0):
            assert not any(task.done() for task in tasks), [task.exception() for task in tasks if task.done()]
            await asyncio.sleep(0.02)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await killed.stop()

    assert killed.kills.total() == KILLS, killed.kills
    stations = killed.stations
    assert Counter(operation for operation, _ in stations.worked) == {"join": MODULES, "test": MODULES}
    assert len(set(stations.worked)) == len(stations.worked)
    assert len(stations.sent) == len(set(stations.sent))
    joined = [cell for cells in stations.joined.values() for cell in cells]
    assert len(joined) == len(set(joined)) == 4 * MODULES
    rows = await connection.fetch("SELECT status, count(*) AS n FROM unit WHERE product = 'cell' GROUP BY status")
    counts = {row["status"]: row["n"] for row in rows}
    assert counts == {"assembled": 4 * MODULES, "finished": CELLS - 4 * MODULES}
    assert await connection.fetchval("SELECT count(*) FROM job WHERE members <> '{}'") == MODULES
    assert (await check(connection, PLANT)).equal
    await connection.close()
