"""The whole spine: a virtual plant makes a pack through the real gate, also with a new station, and with the gate killed.

The plant as it comes is run undisturbed by `tests/browser/test_walk.py`, which looks at its pages meanwhile.
"""

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

import msgspec
import pytest

from cellwright.cli.demo_report import Report
from cellwright.testing.demo import check_report
from cellwright.testing.how_to import follow_page

pytestmark = pytest.mark.timeout(420)


async def start_demo(folder: Path, *arguments: str) -> asyncio.subprocess.Process:
    """Start the demo as a person would, keeping its data in a folder."""
    folder.mkdir(mode=0o755)
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cellwright",
        "demo",
        "--headless",
        "--json",
        f"--data={folder}",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def report_of(process: asyncio.subprocess.Process) -> Report:
    """Wait for the demo's end and return its report; a failed demo shows what it said."""
    output, errors = await process.communicate()
    assert process.returncode == 0, (output[-4000:], errors[-4000:])
    return msgspec.json.decode(output, type=Report)


async def kill_the_gate(folder: Path, times: int, chance: random.Random) -> int:
    """Kill the plant's process at random moments; return how often it was alive to be killed."""
    killed, last = 0, 0
    while killed < times:
        await asyncio.sleep(chance.uniform(1.0, 4.0))
        pid_file = folder / "plant.pid"
        pid = int(pid_file.read_text() or 0) if pid_file.exists() else 0
        if pid and pid != last:
            os.kill(pid, signal.SIGKILL)
            killed, last = killed + 1, pid
    return killed


async def test_killing_the_gate_five_times_changes_nothing(open_folder: Path) -> None:
    process = await start_demo(open_folder / "plant", "--packs=1", "--seed=7")
    killing = asyncio.create_task(kill_the_gate(open_folder / "plant", 5, random.Random(5)))
    report = await report_of(process)
    assert await asyncio.wait_for(killing, 1) == 5, "the run was over before the gate was killed five times"
    assert report.gate_restarts >= 5
    check_report(report)
    cyclers = open_folder / "plant" / "cyclers"
    assert len(list((cyclers / "taken").iterdir())) >= 8
    assert not list((cyclers / "rejected").iterdir())
    assert not list(cyclers.glob("*.parquet"))


async def test_a_station_added_by_files_alone_works(open_folder: Path, checkout: Path) -> None:
    page = (checkout / "docs" / "how-to" / "add-a-station.md").read_text("utf-8")
    plant = follow_page(page, checkout / "plants" / "lfp32700", open_folder / "my-plant")
    arguments = (f"--plant={plant}", "--packs=1", "--seed=11")
    report = await report_of(await start_demo(open_folder / "plant", *arguments))
    assert report.first_pass_count["weighing"] >= 320
    check_report(report)


async def test_a_folder_that_holds_a_plant_is_left_alone(open_folder: Path) -> None:
    (open_folder / "plant").mkdir()
    (open_folder / "plant" / "endpoints.json").write_text("{}")
    arguments = [sys.executable, "-m", "cellwright", "demo", "--headless", f"--data={open_folder / 'plant'}"]
    process = await asyncio.create_subprocess_exec(*arguments, stderr=asyncio.subprocess.PIPE)
    _, errors = await process.communicate()
    assert process.returncode == 3
    assert b"holds a plant already" in errors
    assert (open_folder / "plant" / "endpoints.json").read_text() == "{}"
