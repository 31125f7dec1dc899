import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from cellwright.testing.browser import Screen, open_screen, save_screenshot
from cellwright.testing.proxy import Proxy
from cellwright.testing.web import WebPlant

# A stopped server resets its connections; one that hangs is known by its silence of 2.5 s, and the test by looking.
NOTICED_S = {"refusing": 3.0, "wedged": 3.5}


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(web: WebPlant) -> AsyncIterator[Proxy]:
    async with Proxy(urlsplit(web.address).port or 0) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def screen(browser: Browser, proxy: Proxy, session: str) -> AsyncIterator[Screen]:
    async with open_screen(browser, f"http://127.0.0.1:{proxy.port}", session=session) as opened:
        await opened.open("/styleguide?show=light")
        await expect(opened.page.locator("#toolbar-status .live")).to_have_attribute("data-state", "live")
        yield opened


@pytest.mark.parametrize("end", NOTICED_S)
async def test_a_page_tells_that_its_server_is_gone_and_comes_back(
    screen: Screen, proxy: Proxy, screenshots: Path, end: str
) -> None:
    page = screen.page
    screen.guard.allow("api/v1/live")
    screen.guard.allow("api/v1/me")
    screen.guard.allow("ERR_CONNECTION|ERR_EMPTY|Failed to load")
    banner = page.locator("#banners [data-banner=lost]")
    proxy.pause()
    if end == "refusing":
        proxy.cut()
    began_s = time.monotonic()
    await banner.wait_for(timeout=6_000)
    assert time.monotonic() - began_s <= NOTICED_S[end]
    await expect(banner).to_contain_text("old")
    await save_screenshot(page, screenshots / f"connection-lost-{end}.png")
    await asyncio.sleep(1)
    proxy.resume()
    await expect(banner).to_have_count(0, timeout=20_000)
    await expect(page.locator("#toolbar-status .live")).to_have_attribute("data-state", "live")
    screen.guard.check()


async def test_a_hidden_tab_is_subscribed_to_nothing(screen: Screen, web: WebPlant) -> None:
    page = screen.page
    hide = "(isHidden) => { Object.defineProperty(document, 'hidden', { configurable: true, value: isHidden }); "
    tell = "document.dispatchEvent(new Event('visibilitychange')); }"

    async def watched(*, expected: bool) -> None:
        async with asyncio.timeout(30):
            while any(viewer.asked for viewer in web.live.hub.viewers) is not expected:
                await asyncio.sleep(0.05)

    await watched(expected=True)
    await page.evaluate(hide + tell, True)
    await watched(expected=False)
    await page.evaluate(hide + tell, False)
    await watched(expected=True)
    await expect(page.locator("#toolbar-status .live")).to_have_attribute("data-state", "live")
    screen.guard.check()
