"""Plans that people asked for: worked out one at a time in a process of their own, and kept for a while."""

import asyncio
import contextlib
import secrets
import sys
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct

from cellwright.errors import CellwrightError
from cellwright.plant.matching.groups import Planned, planned_of
from cellwright.plant.matching.stock import Seen
from cellwright.plant.matching.task import LENGTH_BYTES, Outcome, Task, Windows, windows_of

_KEPT_MAX: Final = 12
"""Plans that are kept; the oldest goes when another comes."""
_UNITS_MAX: Final = 500_000
"""Units of all stocks that are kept with plans: of a very large stock fewer plans are kept."""
_OPEN_MAX: Final = 4
"""Plans that wait or are worked out."""
LIMIT_S: Final = 120.0
"""How long one plan may take; then it is stopped."""
_ERROR_CHARS: Final = 300


class PlanError(CellwrightError):
    """No plan comes of it; the sentence says why and what to do."""


class PlanState(StrEnum):
    """How far a plan is."""

    WAITING = "waiting"
    PLANNING = "planning"
    DONE = "done"
    FAILED = "failed"


class Kept(Struct, eq=False, kw_only=True):
    """A plan that somebody asked for: the stock as it was, the windows in force, and those that were tried beside them."""

    code: str
    seen: Seen
    windows: tuple[Windows, ...]
    """The first are those in force."""
    began_s: float
    state: PlanState = PlanState.WAITING
    planned: tuple[Planned, ...] = ()
    """As many as are worked out."""
    error: str = ""
    ended_s: float | None = None

    @property
    def product(self) -> str:
        """What is made."""
        return self.seen.joining.product

    @property
    def elapsed_s(self) -> float:
        """How long it has taken so far, waiting included."""
        return (time.monotonic() if self.ended_s is None else self.ended_s) - self.began_s


class Plans:
    """Plans of one plant; they end with the process."""

    def __init__(self, *, limit_s: float = LIMIT_S) -> None:
        """Begin with none; one plan may take `limit_s`."""
        self._limit_s = limit_s
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._turn = asyncio.Semaphore(1)
        self._tasks: set[asyncio.Task[None]] = set()

    def find(self, code: str) -> Kept | None:
        """Return a plan that is kept, None = it never was or is not any more."""
        return self._kept.get(code)

    def begin(self, seen: Seen, tried: Windows | None) -> Kept:
        """Begin to work out a plan by the windows in force, and by others beside them; raises PlanError."""
        if len(self._tasks) >= _OPEN_MAX:
            raise PlanError(f"{len(self._tasks)} plans wait or are worked out already; try again in a minute")
        in_force = windows_of(seen.joining.rule)
        windows = (in_force,) if tried in (None, in_force) else (in_force, tried)
        kept = Kept(code=secrets.token_hex(5), seen=seen, windows=windows, began_s=time.monotonic())
        self._kept[kept.code] = kept
        self._forget_oldest()
        task = asyncio.create_task(self._work(kept), name=f"plan {kept.code}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return kept

    def _forget_oldest(self) -> None:
        while len(self._kept) > 1 and (len(self._kept) > _KEPT_MAX or self._units_count() > _UNITS_MAX):
            self._kept.popitem(last=False)

    def _units_count(self) -> int:
        return sum(len(each.seen.units) for each in self._kept.values())

    async def close(self) -> None:
        """Stop what is worked out."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work(self, kept: Kept) -> None:
        try:
            async with self._turn:
                kept.state = PlanState.PLANNING
                await self._plan(kept)
            kept.state = PlanState.DONE
        except PlanError as error:
            kept.state, kept.error = PlanState.FAILED, str(error)
        finally:
            kept.ended_s = time.monotonic()

    async def _plan(self, kept: Kept) -> None:
        count, needed = len(kept.seen.offered), kept.seen.joining.members.count
        if count < needed:
            raise PlanError(f"{count} units may be matched, one unit takes {needed}; make more, or see why not")
        task = await asyncio.to_thread(_task, kept)
        async with _worker(task) as outcomes:
            for windows in kept.windows:
                planned = await asyncio.to_thread(planned_of, kept.seen, windows, await self._next(outcomes))
                kept.planned = (*kept.planned, planned)

    async def _next(self, outcomes: "_Outcomes") -> Outcome:
        try:
            async with asyncio.timeout(self._limit_s):
                return await outcomes.next()
        except TimeoutError:
            text = f"no plan after {self._limit_s:g} s, so it was stopped; the machine is busy: try again later"
            raise PlanError(text) from None


def _task(kept: Kept) -> bytes:
    """Return what the worker is told: a large stock takes a while to put together."""
    seen, places = kept.seen, kept.seen.offered
    columns = {name: np.ascontiguousarray(values[places]) for name, values in seen.columns.items()}
    unknown = 0.0 if all(each.max_k_mv_per_d is None for each in kept.windows) else np.inf
    columns["k_mv_per_d"] = np.where(np.isnan(columns["k_mv_per_d"]), unknown, columns["k_mv_per_d"])
    _, batch = np.unique(seen.batch[places], return_inverse=True)
    task = Task(
        count=len(places),
        columns={name: values.tobytes() for name, values in columns.items()},
        batch=batch.astype(np.int64).tobytes(),
        form=seen.joining.rule.form,
        windows=kept.windows,
    )
    return msgspec.msgpack.encode(task)


# --- the process ------------------------------------------------------------------------------------


class _Outcomes:
    """What a worker says, outcome by outcome."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def next(self) -> Outcome:
        """Return the next outcome; raises PlanError when the worker ended instead."""
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        try:
            length = int.from_bytes(await self._process.stdout.readexactly(LENGTH_BYTES))
            content = await self._process.stdout.readexactly(length)
        except asyncio.IncompleteReadError:
            raise PlanError(await self._why()) from None
        return msgspec.msgpack.decode(content, type=Outcome)

    async def _why(self) -> str:
        assert self._process.stderr is not None  # noqa: S101 - it was asked for
        said = (await self._process.stderr.read()).decode(errors="replace").strip().splitlines()
        return f"the matching ended without a plan: {(said or ['it said nothing'])[-1][:_ERROR_CHARS]}"


@contextlib.asynccontextmanager
async def _worker(task: bytes) -> AsyncIterator[_Outcomes]:
    """Run the matching in a process; it ends with the context, whatever it is at."""
    pipe = asyncio.subprocess.PIPE
    command: Sequence[str] = (sys.executable, "-m", "cellwright.plant.matching.worker")
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        assert process.stdin is not None  # noqa: S101 - it was asked for
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(task)
            await process.stdin.drain()
            process.stdin.close()
        yield _Outcomes(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
