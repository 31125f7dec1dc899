import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import msgspec
import pytest

from cellwright.database.migrate import migrate
from cellwright.database.pool import connect
from cellwright.database.server import EmbeddedServer
from cellwright.model.answers import Admit, Answer, Receipt, Refusal
from cellwright.model.commands import CheckOut, Consumed, ReceiveLot, Submission
from cellwright.plant.check import check
from cellwright.testing.database import temporary_server
from cellwright.testing.flow import START_US
from cellwright.testing.gate_process import READY
from cellwright.testing.gates import Sender, make_gate
from cellwright.testing.plants import small_plant
from cellwright.testing.replay import RecordingDriver, through_gate

KILLS = 20
PLANT = small_plant()
FIRST_CAN = {"ASM-01": 0, "ASM-02": 100}
Key = tuple[str, int, int]

encode = msgspec.json.encode


@pytest.fixture
async def server() -> AsyncIterator[EmbeddedServer]:
    # As in a plant: durable.
    async with temporary_server(fast=False) as running:
        await migrate(running.url)
        yield running


def key_of(submission: Submission) -> Key:
    return (submission.source, submission.epoch, submission.seq)


class Spool:
    """Sends messages to a gate's process and keeps what is unanswered, as equipment does; answers never change."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._process: Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiting: dict[Key, tuple[Submission, asyncio.Future[Answer]]] = {}
        self.answers: dict[Key, Answer] = {}
        self.repeats = 0
        self.starts = 0

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cellwright.testing.gate_process", self._url, stdin=PIPE, stdout=PIPE
        )
        assert self._process.stdout is not None
        assert await self._process.stdout.readline() == READY
        self._task = asyncio.create_task(self._read(self._process.stdout))
        self.starts += 1
        for submission, _ in list(self._waiting.values()):
            self._send(submission)

    async def kill(self) -> None:
        assert self._process is not None
        assert self._task is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await self._task
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def submit(self, submission: Submission) -> Answer:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[key_of(submission)] = (submission, future)
        self._send(submission)
        return await future

    def _send(self, submission: Submission) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        # A dead process reads nothing: the message waits for the next one.
        self._process.stdin.write(encode(submission) + b"\n")

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while (line := await stream.readline()).endswith(b"\n"):
            source, epoch, seq, said = msgspec.json.decode(line)
            answer = msgspec.convert(said, Answer)
            key = (source, epoch, seq)
            if key in self.answers:
                self.repeats += 1
            assert self.answers.setdefault(key, answer) == answer
            _, future = self._waiting.pop(key, (None, None))
            if future is not None and not future.done():
                future.set_result(answer)


async def assemble(spool: Spool, sender: Sender, cells: list[str], sent: list[Submission]) -> None:
    """Take cells from a common heap, one after another, and report each."""
    used = FIRST_CAN[sender.source]
    while cells:
        cell = cells.pop()
        asked = sender.ask(cell)
        sent.append(asked)
        assert isinstance(await spool.submit(asked), Admit)
        taken = Consumed(positions=("can",), outputs=(0,), starts=(used,), ends=(used + 1,))
        told = sender.message(CheckOut(station=sender.source, units=(cell,), consumed=taken))
        sent.append(told)
        assert isinstance(await spool.submit(told), Receipt)
        used += 1


async def receive(spool: Spool, sender: Sender, sent: list[Submission], done: asyncio.Event) -> None:
    """Receive lots without end."""
    while not done.is_set():
        lot = ReceiveLot(lot=f"KIT-{sender.source}-{len(sent)}", material="kit", quantity=3)
        sent.append(sender.message(lot))
        assert isinstance(await spool.submit(sent[-1]), Receipt)


async def stored_answers(url: str) -> dict[Key, Answer]:
    connection = await connect(url)
    rows = await connection.fetch("SELECT source, epoch, seq, answer FROM inbox WHERE epoch > 1")
    await connection.close()
    return {(row["source"], row["epoch"], row["seq"]): msgspec.json.decode(row["answer"], type=Answer) for row in rows}


async def verify(url: str) -> None:
    connection = await connect(url)
    report = await check(connection, PLANT)
    assert report.equal, report
    assert await connection.fetchval("SELECT count(*) = count(DISTINCT (source, epoch, seq, part)) FROM fact")
    await connection.close()


async def wound(url: str, count: int) -> list[str]:
    driver = RecordingDriver(PLANT)
    driver.supply(count)
    cells = [cell for _ in range(count // 20) for cell in driver.wind(20)]
    await through_gate(url, driver)
    return cells


@pytest.mark.timeout(300)
async def test_a_gate_killed_at_any_moment_loses_nothing_and_books_nothing_twice(server: EmbeddedServer) -> None:
    random, url = Random(5), server.url
    cells = await wound(url, 40)
    spool, done, sent = Spool(url), asyncio.Event(), list[Submission]()
    await spool.start()
    senders = [Sender(code, PLANT, epoch=2, time_us=START_US) for code in ("ASM-01", "ASM-02", "RCV-01", "RCV-02")]
    async with asyncio.TaskGroup() as tasks:
        for sender in senders[:2]:
            tasks.create_task(assemble(spool, sender, cells, sent))
        for sender in senders[2:]:
            tasks.create_task(receive(spool, sender, sent, done))
        for _ in range(KILLS):
            await asyncio.sleep(random.uniform(0.0, 0.12))
            await spool.kill()
            await spool.start()
            # Equipment may also have forgotten that it was answered.
            for forgotten in random.sample(sent, min(3, len(sent))):
                spool._send(forgotten)
        done.set()
    assert not cells
    assert spool.starts == KILLS + 1
    assert {key_of(each) for each in sent} == spool.answers.keys()
    assert await stored_answers(url) == spool.answers
    again = [await spool.submit(each) for each in random.sample(sent, 20)]
    assert not any(isinstance(each, Refusal) for each in again)
    assert spool.repeats >= 20
    await spool.kill()
    await verify(url)


@pytest.mark.timeout(300)
async def test_the_gate_heals_when_the_database_is_restarted_under_load(
    server: EmbeddedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Fast stop, immediate stop, and a killed postmaster: those who wait get their answers afterwards."""
    url, sent, answers = server.url, list[Submission](), list[Answer]()
    done = asyncio.Event()

    async def load(gate: Any, sender: Sender) -> None:
        while not done.is_set():
            lot = ReceiveLot(lot=f"{sender.source}-{len(sent)}", material="kit", quantity=3)
            sent.append(sender.message(lot))
            answers.append(await gate.submit(sent[-1]))

    await wound(url, 20)
    async with make_gate(url, PLANT, lambda: START_US, full_count=2) as gate, asyncio.TaskGroup() as tasks:
        for code in ("RCV-01", "RCV-02", "RCV-03"):
            tasks.create_task(load(gate, Sender(code, PLANT, epoch=2, time_us=START_US)))
        supervisor = tasks.create_task(server.supervise())
        for number, how in enumerate((signal.SIGINT, signal.SIGQUIT, signal.SIGKILL), start=1):
            await asyncio.sleep(0.2)
            assert server.pid is not None
            retries = gate.counts.retries
            os.kill(server.pid, how)
            async with asyncio.timeout(30):
                # Its backends still answer for a while after a killed postmaster.
                while server.restart_count < number or gate.counts.retries == retries:
                    await asyncio.sleep(0.02)
            before = len(answers)
            async with asyncio.timeout(30):
                while len(answers) < before + 10:
                    await asyncio.sleep(0.02)
        done.set()
        supervisor.cancel()
    assert all(isinstance(each, Receipt) for each in answers)
    assert len(answers) == len(sent)
    assert (await stored_answers(url)).keys() == {key_of(each) for each in sent}
    assert gate.counts.retries >= 3
    assert "database lost" in caplog.text
    await verify(url)
