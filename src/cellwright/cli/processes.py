"""Child processes of the demo: started, watched, restarted when killed, and always taken along."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Self

_PR_SET_PDEATHSIG = 1
_STOP_S = 10.0
_PAUSE_S = 0.2
_SHORT_LIFE_S = 3.0
_SHORT_LIVES_MAX = 8


def _end_with_parent() -> None:
    """Ask Linux to end this process when the one that started it dies, even by SIGKILL; elsewhere nothing happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """A process of our own Python; its standard error goes to a log file."""

    def __init__(self, arguments: Sequence[str], *, log: Path, environment: dict[str, str] | None = None) -> None:
        """Name what to run (`python -m ...`) and where its errors go."""
        self._arguments = arguments
        self._log = log
        self._environment = {**os.environ, **(environment or {})}
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._stopping = False
        self.starts = 0

    async def __aenter__(self) -> Self:
        """Start."""
        await self._start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    @property
    def pid(self) -> int:
        """Process id of the running child, 0 when it is not running."""
        alive = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and alive else 0

    @property
    def restarts(self) -> int:
        """How often the child was started again."""
        return max(0, self.starts - 1)

    def keep_alive(self) -> asyncio.Task[None]:
        """Start the child again whenever it ends, until `stop`; the task ends when the child never lives for long."""
        self._watch = asyncio.create_task(self._revive(), name="child watch")
        return self._watch

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield the lines of the child's standard output until it ends."""
        if self._process is None or self._process.stdout is None:
            return
        async for line in self._process.stdout:
            yield line

    async def wait(self) -> int:
        """Return the exit code once the child has ended."""
        return -1 if self._process is None else await self._process.wait()

    def last_words(self) -> str:
        """Return the end of the child's log."""
        text = self._log.read_text("utf-8", "replace") if self._log.exists() else ""
        return "\n".join(text.splitlines()[-15:])

    async def stop(self) -> None:
        """Ask the child to end, and end it when it does not."""
        self._stopping = True
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _start(self) -> None:
        self.starts += 1
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *self._arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=self._environment,
                limit=1 << 20,
                preexec_fn=_end_with_parent,
            )

    async def _revive(self) -> None:
        short_lives = 0
        while not self._stopping and short_lives < _SHORT_LIVES_MAX:
            begun_s = time.monotonic()
            async for _ in self.lines():
                pass
            await self.wait()
            short_lives = short_lives + 1 if time.monotonic() - begun_s < _SHORT_LIFE_S else 0
            await asyncio.sleep(_PAUSE_S)
            if not self._stopping:
                await self._start()
