"""Files of cyclers: taken once, stored with their results, or rejected with a reason; as a person reads them."""

import asyncio
import json
import os
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec import structs

from cellwright.cli.common import wall_us
from cellwright.database.pool import Connection, connect
from cellwright.plant.config import find_plant, load_plant
from cellwright.plant.curve_results import WHOLE_TEST, fault_of
from cellwright.plant.cyclers import Intake, Taken, open_cyclers, take_files
from cellwright.plant.telemetry import open_telemetry
from cellwright.sim.cycler import Cabinet
from cellwright.sim.units import Unit
from cellwright.telemetry.batches import find_batch
from cellwright.telemetry.features import find_features
from cellwright.testing.database import prepared_database
from cellwright.testing.deep_plant import Story, tell_story
from cellwright.testing.replay import through_gate
from cellwright.views.finding import find_unit

START_US = 1_772_409_600_000_000
CELLS = 8


@pytest.fixture(scope="module", name="story")
def fixture_story() -> Story:
    """Cells that a database knows."""
    return tell_story()


@pytest.fixture(scope="module", name="url")
def fixture_url(story: Story) -> Iterator[str]:
    with prepared_database(partial(through_gate, driver=story.driver)) as address:
        yield address


@pytest.fixture(scope="module", name="data")
def fixture_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(name="intake")
async def fixture_intake(url: str, data: Path, tmp_path: Path) -> AsyncIterator[Intake]:
    async with open_telemetry(url, data, lambda: START_US) as store:
        yield Intake(tmp_path / "cyclers", load_plant(find_plant("lfp32700")), store, wall_us)


@pytest.fixture(name="connection")
async def fixture_connection(url: str) -> AsyncIterator[Connection]:
    connection = await connect(url)
    yield connection
    await connection.close()


async def batch_count(connection: Connection) -> int:
    return int(await connection.fetchval("SELECT count(*) FROM telemetry_batch"))


def write_tray(folder: Path, codes: list[str], cabinet: Cabinet | None = None, *, bad: int = -1) -> Path:
    """Have a virtual cabinet test a tray; the contact of slot `bad` is bad. Returns its file."""
    units = [Unit("cell", number, code) for number, code in enumerate(codes)]
    measured = []
    for slot, unit in enumerate(units):
        unit.traits = {"capacity_ah": 6.1, "dcir_ohm": 0.0122}
        discharge_ah = 6.1 * (0.5 if slot == bad else 1 + 0.0001 * slot)
        measured.append({"charge_ah": discharge_ah / 0.892, "discharge_ah": discharge_ah})
    before = set(folder.glob("*.parquet"))
    cabinet = cabinet or Cabinet("FORM-01", "formation", seed=1, folder=str(folder))
    cabinet.write(dict(enumerate(units)), units, measured, START_US)
    (path,) = set(folder.glob("*.parquet")) - before
    return path


async def test_a_tray_is_stored_once_with_its_results(story: Story, intake: Intake, connection: Connection) -> None:
    path = write_tray(intake.root, story.cells[:CELLS], bad=3)
    copy = path.with_name("copy of it.parquet")
    shutil.copy(path, copy)
    # The second file is what a crash between storing and moving leaves: it is taken again, and changes nothing.
    batches = await batch_count(connection)
    assert await take_files(connection, intake) == Taken(2, 0)
    assert await batch_count(connection) == batches + 1
    assert {each.name for each in (intake.root / "taken").iterdir()} == {path.name, copy.name}
    assert await take_files(connection, intake) == Taken(0, 0)

    numbers = [number for code in story.cells[:CELLS] if (number := await find_unit(connection, code))]
    features = await find_features(connection, numbers, "formation")
    whole = {each.unit: each.values for each in features if each.step == WHOLE_TEST}
    assert [bool(fault_of(whole[number])) for number in numbers] == [slot == 3 for slot in range(CELLS)]
    assert whole[numbers[0]]["discharge_ah"] == pytest.approx(6.1, rel=0.003)
    assert whole[numbers[0]]["efficiency_ratio"] == pytest.approx(0.892, rel=0.003)
    assert whole[numbers[0]]["discharge_plateau_v"] == pytest.approx(3.25, abs=0.1)
    steps = {each.step: each.values for each in features if each.unit == numbers[0]}
    assert sorted(steps) == [0, 1, 2, 3, 4, 5, 6]
    assert steps[5]["discharge_ah"] == pytest.approx(6.1, rel=0.003)
    assert steps[4]["charge_ah"] == 0
    curve = await intake.store.curve(numbers[3], "formation")
    assert curve is not None
    assert (curve.head.channel, curve.head.program) == ("FORM-01-003", "FORM")


async def test_files_of_an_older_version_are_listed_once_they_are_put_back(
    story: Story, intake: Intake, connection: Connection
) -> None:
    path = write_tray(intake.root, story.cells[:CELLS], bad=3)
    await take_files(connection, intake)
    number = await connection.fetchval("SELECT max(batch) FROM curve_batch")
    kept, known = await find_batch(connection, number, "formation"), await batch_count(connection)
    assert kept is not None
    assert len(kept.units) == CELLS
    assert [bool(fault) for fault in kept.faults] == [slot == 3 for slot in range(CELLS)]
    assert kept.channels[3] == "FORM-01-003"
    # A version without batches left the curves and the file, and nothing else.
    await connection.execute("DELETE FROM curve_batch")
    (intake.root / "taken" / path.name).rename(path)
    assert await take_files(connection, intake) == Taken(1, 0)
    assert await find_batch(connection, number, "formation") == kept
    assert await batch_count(connection) == known, "the curves are not stored again"


async def test_a_re_test_is_another_attempt(story: Story, intake: Intake, connection: Connection) -> None:
    cabinet = Cabinet("FORM-01", "formation", seed=1, folder=str(intake.root))
    for bad in (0, -1):
        write_tray(intake.root, story.cells[8:16], cabinet, bad=bad)
    assert await take_files(connection, intake) == Taken(2, 0)
    number = await find_unit(connection, story.cells[8])
    assert number
    features = await find_features(connection, [number], "formation")
    assert [bool(fault_of(each.values)) for each in features if each.step == WHOLE_TEST] == [True, False]
    curve = await intake.store.curve(number, "formation")
    assert curve is not None
    assert curve.head.attempt == 2


def changed(table: Any, name: str, value: object) -> Any:
    """Return a table with another value in row 5 of a column, or in all rows of what names a test."""
    values = table.column(name).to_pylist()
    values = [value] * len(values) if name in ("unit", "operation") else [*values[:5], value, *values[6:]]
    place = table.column_names.index(name)
    return table.set_column(place, name, pa.array(values, table.schema.field(name).type))


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("unit", "04QCB76G500000A1A0000001", "unit 04QCB76G500000A1A0000001: is not known; correct its code"),
        ("operation", "baking", "operation baking: no route has it; expected one of ageing"),
        ("u_v", float("inf"), "row 5, column u_v: inf; expected a finite number"),
        ("t_s", 0.0, "row 5, column t_s: 0.0 after"),
        ("t_s", None, "row 5, column t_s: nan; expected seconds from the start of the test"),
        ("step", 0, "row 5, column step: 0; expected a number from 1"),
        ("step", None, "row 5, column step: is empty; expected a value in every row"),
        ("attempt", 0, "row 5, column attempt: 0; expected which test"),
        ("channel", "Z", "begins again; expected its rows together"),
        ("start_us", -1, "row 5, column start_us: -1; expected UTC microseconds"),
    ],
)
async def test_what_is_wrong_is_named(
    name: str, value: object, reason: str, *, story: Story, intake: Intake, connection: Connection
) -> None:
    path = write_tray(intake.root, story.cells[24:25])
    pq.write_table(changed(pq.read_table(path), name, value), path)
    batches = await batch_count(connection)
    assert await take_files(connection, intake) == Taken(0, 1)
    assert await batch_count(connection) == batches
    rejected = intake.root / "rejected"
    told = (rejected / (path.name + ".txt")).read_text("utf-8")
    assert reason in told
    assert f"put it into {intake.root}" in told
    assert (rejected / path.name).exists()
    assert not path.exists()


async def test_a_file_that_is_being_written_is_left_for_a_minute(
    story: Story, intake: Intake, connection: Connection
) -> None:
    path = write_tray(intake.root, story.cells[26:28])
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    assert await take_files(connection, intake) == Taken(0, 0)
    path.write_bytes(whole)
    assert await take_files(connection, intake) == Taken(1, 0)
    path.write_bytes(whole[:1000])
    os.utime(path, (1, 1))
    assert await take_files(connection, intake) == Taken(0, 1)
    assert "is no whole Parquet file" in (intake.root / "rejected" / (path.name + ".txt")).read_text("utf-8")


async def test_a_missing_column_and_an_empty_measurement(story: Story, intake: Intake, connection: Connection) -> None:
    path = write_tray(intake.root, story.cells[28:30])
    table = pq.read_table(path)
    pq.write_table(changed(table.set_column(11, "heat", table.column("temp_c")), "u_v", None), path)
    assert await take_files(connection, intake) == Taken(0, 1)
    told = (intake.root / "rejected" / (path.name + ".txt")).read_text("utf-8")
    assert "column temp_c: is not there exactly once; expected unit (string)" in told
    pq.write_table(changed(table, "u_v", None), path)
    assert await take_files(connection, intake) == Taken(1, 0)
    number = await find_unit(connection, story.cells[28])
    assert number
    curve = await intake.store.curve(number, "formation")
    assert curve is not None
    assert int((curve.points.voltages_v != curve.points.voltages_v).sum()) == 1


async def test_a_full_store_lets_files_wait(story: Story, data: Path, intake: Intake, url: str) -> None:
    path = write_tray(intake.root, story.cells[30:32])
    async with open_telemetry(url, data, lambda: START_US) as store:
        store._refusal = "full"
        async with open_cyclers(url, structs.replace(intake, store=store)):
            await asyncio.sleep(0.5)
            assert path.exists()
            await store.look_at_room()
            while path.exists():
                await asyncio.sleep(0.05)
    assert (intake.root / "taken" / path.name).exists()


async def test_a_lost_database_is_waited_for(story: Story, intake: Intake, *, connection: Connection, url: str) -> None:
    async with open_cyclers(url, intake):
        while not await connection.fetchval("SELECT true FROM pg_stat_activity WHERE application_name = 'cyclers'"):
            await asyncio.sleep(0.05)
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name IN ('cyclers', 'telemetry')"
        )
        path = write_tray(intake.root, story.cells[42:44])
        while path.exists():
            await asyncio.sleep(0.05)
    assert (intake.root / "taken" / path.name).exists()
    # Sealing, which looks each second, outlives it as well.
    await asyncio.sleep(1.5)
    assert "telemetry" in {task.get_name() for task in asyncio.all_tasks()}


async def said(*arguments: str | Path, code: int = 0) -> str:
    command = [sys.executable, "-m", "cellwright", *map(str, arguments)]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    out, err = await process.communicate()
    assert process.returncode == code, err.decode()
    return out.decode() or err.decode()


async def test_the_verb_tells_a_curve(
    story: Story, data: Path, intake: Intake, *, connection: Connection, url: str
) -> None:
    write_tray(intake.root, story.cells[32:42], bad=1)
    await take_files(connection, intake)
    where = ("--data", data, "--database", url)
    told = await said("curve", story.cells[32], "formation", *where)
    assert f"{story.cells[32]} in formation, test 1: " in told
    assert "channel FORM-01-000, program FORM 1" in told
    assert "contact: no sign of a fault" in told
    assert "6.10 Ah discharged" in told.replace("6.100", "6.10")
    told = await said("curve", story.cells[33], "formation", *where)
    assert "is suspected; look at the contact and test again" in told
    report = json.loads(await said("curve", story.cells[33], "formation", "--json", *where))
    assert report["fault"] in ("voltage_jumps", "resistance_step")
    assert [each["step"] for each in report["steps"]] == [1, 2, 4, 5, 6]
    assert len(report["points"]["times_us"]) == len(report["points"]["voltages_v"]) > 300
    assert "no curve of" in await said("curve", story.cells[100], "formation", *where, code=1)
    assert "no test 2 of" in await said("curve", story.cells[33], "formation", "--attempt", "2", *where, code=1)
