import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

from cellwright.testing.database import Databases, open_folder

# No deadline: a loaded machine is not a failing test. The full run repeats the same examples.
settings.register_profile("people", deadline=None)
settings.register_profile("full", deadline=None, derandomize=True, print_blob=True)


LONGEST: Final = ("test_demo.py", "test_every_page.py", "test_walk.py", "test_api_fuzz.py", "test_injection.py")


def pytest_configure(config: pytest.Config) -> None:
    # The full run works in parallel, a run by hand does not; every worker must draw the same examples.
    settings.load_profile("full" if hasattr(config, "workerinput") else "people")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # Each process begins with an equal part of the list: what takes longest stands first in all of the parts.
    if not hasattr(config, "workerinput"):
        return
    count = int(config.workerinput["workercount"])
    long = sorted((each for each in items if each.path.name in LONGEST), key=lambda each: LONGEST.index(each.path.name))
    short = [each for each in items if each.path.name not in LONGEST]
    size = len(short) // count + 1
    items[:] = [
        item for number in range(count) for item in (*long[number::count], *short[number * size : (number + 1) * size])
    ]


@pytest.fixture(scope="session")
def checkout() -> Path:
    return Path(__file__).resolve().parent.parent


@pytest.fixture(name="open_folder")
def fixture_open_folder() -> Iterator[Path]:
    """A folder that the database's own account may pass through."""
    folder = open_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """One server for the whole run."""
    started = asyncio.run(Databases.start())  # leaves no task behind, so any event loop may use it
    yield started
    asyncio.run(started.stop())


@pytest.fixture
async def database_url(databases: Databases) -> AsyncIterator[str]:
    """A fresh migrated database."""
    async with databases.fresh() as url:
        yield url
