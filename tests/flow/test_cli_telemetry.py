"""The verbs that look at samples, as a person starts them."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from random import Random

from cellwright.model.samples import BatchKey
from cellwright.plant.telemetry import FOLDER, open_telemetry
from cellwright.testing.telemetry import SIGNALS, START_US, random_block


async def said(*arguments: str | Path, code: int = 0) -> str:
    command = [sys.executable, "-m", "cellwright", *map(str, arguments)]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    out, err = await process.communicate()
    assert process.returncode == code, err.decode()
    return out.decode() or err.decode()


async def test_check_names_a_lost_file_and_it_may_be_given_up(database_url: str, tmp_path: Path) -> None:
    where = ("--data", tmp_path, "--database", database_url)
    assert "samples are whole: 0 rows in 0 files" in await said("check", *where)
    async with open_telemetry(database_url, tmp_path, lambda: START_US) as store:
        channels = await store.define(SIGNALS)
        await store.write(random_block(BatchKey("oven", 1, 1), channels[:3], Random(1)))
        await store.tidy(everything=True)
    report = json.loads(await said("check", "--json", *where))
    assert report["telemetry"]["whole"] is True
    assert (report["telemetry"]["rows"], report["telemetry"]["segments"]) == (40, 1)

    (path,) = (tmp_path / FOLDER / "samples").rglob("*.parquet")
    path.unlink()
    told = await said("check", *where, code=1)
    assert f"{path}: the file is gone" in told
    assert "lost: 40 samples of oven.pressure, oven.temperature, press.force" in told
    name = path.relative_to(tmp_path / FOLDER)
    assert f"cellwright telemetry give-up {name}" in told
    assert "given up: 40 samples" in await said("telemetry", "give-up", name, "--yes", *where)
    assert "samples are whole" in await said("check", *where)


async def test_a_running_plant_seals_by_itself(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "telemetry.toml").write_text("seal_after_s = 0\n")
    async with open_telemetry(database_url, tmp_path, lambda: START_US) as store:
        channels = await store.define(SIGNALS)
        await store.write(random_block(BatchKey("oven", 1, 1), channels[:3], Random(1)))
        while not list((tmp_path / FOLDER).rglob("*.parquet")):
            await asyncio.sleep(0.05)
