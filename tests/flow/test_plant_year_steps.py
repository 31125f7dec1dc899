"""What was done to the cells of a synthetic plant-year, and that a cause among them is found as in a real one."""

from collections.abc import AsyncIterator, Iterator
from functools import cache

import numpy as np
import pytest

from cellwright.database.pool import Connection, connect
from cellwright.journal.facts import read_page
from cellwright.model.facts import LotTransformed, OperationCompleted
from cellwright.testing.database import Databases
from cellwright.testing.plant_year import LINES, Ids, PlantYear, make_plant_year
from cellwright.testing.plant_year_steps import FORMERS, STEPS, former_of, stepped_cells, store_steps
from cellwright.testing.plant_year_store import lot_code, store_plant_year, unit_codes
from cellwright.views.commonality.reading import Asked, Commonality, read_commonality

CELLS = 40_000


@cache
def year() -> PlantYear:
    return make_plant_year(CELLS, seed=3)


@pytest.fixture(scope="module", name="url")
def fixture_url(databases: Databases) -> Iterator[str]:
    async def store(url: str) -> None:
        connection = await connect(url)
        await store_plant_year(connection, year(), is_packed=True)
        await store_steps(connection, year())
        await connection.close()

    with databases.prepared(store) as address:
        yield address


@pytest.fixture(name="connection")
async def fixture_connection(url: str) -> AsyncIterator[Connection]:
    opened = await connect(url)
    yield opened
    await opened.close()


async def test_the_journal_tells_every_step_of_every_cell_in_order(connection: Connection) -> None:
    seen: dict[int, list[str]] = {}
    made: set[int] = set()
    position = times_us = 0
    while recorded := await read_page(connection, position):
        for each in recorded:
            assert each.envelope.time_us >= times_us
            times_us, fact = each.envelope.time_us, each.envelope.fact
            if isinstance(fact, OperationCompleted):
                for unit in fact.units:
                    seen.setdefault(unit, []).append(fact.operation)
            if isinstance(fact, LotTransformed):
                made.update(fact.lots)
        position = recorded[-1].position
    assert sorted(seen) == np.sort(year().cell_ids(stepped_cells(year()))).tolist()
    assert set(map(tuple, seen.values())) == {tuple(step.operation for step in STEPS)}
    assert made == set(year().parts["child"].tolist())


async def ask(connection: Connection, cells: Ids) -> Commonality:
    codes = unit_codes(year(), year().cell_ids(np.sort(cells)).tolist())
    return await read_commonality(connection, Asked(codes=codes))


async def test_a_station_that_spoils_cells_is_named_first(connection: Connection) -> None:
    random = np.random.default_rng(1)
    cells = stepped_cells(year())
    formed = random.choice(cells[former_of(year(), cells) == 5], 60, replace=False)
    found = await ask(connection, np.union1d(formed, random.choice(cells, 10)))
    first = found.findings[0]
    assert ("station", "formation", "FORM-06") in {(each.factor, each.of, each.code) for each in first.levels}
    assert found.population.counted_count == found.population.count
    # The station formed each sixteenth tray of the sample; of the bad cells, all but a few.
    others_count = first.count - first.bad_count
    assert others_count == pytest.approx((first.total - first.bad_total) / FORMERS, rel=0.35)
    assert first.bad_count >= 60


async def test_a_reel_that_spoils_cells_is_named_first(connection: Connection) -> None:
    runs = year().runs[(year().runs["kind"] == 0) & (year().runs["line"] == LINES)]
    run = runs[7]
    cells = year().cell_numbers(np.arange(run["a"], run["b"] + 1))
    found = await ask(connection, np.random.default_rng(2).choice(cells, 60, replace=False))
    named = {(each.factor, each.of, each.code) for each in found.findings[0].levels}
    assert ("lot", "cathode_reel", lot_code(int(run["lot"]))) in named
    assert found.findings[0].count == run["b"] - run["a"] + 1
