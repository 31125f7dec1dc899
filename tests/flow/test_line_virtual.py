"""The supervisor and the virtual PACK line: orders in, packs out, also with robots that grip beside and a pack to repair."""

import asyncio

import pytest
from msgspec import structs

from cellwright.database.pool import connect
from cellwright.plant.check import check
from cellwright.plant.config import find_plant, load_plant
from cellwright.sim.catalogue import NO_DEFECTS, Settings
from cellwright.sim.score import score
from cellwright.sim.truth import observe
from cellwright.testing.virtual import supervised
from cellwright.views.people import catch_up
from cellwright.views.recorded import read_record

pytestmark = pytest.mark.timeout(120)

PLANT = load_plant(find_plant("lfp32700"))
DEFECTS = structs.replace(NO_DEFECTS, wrong_pick=0.5, insulation_low=1.0)


async def test_a_pack_is_ordered_matched_joined_repaired_and_shipped_by_nobody(database_url: str) -> None:
    settings = Settings(page=20, spare_modules=1, defects=DEFECTS, parked_limit=0)
    async with supervised(database_url, PLANT, settings) as run:
        connection = await connect(database_url)
        await catch_up(connection)
        truth = observe(run.world)
        found = score(truth, await read_record(connection))
        assert found.details == {}
        assert (await check(connection, PLANT)).equal
        jobs = await connection.fetch(
            "SELECT operation, count(*) AS n FROM job WHERE state = 'ended' GROUP BY operation"
        )
        done = {row["operation"]: row["n"] for row in jobs}
        assert (done["module_assembly"], done[""], done["pack_assembly"], done["shipping"]) == (5, 5, 1, 1)
        assert done["insulation_test"] == done["busbar_bolting"] == 2, "the repaired pack went the same way again"
        # A cell or module that a robot took beside is refused at its check-in, called for, and taken again.
        kinds = {row["kind"] for row in await connection.fetch("SELECT DISTINCT kind FROM call")}
        # Cells come in trays: between two, a call for more of them may come and go.
        assert kinds - {"stock"} == {"material", "repair", "refused"}
        async with asyncio.timeout(10):
            while await connection.fetchval("SELECT count(*) FROM call WHERE cleared_us = 0"):
                await asyncio.sleep(0.05)
        matched = await connection.fetchval(
            "SELECT count(*) FROM fact WHERE kind = 'JobsDispatched' AND body->'evidence'->>'policy' LIKE 'module_assembly/%'"
        )
        assert matched == 5
        assert "job_mismatch" in {code for each in truth.refused for code in each.codes}, "no robot gripped beside"
        await connection.close()


async def test_cells_measured_before_the_supervisor_began_are_matched_too(database_url: str) -> None:
    settings = Settings(page=20, defects=NO_DEFECTS, parked_limit=0)
    async with supervised(database_url, PLANT, settings, late_s=2.0) as run:
        assert run.world.counts["pack_shipped"] == 1
