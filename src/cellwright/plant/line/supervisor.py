"""The loop of a line: look at database and stations, decide, do one thing, look again."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Self

import asyncpg
from msgspec import Struct, structs

from cellwright.database.pool import Connection
from cellwright.errors import CellwrightError
from cellwright.model.plant import Plant
from cellwright.plant.clock import Clock
from cellwright.plant.gate import Gate
from cellwright.plant.line.acting import ACTOR, Hands
from cellwright.plant.line.interest import Interest
from cellwright.plant.line.machines import Machines, Stations
from cellwright.plant.line.members import Members
from cellwright.plant.line.rests import Rests
from cellwright.plant.line.seen import Seen
from cellwright.rules.dispatching import joins_due, next_act
from cellwright.rules.line_view import Act, Proposal, View

_LOG = logging.getLogger(__name__)
_TICK_S: Final = 0.05
"""How often the record is asked whether it moved, while there is nothing to do; stations of the line are heard at once."""
_BUSY_S: Final = 0.25
"""The same while it moves all the time, and nothing in it concerns the line."""
_AGAIN_S: Final = 1.0
"""How often the line is looked at even when nothing moved: some calls come by time alone."""
_RECONNECT_S: Final = 1.0
_AWAY: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    CellwrightError,
    OSError,
    TimeoutError,
)


class Around(Struct, frozen=True, kw_only=True):
    """What a line lives in; `epoch` is random for each run of the supervisor."""

    connect: Callable[[], Awaitable[Connection]]
    gate: Gate
    plant: Plant
    clock: Clock
    stations: Stations
    epoch: int
    lost_s: float = 5.0
    """How long a station may not be heard before somebody is called."""


class Line:
    """The supervisor of all dispatched stations of a plant; `async with` runs it."""

    def __init__(self, around: Around) -> None:
        """Prepare; nothing is opened before it runs."""
        self._around = around
        interest = Interest(around.plant)
        self._members = Members(around.plant, interest.joins)
        self._seen = Seen(interest, self._members)
        self._machines = Machines(around.stations, interest.stations, time.monotonic, lost_s=around.lost_s)
        self._hands = Hands(around.gate, self._machines, around.clock, around.epoch)
        self._rests = Rests()
        self._task: asyncio.Task[None] | None = None
        self._tick_s = _TICK_S
        self._wake = asyncio.Event()
        self.acts_count = 0
        """Acts done since it runs."""

    async def __aenter__(self) -> Self:
        """Begin to run."""
        self._task = asyncio.create_task(self.run(), name="line")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop where it stands; another run finds everything again."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def run(self) -> None:
        """Run until cancelled; a database that is away is waited for."""
        told = ""
        while True:
            try:
                await self._serve()
            except Exception as error:  # noqa: BLE001 - whatever it is: everything is read again, and the line goes on
                _leave_if_cancelled(error)
                text = str(error) or type(error).__name__
                if text != told:  # one line per cause, not per attempt
                    unknown = None if isinstance(error, _AWAY) else error
                    _LOG.warning("the line stands still: %s", text, exc_info=unknown)
                told = text
            await asyncio.sleep(_RECONNECT_S)

    async def _serve(self) -> None:
        connection = await self._around.connect()
        try:
            await self._seen.start(connection, self._around.clock())
            while True:
                await self._turn(connection)
        finally:
            connection.terminate()

    async def _turn(self, connection: Connection) -> None:
        """Look, decide and act until there is nothing to do; then wait for a change."""
        act = await self._decide(connection)
        while act is not None:
            await self._do(act)
            await self._look(connection)
            act = await self._decide(connection)
        self._rests.forget_due(time.monotonic())
        await self._until_changed(connection)

    async def _look(self, connection: Connection) -> bool:
        """Read what changed in the record and at the stations; tell whether anything did that concerns the line."""
        heard = await self._seen.refresh(connection, self._around.clock())
        for row in self._seen.take_ended():
            self._rests.ended(row, time.monotonic())
            self._machines.look_soon(row.station)
        has_changed = await self._machines.look(self._seen.jobs)
        await self._seen.keep_over(connection, self._machines.held_codes())
        # Others are at work: what they commit is read together.
        self._tick_s = _BUSY_S if heard is False else _TICK_S
        return bool(heard) or has_changed

    async def _until_changed(self, connection: Connection) -> None:
        began_s = time.monotonic()
        while True:
            self._wake.clear()
            if await self._look(connection):
                return
            now_s = time.monotonic()
            if now_s - began_s > _AGAIN_S or now_s >= self._rests.next_s():
                return
            pause_s = min(self._tick_s, max(0.0, self._machines.next_s(self._seen.jobs) - now_s))
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()

    def nudge(self, station: str) -> None:
        """Look at once: the gate has just answered a station."""
        if station in self._seen.interest.stations:
            self._wake.set()

    async def _decide(self, connection: Connection) -> Act | None:
        view = self._view()
        due = joins_due(view)
        if due:
            view = structs.replace(view, proposals=await self._proposals(connection, due))
        return next_act(view)

    def _view(self) -> View:
        seen = self._seen
        taken = self._taken()
        return View(
            plant=self._around.plant,
            now_us=self._around.clock(),
            token=self._hands.token,
            actor=ACTOR,
            signs=self._machines.signs,
            jobs={**seen.jobs, **seen.over},
            waiting=seen.waiting(),
            unfit=seen.unfit(),
            brought=seen.brought(),
            wants=seen.wants,
            stock=self._members.stock(taken),
            loaded=seen.loaded,
            denied=seen.denied,
            resting=self._rests.view(time.monotonic()),
            calls=seen.calls,
        )

    def _taken(self) -> frozenset[int]:
        return frozenset(unit for row in self._seen.jobs.values() for unit in (*row.units, *row.members))

    async def _proposals(self, connection: Connection, operations: tuple[str, ...]) -> dict[str, Proposal]:
        """Choose members; in a thread, because a large stock takes a while and the gate must not wait."""
        taken, now_us = self._taken(), self._around.clock()
        found = {}
        for operation in operations:
            await self._members.learn(connection, operation)
            proposal = await asyncio.to_thread(self._members.propose, operation, taken, now_us, self.code_of)
            if proposal is not None:
                found[operation] = proposal
        return found

    def code_of(self, unit: int) -> str:
        """Return the printed code of a unit of the line."""
        return self._seen.codes[unit]

    async def _do(self, act: Act) -> None:
        failure = await self._hands.do(act, self._seen.jobs, self.code_of)
        self.acts_count += 1
        if not failure:
            self._rests.succeed(act)
        elif self._rests.fail(act.subject, act.station, failure, time.monotonic()) == 1:
            _LOG.warning("line: %s: %s", act.subject, failure)


def _leave_if_cancelled(error: Exception) -> None:
    """Raise CancelledError when the task is to end: the driver may have answered the cancellation with an error of its own."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError from error
