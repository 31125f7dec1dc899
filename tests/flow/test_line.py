"""The supervisor of a line on a real gate and database; its stations do what they are told, or not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import msgspec

from cellwright.cli.line import line_lines, plan_of
from cellwright.database.pool import Connection, connect
from cellwright.model.answers import Receipt
from cellwright.model.commands import (
    Command,
    Disposition,
    DispositionAction,
    HoldSubject,
    LoadMaterial,
    PlaceHold,
    ReleaseHold,
    ReleaseOrder,
    ReplaceMember,
    UnloadCarrier,
    UnloadMaterial,
)
from cellwright.model.job_commands import DispatchJobs, Job
from cellwright.plant.check import check
from cellwright.plant.gate import Gate
from cellwright.plant.line.supervisor import Around, Line
from cellwright.rules.state import UnitRow
from cellwright.testing.flow import START_US
from cellwright.testing.gates import Sender, make_gate
from cellwright.testing.line_stations import MemoryStations, count_open
from cellwright.testing.line_world import line_plant
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.views.line import read_wants
from cellwright.views.line_status import LineStatus, read_line
from cellwright.views.people import catch_up

PLANT = line_plant()
SCRAP = DispositionAction.SCRAP
NOW_US = START_US + 86_400_000_000
_WAIT_S = 20.0


def story(cells: int, *commands: Command) -> RecordingDriver:
    """Tell of cells in stock, loaded kits and what people did."""
    driver = RecordingDriver(PLANT)
    driver.supply(cells=cells + 10)
    driver.person("P-1", "operator", qualification="hv_work")
    driver.person("Q-1", "quality")
    driver.person("Q-2", "quality")
    driver.receive("KIT-2", "kit", 100)
    driver.load("MOD-02", "kit", "KIT-2", 10)
    for first in range(0, cells, 8):
        carrier = f"TRAY-{first + 1}"
        driver.graded(min(8, cells - first), carrier)
        driver.must(UnloadCarrier(station="TRAY-01", carrier=carrier))
    for command in commands:
        driver.must(command)
    return driver


class Plant:
    """A running line: gate, supervisor, stations, and a connection to look at the record."""

    def __init__(self, gate: Gate, line: Line, stations: MemoryStations, connection: Connection) -> None:
        self.gate, self.line, self.stations, self.connection = gate, line, stations, connection
        self._people = Sender("web", PLANT, epoch=1, time_us=NOW_US)

    async def say(self, command: Command, actor: str = "Q-1") -> None:
        """Submit what a person does; it has to be accepted."""
        said = msgspec.structs.replace(self._people.message(command), actor=actor)
        answer = await self.gate.submit(said)
        assert isinstance(answer, Receipt), answer

    async def until(self, is_so: Callable[[], Awaitable[bool]]) -> None:
        """Wait until the record says so."""
        async with asyncio.timeout(_WAIT_S):
            while not await is_so():
                await asyncio.sleep(0.01)

    async def value(self, sql: str, *arguments: object) -> int:
        """Return a number from the record."""
        return int(await self.connection.fetchval(sql, *arguments) or 0)

    async def finished(self) -> int:
        """Return how many modules are finished."""
        return await self.value("SELECT count(*) FROM unit WHERE product = 'module' AND status = 'finished'")

    async def until_finished(self, wanted_count: int) -> None:
        """Wait until so many modules are finished, and no job or call is open any more."""

        async def is_so() -> bool:
            return await self.finished() == wanted_count and await count_open(self.connection) == (0, 0)

        await self.until(is_so)

    async def until_called(self, *kinds: str) -> None:
        """Wait until the open calls are of these kinds."""

        async def is_so() -> bool:
            rows = await self.connection.fetch("SELECT kind FROM call WHERE cleared_us = 0 ORDER BY kind")
            return [row["kind"] for row in rows] == sorted(kinds)

        await self.until(is_so)


@contextlib.asynccontextmanager
async def running(
    url: str, driver: RecordingDriver, *, lost: Sequence[str] = (), idle: Sequence[str] = ()
) -> AsyncIterator[Plant]:
    """Run the line of a told story; at first the stations `lost` are not heard, and those `idle` do nothing."""
    await through_gate(url, driver)
    gate = make_gate(url, PLANT, lambda: NOW_US)
    stations = MemoryStations(PLANT, lambda: gate, lambda: NOW_US)
    for code in lost:
        stations.stations[code].is_reachable = False
    for code in idle:
        stations.stations[code].is_idle = True
    connection = await connect(url)
    async with gate:
        working = asyncio.create_task(stations.run())
        try:
            async with make_line(url, gate, stations) as line:
                stations.answered = line.nudge
                yield Plant(gate, line, stations, connection)
        finally:
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working
    assert (await check(connection, PLANT)).equal
    await connection.close()


def make_line(url: str, gate: Gate, stations: MemoryStations, epoch: int = 7) -> Line:
    around = Around(
        connect=lambda: connect(url),
        gate=gate,
        plant=PLANT,
        clock=lambda: NOW_US,
        stations=stations,
        epoch=epoch,
        lost_s=0.5,
    )
    return Line(around)


ORDER = ReleaseOrder(order="WO-1", product="module", quantity=3)


async def check_members(plant: Plant) -> None:
    """Every module is recorded with the cells that were physically put into it, each once."""
    rows = await plant.connection.fetch("SELECT id FROM unit WHERE product = 'module' ORDER BY id")
    recorded = [
        await plant.connection.fetch(
            "SELECT unit FROM unit_member WHERE parent = $1 AND to_us = 0 ORDER BY slot", row["id"]
        )
        for row in rows
    ]
    members = [member["unit"] for each in recorded for member in each]
    assert len(members) == len(set(members)) == 4 * len(plant.stations.joined)
    assert [len(each) for each in recorded] == [4] * len(rows)
    physical = [cell for cells in plant.stations.joined.values() for cell in cells]
    assert len(physical) == len(set(physical)) == len(members)


async def test_an_order_becomes_modules_and_nobody_does_anything(database_url: str) -> None:
    async with running(database_url, story(16, ORDER)) as plant:
        await plant.until_finished(3)
        await check_members(plant)
        assert sorted(operation for operation, _ in plant.stations.worked) == ["join"] * 3 + ["test"] * 3
        assert await plant.value("SELECT count(*) FROM job WHERE work_order = 'WO-1'") == 3


async def test_members_that_a_person_reserved_are_brought_and_joined_and_no_others(database_url: str) -> None:
    driver = story(16, ReleaseOrder(order="WO-1", product="module", quantity=1))
    cells = [row.id for row in driver.state.rows(UnitRow) if row.product == "cell"]
    members = tuple(driver.state.code_of(cell) for cell in (cells[9], cells[2], cells[14], cells[5]))
    job = Job(job="MOD-02/5A17", station="MOD-02", operation="join", members=members, order="WO-1")
    driver.must(DispatchJobs(jobs=(job,)), actor="PLAN-1")
    async with running(database_url, driver) as plant:
        await plant.until_finished(1)
        await check_members(plant)
        assert list(plant.stations.joined.values()) == [members]
        assert await plant.value("SELECT count(*) FROM job WHERE members <> '{}'") == 1


async def test_a_module_that_fails_is_tested_again_and_a_lost_one_is_made_again(database_url: str) -> None:
    async with running(database_url, story(16, ORDER)) as plant:
        plant.stations.bad = {"test"}
        await plant.until_finished(3)
        assert len([1 for operation, _ in plant.stations.worked if operation == "test"]) == 4


async def test_missing_material_is_called_for_once_and_the_line_goes_on(database_url: str) -> None:
    empty = [UnloadMaterial(station=code, position="kit") for code in ("MOD-01", "MOD-02")]
    async with running(database_url, story(16, ORDER, *empty)) as plant:
        await plant.until_called("material", "material")
        for code in ("MOD-01", "MOD-02"):
            await plant.say(LoadMaterial(station=code, position="kit", lot="KIT-2", quantity=5))
        plant.stations.stations["MOD-02"].used_count = 5
        await plant.until_finished(3)
        calls = await plant.connection.fetch("SELECT code FROM call")
        assert len(calls) == len({row["code"].rpartition("/")[0] for row in calls})


async def test_a_station_that_is_not_heard_is_called_for_and_the_other_one_works(database_url: str) -> None:
    more = ReleaseOrder(order="WO-1", product="module", quantity=9)
    async with running(database_url, story(16, more), lost=("MOD-01",)) as plant:
        await plant.until_called("machine", "stock")
        assert await plant.finished() == 4
        assert not [job for job in plant.stations.sent if job.startswith("MOD-01")]
        plant.stations.stations["MOD-01"].is_reachable = True
        await plant.until_called("stock")


async def test_a_cell_on_hold_leaves_its_job_before_it_begins(database_url: str) -> None:
    async with running(database_url, story(9, ORDER), idle=("MAG-01",)) as plant:

        async def is_ordered() -> bool:
            return await plant.value("SELECT count(*) FROM job WHERE members <> '{}'") > 0

        await plant.until(is_ordered)
        cell = await plant.value("SELECT members[2] FROM job WHERE members <> '{}' LIMIT 1")
        code = plant.line.code_of(cell)
        await plant.say(PlaceHold(subject=HoldSubject.UNIT, codes=(code,), reason="dent"))
        plant.stations.stations["MAG-01"].is_idle = False

        async def are_two_done() -> bool:
            return await plant.finished() == 2

        await plant.until(are_two_done)
        await plant.until_called("stock")
        assert code not in {each for cells in plant.stations.joined.values() for each in cells}
        await plant.say(ReleaseHold(hold=1, reason="no dent", second_person="Q-2"))


async def test_a_unit_goes_on_when_its_hold_is_released(database_url: str) -> None:
    async with running(database_url, story(8, ReleaseOrder(order="WO-1", product="module", quantity=2))) as plant:
        plant.stations.stations["TEST-01"].is_idle = True
        await plant.until(lambda: is_true(plant, "SELECT count(*) = 2 FROM unit WHERE product = 'module' AND step = 1"))
        module = list(plant.stations.joined)[-1]
        await plant.say(PlaceHold(subject=HoldSubject.UNIT, codes=(module,), reason="dent"))
        plant.stations.stations["TEST-01"].is_idle = False
        await plant.until_called("repair")
        assert ("test", module) not in plant.stations.worked
        await plant.say(ReleaseHold(hold=1, reason="no dent", second_person="Q-2"))
        await plant.until_finished(2)


async def is_true(plant: Plant, sql: str) -> bool:
    return bool(await plant.connection.fetchval(sql))


async def test_a_module_with_a_replaced_cell_is_tested_again_by_itself(database_url: str) -> None:
    async with running(database_url, story(17, ORDER)) as plant:
        await plant.until_finished(3)
        module, cells = next(iter(plant.stations.joined.items()))
        spare = await plant.value("SELECT max(id) FROM unit WHERE product = 'cell' AND status = 'finished'")
        replace = ReplaceMember(
            parent=module,
            members=cells[1:2],
            replacements=(plant.line.code_of(spare),),
            operation="test",
            reason="dented",
        )
        await plant.say(replace)

        async def is_tested_again() -> bool:
            return plant.stations.worked.count(("test", module)) == 2

        await plant.until(is_tested_again)
        await plant.until_finished(3)


async def test_a_module_that_is_born_not_good_is_called_for_until_somebody_decides(database_url: str) -> None:
    async with running(database_url, story(16, ORDER)) as plant:
        plant.stations.bad = {"join"}
        await plant.until_called("repair")
        await plant.say(Disposition(units=(next(iter(plant.stations.joined)),), action=SCRAP, reason="crushed"))
        await plant.until_finished(3)
        assert len(plant.stations.joined) == 4


async def test_a_job_that_a_station_gives_up_is_ordered_again_and_at_last_called_for(database_url: str) -> None:
    async with running(database_url, story(8, ReleaseOrder(order="WO-1", product="module", quantity=1))) as plant:
        plant.stations.stations["TEST-01"].gives_up_count = 4
        await plant.until_called("refused")
        await plant.until_finished(1)
        assert await plant.value("SELECT count(*) FROM job WHERE state = 'aborted'") == 4


async def test_the_line_is_shown_for_people_and_programs(database_url: str) -> None:
    empty = [UnloadMaterial(station=code, position="kit") for code in ("MOD-01", "MOD-02")]
    async with running(database_url, story(16, ORDER, *empty)) as plant:
        await plant.until_called("material", "material")
        await catch_up(plant.connection)
        wants = await read_wants(plant.connection)
        seen = await read_line(plant.connection, plan_of(PLANT), wants, NOW_US)
        lines = line_lines(seen, NOW_US)
    assert [each.station for each in seen.stations] == ["MOD-01", "TEST-01", "MAG-01", "MOD-02"]
    assert {each.kind for each in seen.calls} == {"material"}
    proved = [(each.station, each.members_count) for each in seen.jobs if each.members_count and each.state == "proved"]
    assert sorted(proved) == [("MOD-01", 4), ("MOD-02", 4)]
    assert [(each.product, each.waiting_count) for each in seen.buffers if not each.operation] == [("cell", 16)]
    assert [each.product for each in seen.orders] == ["module"]
    assert any("load a released lot of kit" in line for line in lines)


def test_a_plant_without_dispatched_stations_has_no_line() -> None:
    nothing = LineStatus((), (), (), (), ())
    assert "dispatched = true" in line_lines(nothing, NOW_US)[0]


async def test_a_supervisor_that_is_stopped_anywhere_goes_on_where_it_was(database_url: str) -> None:
    driver = story(16, ORDER)
    await through_gate(database_url, driver)
    gate = make_gate(database_url, PLANT, lambda: NOW_US)
    stations = MemoryStations(PLANT, lambda: gate, lambda: NOW_US)
    connection = await connect(database_url)
    async with gate, asyncio.TaskGroup() as group:
        working = group.create_task(stations.run())
        runs = 0
        while (
            await connection.fetchval("SELECT count(*) FROM unit WHERE product = 'module' AND status = 'finished'") < 3
        ):
            runs += 1
            assert runs < 500
            async with make_line(database_url, gate, stations, epoch=runs) as line:
                stations.answered = line.nudge
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.3):
                        while line.acts_count < 1 + runs % 3:
                            await asyncio.sleep(0)
                await asyncio.sleep(0.001 * (runs % 7))
        assert runs > 5
        async with make_line(database_url, gate, stations, epoch=10_000) as line:
            plant = Plant(gate, line, stations, connection)
            await plant.until_finished(3)
            await check_members(plant)
        working.cancel()
    assert len(stations.sent) == len(set(stations.sent))
    assert sorted(operation for operation, _ in stations.worked) == ["join"] * 3 + ["test"] * 3
    await connection.close()
