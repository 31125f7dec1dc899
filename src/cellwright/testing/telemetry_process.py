"""A process that writes samples and dies at a named place of the store, by SIGKILL, before or after the step.

It reads jobs from stdin, one JSON object a line, forks for each, and prints how the child ended: `-9`, or 0 when the
story was told to its end. The numbers of acknowledged batches are in the file `acknowledged` of the job's folder.
"""

import asyncio
import functools
import inspect
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec
from msgspec import Struct

from cellwright.model.samples import BatchKey, CurvePage, SampleBlock
from cellwright.telemetry.contract import TelemetryStore
from cellwright.telemetry.settings import Settings
from cellwright.telemetry.store import open_store
from cellwright.testing.telemetry import SIGNALS, START_US, random_block, random_page

BATCHES: Final = 12
TINY: Final = Settings(seal_rows=40, segment_rows=150, merge_count=2)
_TIDY_EVERY: Final = 3

STEPS: Final = (
    "store.claim_folder",
    "store.clean",
    "store.keep_batch",
    "segments.make_folder",
    "segments.write_part",
    "segments.publish",
    "sealing.save",
    "sealing.remove_fresh",
    "sealing.add_segments",
    "sealing.save_last",
    "sealing.remove_segments",
    "sealing._remove",
    "segments.sync_folder",
)
"""Every step that leaves a trace on a disk, as module.function of `cellwright.telemetry`."""


class Job(Struct, frozen=True):
    """Where to write, and where to die: `step` "" = nowhere; at the hit of that number, from 1."""

    url: str
    folder: str
    step: str = ""
    when: str = "before"
    """`before`, `after`, or `half`: only a part of the file is written."""
    hit: int = 1


def batch(number: int, channels: tuple[int, ...]) -> SampleBlock | CurvePage:
    """Return a batch of the story, the same for every teller."""
    random = Random(number)  # noqa: S311 - repeatable
    if number % 4 == 0:
        return random_page(BatchKey("formation", 1, number), random)
    return random_block(BatchKey("oven", 1, number), channels[:3], random, rows=30)


async def keep(store: TelemetryStore, number: int, channels: tuple[int, ...]) -> None:
    """Write a batch of the story."""
    content = batch(number, channels)
    if isinstance(content, CurvePage):
        await store.write_curves(content)
    else:
        await store.write(content)


def acknowledged(folder: Path) -> int:
    """Return the number of the last batch that was acknowledged, 0 = none."""
    path = folder / "acknowledged"
    return int(path.read_text("ascii").splitlines()[-1]) if path.exists() else 0


async def tell(url: str, folder: Path) -> None:
    """Write what was not acknowledged yet, in order, and seal and merge again and again."""
    async with open_store(url, folder / "telemetry", lambda: START_US, settings=TINY) as store:
        channels = await store.define(SIGNALS)
        for number in range(acknowledged(folder) + 1, BATCHES + 1):
            await keep(store, number, channels)
            with (folder / "acknowledged").open("a", encoding="ascii") as file:
                file.write(f"{number}\n")
            if number % _TIDY_EVERY == 0:
                await store.tidy(everything=True)
        await store.tidy(everything=True)


def arm(job: Job) -> None:
    """Replace a function of the store by one that kills this process."""
    place, name = job.step.split(".")
    module = import_module(f"cellwright.telemetry.{place}")
    setattr(module, name, _deadly(getattr(module, name), job))


def _deadly(step: Callable[..., Any], job: Job) -> Callable[..., Any]:
    hits = iter(range(1, sys.maxsize))
    if inspect.iscoroutinefunction(step):

        @functools.wraps(step)
        async def dying_later(*arguments: Any, **named: Any) -> Any:
            last = next(hits) == job.hit
            if last and job.when == "before":
                _die()
            told = await step(*arguments, **named)
            return _die() if last else told

        return dying_later

    @functools.wraps(step)
    def dying(*arguments: Any, **named: Any) -> Any:
        last = next(hits) == job.hit
        if last and job.when == "half":
            path, data = arguments
            path.write_bytes(data[: len(data) // 2])
        if last and job.when != "after":
            _die()
        told = step(*arguments, **named)
        return _die() if last else told

    return dying


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Do one job after another until the input ends."""
    for line in sys.stdin.buffer:
        job = msgspec.json.decode(line, type=Job)
        child = os.fork()
        if child == 0:
            if job.step:
                arm(job)
            asyncio.run(tell(job.url, Path(job.folder)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
