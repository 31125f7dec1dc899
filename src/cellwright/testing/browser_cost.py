"""What pages cost in a real browser: bytes of scripts, time until complete, many tabs, a kiosk that runs for long."""

import asyncio
import contextlib
import shutil
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct

from cellwright.model.plant import Plant
from cellwright.plant.clock import host_clock
from cellwright.plant.runtime import open_gate
from cellwright.testing.access import AUTHOR
from cellwright.testing.kiosk_soak import measure_soak
from cellwright.web.access.guard import COOKIE
from cellwright.web.access.sessions import Browser
from cellwright.web.live.pace import Pace
from cellwright.web.opening import Behind, Face, open_web
from cellwright.web.pages.page_list import PAGES
from cellwright.web.server import Listen

JS_BYTES_MAX: Final = 200_000
LINE_COMPLETE_MS_MAX: Final = 800
UNIT_COMPLETE_MS_MAX: Final = 500
_EVERYTHING: Final = "styleguide"
"""The page that shows every component: nobody works on it."""
_TABS: Final = 20
_TABS_S: Final = 5.0
_PACE: Final = Pace()


class BrowserSizes(Struct, frozen=True):
    """How often pages are opened, how many messages a kiosk gets, how many a second at most, and what objects to show."""

    rounds: int
    soak_messages: int
    soak_hz: float
    codes: dict[str, str]
    """Code of an object by the page that shows it and, behind a slash, what it is: `unit/cell`."""


# --- a server -------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def served(url: str, plant: Plant, pace: Pace = _PACE) -> AsyncIterator[Face]:
    """Serve pages of a plant whose gate is elsewhere."""
    behind = Behind(
        database_url=url,
        gate=open_gate(url, plant, host_clock),
        plant=plant,
        clock=host_clock,
        wall_us=host_clock,
        pace=pace,
    )
    async with open_web(behind, Listen(port=0)) as face:
        yield face


async def open_sessions(face: Face, count: int) -> list[str]:
    """Return the ids of sessions of somebody who may read."""
    sessions = []
    for _ in range(count):
        async with face.access.ground.changing(AUTHOR) as change:
            sessions.append(await face.access.sessions.open(change, "VIEWER", terminal="bench", browser=Browser()))
    return sessions


def spread(values: Iterable[float]) -> dict[str, float]:
    """Return median, least and greatest."""
    numbers = sorted(values)
    return {"median": rounded(statistics.median(numbers)), "min": rounded(numbers[0]), "max": rounded(numbers[-1])}


def rounded(value: float) -> float:
    """Return a number of four digits."""
    return float(f"{value:.4g}")


# --- the browser ----------------------------------------------------------------------------

COUNTER = """
window.frames_seen = 0;
const Plain = window.WebSocket;
window.WebSocket = class extends Plain {
  constructor(...given) {
    super(...given);
    this.addEventListener('message', ({ data }) => { if (data.includes('"kind"')) window.frames_seen += 1; });
  }
};
"""


_SCRIPT_SIZES = """
() => performance.getEntriesByType('resource').filter((each) => each.name.endsWith('.js')).map((each) => each.decodedBodySize)
"""


def addresses_of(codes: Mapping[str, str]) -> dict[str, str]:
    """Return the addresses of all pages by name; raises KeyError when a page of objects is given none."""
    paths = {page.name: page.path for page in PAGES}
    objects = {name: paths[name.partition("/")[0]] + quote(code, safe="") for name, code in codes.items()}
    named = {name.partition("/")[0] for name in codes}
    plain = {name: path for name, path in paths.items() if name not in named}
    if missing := [name for name, path in plain.items() if path != "/" and path.endswith("/")]:
        raise KeyError(*missing)
    return plain | objects


@contextlib.asynccontextmanager
async def browser_at(face: Face, executable: str) -> AsyncIterator[Any]:
    """A browser's context with a session; its pages count the frames that they get."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 - the server part needs none

    [session] = await open_sessions(face, 1)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--enable-precise-memory-info"]
        )
        context = await browser.new_context(base_url=face.address, viewport={"width": 1280, "height": 800})
        await context.add_cookies([{"name": COOKIE, "value": session, "url": face.address}])
        await context.add_init_script(COUNTER)
        yield context
        await browser.close()


async def measure_pages(context: Any, addresses: dict[str, str], rounds: int) -> dict[str, Any]:
    """Return bytes of scripts and the time until complete, with all files in the browser's cache."""
    told: dict[str, Any] = {}
    for name, address in addresses.items():
        page = await context.new_page()
        await open_page(page, address)
        sizes = await page.evaluate(_SCRIPT_SIZES)
        times_ms = [await open_page(page, address) for _ in range(rounds)]
        told[name] = {"js_bytes": sum(sizes), "scripts": len(sizes), "complete_ms": spread(times_ms)}
        await page.close()
    return told


async def open_page(page: Any, address: str) -> float:
    """Open a page and return how long it took until it was drawn and every picture and script was there (ms)."""
    began_s = time.perf_counter()
    answer = await page.goto(address, wait_until="load")
    assert answer.ok, (address, answer.status)  # noqa: S101 - the page that says that there is none costs less
    await page.wait_for_selector("#page[data-ready]", state="attached")
    return (time.perf_counter() - began_s) * 1000


async def measure_tabs(context: Any) -> dict[str, Any]:
    """Return how many of many tabs of one browser get frames."""
    pages = []
    for _ in range(_TABS):
        page = await context.new_page()
        await page.goto("/line", wait_until="load")
        pages.append(page)
    before = [await page.evaluate("window.frames_seen") for page in pages]
    await asyncio.sleep(_TABS_S)
    after = [await page.evaluate("window.frames_seen") for page in pages]
    for page in pages:
        await page.close()
    lives = sum(now > then for now, then in zip(after, before, strict=True))
    return {
        "tabs": _TABS,
        "live": lives,
        "frames_in_5_s": spread(now - then for now, then in zip(after, before, strict=True)),
    }


async def measure_browser(
    url: str, plant: Plant, sizes: BrowserSizes, *, moving: Callable[[], contextlib.AbstractAsyncContextManager[Any]]
) -> dict[str, Any]:
    """Return what pages cost in a browser; `moving` makes the plant move for a while."""
    executable = shutil.which("chromium")
    if executable is None:
        return {"skipped": "there is no chromium on this machine; apt-get install chromium"}
    told: dict[str, Any] = {}
    async with served(url, plant) as face, moving(), browser_at(face, executable) as context:
        told["pages"] = await measure_pages(context, addresses_of(sizes.codes), sizes.rounds)
        told["tabs"] = await measure_tabs(context)
    pace = Pace(tick_s=1 / sizes.soak_hz, recovery_s=1.0)
    async with served(url, plant, pace) as face, browser_at(face, executable) as context:
        told["soak"] = await measure_soak(face, context, plant, messages=sizes.soak_messages)
    told["budget"] = {
        f"js_bytes_max_{JS_BYTES_MAX}": all(
            each["js_bytes"] <= JS_BYTES_MAX for name, each in told["pages"].items() if name != _EVERYTHING
        ),
        f"line_complete_ms_max_{LINE_COMPLETE_MS_MAX}": (
            told["pages"]["line"]["complete_ms"]["median"] <= LINE_COMPLETE_MS_MAX
        ),
        f"unit_complete_ms_max_{UNIT_COMPLETE_MS_MAX}": all(
            each["complete_ms"]["median"] <= UNIT_COMPLETE_MS_MAX
            for name, each in told["pages"].items()
            if name.startswith("unit/")
        ),
        "tabs_live": told["tabs"]["live"] == _TABS,
        **told["soak"].pop("budget"),
    }
    return told
