"""The writer: brings batches to their answers over one connection, whatever happens to database or neighbours."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence

import asyncpg
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.database.writes import Write
from cellwright.errors import ConflictError, DatabaseUnavailableError, UnansweredError
from cellwright.journal.inbox import Identity, Stored, find_answers
from cellwright.model.answers import Refusal
from cellwright.model.plant import Plant
from cellwright.plant.batch import Batch, Message, Pending, PoisonError
from cellwright.plant.clock import Clock
from cellwright.plant.store import (
    Loaded,
    Written,
    commit,
    find_version,
    is_crowded,
    load,
    load_needs,
    load_senders,
    prepare,
    writing,
)
from cellwright.rules.needs import add_needs, empty_needs

_LOG = logging.getLogger(__name__)
_STATE_LIMIT = 500_000
_NEED_ROUNDS = 5
_RETRY_S = (0.05, 0.2, 0.5, 1.0, 2.0)

_LOST = (
    DatabaseUnavailableError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    OSError,
)
"""The database is away, full or not writable: nothing is wrong with the batch, it is tried again."""


class GateCounts(Struct):
    """What the gate did since it started; seconds by the host's clock."""

    batches: int = 0
    decided: int = 0
    refused: int = 0
    repeated: int = 0
    conflicts: int = 0
    retries: int = 0
    decide_s: float = 0.0
    database_s: float = 0.0


class Timepieces(Struct, frozen=True):
    """The plant's clock (UTC us) and the host's (monotonic seconds)."""

    plant: Clock
    host_s: Callable[[], float]


class _Decided(Struct, frozen=True):
    """A batch that was decided on a state, and how it is written."""

    connection: Connection
    loaded: Loaded
    messages: list[Message]
    batch: Batch
    waiting: list[Message]
    writes: list[Write]


class _Flight(Struct, frozen=True):
    """A batch on its way into the database."""

    decided: _Decided
    task: asyncio.Task[None]

    @property
    def will_move_head(self) -> bool:
        """Tell whether the head's version is still going to move."""
        return bool(self.decided.writes) and not self.task.done()


class Writer:
    """Holds the connection and the state in memory; the state is as good as the head's version says."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        plant: Plant,
        *,
        clocks: Timepieces,
    ) -> None:
        """Prepare; nothing is opened before `open`."""
        self._connect = connect
        self._plant = plant
        self._clocks = clocks
        self._connection: Connection | None = None
        self._loaded: Loaded | None = None
        self._flight: _Flight | None = None
        self.counts = GateCounts()

    async def open(self) -> None:
        """Connect and read the state; raises DatabaseUnavailableError."""
        await self._ready()

    async def close(self) -> None:
        """Let the connection go, and what is on its way."""
        self._loaded = None
        flight, self._flight = self._flight, None
        if flight is not None:
            flight.task.cancel()
            await asyncio.gather(flight.task, return_exceptions=True)
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                await connection.close(timeout=1)

    async def process(self, messages: list[Message]) -> list[Message]:
        """Decide messages and let their commit set off; return the patient ones, whose turn has not come.

        Deciding builds on what the batch before changed, even while that one is still being committed. Should it not
        come to be, or the deciding fail, then both are settled from what the database says.
        """
        try:
            decided = await self._decide(messages)
        except Exception:  # noqa: BLE001 settling meets it again, and knows what to do
            decided = None
        waiting = await self.land()
        if decided is not None and decided.loaded is self._loaded:
            await self._set_off(decided)
            return decided.waiting
        self._loaded = None
        return list(dict.fromkeys([*waiting, *await self._settle(_unanswered(messages))]))

    async def land(self) -> list[Message]:
        """Wait for the commit on its way; settle its messages anew should it fail, and return the patient ones."""
        flight = self._flight
        if flight is None:
            return []
        await self._until_landed()
        self._flight = None
        if flight.task.exception() is None:
            return []
        self._loaded = None
        self.counts.retries += 1
        return await self._settle(_unanswered(flight.decided.messages))

    async def _until_landed(self) -> None:
        """Wait until the connection is free, and what was decided before is in the database."""
        if self._flight is not None:
            await asyncio.wait([self._flight.task])

    async def _set_off(self, decided: _Decided) -> None:
        task = asyncio.create_task(self._commit(decided), name="commit")
        self._flight = _Flight(decided, task)
        # The statement leaves with the loop's next turn: until then, nothing may keep the loop busy.
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def _settle(self, messages: list[Message]) -> list[Message]:
        """Answer messages after their commit, one batch after another; return the patient ones.

        Another gate wrote: read again. The database is away: wait for it. One message is bad: it fails alone.
        """
        failures = 0
        while messages:
            try:
                return await self._attempt(messages)
            except PoisonError as error:
                messages = await self._without(messages, error)
            except ConflictError:
                self._loaded = None
            except _LOST as error:
                await self._pause(failures, error)
            except Exception as error:  # noqa: BLE001 whatever it is, one of the messages brings it about
                if not await self._is_stale():
                    return await self._split(messages, error)
                await self._pause(failures, error)
            failures += 1
            self.counts.retries += 1
        return []

    async def _pause(self, failures: int, error: Exception) -> None:
        _LOG.warning("database lost (%s); trying again", error)
        await self.close()
        await asyncio.sleep(_RETRY_S[min(failures, len(_RETRY_S) - 1)])

    async def _without(self, messages: list[Message], error: PoisonError) -> list[Message]:
        if await self._is_stale():
            return messages
        _LOG.error("%s", error, exc_info=error)
        _fail(error.pending, error)
        return [message for message in messages if message is not error.pending]

    async def _split(self, messages: list[Message], error: Exception) -> list[Message]:
        """The batch was refused as a whole: find the message that is to blame, spare its neighbours."""
        if len(messages) == 1:
            _LOG.error("%s could not be recorded: %s", messages[0].key, error, exc_info=error)
            _fail(messages[0], error)
            return []
        half = len(messages) // 2
        return [*await self._settle(messages[:half]), *await self._settle(messages[half:])]

    async def _is_stale(self) -> bool:
        """Forget the state, and tell whether it was no longer the database's: then no message is to blame."""
        loaded, self._loaded = self._loaded, None
        if loaded is None or self._connection is None:
            return True
        try:
            return await find_version(self._connection, self._plant) != loaded.version
        except (asyncpg.PostgresError, *_LOST):
            return True

    async def _attempt(self, messages: list[Message]) -> list[Message]:
        decided = await self._decide(messages)
        await self._commit(decided)
        return decided.waiting

    async def _decide(self, messages: list[Message]) -> _Decided:
        started_s = self._clocks.host_s()
        connection, loaded = await self._ready()
        pendings = [message for message in messages if isinstance(message, Pending)]
        known = await self._recall(connection, loaded, pendings)
        await self._load_needs(connection, loaded, pendings)
        loaded_s = self._clocks.host_s()
        version = loaded.version + (self._flight is not None and self._flight.will_move_head)
        batch = Batch(loaded, known, version=version, now_us=self._clocks.plant(), now_s=loaded_s)
        waiting = batch.run(messages)
        decided_s = self._clocks.host_s()
        written = Written(batch.entries, batch.envelopes, loaded.state.take_changes(), batch.now_us)
        decided = _Decided(connection, loaded, messages, batch, waiting, writing(written))
        self.counts.decide_s += decided_s - loaded_s
        self.counts.database_s += loaded_s - started_s
        return decided

    async def _commit(self, decided: _Decided) -> None:
        """Commit a batch, then answer its messages."""
        started_s = self._clocks.host_s()
        if decided.writes:
            batch = decided.batch
            await commit(
                decided.connection,
                decided.loaded,
                decided.writes,
                audited=batch.audited,
                recorded_us=batch.now_us,
            )
        for message, answer in decided.batch.answers:
            if not message.future.done():
                message.future.set_result(answer)
        self._count(decided.batch)
        self.counts.database_s += self._clocks.host_s() - started_s

    async def _recall(
        self, connection: Connection, loaded: Loaded, pendings: Sequence[Pending]
    ) -> dict[Identity, Stored]:
        """Return the stored answers of messages that were answered before."""
        new = {pending.key[:2] for pending in pendings} - loaded.marks.keys()
        if new:
            await self._until_landed()
            await load_senders(connection, loaded, new)
        keys = [pending.key for pending in pendings if pending.key[2] <= loaded.marks[pending.key[:2]]]
        if not keys:
            return {}
        await self._until_landed()
        return await find_answers(connection, keys)

    async def _load_needs(self, connection: Connection, loaded: Loaded, pendings: Sequence[Pending]) -> None:
        """Load rows until commands name nothing new; what they name in vain is not asked for again."""
        before = empty_needs()
        for _ in range(_NEED_ROUNDS):
            needs = empty_needs()
            for pending in pendings:
                add_needs(needs, loaded.state, pending.submission.command)
            if not needs or needs == before:
                return
            await self._until_landed()
            await load_needs(connection, loaded.state, needs)
            before = needs

    def _count(self, batch: Batch) -> None:
        counts = self.counts
        counts.batches += 1
        counts.decided += len(batch.entries)
        counts.refused += sum(isinstance(entry.answer, Refusal) for entry in batch.entries)
        counts.conflicts += batch.conflicts
        counts.repeated += batch.repeats

    async def _ready(self) -> tuple[Connection, Loaded]:
        if self._connection is None or self._connection.is_closed():
            self._loaded = None
            self._connection = await self._connect()
            await prepare(self._connection, self._plant)
        if self._loaded is None or is_crowded(self._loaded, _STATE_LIMIT):
            await self._until_landed()
            self._loaded = await load(self._connection, self._plant)
        return self._connection, self._loaded


def _unanswered(messages: Sequence[Message]) -> list[Message]:
    return [message for message in messages if not message.future.done()]


def _fail(message: Message, error: Exception) -> None:
    if not message.future.done():
        unanswered = UnansweredError(f"{message.key} was not decided: {error}")
        unanswered.__cause__ = error
        message.future.set_exception(unanswered)
