"""Sealing: nothing that anybody asks is answered otherwise, and a packed unit that is wanted again comes back."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from cellwright.database.pool import connect
from cellwright.model.answers import Receipt, Refusal
from cellwright.model.commands import HoldSubject, PlaceHold, Submission
from cellwright.plant.check import check, rebuild
from cellwright.plant.sealing import seal
from cellwright.testing.deep_plant import Story, tell_story
from cellwright.testing.gates import make_gate
from cellwright.testing.replay import through_gate
from cellwright.views.finding import find_exactly
from cellwright.views.trace import Trace, trace_backward, trace_forward
from cellwright.views.units import UnitFilter, list_units, read_members, read_memberships, read_units

LATER_US = 2**60
TABLES = ("unit", "unit_member", "assembly", "sealed_block", "sealed_member", "sealed_assembly")


@pytest.fixture(scope="module", name="story")
def fixture_story() -> Story:
    return tell_story()


@pytest.fixture(name="url")
async def fixture_url(database_url: str, story: Story) -> str:
    await through_gate(database_url, story.driver)
    return database_url


@pytest.fixture(name="connection")
async def fixture_connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(url)
    yield opened
    await opened.close()


async def counts(connection: asyncpg.Connection) -> dict[str, int]:
    return {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES}  # noqa: S608


def as_sets(trace: Trace) -> tuple[object, ...]:
    return trace.subject, dict(trace.levels), set(trace.nodes), set(trace.links)


async def answers(connection: asyncpg.Connection, story: Story) -> list[object]:
    """What people ask about the story."""
    cells, modules, pack = story.cells, story.modules, story.pack
    numbers = [story.id_of(code) for code in (*cells, *modules, pack)]
    return [
        *[as_sets(await trace_backward(connection, story.id_of(code))) for code in (cells[0], modules[1], pack)],
        *[as_sets(await trace_forward(connection, story.id_of(code))) for code in (cells[61], "CAN-1", "POWDER-2")],
        await read_members(connection, story.id_of(pack)),
        await read_members(connection, story.id_of(modules[0])),
        await read_memberships(connection, story.id_of(cells[2])),
        [(each.code, each.status, each.parent, each.grade) for each in await read_units(connection, numbers)],
        await find_exactly(connection, [cells[0], pack, cells[99]]),
        [
            (page.total_count, [each.code for each in page.units])
            for status in ("", "assembled", "waiting", "scrapped")
            for page in [await list_units(connection, UnitFilter(status=status), limit=500)]
        ],
    ]


async def test_sealing_changes_no_answer(connection: asyncpg.Connection, story: Story) -> None:
    before, rows = await answers(connection, story), await counts(connection)
    report = await seal(connection, before_us=LATER_US)
    after = await counts(connection)
    assert (report.units, report.assemblies) == (10, 3)
    assert rows["unit"] - after["unit"] == 10
    assert (after["unit_member"], after["assembly"], after["sealed_assembly"]) == (0, 0, 3)
    assert await answers(connection, story) == before
    assert (await seal(connection, before_us=LATER_US)).units == 0


async def test_the_journal_still_says_the_same(connection: asyncpg.Connection, story: Story) -> None:
    await seal(connection, before_us=LATER_US)
    report = await check(connection, story.driver.plant)
    assert report.equal, report
    place = 1 + (story.id_of(story.cells[1]) & 1023)
    await connection.execute("UPDATE sealed_member SET near[$1] = -1", place)
    await connection.execute("UPDATE sealed_assembly SET members = members[2:]")
    report = await check(connection, story.driver.plant)
    assert not report.equal
    # Every slot moved by one; besides, the first of each assembly is gone, and one cell has no parent.
    assert (report.tables["unit"].different, report.tables["unit_member"].different) == (10, 10)
    assert (await rebuild(connection, story.driver.plant)).equal
    assert (await check(connection, story.driver.plant)).equal
    assert (await counts(connection))["sealed_assembly"] == 0


async def test_what_was_settled_too_lately_stays(connection: asyncpg.Connection) -> None:
    first_us = await connection.fetchval("SELECT min(from_us) FROM unit_member")
    report = await seal(connection, before_us=first_us)
    assert (report.units, report.assemblies) == (0, 0)
    report = await seal(connection, before_us=first_us + 1)
    assert (report.units, report.assemblies) == (4, 1)


async def test_a_sealed_cell_is_held_like_any_other(url: str, connection: asyncpg.Connection, story: Story) -> None:
    before = await counts(connection)
    gate = make_gate(url, story.driver.plant, lambda: story.driver.now_us)
    async with gate:
        await seal(connection, before_us=LATER_US)
        held = await gate.submit(_hold(story.cells[1]))
        free = await gate.submit(_hold(story.pack, seq=2))
        unknown = await gate.submit(_hold(story.cells[1][:-7] + "9999999", seq=3))
    assert isinstance(held, Receipt)
    assert isinstance(free, Receipt)
    assert isinstance(unknown, Refusal)
    after = await counts(connection)
    # The cell's module and the pack were wanted: their assemblies are rows again, the other module's is not.
    assert before["unit"] - after["unit"] == 4
    assert (after["assembly"], after["sealed_assembly"]) == (2, 1)
    (cell,) = await read_units(connection, [story.id_of(story.cells[1])])
    assert (cell.holds_count, cell.parent, cell.status) == (1, story.modules[0], "assembled")
    assert (await check(connection, story.driver.plant)).equal
    await connection.execute("UPDATE unit SET attempts[1] = 7 WHERE id = $1", story.id_of(story.cells[1]))
    assert not (await check(connection, story.driver.plant)).equal


async def test_sealing_beside_a_running_gate_loses_nothing(
    url: str, connection: asyncpg.Connection, story: Story
) -> None:
    gate = make_gate(url, story.driver.plant, lambda: story.driver.now_us)
    async with gate:
        holding = asyncio.gather(
            *(gate.submit(_hold(code, seq=number)) for number, code in enumerate(story.cells[4:60], start=1))
        )
        report = await seal(connection, before_us=LATER_US)
        assert all(isinstance(answer, Receipt) for answer in await holding)
    assert report.units == 10
    held = await connection.fetchval("SELECT count(*) FROM unit WHERE holds = 1")
    assert held == 56
    assert (await check(connection, story.driver.plant)).equal


def _hold(code: str, *, seq: int = 1) -> Submission:
    command = PlaceHold(subject=HoldSubject.UNIT, codes=(code,), reason="look")
    return Submission(source="test", epoch=77, seq=seq, time_us=1, actor="P-1", command=command)
