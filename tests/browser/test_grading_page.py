"""Why a cell has its grade, on its page: limits, measured and corrected values, margins, and the gauges; in both languages."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from cellwright.testing.access import make_account
from cellwright.testing.browser import DESKTOP, PHONE, TABLET, View, accessibility_problems, clipped_texts, open_screen
from cellwright.testing.database import Databases
from cellwright.testing.flow import results
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.testing.stories_corrections import RELEASE, correcting_plant
from cellwright.testing.web import WebPlant, running_web
from cellwright.web.access.guard import COOKIE

Face = tuple[WebPlant, tuple[str, ...], str]


def graded_cells() -> tuple[RecordingDriver, tuple[str, ...]]:
    """Four cells: corrected down to B, corrected up to A, without a temperature, and with a gauge never seen; one before."""
    driver = RecordingDriver(correcting_plant())
    driver.supply()
    gauges: dict[str, list[float | None]] = {"chamber_c": [24.0], "chamber_no": [0.0], "channel_no": [0.0]}
    early = driver.graded(1, "TRAY-2", results=results(capacity_ah=[6.1], **gauges))
    driver.person("QA-7", "quality")
    driver.person("QA2", "process")
    driver.must(RELEASE, actor="QA-7")
    cells = driver.graded(
        4,
        results=results(
            capacity_ah=[6.05, 5.95, 6.2, 5.9],
            chamber_c=[25.5, 25.5, None, 25.5],
            chamber_no=[0.0, 1.0, 0.0, 0.0],
            channel_no=[0.0, 2.0, 0.0, 7.0],
        ),
    )
    return driver, (*cells, *early)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def face(databases: Databases) -> AsyncIterator[Face]:
    driver, cells = graded_cells()
    async with databases.fresh() as url:
        await through_gate(url, driver)
        async with running_web(url, driver.plant) as web:
            yield web, cells, f"{COOKIE}={await make_account(web, 'Q-1', 'quality')}"


async def test_a_cell_says_which_limit_decided_and_how_its_value_was_corrected(browser: Browser, face: Face) -> None:
    web, (low, high, cold, unseen, early), session = face
    async with open_screen(browser, web.address, session=session) as screen:
        card = screen.page.locator("#grading")
        await screen.open(f"/units/{low}")
        await expect(card).to_contain_text("Grade B, not A: Capacity is 5.86 Ah, expected at least 6.00 Ah.")
        await expect(card).to_contain_text("route cell revision 1")
        first = card.locator("tbody tr").first
        for text in ("6.05 Ah", "5.86 Ah", "± 0.41 %", "at least 6.00 Ah", "\u22120.14 Ah", "Fail"):
            await expect(first).to_contain_text(text)
        await expect(card).to_contain_text("Chamber 0 shows +1.00 % ± 0.10 % (n = 80)")
        await expect(card).to_contain_text("Channel 0 shows +2.00 % ± 0.40 % (n = 20)")
        await expect(card).to_contain_text("measured at 25.5 °C, corrected to 25.0 °C")
        await expect(card).to_contain_text("version 1, released")
        await expect(card).to_contain_text("by QA-7")

        await screen.open(f"/units/{high}")
        await expect(card).to_contain_text("Grade A: it is the best one, and every limit of it is met.")
        await screen.open(f"/units/{cold}")
        await expect(card.locator("tbody tr").first).to_contain_text("Not corrected")
        await screen.open(f"/units/{unseen}")
        await expect(card).to_contain_text("Channel 7: not estimated yet")
        await screen.open(f"/units/{early}")
        await expect(card).to_contain_text("No effects of gauges were released: temperature alone was taken away.")
        await expect(card.locator("tbody tr").first).to_contain_text("error unknown")
        screen.guard.check()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_it_is_readable_at_every_size(browser: Browser, face: Face, language: str, theme: str) -> None:
    web, cells, session = face
    view = View(language=language, theme=theme)
    async with open_screen(browser, web.address, view=view, session=session) as screen:
        for cell in cells[:3]:
            await screen.page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
            await screen.open(f"/units/{cell}")
            assert await accessibility_problems(screen.page) == []
            for width, height in (DESKTOP, TABLET, PHONE):
                await screen.page.set_viewport_size({"width": width, "height": height})
                assert await screen.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
                assert await clipped_texts(screen.page) == []
        screen.guard.check()
