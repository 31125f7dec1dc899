"""However units changed within a batch, the table holds them as the state does."""

import asyncio
from collections.abc import Callable, Iterator
from random import Random

import pytest
from msgspec.structs import replace

from cellwright.database.pool import Connection, connect
from cellwright.database.writes import Write, execute_together
from cellwright.model.ids import UnitKind
from cellwright.model.routes import Operation, OperationKind, Route
from cellwright.rules.state import UnitRow, UnitStatus
from cellwright.testing.database import Databases
from cellwright.views import wip
from cellwright.views.inline import saving

STEPS = 3
ROUNDS = 40
MOMENTS_US = (5, 6)


@pytest.fixture(scope="module")
def databases() -> Iterator[Databases]:
    started = asyncio.run(Databases.start())
    yield started
    asyncio.run(started.stop())


def born(number: int) -> UnitRow:
    nothing = (0,) * STEPS
    return UnitRow(number, UnitKind.CELL, "cell", 1, 0, UnitStatus.WAITING, "", nothing, nothing)


def claimed(unit: UnitRow, _: Random) -> UnitRow:
    return replace(unit, status=UnitStatus.RUNNING, station='ST"1')


def passed(unit: UnitRow, random: Random) -> UnitRow:
    """Complete the operation it is at and go on, back, or nowhere; times may repeat."""
    step = min(unit.step, STEPS - 1)
    times, attempts = list(unit.completed_us), list(unit.attempts)
    times[step], attempts[step] = random.choice(MOMENTS_US), attempts[step] + 1
    return replace(
        unit,
        status=UnitStatus.WAITING,
        station="",
        step=random.choice((0, step, step + 1)),
        completed_us=tuple(times),
        attempts=tuple(attempts),
    )


def moved(unit: UnitRow, random: Random) -> UnitRow:
    return replace(unit, carrier=random.choice(("", "TRAY-1")), slot=random.randrange(-1, 9))


def held(unit: UnitRow, random: Random) -> UnitRow:
    return replace(unit, holds=random.randrange(3), grade=random.choice(("", "A")))


FATES: tuple[Callable[[UnitRow, Random], UnitRow], ...] = (claimed, passed, passed, moved, held)


def later(unit: UnitRow, random: Random) -> UnitRow:
    for fate in random.choices(FATES, k=random.choice((1, 1, 2, 4))):
        unit = fate(unit, random)
    return unit


async def save(connection: Connection, units: dict[int, UnitRow], changed: list[UnitRow]) -> None:
    changes = [(units.get(unit.id), unit) for unit in changed]
    await execute_together(connection, Write("SELECT 1", ()), saving({UnitRow: changes}))
    units.update({unit.id: unit for unit in changed})


async def test_the_table_holds_every_change_of_a_unit(databases: Databases) -> None:
    random, units = Random(7), dict[int, UnitRow]()
    operations = tuple(Operation(code=f"op{step}", name="", kind=OperationKind.UNIT) for step in range(STEPS))
    route = Route(id=1, code="r", revision=1, product="cell", operations=operations)
    async with databases.fresh() as url:
        connection = await connect(url)
        await wip.ROUTES.save_page(connection, [route])
        await save(connection, units, [born(number) for number in range(20)])
        for number in range(ROUNDS):
            chosen = random.sample(sorted(units), 12)
            births = [born(100 + number)]
            await save(connection, units, [*(later(units[each], random) for each in chosen), *births])
            kept = await wip.UNITS.load_page(connection)
            assert {unit.id: unit for unit in kept} == units
        await connection.close()
