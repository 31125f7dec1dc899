"""Real Chromium for tests: pages under guard, accessibility, clipped texts, longer words, screenshots."""

import asyncio
import contextlib
import json
import os
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from axe_playwright_python.base import AXE_SCRIPT
from msgspec import Struct
from playwright.async_api import Browser, ConsoleMessage, Page, Request, Response, Route, async_playwright, expect

from cellwright.errors import ConfigurationError

ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
    # A page that a test answers in the server's place counts as foreign to loopback, and could not go live.
    "--disable-features=LocalNetworkAccessChecks",
)
DESKTOP: Final = (1440, 900)
TABLET: Final = (1024, 768)
PHONE: Final = (390, 844)
WCAG: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
THEMES: Final = ("light", "dark")
LENGTHENING_RATIO: Final = 0.4
_BOOT = re.compile(r'(<script type="application/json" id="boot">)(.*?)(</script>)', re.DOTALL)
_SHELL_WORDS = re.compile(r'(<span class="sidenav-text">|<h1 class="page-title">)([^<]+)')
_PLACEHOLDER = re.compile(r"(\{[^{}]*\})")

_PATIENCE_MS: Final = 20_000
"""What is expected is waited for so long: a busy machine is slow, not wrong."""
_SCAN_GAP_S: Final = 0.008

_CLIPPED = """() => {
  const isClipping = (style) => style.overflowX !== 'visible' || style.textOverflow === 'ellipsis';
  const isScroller = (style) => ['auto', 'scroll'].includes(style.overflowX);
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const style = getComputedStyle(element);
    if (!own || style.clipPath !== 'none' || !element.checkVisibility() || element.closest('[title], svg')) continue;
    for (let box = element; box && box !== document.body; box = box.parentElement) {
      const outer = getComputedStyle(box);
      if (isScroller(outer)) break;
      if (!isClipping(outer)) continue;
      const [inside, around] = [element.getBoundingClientRect(), box.getBoundingClientRect()];
      const isWide = box === element ? element.scrollWidth > element.clientWidth + 1 : inside.right > around.right + 1;
      if (isWide) found.push(element.textContent.trim());
    }
    const right = element.getBoundingClientRect().right;
    if (right > document.documentElement.clientWidth + 1 && !element.closest('.table-scroll')) {
      found.push(`beyond the window: ${element.textContent.trim()}`);
    }
  }
  return [...new Set(found)];
}"""

_RAW_KEYS = """(keys) => {
  const known = new Set(keys);
  return document.body.innerText.split(/\\s+/).filter((word) => known.has(word));
}"""

_AXE = """async ([within, options, themes]) => {
  const { dataset } = document.documentElement;
  const before = dataset.theme;
  const found = [];
  for (const theme of themes) {
    dataset.theme = theme;
    const { violations } = await axe.run(within, options);
    for (const { id, nodes } of violations) {
      found.push(...nodes.map((node) => `${theme}: ${id}: ${node.target} ${node.failureSummary}`));
    }
  }
  dataset.theme = before;
  return found;
}"""


class Guard:
    """What a page may not do: ask other hosts, log errors, break the content policy, get a failing answer.

    On a busy machine the client gives up a connection that takes too long, and asks again: Chromium warns of that.
    """

    def __init__(self, page: Page, address: str) -> None:
        """Watch a page of the server at an address from now on."""
        self._host = urlsplit(address).netloc
        self.findings: list[str] = []
        self.allowed: list[str] = ["console warning: .*WebSocket is closed before the connection is established"]
        page.on("request", self._on_request)
        page.on("response", self._on_response)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.findings.append(f"error: {error}"))

    def _on_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and parts.netloc != self._host:
            self.findings.append(f"foreign request: {request.url}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self.findings.append(f"{response.status}: {response.url}")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} or "Content Security Policy" in message.text:
            self.findings.append(f"console {message.type}: {message.text}")

    def allow(self, pattern: str) -> None:
        """Accept findings that match a pattern: what a test provokes on purpose."""
        self.allowed.append(pattern)

    def check(self) -> None:
        """Raise AssertionError with everything that was found."""
        found = [each for each in self.findings if not any(re.search(pattern, each) for pattern in self.allowed)]
        assert not found, "\n".join(found)  # noqa: S101 - a test's helper


class View(Struct, frozen=True, kw_only=True):
    """How a page is looked at."""

    language: str = "en"
    theme: str = "light"
    size: tuple[int, int] = DESKTOP
    is_lengthened: bool = False
    """Every text of the catalogue 40 % longer: a language with long words."""

    @property
    def name(self) -> str:
        """The view in a file's name."""
        return f"{self.language}-{self.theme}-{self.size[0]}"


class Screen(Struct, frozen=True):
    """An open page with its guard."""

    page: Page
    guard: Guard
    address: str

    async def open(self, path: str) -> None:
        """Go to a path and wait until its module has drawn it."""
        await self.page.goto(self.address + path)
        await expect(self.page.locator("main[data-ready]")).to_be_attached()


@contextlib.asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """Run Debian's Chromium without a window until the context ends; raises ConfigurationError when it is missing."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        raise ConfigurationError("the browser tests need Chromium: apt-get install chromium fonts-noto-cjk")
    expect.set_options(timeout=_PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield browser
        await browser.close()


@contextlib.asynccontextmanager
async def open_screen(
    browser: Browser, address: str, *, view: View | None = None, session: str = ""
) -> AsyncIterator[Screen]:
    """Open an empty page in a fresh profile; `session` is a cookie "name=value" of somebody signed in."""
    view = view or View()
    context = await browser.new_context(
        locale="zh-CN" if view.language == "zh" else "en-GB",
        timezone_id="Asia/Shanghai",
        viewport={"width": view.size[0], "height": view.size[1]},
        reduced_motion="reduce",
        accept_downloads=False,
    )
    cookies = [f"cw_language={view.language}", f"cw_theme={view.theme}", *([session] if session else [])]
    named = [each.split("=", 1) for each in cookies]
    await context.add_cookies([{"name": name, "value": value, "url": address} for name, value in named])
    page = await context.new_page()
    if view.is_lengthened:
        await page.route("**/*", _lengthen_page)
    try:
        yield Screen(page, Guard(page, address), address)
    finally:
        await context.close()


async def _lengthen_page(route: Route) -> None:
    if route.request.resource_type != "document":
        await route.continue_()
        return
    answer = await route.fetch()
    await route.fulfill(response=answer, body=lengthened(await answer.text()))


def lengthened(page: str) -> str:
    """Return a page's HTML with every text of its catalogue and navigation 40 % longer."""

    def boot(match: re.Match[str]) -> str:
        content = json.loads(match[2])
        content["messages"] = {key: _longer(text) for key, text in content["messages"].items()}
        return match[1] + json.dumps(content).replace("<", "\\u003c") + match[3]

    return _SHELL_WORDS.sub(lambda match: match[1] + _longer(match[2]), _BOOT.sub(boot, page))


def _longer(text: str) -> str:
    parts = _PLACEHOLDER.split(text)
    return "".join(part if part.startswith("{") else part + _filling(part) for part in parts)


def _filling(text: str) -> str:
    letters = re.sub(r"\s", "", text)
    # Words, not one long word: a line may break between them, as it may in any language.
    return "".join(f" {letters[start : start + 6]}" for start in range(0, int(len(text) * LENGTHENING_RATIO), 6))


async def accessibility_problems(page: Page, *, within: str = "body", themes: Sequence[str] = THEMES) -> list[str]:
    """Return what axe finds against WCAG 2.2 A and AA in each theme, whichever is on, one line for each element."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    # Only what is wrong comes over the wire: to describe all that is right took half of the time.
    options = {"runOnly": {"type": "tag", "values": list(WCAG)}, "resultTypes": ["violations"]}
    found: list[str] = await page.evaluate(_AXE, [within, options, list(themes)])
    return found


async def clipped_texts(page: Page) -> list[str]:
    """Return texts that do not fit their place; what is shortened on purpose says the whole in a title."""
    found: list[str] = await page.evaluate(_CLIPPED)
    return found


async def raw_keys(page: Page, catalogue: dict[str, Any]) -> list[str]:
    """Return keys of the catalogue that people would see instead of their texts."""
    found: list[str] = await page.evaluate(_RAW_KEYS, list(catalogue))
    return found


def are_screenshots_kept() -> bool:
    """Tell whether somebody wants pictures: `./cw screenshots`, or CW_SCREENSHOTS=1. They take a third of the tests."""
    return os.environ.get("CW_SCREENSHOTS", "") not in {"", "0"}


async def save_screenshot(page: Page, path: Path, *, is_whole: bool = False) -> None:
    """Keep a picture of what is seen, or of the whole page, as a test's artefact, if somebody wants pictures."""
    if not are_screenshots_kept():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=path, full_page=is_whole, animations="disabled")


async def scan(page: Page, code: str, *, gap_s: float = _SCAN_GAP_S) -> None:
    """Press the keys of a code as a scanner does: a prefix, each key so long after the other, and Enter."""
    keys = await page.context.new_cdp_session(page)
    begin_s = await page.evaluate("Date.now()") / 1000

    async def press(key: str, at_s: float) -> None:
        text = "\r" if key == "Enter" else key
        event = {"key": key, "text": text, "unmodifiedText": text, "timestamp": at_s}
        await keys.send("Input.dispatchKeyEvent", {"type": "keyDown", **event})

    # All at once: the moments in the events count, not when they happen to arrive.
    await asyncio.gather(*(press(key, begin_s + at * gap_s) for at, key in enumerate(["~", *code, "Enter"])))


async def catch_scans(page: Page) -> list[str]:
    """Collect the addresses to which scans want to lead, and keep the page where it is."""
    asked: list[str] = []

    async def note(route: Route) -> None:
        asked.append(route.request.url)
        await route.fulfill(status=204)

    await page.route(re.compile(r"/s/"), note)
    return asked


async def sign_in(page: Page, person: str, password: str) -> None:
    """Fill in the page of sign-in and send it; what comes of it is the caller's to look at."""
    await page.get_by_label("Badge code").fill(person)
    await page.get_by_label("Password", exact=True).fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def sign_out(page: Page) -> None:
    """Leave by the menu of one's account."""
    await page.locator(".account summary").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_url(re.compile("/sign-in$"))
