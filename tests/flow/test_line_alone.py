"""The supervisor in a process of its own, beside whatever answers the machines; it is killed, and another takes over."""

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from cellwright.cli.common import wall_us
from cellwright.links.opcua.contract import ANSWER_SEQUENCE_PATH, Kind
from cellwright.links.opcua.security import TrustList, make_identity
from cellwright.model.commands import CheckIn, HoldSubject, PlaceHold, Submission
from cellwright.plant.config import find_plant, load_plant
from cellwright.plant.machines import Machine, make_link_identity, open_link_security, write_machines
from cellwright.rules.job_rows import JobState
from cellwright.testing.flow import START_US
from cellwright.testing.gates import make_gate
from cellwright.testing.machine import MACHINE_URI, PASSWORD, USER, CountingMemory, Keys, MachineServer
from cellwright.testing.pack_story import tell_pack
from cellwright.testing.replay import RecordingDriver, through_gate

pytestmark = pytest.mark.timeout(120)
PLANT = load_plant(find_plant("lfp32700"))
STATION = "PACK-01"


def modules_in_stock() -> tuple[RecordingDriver, str]:
    """Tell the story of a pack up to the moment when its four modules are to be joined; name one of them."""
    driver, told = tell_pack(PLANT, START_US + 30 * 86_400_000_000)
    joins = (isinstance(each.command, CheckIn) and each.command.station == STATION for _, each, _ in driver.submissions)
    del driver.submissions[list(joins).index(True) :]
    return driver, told.module


@contextlib.asynccontextmanager
async def machine_of_the_line(folder: Path) -> AsyncIterator[tuple[MachineServer, CountingMemory]]:
    """Run a machine that trusts the plant whose data are in a folder, and is named in its machines file."""
    pki, memory = folder / "pki", CountingMemory()
    identity = make_identity(MACHINE_URI, hosts=("localhost", "127.0.0.1"), now_us=wall_us())
    trust = TrustList(folder / "machine", wall_us)
    trust.add(make_link_identity(pki, wall_us))
    TrustList(pki, wall_us).add(identity.certificate)
    user = pki / "user.json"
    user.touch(mode=0o600)
    user.write_text(json.dumps({"user": USER, "password": PASSWORD}))
    server = MachineServer(Keys(identity, trust, open_link_security(pki, wall_us)), [STATION], takes_jobs=True)
    server.machines[STATION].memory = memory
    async with server:
        write_machines(folder / "machines.json", {"pack": Machine(server.endpoint.url, MACHINE_URI)})
        yield server, memory


@contextlib.asynccontextmanager
async def supervisor(url: str, folder: Path) -> AsyncIterator[Process]:
    where = [f"--database={url}", f"--data={folder}", f"--machines={folder / 'machines.json'}"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cellwright", "run", "line", *where), stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until(is_true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await is_true():
            await asyncio.sleep(0.05)


async def said(stream: asyncio.StreamReader | None, text: str) -> None:
    assert stream is not None
    async with asyncio.timeout(30):
        while text not in (line := (await stream.readline()).decode()):
            assert line, f"the process ended and never said {text!r}"


async def test_the_supervisor_alone_is_killed_and_another_goes_on(database_url: str, tmp_path: Path) -> None:
    driver, module = modules_in_stock()
    await through_gate(database_url, driver)
    connection = await asyncpg.connect(database_url)

    async def is_in(state: JobState) -> bool:
        rows = await connection.fetch("SELECT state FROM job WHERE station = $1", STATION)
        return [row["state"] for row in rows] == [state]

    async def is_forgotten() -> bool:
        return memory.held() == ()

    async with machine_of_the_line(tmp_path) as (server, memory), supervisor(database_url, tmp_path) as first:
        machine = server.machines[STATION]
        await machine.begin(Kind.CHECK_IN)
        await said(first.stdout, "supervising the line; work centres: pack")
        await until(lambda: is_in(JobState.PROVED))
        async with supervisor(database_url, tmp_path) as second:
            await said(second.stderr, "standing by")
            first.kill()
            await first.wait()
            hold = PlaceHold(subject=HoldSubject.UNIT, codes=(module,), reason="dented")
            async with make_gate(database_url, PLANT, lambda: driver.now_us) as gate:
                command = Submission(source="people", epoch=1, seq=1, time_us=driver.now_us, actor="Q-1", command=hold)
                await gate.submit(command)
            await until(lambda: is_in(JobState.ABORTED))
            await until(is_forgotten)
            assert len(memory.stored) == 1, "the second supervisor sent again what the first one had sent"
            assert machine.station.read(ANSWER_SEQUENCE_PATH) == 0, "requests are for another process to answer"
            second.terminate()
            await said(second.stdout, "stopped")
            assert await second.wait() == 0
    await connection.close()


async def test_a_line_without_machines_is_refused(tmp_path: Path) -> None:
    (tmp_path / "machines.json").write_text("{}")
    arguments = [sys.executable, "-m", "cellwright", "run", "line", f"--machines={tmp_path / 'machines.json'}"]
    process = await asyncio.create_subprocess_exec(*arguments, f"--data={tmp_path}", stderr=PIPE)
    _, errors = await process.communicate()
    assert process.returncode == 3
    assert "names no server of module, pack" in errors.decode()
