"""Repairs before a real gate and database: the tables are what the journal says, and pages tell of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest

from cellwright.database.pool import Connection, connect
from cellwright.model.commands import Disassemble, Disposition, DispositionAction
from cellwright.plant.check import check, rebuild
from cellwright.testing.flow import results
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.testing.stories_repair import module_and_spares, repair
from cellwright.views.buffers import read_buffers
from cellwright.views.finding import find_unit
from cellwright.views.history import unit_history
from cellwright.views.people import catch_up
from cellwright.views.units import read_members, read_memberships, read_unit


@dataclass
class Told:
    """A module tested, repaired and tested again; one more taken apart; the codes of what there is."""

    driver: RecordingDriver
    module: str
    cells: tuple[str, ...]
    spares: tuple[str, ...]
    second: str
    others: tuple[str, ...]


def tell() -> Told:
    driver = RecordingDriver()
    module, cells, spares = module_and_spares(driver, 4)
    driver.person("P-1", qualification="hv_work")
    driver.work("TEST-01", [module], person="P-1", results=results(voltage_v=[13.2]))
    driver.wait(60)
    driver.must(repair(module, cells[1], spares[0], operation="test"), actor="MEND")
    driver.wait(60)
    driver.work("TEST-01", [module], person="P-1", results=results(voltage_v=[13.3]))
    driver.must(Disposition(units=cells[1:2], action=DispositionAction.REUSE, reason="level"), actor="QA1")
    units = driver.check_in("MOD-01", units=(cells[1], *spares[1:])).units
    driver.check_out("MOD-01", units=units, consumed=driver.takes("MOD-01", 1))
    driver.wait(60)
    driver.must(Disassemble(units=units, reason="crushed"), actor="MEND")
    return Told(driver, module, cells, spares, units[0], (cells[1], *spares[1:]))


@pytest.fixture(name="told")
def fixture_told() -> Told:
    return tell()


@pytest.fixture(name="connection")
async def fixture_connection(database_url: str, told: Told) -> AsyncIterator[asyncpg.Connection]:
    await through_gate(database_url, told.driver)
    opened = await connect(database_url)
    await catch_up(opened)
    yield opened
    await opened.close()


async def number_of(connection: Connection, code: str) -> int:
    number = await find_unit(connection, code)
    assert number is not None
    return number


async def test_the_tables_are_what_the_journal_says(connection: asyncpg.Connection, told: Told) -> None:
    report = await check(connection, told.driver.plant)
    assert report.equal, report
    assert report.tables["unit_member"].rows == 4 + 1 + 4
    again = await rebuild(connection, told.driver.plant)
    assert again.equal, again
    await catch_up(connection)
    assert (await check(connection, told.driver.plant)).equal


async def test_pages_show_who_is_in_a_module_and_where_a_cell_was(connection: asyncpg.Connection, told: Told) -> None:
    module = await number_of(connection, told.module)
    members = await read_members(connection, module)
    assert [each.code for each in members] == [told.cells[0], told.spares[0], *told.cells[2:]]
    removed = await number_of(connection, told.cells[1])
    was_in = await read_memberships(connection, removed)
    assert [(each.parent, each.slot) for each in was_in] == [(told.second, 0), (told.module, 1)]
    assert all(each.to_us is not None and each.from_us < each.to_us for each in was_in)
    assert (await read_unit(connection, removed)).status == "removed"
    assert (await read_unit(connection, await number_of(connection, told.second))).status == "scrapped"


async def test_the_history_of_each_says_what_was_done_and_why(connection: asyncpg.Connection, told: Told) -> None:
    events = (await unit_history(connection, await number_of(connection, told.cells[1]))).events
    left = [each for each in events if each.kind == "Disassembled"]
    assert [(each.parent, each.slot, each.reason, each.actor) for each in left] == [
        (told.second, 0, "crushed", "MEND"),
        (told.module, 1, "voltage drops", "MEND"),
    ]
    events = (await unit_history(connection, await number_of(connection, told.module))).events
    kinds = [each.kind for each in reversed(events)]
    assert kinds[-5:] == ["Disassembled", "Assembled", "Dispositioned", "OperationStarted", "OperationCompleted"]


async def test_what_was_removed_waits_in_no_buffer(connection: asyncpg.Connection, told: Told) -> None:
    counts = {
        (each.product, each.operation): each.waiting_count
        for each in await read_buffers(connection, told.driver.now_us)
        if each.waiting_count
    }
    assert counts == {("module", ""): 1}
    tally = {(row["kind"], row["status"]): row["units_count"] for row in await connection.fetch("TABLE unit_tally")}
    assert (tally["cell", "removed"], tally["cell", "assembled"], tally["module", "scrapped"]) == (4, 4, 1)


async def test_the_database_itself_lets_no_two_into_a_slot(connection: asyncpg.Connection, told: Told) -> None:
    module, cell = await number_of(connection, told.module), await number_of(connection, told.cells[1])
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute(
            "INSERT INTO unit_member (unit, from_us, parent, slot, to_us) VALUES ($1, 1, $2, 1, 0)", cell, module
        )
