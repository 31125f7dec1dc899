"""Curves of welds, from a virtual welder's files to the store, their features, and the hold of a pack with a splashed weld."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import structs

from cellwright.cli.common import wall_us
from cellwright.database.pool import connect
from cellwright.plant.check import check
from cellwright.plant.config import find_plant, load_plant
from cellwright.plant.cyclers import Intake, Taken, take_files
from cellwright.plant.telemetry import open_telemetry
from cellwright.sim.catalogue import NO_DEFECTS, Settings
from cellwright.telemetry.features import find_features
from cellwright.testing.virtual import VirtualRun, answered_by_gate
from cellwright.views.finding import find_units
from cellwright.views.holds import Hold, read_holds
from cellwright.views.people import catch_up

pytestmark = pytest.mark.timeout(120)

PLANT = load_plant(find_plant("lfp32700"))


@contextlib.asynccontextmanager
async def welded(url: str, folder: Path, **defects: float) -> AsyncIterator[tuple[VirtualRun, Path]]:
    """A pack of four modules, and the files of their welds alone."""
    defects_on = structs.replace(NO_DEFECTS, **defects)
    settings = Settings(page=20, defects=defects_on, parked_limit=0, cyclers=str(folder / "cyclers"))
    async with answered_by_gate(url, PLANT, settings) as run:
        for path in (folder / "cyclers").glob("*.parquet"):
            if not path.name.startswith("MWELD-01"):
                path.unlink()
        yield run, folder / "cyclers"


async def holds_of(url: str) -> tuple[Hold, ...]:
    connection = await connect(url)
    try:
        await catch_up(connection)
        return (await read_holds(connection, lifted=False)).holds
    finally:
        await connection.close()


async def test_every_weld_is_kept_and_a_good_pack_goes_on(database_url: str, tmp_path: Path) -> None:
    async with welded(database_url, tmp_path) as (run, folder):
        connection = await connect(database_url)
        async with open_telemetry(database_url, tmp_path, lambda: run.world.clock.now_us) as store:
            assert await take_files(connection, Intake(folder, PLANT, store, wall_us, run.gate)) == Taken(4, 0)
            module = next(each.code for each in run.world.units.values() if each.kind == "module")
            number = (await find_units(connection, [module]))[module]
            features = {each.step: each.values for each in await find_features(connection, [number], "module_welding")}
            curve = await store.curve(number, "module_welding")
        await connection.close()
        assert curve is not None
        assert len(curve.points.times_us) == 80 * 61
        assert sorted(features) == list(range(81))
        assert features[0]["welds_count"] == 80
        assert all(95.0 < (features[weld]["energy_j"] or 0.0) < 105.0 for weld in range(1, 81))
        assert all(48.0 < (features[weld]["duration_ms"] or 0.0) < 62.0 for weld in range(1, 81))
        assert await holds_of(database_url) == ()


async def test_a_pack_with_a_splashed_weld_is_held_once(database_url: str, tmp_path: Path) -> None:
    async with welded(database_url, tmp_path, weld_splash=1.0) as (run, folder):
        connection = await connect(database_url)
        async with open_telemetry(database_url, tmp_path, lambda: run.world.clock.now_us) as store:
            intake = Intake(folder, PLANT, store, wall_us, run.gate)
            assert await take_files(connection, intake) == Taken(4, 0)
            for path in (folder / "taken").iterdir():
                path.rename(folder / path.name)
            # As after a crash between the hold and the move: nothing is held twice.
            assert await take_files(connection, intake) == Taken(4, 0)
        holds = await holds_of(database_url)
        assert len(holds) == 4
        assert all("module_welding: module " in each.reason and "shape" in each.reason for each in holds)
        report = await check(connection, PLANT)
        await connection.close()
        assert report.equal, report
