"""The demo as a person starts it, for tests of what they see: processes of their own, pages behind a real port."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec

from cellwright.cli.demo_report import Report
from cellwright.errors import ConfigurationError

STAYING: Final = "the pages stay"
"""How the line begins that the demo says once all packs are shipped and judged."""
_INVITED: Final = "open "
_STOP_S: Final = 20.0


class Demo:
    """A running demo: what it said, and the link that lets its viewer in, once."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Begin to listen to a process."""
        self._process = process
        self._said: list[str] = []
        self._has_ended = False
        self._heard = asyncio.Condition()
        self._listening = asyncio.create_task(self._listen(), name="words of the demo")

    @property
    def link(self) -> str:
        """The address that signs the viewer in."""
        return next(line.removeprefix(_INVITED) for line in self._said if line.startswith(_INVITED))

    @property
    def address(self) -> str:
        """Where the pages are."""
        return self.link.partition("/set-up/")[0]

    def has_reached(self, step: str) -> bool:
        """Tell whether the demo has said a line that begins like this."""
        return any(line.startswith(step) for line in self._said)

    async def reached(self, step: str) -> None:
        """Wait until the demo says a line that begins like this; raises ConfigurationError when it ends before."""
        async with self._heard:
            await self._heard.wait_for(lambda: self._has_ended or self.has_reached(step))
        if not self.has_reached(step):
            raise ConfigurationError("the demo ended; its last words:\n" + "\n".join(self._said[-15:]))

    async def report(self) -> Report:
        """Return what came of it, which is printed before the demo says that the pages stay."""
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        return msgspec.json.decode(await self._process.stdout.readuntil(b"\n}\n"), type=Report)

    async def stop(self) -> None:
        """Leave it as Ctrl-C does."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._listening

    async def _listen(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - it was asked for
        async for line in self._process.stderr:
            async with self._heard:
                self._said.append(line.decode("utf-8", "replace").rstrip())
                self._heard.notify_all()
        async with self._heard:
            self._has_ended = True
            self._heard.notify_all()


@contextlib.asynccontextmanager
async def running_demo(folder: Path, database_url: str, *arguments: str) -> AsyncIterator[Demo]:
    """Run the demo with pages on a free port, data in a folder and an empty database, as fast as it goes.

    Yields once it has printed its link; the pages stay until the end.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cellwright",
        "demo",
        "--json",
        "--listen=127.0.0.1:0",
        "--pace=0",
        f"--data={folder}",
        f"--database={database_url}",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    demo = Demo(process)
    try:
        await demo.reached(_INVITED)
        yield demo
    finally:
        await demo.stop()


def check_report(report: Report) -> None:
    """Raise AssertionError unless one pack was made, and its record is true."""
    assert report.packs_built == 1  # noqa: S101 - this is a test kit
    assert report.score.is_clean, report.score  # noqa: S101
    assert report.score.compared_intervals > 0  # noqa: S101
    assert report.check.equal  # noqa: S101
    assert report.certificates_complete_count == report.certificates_count == 1  # noqa: S101
    assert report.cells_good >= 320  # noqa: S101
    assert report.trace["cell"] == 320  # noqa: S101
    assert all(0 < ratio <= 1 for ratio in report.first_pass_yield.values())  # noqa: S101
