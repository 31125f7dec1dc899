"""Two hundred texts that want to be programs, in every field that keeps one and every way that brings one in."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from itertools import product
from typing import Final
from urllib.parse import quote

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from cellwright.model.answers import Receipt, Refusal
from cellwright.model.commands import (
    AddPerson,
    CheckIn,
    CloseOrder,
    Command,
    HoldSubject,
    PlaceHold,
    ReceiveLot,
    ReleaseOrder,
    Submission,
)
from cellwright.testing.access import AUTHOR, make_account
from cellwright.testing.browser import Screen, catch_scans, open_screen, scan
from cellwright.testing.database import Databases
from cellwright.testing.objects import told_web
from cellwright.testing.web import WebPlant
from cellwright.web.access.guard import COOKIE
from cellwright.web.access.tokens import TokenWish

RUN: Final = "top.pwned=1"
BODIES: Final = (
    f"<script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f"<svg onload={RUN}>",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
    f'<iframe srcdoc="<script>{RUN}</script>">',
    f"<body onload={RUN}>",
    f"<input autofocus onfocus={RUN}>",
    f"<details open ontoggle={RUN}>x",
    f'<math><a xlink:href="javascript:{RUN}">x</a></math>',
    f'<a href="javascript:{RUN}">x</a>',
    f'<object data="javascript:{RUN}">',
    f"<video><source onerror={RUN}></video>",
    f"<marquee onstart={RUN}>x</marquee>",
    f'<meta http-equiv=refresh content="0;url=javascript:{RUN}">',
    f'<form><button formaction="javascript:{RUN}">x',
    f"<base href=javascript:{RUN}//>",
    f"<template><script>{RUN}</script></template>",
    f"javascript:{RUN}",
    f"data:text/html,<script>{RUN}</script>",
    f"${{{RUN}}}",
    f"{{{{constructor.constructor('{RUN}')()}}}}",
    f"</script><script>{RUN}</script>",
    f"\u003cscript\u003e{RUN}\u003c/script\u003e\u2028",
    f"' onmouseover={RUN} x='",
)
FRONTS: Final = ("", '">', "'>", "</title>", "-->", "]]>", "</textarea>", "\\")
TEXTS: Final = tuple(front + body for front, body in product(FRONTS, BODIES))
"""Every way out of where a text stands, before every way to run."""
LISTS: Final = ("/", "/line", "/lots?limit=250", "/holds", "/orders", "/refusals", "/people", "/account", "/audit")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def face(databases: Databases) -> AsyncIterator[tuple[WebPlant, str]]:
    """A plant whose every field holds all of the texts, and the cookie of somebody who sees them."""
    async with databases.fresh() as url, told_web(url) as (web, _):
        session = await make_account(web, "READER-1", "auditor", "admin", "quality")
        await spoil(web)
        yield web, f"{COOKIE}={session}"


async def spoil(web: WebPlant) -> None:
    assert len(set(TEXTS)) == 200
    answers = [await submit(web, number, each) for number, each in enumerate(commands(), start=1)]
    refused = [each for each in answers if isinstance(each, Refusal)]
    assert sum(isinstance(each, Receipt) for each in answers) == 5 * len(TEXTS)
    assert len(refused) == len(TEXTS)
    for text in TEXTS[::5]:
        await web.access.tokens.make("READER-1", TokenWish(name=text[:60], scopes=("plant_read",), days=1), AUTHOR)


def commands() -> Iterator[Command]:
    for text in TEXTS:
        yield ReceiveLot(lot=text, material="can", quantity=1, supplier=text)
        yield PlaceHold(subject=HoldSubject.LOT, codes=(text,), reason=text)
        yield ReleaseOrder(order=text, product="cell", quantity=1)
        yield CloseOrder(order=text, reason=text)
        yield AddPerson(person=text, roles=("operator",))
        yield CheckIn(station=text, units=(text,))


async def submit(web: WebPlant, number: int, command: Command) -> object:
    at_us = web.times.plant_us
    return await web.gate.submit(
        Submission(source="spoiler", epoch=1, seq=number, time_us=at_us, actor="READER-1", command=command)
    )


async def nothing_ran(screen: Screen) -> None:
    assert await screen.page.evaluate("window.pwned") is None, screen.page.url
    screen.guard.check()


async def test_no_text_that_is_shown_runs(browser: Browser, face: tuple[WebPlant, str]) -> None:
    web, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        screen.page.on("dialog", lambda dialog: screen.guard.findings.append(f"dialog: {dialog.message}"))
        for path in LISTS:
            await screen.open(path)
            if path not in {"/", "/line", "/audit"}:
                await expect(screen.page.locator("main")).to_contain_text(RUN)
            await nothing_ran(screen)
        # Each body once, behind a front of its own, as an object with a page.
        for number, _ in enumerate(BODIES):
            text = TEXTS[number + len(BODIES) * (number % len(FRONTS))]
            await screen.open(f"/lots/{quote(text, safe='')}")
            await expect(screen.page.locator("h1")).to_contain_text(text.strip("\u2028"))
            await nothing_ran(screen)


async def test_no_text_in_an_address_runs(browser: Browser, face: tuple[WebPlant, str]) -> None:
    web, session = face
    many = ["".join(TEXTS[at : at + 20]) for at in range(0, len(TEXTS), 20)]
    async with open_screen(browser, web.address, session=session) as screen:
        screen.guard.allow("^40[04]: |Failed to load resource.*40[04]")
        for text in many:
            said = quote(text, safe="")
            for path in (
                f"/search?q={said}",
                f"/units/{said}",
                f"/trace/{said}?direction={said}",
                f"/lots?q={said}&{said}",
            ):
                await screen.page.goto(web.address + path)
                await expect(screen.page.locator("main[data-ready]")).to_be_attached()
                await nothing_ran(screen)


async def test_no_text_that_is_scanned_runs(browser: Browser, face: tuple[WebPlant, str]) -> None:
    web, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        await screen.open("/styleguide?show=light")
        asked = await catch_scans(screen.page)
        shown = [text for text in TEXTS if text.isascii()]
        for text in shown:
            await scan_until(screen.page, text, asked, f"{web.address}/s/{quote(text, safe=_KEPT)}")
        await nothing_ran(screen)


_KEPT: Final = "!'()*-._~"
"""What `encodeURIComponent` leaves as it is."""


async def scan_until(page: Page, text: str, asked: list[str], address: str) -> None:
    """Scan a text until the page asks for its address: Chromium drops keys while it begins to leave a page."""
    async with asyncio.timeout(60):
        while address not in asked:
            await scan(page, text)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    while address not in asked:
                        await asyncio.sleep(0.005)


@pytest.mark.parametrize("where", ["#toolbar-search input", ".search-large input"])
async def test_no_text_that_is_typed_runs(browser: Browser, face: tuple[WebPlant, str], where: str) -> None:
    web, session = face
    async with open_screen(browser, web.address, session=session) as screen:
        for text in TEXTS[:: 2 * len(BODIES) + 1]:
            await screen.open("/search?q=TEST-NONE")
            await screen.page.locator(where).first.fill(text)
            await screen.page.keyboard.press("Enter")
            await expect(screen.page.locator("main[data-ready]")).to_be_attached()
            await nothing_ran(screen)
