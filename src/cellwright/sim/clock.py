"""Discrete-event plant time on asyncio: time jumps to the next wake when nothing runs, and waits for the MES.

Coroutines started with `Clock.spawn` may block on `sleep`, `Signal.wait`, `Buffer` and `Pending.wait` only; while any
of them runs, plant time stands still. An answer of the MES is delivered exactly `slack_s` of plant time after the
request, however long the host needed: plant time never passes that moment without the answer, and the results do
not depend on the host's speed.

What the MES may send, but does not owe, is awaited by a `Signal` from outside; a `hold` keeps plant time still before it,
for a while of host time.
"""

import asyncio
import heapq
import mmap
from collections import deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Generic, TypeVar

from cellwright.errors import CellwrightError

SECOND_US = 1_000_000
_TIME_BYTES = 8
_PAUSE_MAX_S = 0.5
T = TypeVar("T")


class PlantStoppedError(CellwrightError):
    """The virtual plant cannot go on; the message says where and why."""


class TimeFile:
    """The present plant time (UTC us) in a memory-mapped file: eight bytes, int64, little-endian, at offset 0."""

    def __init__(self, path: Path) -> None:
        """Create the file, or take over an existing one."""
        path.write_bytes(bytes(_TIME_BYTES))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _TIME_BYTES)

    def publish(self, time_us: int) -> None:
        """Store the present plant time (us), whole: a reader never sees half of it."""
        # One copy of eight aligned bytes is one store; struct.pack_into would clear them first.
        self._map[:] = time_us.to_bytes(_TIME_BYTES, "little", signed=True)

    def close(self) -> None:
        """Release the mapping; the file stays."""
        self._map.close()


class Pending:
    """An answer that the outside world owes: resolved at any host time, delivered at its plant time."""

    def __init__(self, clock: "Clock", place: str, due_us: int, *, until_s: float | None = None) -> None:
        """Belong to a clock; `place` names who waits, `due_us` is the plant time of delivery.

        With `until_s`, a time of the event loop, it is not owed: from then on plant time goes on without it.
        """
        self.place = place
        self.due_us = due_us
        self.until_s = until_s
        self.resolved = asyncio.Event()
        self._clock = clock

    def resolve(self) -> None:
        """Say that the answer is there."""
        self.resolved.set()

    async def wait(self) -> None:
        """Block until the answer is there and its plant time has come."""
        await self._clock.block_until(self.due_us, self)


class Signal:
    """A broadcast: every coroutine that waits goes on when it fires."""

    def __init__(self, clock: "Clock", place: str, *, is_outside: bool = False) -> None:
        """Belong to a clock; `place` names what is awaited, for the report of a stalled plant.

        One that fires from outside does not stall the plant while host time may bring it.
        """
        self._clock = clock
        self._is_outside = is_outside
        self._waiting: list[asyncio.Future[None]] = []
        self.place = place

    @property
    def waiting_count(self) -> int:
        """How many coroutines wait."""
        return len(self._waiting)

    async def wait(self) -> None:
        """Block until the next `fire`."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await self._clock.block(future, is_outside=self._is_outside)

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Block until a predicate holds; it is tested at once and after every `fire`."""
        while not is_true():
            await self.wait()

    def fire(self) -> None:
        """Let all that wait go on."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            self._clock.resume(future)


class Buffer(Generic[T]):
    """A first-in first-out buffer between stations; `put` blocks while it is full."""

    def __init__(self, clock: "Clock", place: str, capacity_count: int = 1_000_000) -> None:
        """Hold at most `capacity_count` items."""
        self.items: deque[T] = deque()
        self.capacity_count = capacity_count
        self.changed = Signal(clock, place)

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.items)

    async def put(self, item: T) -> None:
        """Append an item, waiting for room."""
        await self.changed.until(lambda: len(self.items) < self.capacity_count)
        self.put_now(item)

    def put_now(self, *items: T) -> None:
        """Append items even beyond the capacity."""
        self.items.extend(items)
        self.changed.fire()

    async def get(self, at_least: int = 1) -> T:
        """Take the first item, once there are `at_least` items."""
        await self.changed.until(lambda: len(self.items) >= at_least)
        item = self.items.popleft()
        self.changed.fire()
        return item

    async def take(self, count: int) -> list[T]:
        """Take the first `count` items together."""
        await self.changed.until(lambda: len(self.items) >= count)
        taken = [self.items.popleft() for _ in range(count)]
        self.changed.fire()
        return taken


class Lock:
    """Mutual exclusion in plant time; waiters are served in order."""

    def __init__(self, clock: "Clock", place: str) -> None:
        """Begin unlocked."""
        self._free: Buffer[None] = Buffer(clock, place)
        self._free.put_now(None)

    async def __aenter__(self) -> None:
        """Wait for the lock."""
        await self._free.get()

    async def __aexit__(self, *_: object) -> None:
        """Give the lock back."""
        self._free.put_now(None)


class Clock:
    """Virtual plant time (UTC us) and the coroutines that live in it."""

    def __init__(
        self,
        start_us: int,
        *,
        slack_s: float = 2.0,
        patience_s: float = 120.0,
        pace_ratio: float = 0.0,
        publish: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Begin at `start_us`; answers take `slack_s` of plant time and at most `patience_s` of host time.

        `pace_ratio` bounds plant time per host time, so that people can watch; 0 = as fast as it goes.
        """
        self.now_us = start_us
        self.slack_us = round(slack_s * SECOND_US)
        self._patience_s = patience_s
        self._pace_ratio = pace_ratio
        self._publish = publish
        self._heap: list[tuple[int, int, asyncio.Future[None], Pending | None]] = []
        self._order = 0
        self._running_count = 0
        self._idle = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._places: dict[asyncio.Future[None], str] = {}
        self._outside: set[asyncio.Future[None]] = set()
        self._resumed = asyncio.Event()
        self._failure: BaseException | None = None
        self._is_closing = False
        self._never = Signal(self, "the end")
        publish(start_us)

    def spawn(self, work: Coroutine[object, object, None], name: str) -> None:
        """Start a coroutine that lives in plant time; its failure ends `run`."""
        self._running_count += 1
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def permit(self) -> None:
        """Block for ever once the plant is closing: nothing new may be asked while the last answers come in."""
        while self._is_closing:
            await self._never.wait()

    def expect(self, place: str) -> Pending:
        """Return a new answer owed by the outside world, due `slack_s` from now."""
        return Pending(self, place, self.now_us + self.slack_us)

    def hold(self, place: str, grace_s: float) -> Pending:
        """Return what keeps plant time still, once it is awaited, until it is resolved; for `grace_s` of host time at most."""
        return Pending(self, place, self.now_us, until_s=asyncio.get_running_loop().time() + grace_s)

    async def sleep(self, seconds: float) -> None:
        """Block for plant time (s)."""
        await self.block_until(self.now_us + max(0, round(seconds * SECOND_US)), None)

    async def block_until(self, due_us: int, pending: Pending | None) -> None:
        """Block until plant time `due_us`, and until `pending` is resolved."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._order += 1
        heapq.heappush(self._heap, (due_us, self._order, future, pending))
        await self.block(future)

    async def block(self, future: asyncio.Future[None], *, is_outside: bool = False) -> None:
        """Count the running coroutine as blocked until `resume(future)`, which may come from outside."""
        task = asyncio.current_task()
        self._places[future] = task.get_name() if task else "?"
        if is_outside:
            self._outside.add(future)
        self._running_count -= 1
        self._note_idle()
        await future

    def resume(self, future: asyncio.Future[None]) -> None:
        """Let the coroutine blocked on a future run again."""
        self._places.pop(future, None)
        self._outside.discard(future)
        if not future.done():
            self._running_count += 1
            future.set_result(None)
            self._resumed.set()

    async def run(self, is_done: Callable[[], bool]) -> None:
        """Drive plant time until `is_done` and every owed answer came; raise what a coroutine raised.

        Raises PlantStoppedError when all wait for each other, or when the MES is silent for too long.
        """
        while True:
            self._idle.clear()
            self._note_idle()
            await self._idle.wait()
            if self._failure is not None:
                raise self._failure
            self._is_closing = self._is_closing or is_done()
            if self._is_closing and not self._has_pending():
                return
            await self._step()

    async def close(self) -> None:
        """Cancel every coroutine that is still there."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _step(self) -> None:
        if not self._heap:
            await self._await_call()
            return
        entry = heapq.heappop(self._heap)
        due_us, _, future, pending = entry
        if pending is not None:
            await self._await_outside(pending)
        if due_us > self.now_us:
            await self._keep_pace(due_us)
        if self._running_count > 0 or (self._heap and self._heap[0] < entry):
            # Something came from outside meanwhile, and lives at the present time.
            heapq.heappush(self._heap, entry)
            return
        if due_us > self.now_us:
            self.now_us = due_us
            self._publish(due_us)
        self.resume(future)

    async def _keep_pace(self, due_us: int) -> None:
        """Let host time pass, but never long: nobody watches a week of ageing."""
        if self._pace_ratio:
            await asyncio.sleep(min((due_us - self.now_us) / SECOND_US / self._pace_ratio, _PAUSE_MAX_S))

    async def _await_call(self) -> None:
        """Nothing is to be done until the outside world calls: give it time."""
        if not self._outside:
            raise PlantStoppedError(f"the virtual plant stands still; waiting: {self._waiting_text()}")
        self._resumed.clear()
        try:
            async with asyncio.timeout(self._patience_s):
                await self._resumed.wait()
        except TimeoutError:
            text = f"nothing came from the MES for {self._patience_s:g} s of host time; waiting: {self._waiting_text()}"
            raise PlantStoppedError(text) from None

    async def _await_outside(self, pending: Pending) -> None:
        until_s = asyncio.get_running_loop().time() + self._patience_s if pending.until_s is None else pending.until_s
        try:
            async with asyncio.timeout_at(until_s):
                await pending.resolved.wait()
        except TimeoutError:
            if pending.until_s is not None:
                pending.resolve()
                return
            text = f"{pending.place}: no answer from the MES for {self._patience_s:g} s of host time"
            raise PlantStoppedError(text) from None

    def _has_pending(self) -> bool:
        return any(entry[3] is not None and entry[3].until_s is None for entry in self._heap)

    def _note_idle(self) -> None:
        if self._running_count == 0 or self._failure is not None:
            self._idle.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._running_count -= 1
        if not task.cancelled() and task.exception() is not None:
            self._failure = task.exception()
        self._note_idle()

    def _waiting_text(self) -> str:
        return ", ".join(sorted(set(self._places.values()))) or "nobody"
