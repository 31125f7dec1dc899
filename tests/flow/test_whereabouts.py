"""Packs that leave, come back and are found by every code: through a real gate, in a real database."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import asyncpg
import pytest
from msgspec import structs

from cellwright.database.pool import Connection, connect
from cellwright.model.answers import Receipt
from cellwright.model.commands import (
    AssignCode,
    Disposition,
    DispositionAction,
    InstallPack,
    RemovePack,
    ReturnUnits,
    ShipUnits,
)
from cellwright.plant.check import check, effect_digest, rebuild
from cellwright.testing.gates import make_gate
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.testing.stories_whereabouts import SECOND_LIFE, VINS, install, packs
from cellwright.views.finding import find_exactly, find_unit
from cellwright.views.history import unit_history
from cellwright.views.people import catch_up
from cellwright.views.whereabouts import read_given_codes, read_installations, read_shipments

HOUR_US = 3_600_000_000


@dataclass
class Told:
    """Two packs: the first shipped, in two vehicles, back, with a second code; the second from stock into the first's."""

    driver: RecordingDriver = field(default_factory=RecordingDriver)
    first: str = ""
    second: str = ""
    times_us: list[int] = field(default_factory=list)


def tell() -> Told:
    told = Told()
    driver = told.driver
    told.first, told.second = packs(driver)
    driver.must(ShipUnits(units=(told.first,), partner="OEM-1", reference="DN-7"))
    driver.wait(7200)
    told.times_us.append(driver.now_us - HOUR_US)
    driver.must(install(told.first, VINS[0], times_us=(told.times_us[0],), positions=("1",)))
    driver.wait(3600)
    told.times_us.append(driver.now_us)
    driver.must(RemovePack(packs=(told.first,), reason="swap"))
    driver.must(
        InstallPack(packs=(told.second, told.first), vehicles=(VINS[0], VINS[1]), positions=("1", "")),
    )
    driver.wait(3600)
    driver.must(RemovePack(packs=(told.first,), reason="range low"))
    driver.must(ReturnUnits(units=(told.first,), reason="warranty"))
    driver.must(AssignCode(units=(told.first,), codes=(SECOND_LIFE,), reason="storage"))
    driver.must(Disposition(units=(SECOND_LIFE,), action=DispositionAction.REUSE, reason="80 % left"))
    driver.must(ShipUnits(units=(SECOND_LIFE,), partner="GRID-2"))
    return told


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
    rows = {name: report.tables[name].rows for name in ("installation", "shipment", "given_code")}
    assert rows == {"installation": 3, "shipment": 2, "given_code": 1}
    assert (await rebuild(connection, told.driver.plant)).equal
    await catch_up(connection)
    assert (await check(connection, told.driver.plant)).equal


async def test_a_pack_tells_where_it_was_and_when(connection: asyncpg.Connection, told: Told) -> None:
    first = await number_of(connection, told.first)
    vehicles = await read_installations(connection, first)
    assert [(each.vehicle, each.position) for each in vehicles] == [(VINS[1], ""), (VINS[0], "1")]
    assert vehicles[1].from_us == told.times_us[0], "as it was told, not when"
    assert (vehicles[1].to_us, vehicles[0].from_us) == (told.times_us[1], told.times_us[1])
    partners = await read_shipments(connection, first)
    assert [(each.partner, each.reference, each.to_us is None) for each in partners] == [
        ("GRID-2", "", True),
        ("OEM-1", "DN-7", False),
    ]
    assert [each.code for each in await read_given_codes(connection, first)] == [SECOND_LIFE]
    assert await number_of(connection, SECOND_LIFE) == first
    (found,) = await find_exactly(connection, ["nothing", SECOND_LIFE.lower()])
    assert (found.kind, found.code, found.status) == ("pack", SECOND_LIFE, "shipped")
    (here,) = await read_installations(connection, await number_of(connection, told.second))
    assert (here.vehicle, here.position, here.to_us) == (VINS[0], "1", None)


async def test_the_history_names_partners_vehicles_and_codes(connection: asyncpg.Connection, told: Told) -> None:
    events = (await unit_history(connection, await number_of(connection, told.first))).events
    kinds = ("UnitsShipped", "UnitsReturned", "PackInstalled", "PackRemoved", "CodesAssigned")
    left = [each for each in reversed(events) if each.kind in kinds]
    assert [(each.kind, each.vehicle, each.partner, each.given_code) for each in left] == [
        ("UnitsShipped", "", "OEM-1", ""),
        ("PackInstalled", VINS[0], "OEM-1", ""),
        ("PackRemoved", VINS[0], "OEM-1", ""),
        ("PackInstalled", VINS[1], "OEM-1", ""),
        ("PackRemoved", VINS[1], "OEM-1", ""),
        ("UnitsReturned", "", "", ""),
        ("CodesAssigned", "", "", SECOND_LIFE),
        ("UnitsShipped", "", "GRID-2", ""),
    ]
    assert left[1].happened_us == told.times_us[0]
    assert (left[1].at_position, left[0].reference) == ("1", "DN-7")


async def test_what_left_is_in_no_buffer_and_counts_as_made(connection: asyncpg.Connection) -> None:
    tally = {
        (row["kind"], row["status"]): row["units_count"]
        for row in await connection.fetch("SELECT * FROM unit_tally WHERE units_count <> 0")
    }
    assert {key: count for key, count in tally.items() if key[0] == "pack"} == {
        ("pack", "shipped"): 1,
        ("pack", "installed"): 1,
    }
    assert not await connection.fetch("SELECT FROM buffer WHERE product = 'module' AND waiting_count <> 0")


async def test_messages_that_come_again_change_nothing(database_url: str, told: Told) -> None:
    """Every message comes twice to the gate, and all of them once more to the next one."""
    now_us = told.driver.now_us
    orders = [submission for _, submission, _ in told.driver.submissions]
    answers = [answer for _, _, answer in told.driver.submissions]
    await through_gate(database_url, told.driver)
    connection = await connect(database_url)
    before = await effect_digest(connection)
    for _ in range(2):
        async with make_gate(database_url, told.driver.plant, lambda: now_us) as gate:
            for order, answer in zip(orders, answers, strict=True):
                assert await gate.submit(order) == answer
                assert await gate.submit(order) == answer
            assert gate.counts.decided == 0
    assert await effect_digest(connection) == before
    await connection.close()


async def test_a_later_gate_knows_where_packs_are_and_finds_them_by_every_code(
    connection: asyncpg.Connection, database_url: str, told: Told
) -> None:
    """What it decides on is read from the tables, not remembered."""
    order = structs.replace(
        told.driver.submissions[-1][1],
        source="later",
        seq=1,
        command=ReturnUnits(units=(SECOND_LIFE,), reason="again"),
    )
    async with make_gate(database_url, told.driver.plant, lambda: told.driver.now_us + 1) as gate:
        assert await gate.submit(order) == Receipt(routing=("removed",))
        swap = structs.replace(order, seq=2, command=RemovePack(packs=(told.second,), reason="swap"))
        assert await gate.submit(swap) == Receipt(routing=("removed",))
    assert (await check(connection, told.driver.plant)).equal


async def test_the_database_itself_lets_no_pack_be_in_two_places(connection: asyncpg.Connection, told: Told) -> None:
    first, second = await number_of(connection, told.first), await number_of(connection, told.second)
    insert = "INSERT INTO installation (pack, from_us, vehicle, position, to_us) VALUES ($1, $2, $3, $4, $5)"
    for row in ((second, 1, VINS[2], "", 0), (first, 1, VINS[0], "1", 0), (first, 9, VINS[2], "", 9)):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await connection.execute(insert, *row)
