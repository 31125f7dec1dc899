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


LONG_S: Final = {
    "test_demo.py::test_killing_the_gate": 90,
    "test_demo.py::test_a_station_added": 80,
    "test_walk.py::": 80,
    "test_pack_route.py::test_over_sockets": 15,
    "test_every_page.py::test_every_page": 20,
    "test_every_page.py::test_longer_words": 10,
    "test_api_fuzz.py::": 25,
    "test_web_matrix.py::test_every_route_answers": 20,
}
"""About how long tests take, by how their names begin."""
LONG_TOGETHER_S: Final = {"test_injection.py": 80, "test_trace_oracle.py": 60}
"""Files likewise, whose tests share something that takes long to make, so that one process runs all of them."""


def pytest_configure(config: pytest.Config) -> None:
    # The full run works in parallel, a run by hand does not; every worker must draw the same examples.
    settings.load_profile("full" if hasattr(config, "workerinput") else "people")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # Each process begins with an equal part of the list: what takes longest stands first in all of the parts.
    if not hasattr(config, "workerinput"):
        return
    count = int(config.workerinput["workercount"])
    shares = long_shares(items, count)
    chosen = {item for share in shares for item in share}
    short, ordered = [item for item in items if item not in chosen], list[pytest.Item]()
    for number, share in enumerate(shares):
        size = (len(items) - len(ordered)) // (count - number)
        filling = max(0, size - len(share)) if number + 1 < count else len(short)
        ordered += [*share, *short[:filling]]
        del short[:filling]
    items[:] = ordered


def long_shares(items: list[pytest.Item], count: int) -> list[list[pytest.Item]]:
    """Return the long tests of each process, so that all take about as long."""
    whole = {name: [item for item in items if item.path.name == name] for name in LONG_TOGETHER_S}
    parts = [(LONG_TOGETHER_S[name], among) for name, among in whole.items()]
    for item in items:
        named = f"{item.path.name}::{item.name}"
        parts += [(seconds, [item]) for name, seconds in LONG_S.items() if named.startswith(name)]
    shares: list[list[pytest.Item]] = [[] for _ in range(count)]
    loads_s = [0] * count
    for seconds, among in sorted(parts, key=lambda part: -part[0]):
        least = loads_s.index(min(loads_s))
        shares[least] += among
        loads_s[least] += seconds
    return shares


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
