"""Two hundred texts that want to be programs, in every field of a plant that keeps one; and a look for what came of it."""

import itertools
import json
import re
import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

from msgspec import Struct
from playwright.async_api import Page

from cellwright.model.commands import (
    AbortOperation,
    AddPerson,
    CheckIn,
    CheckOut,
    CloseOrder,
    Command,
    Disposition,
    DispositionAction,
    HoldSubject,
    LoadCarrier,
    LoadMaterial,
    PlaceHold,
    QualifyPerson,
    ReceiveLot,
    ReleaseOrder,
    ReplaceTool,
    Result,
)
from cellwright.model.plant import Plant
from cellwright.plant.config import find_plant, load_plant
from cellwright.rules.state import LotRow
from cellwright.testing.flow import START_US, results
from cellwright.testing.pack_story import tell_pack
from cellwright.testing.replay import RecordingDriver

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
SAMPLE: Final = tuple(TEXTS[number * 29 % len(TEXTS)] for number in range(40))
"""Forty of them, with every body and every front."""
CELLS_A_PAGE: Final = 100
_SIZE: Final = len(TEXTS)
_FREE: Final = re.compile(r'^(name|unit|qualification) = ".*?"', re.MULTILINE)
_LEAD: Final = "LEAD-1"

_TRACES = """() => {
  const grown = [...document.querySelectorAll('iframe, object, embed, base, marquee, math, video, template, animate, meta[http-equiv]')];
  const leads = /^(href|src|srcdoc|data|action|formaction|xlink:href)$/;
  for (const element of document.querySelectorAll('*')) {
    for (const { name, value } of element.attributes) {
      if (name.startsWith('on') || (leads.test(name) && /^\\s*javascript:/i.test(value))) grown.push(element);
    }
  }
  const found = grown.map((element) => `grew: ${element.outerHTML.slice(0, 200)}`);
  return window.pwned === undefined ? found : [`ran: ${window.pwned}`, ...found];
}"""

_ALL_TEXT = """async () => {
  const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const seen = [document.querySelector('main').textContent];
  for (const box of document.querySelectorAll('.table-virtual')) {
    const rows = new Map();
    for (box.scrollTop = 0; ; box.scrollTop += box.clientHeight) {
      await drawn();
      for (const row of box.querySelectorAll('tr[data-index]')) rows.set(row.dataset.index, row.textContent);
      if (box.scrollTop + box.clientHeight >= box.scrollHeight - 1) break;
    }
    seen.push(...rows.values());
  }
  return seen.join('\\n');
}"""


async def traces(page: Page) -> list[str]:
    """Return what texts did to a page: that one ran, and what grew out of them without having run yet."""
    found: list[str] = await page.evaluate(_TRACES)
    return found


async def all_text(page: Page) -> str:
    """Return all that a page says, with every row of its long tables scrolled into sight."""
    found: str = await page.evaluate(_ALL_TEXT)
    return found


# --- a plant's files ------------------------------------------------------------------------


def spoiled_plant(folder: Path) -> Plant:
    """Return the embedded plant from files in which every free text is spoiled, and each text stands in every table."""
    shutil.copytree(find_plant("lfp32700"), folder)
    texts = itertools.cycle(TEXTS)
    for path in sorted(folder.glob("*.toml")):
        path.write_text(
            _FREE.sub(lambda match: f"{match[1]} = {_quoted(next(texts))}", path.read_text("utf-8")), "utf-8"
        )
    for name, block in _BLOCKS.items():
        with (folder / name).open("a", encoding="utf-8") as file:
            file.writelines(block.format(number=number, text=_quoted(text)) for number, text in enumerate(TEXTS))
    return load_plant(folder)


_BLOCKS: Final = {
    "equipment.toml": '\n[[stations]]\ncode = "X-{number}"\nname = {text}\nwork_center = "receiving"\n',
    "materials.toml": '\n[[materials]]\ncode = "x_{number}"\nname = {text}\nmeasure = "mg"\npurchased = true\n',
    "carriers.toml": '\n[[carriers]]\ncode = "x_{number}"\nprefix = {text}\nslot_count = 10\n',
    "characteristics.toml": (
        '\n[[characteristics]]\noperation = "winding"\ncode = "x{number}_v"\nunit = {text}\nrequired = false\n'
        '\n[[grades]]\noperation = "grading"\ncode = {text}\n'
    ),
}


def _quoted(text: str) -> str:
    # The escapes of JSON are some of those of TOML.
    return json.dumps(text)


# --- what is told to it ---------------------------------------------------------------------


class Spoiled(Struct, frozen=True, kw_only=True):
    """What the story made, in the order of the texts: cells that failed with a defect, and cells in a carrier each."""

    pack: str
    failed: tuple[str, ...]
    carried: tuple[str, ...]


def tell_spoiled(plant: Plant) -> tuple[RecordingDriver, Spoiled]:
    """Tell a story in which every field that somebody writes holds every text, whether it is accepted or refused."""
    driver, told = tell_pack(plant, START_US + 30 * 86_400_000_000)
    driver.person(_LEAD, "line_lead", "quality")
    for text in TEXTS:
        for command in _accepted(text):
            driver.must(command)
        for command in _refused(text):
            driver.submit(command)
    failed, carried = _make_cells(driver)
    return driver, Spoiled(pack=told.pack, failed=failed, carried=carried)


def _accepted(text: str) -> Iterator[Command]:
    yield AddPerson(person=text, roles=("operator", "quality"))
    yield QualifyPerson(person=text, qualification=text, valid_until_us=2 * START_US)
    yield ReceiveLot(lot=text, material="can", quantity=1, supplier=text)
    yield PlaceHold(subject=HoldSubject.LOT, codes=(text,), reason=text)
    yield ReleaseOrder(order=text, product="cell_32700", quantity=1)
    yield CloseOrder(order=text, reason=text)


def _refused(text: str) -> Iterator[Command]:
    yield CheckIn(station=text, units=(text,))
    yield CheckIn(station="ASM-01", operation=text, carrier=text, person=text, recipe_digest=text)
    yield CheckOut(station="ASM-01", units=(text,), results=(Result(text, (1.0,)),))
    yield LoadMaterial(station="ASM-01", position=text, lot=text, quantity=1)
    yield ReplaceTool(station="ASM-01", tool=text)
    yield LoadCarrier(station="TRAY-01", carrier=f"none {text}", units=(text,), slots=(0,))


def _make_cells(driver: RecordingDriver) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Wind a cell for each text that fails, and one that is given up once, put into a carrier, held and scrapped."""
    for side in ("cathode", "anode"):
        driver.unload("WIND-01", side)
        lots = [row for row in driver.state.rows(LotRow) if row.material == f"{side}_reel"]
        reel = max(lots, key=lambda row: row.remaining)
        driver.load("WIND-01", side, reel.code, reel.remaining)
    pages = [TEXTS[start : start + CELLS_A_PAGE] for start in range(0, _SIZE, CELLS_A_PAGE)]
    failed = [cell for page in pages for cell in _wind(driver, page, defects=page)]
    carried = [cell for page in pages for cell in _carry(driver, page)]
    return tuple(failed), tuple(carried)


def _wind(driver: RecordingDriver, texts: tuple[str, ...], *, defects: tuple[str, ...] = ()) -> tuple[str, ...]:
    count = len(texts)
    units = driver.check_in("WIND-01", count=count).units
    driver.check_out(
        "WIND-01",
        units=units,
        verdicts=(not defects,) * count,
        defects=defects,
        consumed=driver.takes("WIND-01", count),
        results=results(overhang_mm=[0.9] * count, insulation_mohm=[1000.0] * count),
    )
    return units


def _carry(driver: RecordingDriver, texts: tuple[str, ...]) -> tuple[str, ...]:
    cells = _wind(driver, texts)
    driver.check_in("ASM-01", units=cells)
    for cell, text in zip(cells, texts, strict=True):
        driver.must(AbortOperation(station="ASM-01", units=(cell,), reason=text), actor=_LEAD)
        driver.must(LoadCarrier(station="TRAY-01", carrier=text, units=(cell,), slots=(0,)))
        driver.must(PlaceHold(subject=HoldSubject.UNIT, codes=(cell,), reason=text), actor=text)
        driver.must(Disposition(units=(cell,), action=DispositionAction.SCRAP, reason=text), actor=text)
    return cells
