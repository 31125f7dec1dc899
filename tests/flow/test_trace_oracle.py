"""Answers that count against a walk over every edge: 200 questions on a plant of 10^5 cells with all that is hard."""

import itertools
from collections.abc import AsyncIterator, Iterator
from functools import cache
from random import Random
from typing import Final

import numpy as np
import pytest

from cellwright.database.pool import Connection, connect
from cellwright.model.ids import KIND_SHIFT, UnitKind, first_id, kind_of
from cellwright.rules.spans import ids_of
from cellwright.testing.database import Databases
from cellwright.testing.plant_walk import FIRST_CELL, PlantWalk
from cellwright.testing.plant_year import PlantYear, module_ids, pack_ids, vehicle_ids
from cellwright.testing.plant_year_small import small_plant, without_tolerances
from cellwright.testing.plant_year_store import store_plant_year, store_units
from cellwright.views.origins import find_origins
from cellwright.views.spread import Section, find_spread

pytestmark = pytest.mark.timeout(300)

SECTIONS: Final = 120
UNITS: Final = 80
FIRST_VEHICLE: Final = int(vehicle_ids(np.array([0]))[0])


@cache
def plant() -> PlantYear:
    """Nothing errs here, so every question has one right answer."""
    return without_tolerances(small_plant(100_000, seed=11))


@cache
def walk() -> PlantWalk:
    return PlantWalk(plant())


@pytest.fixture(scope="module", name="url")
def fixture_url(databases: Databases) -> Iterator[str]:
    async def store(url: str) -> None:
        connection = await connect(url)
        await store_plant_year(connection, plant())
        await store_units(connection, plant())
        await connection.close()

    with databases.prepared(store) as address:
        yield address


@pytest.fixture(name="connection")
async def fixture_connection(url: str) -> AsyncIterator[Connection]:
    opened = await connect(url)
    yield opened
    await opened.close()


def random_sections(random: Random) -> Iterator[Section]:
    """Yield lots of every type by chance, whole or a stretch, webs also by lane; no lot that is in half the plant."""
    quantities = dict(zip(plant().lots["number"].tolist(), plant().lots["quantity"].tolist(), strict=True))
    names = [name for name, block in plant().blocks.items() if block.count > 4]
    # What is mixed goes everywhere, which the walk reckons with fractions for seconds: every fourth round has it.
    unmixed = [name for name in names if not name.endswith("_slurry")]
    rounds = itertools.cycle((names, unmixed, unmixed, unmixed))
    for name in itertools.islice(itertools.chain.from_iterable(rounds), SECTIONS):
        block = plant().blocks[name]
        lot = random.randrange(block.first, block.first + block.count)
        quantity = quantities[lot]
        start = random.randrange(quantity)
        end = random.randint(start + 1, min(quantity, start + max(1, quantity // random.choice((2, 20, 200)))))
        lane = random.choice((0, 1, 2, 3, 4)) if "roll" in block.name else 0
        yield random.choice((Section(lot=lot), Section(lot=lot, start=start, end=end, lane=lane)))


def now(cells: set[int]) -> set[int]:
    """What holds cells now, themselves included; vehicles are no units."""
    nodes = {node for cell in cells for node in walk().forward(cell)}
    return {node for node in nodes if FIRST_CELL <= node < FIRST_VEHICLE}


async def test_where_sections_went_is_what_a_walk_finds(connection: Connection) -> None:
    quantities = dict(zip(plant().lots["number"].tolist(), plant().lots["quantity"].tolist(), strict=True))
    found = 0
    for section in random_sections(Random(7)):
        end = quantities[section.lot] if section.end is None else section.end
        cells = walk().cells_on(section.lot, section.start or 0, end, lane=section.lane)
        spread = await find_spread(connection, section)
        assert set(ids_of(spread.units).tolist()) == cells, section
        units = now(cells)
        kinds = {kind: sum(kind_of(unit) is kind for unit in units) for kind in UnitKind}
        assert spread.outermost.levels == {kind: count for kind, count in kinds.items() if count}, section
        tops = {unit for unit in units if not any(FIRST_CELL <= far < FIRST_VEHICLE for far in walk().parents(unit))}
        assert set(spread.outermost.ids.tolist()) == tops, section
        found += len(cells)
    assert found > 20_000


def random_units(random: Random) -> Iterator[int]:
    year = plant()
    for number in range(UNITS):
        kind = list(UnitKind)[number % 3]
        if kind is UnitKind.CELL:
            yield int(year.cell_ids(np.array([random.randrange(year.cells_count)]))[0])
        elif kind is UnitKind.MODULE:
            yield int(module_ids(np.array([random.randrange(year.modules_count)]))[0])
        else:
            yield int(pack_ids(np.array([random.randrange(year.packs_count)]))[0])


async def test_what_units_were_made_of_is_what_a_walk_finds(connection: Connection) -> None:
    found = 0
    for unit in random_units(Random(3)):
        nodes = {node for node in walk().backward(unit) if node >= FIRST_CELL}
        cells = [node for node in nodes if node >> KIND_SHIFT == first_id(UnitKind.CELL, 0) >> KIND_SHIFT]
        lots = {place.lot for cell in cells for place in walk().places_of(cell)}
        origins = await find_origins(connection, unit)
        assert set(origins.lots.tolist()) == lots, unit
        assert sum(origins.levels.values()) == len(nodes)
        assert sum(origins.materials.values()) == len(lots)
        found += len(lots)
    assert found > 5_000
