"""The writer: brings batches to their answers over one connection, whatever happens to database or neighbours."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence

import asyncpg
from msgspec import Struct

from cellwright.database.pool import Connection
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
        self.counts = GateCounts()

    async def open(self) -> None:
        """Connect and read the state; raises DatabaseUnavailableError."""
        await self._ready()

    async def close(self) -> None:
        """Let the connection go."""
        self._loaded = None
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                await connection.close(timeout=1)

    async def process(self, messages: list[Message]) -> list[Message]:
        """Answer messages after their commit; return the patient ones, whose turn has not come.

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
        return [*await self.process(messages[:half]), *await self.process(messages[half:])]

    async def _is_stale(self) -> bool:
        """Forget the state, and tell whether it was no longer the database's: then no message is to blame."""
        loaded, self._loaded = self._loaded, None
        if loaded is None or self._connection is None:
            return True
        try:
            return await find_version(self._connection, self._plant) != loaded.version
        except (asyncpg.PostgresError, *_LOST):
            return True

    async def _attempt(self, messages: Sequence[Message]) -> list[Message]:
        connection, loaded = await self._ready()
        started_s = self._clocks.host_s()
        pendings = [message for message in messages if isinstance(message, Pending)]
        known = await self._recall(connection, loaded, pendings)
        await self._load_needs(connection, loaded, pendings)
        loaded_s = self._clocks.host_s()
        batch = Batch(loaded, known, now_us=self._clocks.plant(), now_s=loaded_s)
        waiting = batch.run(messages)
        decided_s = self._clocks.host_s()
        await self._write(connection, loaded, batch)
        self._count(batch, decide_s=decided_s - loaded_s, total_s=self._clocks.host_s() - started_s)
        return waiting

    async def _recall(
        self, connection: Connection, loaded: Loaded, pendings: Sequence[Pending]
    ) -> dict[Identity, Stored]:
        """Return the stored answers of messages that were answered before."""
        await load_senders(connection, loaded, {pending.key[:2] for pending in pendings})
        keys = [pending.key for pending in pendings if pending.key[2] <= loaded.marks[pending.key[:2]]]
        return await find_answers(connection, keys) if keys else {}

    async def _load_needs(self, connection: Connection, loaded: Loaded, pendings: Sequence[Pending]) -> None:
        """Load rows until commands name nothing new; what they name in vain is not asked for again."""
        before = empty_needs()
        for _ in range(_NEED_ROUNDS):
            needs = empty_needs()
            for pending in pendings:
                add_needs(needs, loaded.state, pending.submission.command)
            if not needs or needs == before:
                return
            await load_needs(connection, loaded.state, needs)
            before = needs

    async def _write(self, connection: Connection, loaded: Loaded, batch: Batch) -> None:
        if batch.entries or batch.envelopes:
            changes = loaded.state.take_changes()
            written = Written(batch.entries, batch.envelopes, changes, batch.now_us)
            await commit(connection, loaded, written)
        loaded.marks.update({sender: max(seq, loaded.marks[sender]) for sender, seq in batch.marks.items()})
        for message, answer in batch.answers:
            if not message.future.done():
                message.future.set_result(answer)

    def _count(self, batch: Batch, *, decide_s: float, total_s: float) -> None:
        counts = self.counts
        counts.batches += 1
        counts.decided += len(batch.entries)
        counts.refused += sum(isinstance(entry.answer, Refusal) for entry in batch.entries)
        counts.conflicts += batch.conflicts
        counts.repeated += batch.repeats
        counts.decide_s += decide_s
        counts.database_s += total_s - decide_s

    async def _ready(self) -> tuple[Connection, Loaded]:
        if self._connection is None or self._connection.is_closed():
            self._loaded = None
            self._connection = await self._connect()
            await prepare(self._connection, self._plant)
        if self._loaded is None or is_crowded(self._loaded, _STATE_LIMIT):
            self._loaded = await load(self._connection, self._plant)
        return self._connection, self._loaded


def _fail(message: Message, error: Exception) -> None:
    if not message.future.done():
        unanswered = UnansweredError(f"{message.key} was not decided: {error}")
        unanswered.__cause__ = error
        message.future.set_exception(unanswered)
