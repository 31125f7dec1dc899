import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import msgspec
import pytest

from cellwright.database.pool import connect
from cellwright.model.answers import Admit, Answer, Receipt, Refusal
from cellwright.model.commands import LoadMaterial, ReceiveLot, UnloadMaterial
from cellwright.model.plant import Plant
from cellwright.plant.check import check
from cellwright.plant.gate import FULL_COUNT, Gate
from cellwright.testing.database import Databases
from cellwright.testing.flow import START_US, Driver
from cellwright.testing.gates import Sender, make_gate
from cellwright.testing.plants import small_plant, with_station
from cellwright.testing.replay import RecordingDriver, through_gate

CELLS = 20


@dataclass
class Pair:
    """Two gates on one database, and cells that wait for assembly."""

    url: str
    plant: Plant
    gates: tuple[Gate, Gate]
    cells: tuple[str, ...]

    def sender(self, source: str, epoch: int) -> Sender:
        return Sender(source, self.plant, epoch=epoch, time_us=START_US)


def roomy() -> Plant:
    plant = small_plant()
    for code in ("ASM-01", "ASM-02"):
        plant = with_station(plant, msgspec.structs.replace(plant.stations[code], capacity_count=100))
    return plant


@pytest.fixture(scope="module")
def databases() -> Iterator[Databases]:
    started = asyncio.run(Databases.start())
    yield started
    asyncio.run(started.stop())


@pytest.fixture(params=(1, FULL_COUNT), ids=lambda count: f"full_at_{count}")
async def pair(databases: Databases, request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    driver = RecordingDriver(roomy())
    driver.supply(CELLS)
    cells = driver.wind(CELLS)
    async with databases.fresh() as url:
        await through_gate(url, driver)
        async with AsyncExitStack() as stack:
            gates = [make_gate(url, driver.plant, lambda: START_US, full_count=request.param) for _ in range(2)]
            for gate in gates:
                await stack.enter_async_context(gate)
            yield Pair(url, driver.plant, (gates[0], gates[1]), cells)
        connection = await connect(url)
        report = await check(connection, driver.plant)
        await connection.close()
        assert report.equal, report


async def test_every_unit_is_claimed_by_exactly_one_of_two_gates(pair: Pair) -> None:
    async def claim(gate: Gate, station: str, epoch: int) -> list[Answer]:
        sender = pair.sender(station, epoch)
        return await asyncio.gather(*(gate.submit(sender.ask(cell)) for cell in pair.cells))

    first, second = await asyncio.gather(claim(pair.gates[0], "ASM-01", 2), claim(pair.gates[1], "ASM-02", 3))
    for one, other in zip(first, second, strict=True):
        winner, loser = (one, other) if isinstance(one, Admit) else (other, one)
        assert isinstance(winner, Admit)
        assert isinstance(loser, Refusal)
        assert loser.codes == {"unit_claimed"}


async def test_claims_one_at_a_time_from_both_sides_have_one_winner_each(pair: Pair) -> None:
    won: Counter[str] = Counter()
    for number, cell in enumerate(pair.cells):
        senders = (pair.sender("ASM-01", 10 + number), pair.sender("ASM-02", 10 + number))
        asked = zip(pair.gates, senders, strict=True)
        answers = await asyncio.gather(*(gate.submit(sender.ask(cell)) for gate, sender in asked))
        won.update(type(each).__name__ for each in answers)
    assert won == {"Admit": CELLS, "Refusal": CELLS}
    assert sum(gate.counts.retries for gate in pair.gates) > 0


async def test_a_lot_is_never_overdrawn_by_two_gates(pair: Pair) -> None:
    """Both sides load and unload 6 of the 10 cans of one lot, over and over: never may both hold them."""
    await pair.gates[0].submit(pair.sender("RCV-01", 2).message(cans()))
    stations = ("ASM-01", "ASM-02")
    for gate, station in zip(pair.gates, stations, strict=True):
        await gate.submit(pair.sender(station, 2).message(UnloadMaterial(station=station, position="can")))

    async def draw(gate: Gate, station: str) -> list[Answer]:
        sender, answers = pair.sender(station, 3), []
        for _ in range(15):
            load = LoadMaterial(station=station, position="can", lot="CAN-2", quantity=6)
            answers.append(await gate.submit(sender.message(load)))
            if isinstance(answers[-1], Receipt):
                done = await gate.submit(sender.message(UnloadMaterial(station=station, position="can")))
                assert isinstance(done, Receipt), done
        return answers

    drawn = await asyncio.gather(*map(draw, pair.gates, stations))
    for answer in [each for answers in drawn for each in answers]:
        assert not isinstance(answer, Refusal) or answer.codes == {"lot_exhausted"}, answer
    connection = await connect(pair.url)
    left = await connection.fetchrow("SELECT remaining, loaded FROM lot WHERE code = 'CAN-2'")
    await connection.close()
    assert tuple(left or ()) == (10, 0)


async def test_the_same_message_to_both_gates_has_one_effect_and_one_answer(pair: Pair) -> None:
    receivers = [pair.sender("RCV-01", epoch) for epoch in range(5, 25)]
    for number, receiver in enumerate(receivers):
        message = receiver.message(cans(f"TWICE-{number}"))
        first, second = await asyncio.gather(*(gate.submit(message) for gate in pair.gates))
        assert first == second == Receipt()
    connection = await connect(pair.url)
    assert await connection.fetchval("SELECT count(*) FROM lot WHERE code LIKE 'TWICE-%'") == len(receivers)
    await connection.close()


def cans(code: str = "CAN-2") -> ReceiveLot:
    return ReceiveLot(lot=code, material="can", quantity=10, certificate_sha256="c" * 64)


def test_the_driver_and_the_gates_see_the_same_plant() -> None:
    assert Driver().plant == small_plant()
