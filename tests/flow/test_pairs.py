"""Cells that do not weigh what was put into them, found from the record; what is not known is no proof."""

from collections.abc import AsyncIterator, Iterator
from functools import partial

import asyncpg
import pytest

from cellwright.database.pool import connect
from cellwright.model.commands import HoldSubject, PlaceHold
from cellwright.model.routes import MassCheck, MassPart
from cellwright.testing.database import prepared_database
from cellwright.testing.flow import results
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.views.pairs import read_pairs
from cellwright.views.people import catch_up

CHECK = MassCheck(
    characteristic="mass_g", parts=(MassPart(operation="seal", characteristic="fill_g"),), rest_g=100.0, tolerance_g=2.0
)
FILLED_G = [36.0, 36.2, None, 30.0, 36.1, 36.1]
WEIGHED_G = [136.5, 130.0, 90.0, 131.5, 138.4, None]
"""As it should be, too light, with nothing recorded, light as recorded, too heavy, not weighed."""


@pytest.fixture(scope="module", name="told")
def fixture_told() -> tuple[RecordingDriver, tuple[str, ...]]:
    driver = RecordingDriver()
    driver.supply()
    units = driver.wind(6)
    driver.work("ASM-01", units)
    driver.work("SEAL-01", units, results=results(leak_pamin=[1.0] * 6, fill_g=FILLED_G))
    driver.graded(1, "TRAY-2")
    driver.tray(units)
    driver.wait(900)
    driver.check_in("FORM-01", carrier="TRAY-1")
    driver.check_out("FORM-01", carrier="TRAY-1")
    driver.check_in("GRADE-01", carrier="TRAY-1")
    driver.check_out("GRADE-01", carrier="TRAY-1", results=results(capacity_ah=[6.2] * 6, mass_g=WEIGHED_G))
    driver.must(PlaceHold(subject=HoldSubject.UNIT, codes=units[4:5], reason="heavy"))
    return driver, units


@pytest.fixture(scope="module", name="url")
def fixture_url(told: tuple[RecordingDriver, tuple[str, ...]]) -> Iterator[str]:
    with prepared_database(partial(through_gate, driver=told[0])) as address:
        yield address


@pytest.fixture(name="connection")
async def fixture_connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(url)
    await catch_up(opened)
    yield opened
    await opened.close()


async def test_what_weighs_more_or_less_than_its_record_is_found_with_its_masses(
    connection: asyncpg.Connection, told: tuple[RecordingDriver, tuple[str, ...]]
) -> None:
    units = told[1]
    found = await read_pairs(connection, "GRADE-01", "grade", check=CHECK, pages_count=20)
    assert (found.weighed_count, found.unknown_count) == (5, 1)
    light, heavy = found.pairs
    assert (light.unit, light.weighed_g, light.is_held) == (units[1], 130.0, False)
    assert [light.expected_g, light.excess_g, heavy.excess_g] == pytest.approx([136.2, -6.2, 2.3])
    assert (heavy.unit, heavy.is_held) == (units[4], True)


async def test_a_station_that_weighed_nothing_has_no_pairs(connection: asyncpg.Connection) -> None:
    found = await read_pairs(connection, "FORM-01", "form", check=CHECK, pages_count=20)
    assert (found.weighed_count, found.pairs) == (0, ())
