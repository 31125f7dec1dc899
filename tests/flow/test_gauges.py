"""Effects of gauges from the record: what is found, and when nothing can be."""

from collections.abc import AsyncIterator, Iterator
from functools import partial

import asyncpg
import numpy as np
import pytest
from msgspec import structs

from cellwright.database.pool import connect
from cellwright.model.commands import ReplaceTool, UnloadCarrier
from cellwright.plant.corrections import CorrectionError, corrections_of, mass_checks_of, study_station
from cellwright.testing.database import prepared_database
from cellwright.testing.flow import results
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.testing.stories_corrections import correcting_plant
from cellwright.views.gauges import GaugeStudy, study_gauges
from cellwright.views.people import catch_up

CHANNELS = (0.02, -0.01, 0.0, 0.01, -0.02, 0.03, -0.03, 0.0)
CHAMBERS = (0.015, -0.015)


def told() -> RecordingDriver:
    """Twelve trays of eight cells in two chambers by turns; channels and chambers off by known shares, cells by 0.1 %."""
    driver, random = RecordingDriver(correcting_plant()), np.random.default_rng(3)
    driver.supply(cells=96)
    for tray in range(12):
        driver.must(ReplaceTool(station="WIND-01", tool="cutter"))
        chamber, warm_c = tray % 2, 24.0 + tray % 3
        true = 6.3 * np.exp(random.normal(0, 0.001, 8) + 0.005 * (warm_c - 25.0))
        shown = true * np.exp(np.array(CHANNELS) + CHAMBERS[chamber])
        driver.graded(
            8,
            f"TRAY-{tray + 1}",
            results=results(
                capacity_ah=shown.tolist(),
                chamber_c=[warm_c] * 8,
                chamber_no=[float(chamber)] * 8,
                channel_no=[*map(float, range(7)), None] if tray == 0 else [*map(float, range(8))],
            ),
        )
        driver.must(UnloadCarrier(station="TRAY-01", carrier=f"TRAY-{tray + 1}"))
    return driver


@pytest.fixture(scope="module", name="url")
def fixture_url() -> Iterator[str]:
    with prepared_database(partial(through_gate, driver=told())) as address:
        yield address


@pytest.fixture(name="connection")
async def fixture_connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(url)
    await catch_up(opened)
    yield opened
    await opened.close()


async def studied(connection: asyncpg.Connection, pages_count: int) -> GaugeStudy:
    (found,) = await study_station(connection, correcting_plant(), "GRADE-01", pages_count=pages_count)
    return found


async def test_effects_are_those_that_were_put_in_and_a_value_without_its_channel_is_left_out(
    connection: asyncpg.Connection,
) -> None:
    found = await studied(connection, 20)
    chambers, channels = found.effects
    assert (found.problem, found.window.pages_count, found.window.units_count) == ("", 12, 95)
    assert (chambers.by, chambers.levels, chambers.counts) == ("chamber_no", (0, 1), (47, 48))
    assert chambers.offsets_ratio == pytest.approx(CHAMBERS, abs=0.002)
    assert channels.offsets_ratio == pytest.approx(CHANNELS, abs=0.002)
    assert channels.counts == (12,) * 7 + (11,)
    assert found.rest_ratio == pytest.approx(0.001, rel=0.3)
    assert sum(share.share_ratio for share in found.shares) == pytest.approx(1.0)


async def test_a_spread_estimated_as_nothing_is_not_known_to_be_nothing(connection: asyncpg.Connection) -> None:
    """Temperature, once it is taken away, is a gauge that adds nothing: that is known no better than its means are."""
    ((operation, correction),) = corrections_of(correcting_plant(), "GRADE-01")
    by_warmth = structs.replace(correction, by=("chamber_no", "chamber_c"))
    found = await study_gauges(connection, "GRADE-01", operation, correction=by_warmth, pages_count=20)
    warmth = found.effects[1]
    assert (warmth.by, warmth.levels) == ("chamber_c", (24, 25, 26))
    assert warmth.offsets_ratio == pytest.approx((0.0, 0.0, 0.0), abs=0.001)
    assert all(0.0005 < error < 0.01 for error in warmth.errors_ratio)
    assert 0.0005 < warmth.spread_ratio < 0.01


async def test_only_the_last_pages_count(connection: asyncpg.Connection) -> None:
    found = await studied(connection, 4)
    assert (found.window.pages_count, found.window.units_count) == (4, 32)


async def test_one_chamber_alone_cannot_be_told_from_its_cells(connection: asyncpg.Connection) -> None:
    found = await studied(connection, 1)
    assert "chamber_no was the same in all pages" in found.problem
    assert (found.effects, found.shares, found.rest_ratio) == ((), (), None)


async def test_where_nothing_was_measured_nothing_is_estimated(connection: asyncpg.Connection) -> None:
    ((_, correction),) = corrections_of(correcting_plant(), "GRADE-01")
    found = await study_gauges(connection, "FORM-01", "form", correction=correction, pages_count=20)
    assert "0 units have every value" in found.problem


def test_what_a_station_does_not_correct_or_weigh_is_said() -> None:
    plant = correcting_plant()
    for station, text in (("FORM-01", "no operation of FORM-01"), ("NOWHERE", "no station has the code 'NOWHERE'")):
        for ask in (corrections_of, mass_checks_of):
            with pytest.raises(CorrectionError, match=text):
                ask(plant, station)
