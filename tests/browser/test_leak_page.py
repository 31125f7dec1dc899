"""What a cell loses at rest, on its page: K and the leak with their errors, or why they are unknown; in both languages."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from cellwright.testing.access import make_account
from cellwright.testing.ageing_plant import aged, ageing_plant
from cellwright.testing.browser import DESKTOP, PHONE, TABLET, View, accessibility_problems, clipped_texts, open_screen
from cellwright.testing.database import Databases
from cellwright.testing.replay import RecordingDriver, through_gate
from cellwright.testing.web import WebPlant, running_web
from cellwright.web.access.guard import COOKIE

Face = tuple[WebPlant, tuple[str, ...], str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def face(databases: Databases) -> AsyncIterator[Face]:
    """Three cells: a sound one, one that leaks, one that rested too short; and one that was graded without voltages."""
    driver = RecordingDriver(ageing_plant())
    driver.supply()
    cells = driver.graded(3, results=aged([0.1, 0.4, 0.1], rest_h=[36.0, 36.0, 12.0]))
    (other,) = driver.graded(1, "TRAY-2")
    async with databases.fresh() as url:
        await through_gate(url, driver)
        async with running_web(url, driver.plant) as web:
            yield web, (*cells, other), f"{COOKIE}={await make_account(web, 'Q-1', 'quality')}"


async def test_a_cell_says_what_it_loses_and_how_surely(browser: Browser, face: Face) -> None:
    web, (sound, leaky, _, other), session = face
    async with open_screen(browser, web.address, session=session) as screen:
        card = screen.page.locator("#self-discharge")
        await screen.open(f"/units/{sound}")
        for text in (
            "Measured on the slope of the curve, after the nominal rest.",
            "K at 25.0 °C0.0067 mV/h ± 0.0009 mV/h",
            "Leak inside the cell0.100 mA ± 0.014 mA",
            "K as reported0.0105 mV/h",
            "3.21025 V at 24.0 °C",
            "36.0 h, nominal 36.0 h",
            "Curve: made for tests. Temperature: \u22120.25 mV/°C, made for tests.",
        ):
            await expect(card).to_contain_text(text)
        grades = screen.page.locator("#grading")
        await expect(grades).to_contain_text("Grade A: it is the best one, and every limit of it is met.")
        await screen.open(f"/units/{leaky}")
        await expect(grades).to_contain_text(
            "Grade B, not A: Self-discharge K is 0.0267 mV/h, expected at most 0.0200 mV/h."
        )
        await screen.open(f"/units/{other}")
        await expect(screen.page.locator("#measurements")).to_be_visible()
        await expect(card).to_have_count(0)
        screen.guard.check()


async def test_what_is_unknown_is_no_number_and_the_page_says_what_to_do(browser: Browser, face: Face) -> None:
    web, (_, _, hasty, _), session = face
    async with open_screen(browser, web.address, session=session) as screen:
        card = screen.page.locator("#self-discharge")
        await screen.open(f"/units/{hasty}")
        await expect(card).to_contain_text("Unknown: it did not rest as long as nominal")
        await expect(card).to_contain_text("12.0 h, nominal 36.0 h")
        await expect(card.locator(".muted")).to_have_count(2)
        grades = screen.page.locator("#grading")
        await expect(grades).to_contain_text("Grade B, not A: Self-discharge K is unknown. Why, and what to do")
        await expect(grades.locator("tbody tr").nth(1)).to_contain_text("unknown")
        await expect(grades.locator("tbody tr").nth(1)).not_to_contain_text("easured")
        screen.guard.check()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_it_is_readable_at_every_size(browser: Browser, face: Face, language: str, theme: str) -> None:
    web, cells, session = face
    async with open_screen(browser, web.address, view=View(language=language, theme=theme), session=session) as screen:
        for cell in cells[:3]:
            await screen.page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
            await screen.open(f"/units/{cell}")
            await expect(screen.page.locator("#self-discharge dl")).to_be_visible()
            assert await accessibility_problems(screen.page) == []
            for width, height in (DESKTOP, TABLET, PHONE):
                await screen.page.set_viewport_size({"width": width, "height": height})
                assert await screen.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
                assert await clipped_texts(screen.page) == []
        screen.guard.check()
