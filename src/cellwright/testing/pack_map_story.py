"""A pack of the embedded plant whose cells scatter: one far from the others, some not measured."""

import contextlib
import math
from collections import Counter
from collections.abc import AsyncIterator
from typing import Final

from msgspec import structs

from cellwright.model.answers import Answer
from cellwright.model.commands import CheckOut, Result, Submission
from cellwright.plant.config import find_plant, load_plant
from cellwright.testing.flow import START_US
from cellwright.testing.pack_story import PackTold, tell_pack
from cellwright.testing.replay import through_gate
from cellwright.testing.web import WebPlant, running_web

FAR_INDEX: Final = 37
"""Index in its module of the cell of the first module whose voltage is low."""
UNMEASURED: Final = 7
"""Of so many cells one has no self-discharge."""
_GRADING: Final = "GRADE-01"
_STATIONS: Final = (_GRADING, "RSORT-01")
"""Those that measure the cells of a tray; a cell keeps what was measured last."""


def _wave(index: int, seed: int) -> float:
    """Return a number between -1 and 1 that looks like chance and is the same each time."""
    return math.sin(12.9898 * (index + 1) + 78.233 * seed)


def _scattered(count: int, tray: int) -> tuple[Result, ...]:
    ocv_v = [3.29 + 0.0015 * _wave(index, tray) for index in range(count)]
    if not tray:
        ocv_v[FAR_INDEX] = 3.262
    return (
        Result("capacity_ah", tuple(6.1 + 0.04 * _wave(index, tray + 7) for index in range(count))),
        Result("dcir_ohm", tuple(0.0122 + 0.0003 * _wave(index, tray + 13) for index in range(count))),
        Result("ocv_v", tuple(ocv_v)),
        Result(
            "k_mv_per_h",
            tuple(None if index % UNMEASURED == 0 else 0.02 + 0.004 * _wave(index, 19) for index in range(count)),
        ),
    )


def _with_scatter(
    submissions: list[tuple[int, Submission, Answer]],
) -> list[tuple[int, Submission, Answer]]:
    """Return what was submitted with the reports of grading and of sorting again changed."""
    told, trays = [], Counter[str]()
    for now_us, submission, answer in submissions:
        command, sent = submission.command, submission
        if isinstance(command, CheckOut) and command.station in _STATIONS:
            results = _rewritten(command, trays[command.station])
            sent = structs.replace(submission, command=structs.replace(command, results=results))
            trays[command.station] += 1
        told.append((now_us, sent, answer))
    return told


def _rewritten(command: CheckOut, tray: int) -> tuple[Result, ...]:
    """Return what a station measured as the story tells it; only grading tells more than it did."""
    measured = {each.characteristic: each for each in command.results}
    for each in _scattered(len(command.results[0].values), tray):
        if each.characteristic in measured or command.station == _GRADING:
            measured[each.characteristic] = each
    return tuple(measured.values())


@contextlib.asynccontextmanager
async def pack_web(database_url: str) -> AsyncIterator[tuple[WebPlant, PackTold]]:
    """Serve the pages of the story, at the plant's time of its end."""
    plant = load_plant(find_plant("lfp32700"))
    driver, told = tell_pack(plant, START_US + 30 * 86_400_000_000)
    driver.submissions = _with_scatter(driver.submissions)
    await through_gate(database_url, driver)
    async with running_web(database_url, plant) as web:
        web.times.plant_us = driver.now_us + 1_000_000
        yield web, told
