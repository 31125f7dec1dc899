"""The page of a module's welds: the odd one stands out on the map, among the curves and in the table."""

from collections.abc import AsyncIterator

import numpy as np
import pytest_asyncio
from msgspec import structs
from playwright.async_api import Browser, expect

from cellwright.database.pool import connect
from cellwright.model.samples import BatchKey, CurveHead, CurvePage, CurvePoints
from cellwright.plant.weld_results import weld_results
from cellwright.sim.randoms import generator
from cellwright.sim.welding import weld_curve
from cellwright.telemetry.features import save_features
from cellwright.testing.access import make_account
from cellwright.testing.browser import TABLET, accessibility_problems, clipped_texts, open_screen
from cellwright.testing.database import Databases
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.testing.stories_samples import pulled, sampled_plant
from cellwright.testing.web import WebPlant, running_web
from cellwright.views.finding import find_unit
from cellwright.web.access.guard import COOKIE

Module = tuple[WebPlant, str, str, str]
PLAIN = sampled_plant()
RECIPE = structs.replace(PLAIN.recipes["test"], parameters={"weld_energy_j": 100.0})
PLANT = structs.replace(PLAIN, recipes={**PLAIN.recipes, "test": RECIPE})
COUNT, ODD = 40, 17


def page_of(unit: int) -> CurvePage:
    random = generator(5, "welds of a page")
    curves = [weld_curve(100.0 + random.normal(), random, is_splashed=weld == ODD) for weld in range(1, COUNT + 1)]
    points = len(curves[0][0])
    steps = np.repeat(np.arange(1, COUNT + 1), points)
    times_us = steps * 1_500_000 + np.tile(np.arange(points) * 1000, COUNT)
    currents_a, voltages_v = (np.concatenate([each[side] for each in curves]) for side in (0, 1))
    known = CurvePoints(
        times_us=times_us,
        steps=steps,
        voltages_v=voltages_v,
        currents_a=currents_a,
        temperatures_c=np.full(len(steps), np.nan),
        states=np.zeros(len(steps), dtype=np.uint8),
    )
    head = CurveHead(unit, "test", 1, "", "", "")
    return CurvePage(BatchKey("test", 0, 0), (head,), np.array([len(steps)]), known)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def module(databases: Databases) -> AsyncIterator[Module]:
    driver = RecordingDriver(PLANT)
    driver.supply()
    driver.must(pulled(80.0, 81.0))
    code, cells = driver.module()
    driver.must(pulled(82.0, 83.0))
    async with databases.fresh() as url:
        await through_gate(url, driver)
        connection = await connect(url)
        number = await find_unit(connection, code)
        assert number
        await save_features(connection, weld_results(page_of(number), PLANT).features)
        await connection.close()
        async with running_web(url, PLANT) as web:
            web.times.plant_us = driver.now_us + 1_000_000
            yield web, code, cells[0], f"{COOKIE}={await make_account(web, 'looker', 'operator')}"


async def test_the_odd_weld_stands_out(browser: Browser, module: Module) -> None:
    web, code, _, session = module
    async with open_screen(browser, web.address, session=session) as screen:
        page = screen.page
        await screen.open(f"/units/{code}")
        await page.get_by_role("link", name="Welds").click()
        await expect(page).to_have_url(f"{web.address}/welds/{code}")
        await expect(page.locator("#map [data-weld]")).to_have_count(COUNT)
        odd = page.locator("#map [data-outlier=true]")
        await expect(odd).to_have_count(1)
        await expect(odd).to_have_attribute("data-weld", str(ODD))
        await expect(page.locator("#curves polyline")).to_have_count(COUNT)
        await expect(page.locator("#welds tbody tr").first).to_contain_text("Unlike the others")
        await expect(page.locator("#welds tbody tr").first).to_contain_text(str(ODD))
        assert await accessibility_problems(page) == []
        await page.set_viewport_size({"width": TABLET[0], "height": TABLET[1]})
        assert await clipped_texts(page) == []
        screen.guard.check()


async def test_a_cell_shows_the_samples_that_speak_for_it_and_has_no_welds(browser: Browser, module: Module) -> None:
    web, _, cell, session = module
    async with open_screen(browser, web.address, session=session) as screen:
        await screen.open(f"/welds/{cell}")
        await expect(screen.page.get_by_text("No curves of welds are kept")).to_be_visible()
        await expect(screen.page.locator("#samples tbody tr")).to_have_count(1)
        await expect(screen.page.locator("#samples tbody tr")).to_contain_text("82, 83")
        screen.guard.check()
