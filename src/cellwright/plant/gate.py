"""The gate: the only writer. It batches what waits, decides, commits, and answers only after the commit."""

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Awaitable, Callable
from random import Random
from typing import Self

import asyncpg
import msgspec
from msgspec import Struct

from cellwright.errors import ConflictError, DatabaseUnavailableError
from cellwright.journal.facts import append_facts
from cellwright.journal.inbox import find_answers, payload_digest
from cellwright.model.answers import Answer, Refusal, RefusalCode
from cellwright.model.commands import Submission
from cellwright.model.facts import Envelope
from cellwright.model.plant import Plant
from cellwright.plant.batch import Batch, Pending, PoisonError, refused_envelope
from cellwright.plant.clock import Clock
from cellwright.plant.store import Loaded, Written, commit, is_crowded, load, load_needs
from cellwright.rules.needs import add_needs, empty_needs
from cellwright.rules.reasons import reason

_LOG = logging.getLogger(__name__)
_BATCH_LIMIT = 1000
_PAYLOAD_LIMIT_BYTES = 1 << 20
_STATE_LIMIT = 500_000
_NEED_ROUNDS = 5
_PARK_TICK_S = 0.02
_RETRY_S = (0.05, 0.2, 0.5, 1.0, 2.0)
_EXCERPT_LENGTH = 200

_SUBMISSIONS = msgspec.json.Decoder(Submission)
_LOST = (
    DatabaseUnavailableError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.InterfaceError,
    OSError,
)
_SPLIT = (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError)


class GateCounts(Struct):
    """What the gate did since it started."""

    batches: int = 0
    decided: int = 0
    refused: int = 0
    repeated: int = 0
    conflicts: int = 0
    retries: int = 0
    decide_s: float = 0.0
    database_s: float = 0.0


class Gate:
    """Accepts submissions, answers each exactly once in effect.

    `connect` opens a database connection; `clock` is the plant's time; `monotonic_s` the host's, for patience only.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[asyncpg.Connection]],
        plant: Plant,
        clock: Clock,
        *,
        monotonic_s: Callable[[], float],
        random: Random,
    ) -> None:
        """Prepare; nothing is opened before `start`."""
        self._connect = connect
        self._plant = plant
        self._clock = clock
        self._monotonic_s = monotonic_s
        self._epoch = random.getrandbits(62)
        self._own_seq = 0
        self._last_us = 0
        self._queue: asyncio.Queue[Pending] = asyncio.Queue()
        self._parked: list[Pending] = []
        self._connection: asyncpg.Connection | None = None
        self._loaded: Loaded | None = None
        self._task: asyncio.Task[None] | None = None
        self.counts = GateCounts()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    async def start(self) -> None:
        """Connect, read the state and begin to answer."""
        await self._ready()
        self._task = asyncio.create_task(self._run(), name="gate")

    async def stop(self) -> None:
        """Answer what waits, then close."""
        while self._task and not self._task.done() and (self._queue.qsize() or self._parked):
            await asyncio.sleep(_PARK_TICK_S)
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._drop_connection()

    async def submit(self, submission: Submission) -> Answer:
        """Return the answer of a submission, after its commit."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        deadline_s = self._monotonic_s() + submission.patience_us / 1_000_000 if submission.patience_us else 0.0
        self._queue.put_nowait(Pending(submission, payload_digest(submission), future, deadline_s))
        return await future

    async def submit_payload(self, payload: bytes, source: str) -> Answer:
        """Decode and submit JSON from outside; what cannot be read is refused and journaled too."""
        if len(payload) > _PAYLOAD_LIMIT_BYTES:
            text = f"payload of {len(payload)} bytes; at most {_PAYLOAD_LIMIT_BYTES} are read; send smaller pages"
            return await self._refuse(RefusalCode.PAYLOAD_TOO_LARGE, text, payload, source)
        try:
            submission = _SUBMISSIONS.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            text = f"payload is no submission: {error}; see docs/reference/commands.md"
            return await self._refuse(RefusalCode.PAYLOAD_MALFORMED, text, payload, source)
        return await self.submit(submission)

    async def refuse_malformed(self, text: str, source: str) -> Answer:
        """Refuse and journal a message that a link could not turn into a submission."""
        return await self._refuse(RefusalCode.PAYLOAD_MALFORMED, text, b"", source)

    async def _refuse(self, code: RefusalCode, text: str, payload: bytes, source: str) -> Answer:
        digest = hashlib.sha256(payload).hexdigest()
        reasons = (reason(code, text, payload_bytes=len(payload), payload_sha256=digest),)
        excerpt = payload[:_EXCERPT_LENGTH].decode("utf-8", "replace")
        await self._journal(self._own_envelope(Refusal(reasons), source, actor=source, excerpt=excerpt))
        return Refusal(reasons)

    def _own_envelope(self, refusal: Refusal, source: str, *, actor: str, excerpt: str = "") -> Envelope:
        self._own_seq += 1
        number = (self._epoch, self._own_seq)
        return refused_envelope(
            refusal.reasons, source=source, number=number, now_us=self._now_us(), actor=actor, excerpt=excerpt
        )

    async def _journal(self, envelope: Envelope) -> None:
        """Append one fact that changes no state, over a connection of its own."""
        connection = await self._connect()
        try:
            await append_facts(connection, [(0, envelope)])
        finally:
            await connection.close()

    def _now_us(self) -> int:
        self._last_us = max(self._last_us, self._clock())
        return self._last_us

    async def _run(self) -> None:
        while True:
            batch = await self._next_batch()
            if batch:
                await self._process(batch)

    async def _next_batch(self) -> list[Pending]:
        """Take all that waits, the parked first; with parked ones, look again after a tick."""
        batch, self._parked = self._parked, []
        if batch:
            with contextlib.suppress(TimeoutError):
                batch.append(await asyncio.wait_for(self._queue.get(), _PARK_TICK_S))
        else:
            batch.append(await self._queue.get())
        while len(batch) < _BATCH_LIMIT and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        return batch

    async def _process(self, batch: list[Pending]) -> None:
        """Bring a batch to its answers, whatever it takes: re-read, reconnect, or part the bad from the good."""
        for attempt in range(1 << 30):
            try:
                await self._attempt(batch)
            except PoisonError as error:
                _LOG.exception("a submission could not be decided")
                self._fail(error.pending, error)
                batch = [pending for pending in batch if pending is not error.pending]
                self._loaded = None
            except ConflictError:
                self._loaded = None
            except _SPLIT as error:
                self._loaded = None
                await self._split(batch, error)
                return
            except _LOST as error:
                _LOG.warning("database lost (%s); trying again", error)
                await self._drop_connection()
                await asyncio.sleep(_RETRY_S[min(attempt, len(_RETRY_S) - 1)])
            else:
                return
            self.counts.retries += 1

    async def _split(self, batch: list[Pending], error: Exception) -> None:
        """The database refused the batch: find the one it refuses, spare its neighbours."""
        if len(batch) == 1:
            _LOG.error("the database refused %s: %s", batch[0].key, error)
            self._fail(batch[0], error)
            return
        half = len(batch) // 2
        await self._process(batch[:half])
        await self._process(batch[half:])

    @staticmethod
    def _fail(pending: Pending, error: Exception) -> None:
        if not pending.future.done():
            pending.future.set_exception(error)

    async def _attempt(self, pendings: list[Pending]) -> None:
        connection, loaded = await self._ready()
        started_s = self._monotonic_s()
        repeats = [p.key for p in pendings if p.submission.seq <= loaded.marks.get(p.key[:2], -1)]
        known = await find_answers(connection, repeats) if repeats else {}
        await self._load_needs(connection, loaded, pendings)
        loaded_s = self._monotonic_s()
        batch = Batch(loaded, known, self._now_us(), loaded_s)
        waiting = batch.run(pendings)
        decided_s = self._monotonic_s()
        await self._write(connection, loaded, batch)
        self._parked.extend(waiting)
        self._count(batch, decide_s=decided_s - loaded_s, total_s=self._monotonic_s() - started_s)

    async def _write(self, connection: asyncpg.Connection, loaded: Loaded, batch: Batch) -> None:
        conflicts = [
            (0, self._own_envelope(refusal, pending.submission.source, actor=pending.submission.actor))
            for pending, refusal in batch.conflicts
        ]
        if batch.entries or conflicts:
            changes = loaded.state.take_changes()
            envelopes = [*batch.envelopes, *conflicts]
            await commit(connection, loaded, Written(batch.entries, envelopes, changes, self._last_us))
        loaded.marks.update(
            {key: max(seq, loaded.marks.get(key, seq)) for key, seq in batch.marks().items()},
        )
        for pending, answer in [*batch.answers, *batch.conflicts]:
            if not pending.future.done():
                pending.future.set_result(answer)

    def _count(self, batch: Batch, *, decide_s: float, total_s: float) -> None:
        counts = self.counts
        counts.batches += 1
        counts.decided += len(batch.entries)
        counts.refused += sum(isinstance(entry.answer, Refusal) for entry in batch.entries)
        counts.repeated += len(batch.answers) - len(batch.entries)
        counts.conflicts += len(batch.conflicts)
        counts.decide_s += decide_s
        counts.database_s += total_s - decide_s

    async def _load_needs(self, connection: asyncpg.Connection, loaded: Loaded, pendings: list[Pending]) -> None:
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

    async def _ready(self) -> tuple[asyncpg.Connection, Loaded]:
        if self._connection is None or self._connection.is_closed():
            self._loaded = None
            self._connection = await self._connect()
        if self._loaded is None or is_crowded(self._loaded, _STATE_LIMIT):
            self._loaded = await load(self._connection, self._plant)
        return self._connection, self._loaded

    async def _drop_connection(self) -> None:
        self._loaded = None
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                await connection.close(timeout=1)
