"""The gate: the only door to the record. What waits becomes a batch; it is decided, committed, then answered."""

import asyncio
import contextlib
import hashlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Self

import msgspec

from cellwright.database.pool import Connection
from cellwright.errors import UnansweredError
from cellwright.journal.audit import Author
from cellwright.journal.inbox import payload_digest
from cellwright.model.answers import Answer, Refusal, RefusalCode
from cellwright.model.commands import Submission
from cellwright.model.plant import Plant
from cellwright.plant.audited import author_of
from cellwright.plant.batch import Message, Pending, Unread
from cellwright.plant.clock import Clock
from cellwright.plant.writer import GateCounts, Timepieces, Writer
from cellwright.rules.pages import units_count
from cellwright.rules.reasons import reason

_LOG = logging.getLogger(__name__)
_BATCH_LIMIT = 1000
FULL_COUNT = 400
"""About as many units as take as long to decide as to commit, the disk included."""

_PAYLOAD_LIMIT_BYTES = 1 << 20
_PARK_LIMIT = 1000
_PARK_TICK_S = 0.25
_STOP_LIMIT_S = 10.0
_BACKWARDS_LIMIT_US = 60_000_000
_EXCERPT_LENGTH = 200

_SUBMISSIONS = msgspec.json.Decoder(Submission)


class Gate:
    """Accepts submissions, answers each exactly once in effect.

    `connect` opens a database connection; `clock` is the plant's time; `monotonic_s` the host's, for patience only.
    A batch about so many units, `full_count`, is full: it does not grow, and is decided while another is committed.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        plant: Plant,
        clock: Clock,
        *,
        monotonic_s: Callable[[], float],
        full_count: int = FULL_COUNT,
    ) -> None:
        """Prepare; nothing is opened before `start`."""
        self._plant = plant
        self._clock = clock
        self._monotonic_s = monotonic_s
        self._last_us = 0
        self._full_count = full_count
        self._arrived: deque[Message] = deque()
        self._arrived_count = 0
        self._parked: list[Message] = []
        self._unanswered: set[asyncio.Future[Answer]] = set()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._writer = Writer(connect, plant, clocks=Timepieces(self._now_us, monotonic_s))

    @property
    def counts(self) -> GateCounts:
        """What the gate did since it started."""
        return self._writer.counts

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    async def start(self) -> None:
        """Connect, read the state and begin to answer."""
        await self._writer.open()
        self._task = asyncio.create_task(self._run(), name="gate")

    async def stop(self) -> None:
        """Answer what has arrived, then close; what still waits for its turn, or for a database, stays unanswered."""
        task, self._task = self._task, None
        if task is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_LIMIT_S):
                await self._idle.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        for future in self._unanswered:
            if not future.done():
                future.set_exception(UnansweredError("the gate has stopped; send the same again"))
        await self._writer.close()

    async def submit(self, submission: Submission, author: Author | None = None) -> Answer:
        """Return the answer of a submission, after its commit; a person's gets its row of the audit trail with it.

        Raises UnansweredError when nothing was decided. A caller that goes away before has withdrawn it.
        """
        try:
            digest = payload_digest(submission)
        except ValueError as error:
            text = f"submission cannot be kept: {error}; send plain text"
            return await self._refuse(RefusalCode.PAYLOAD_MALFORMED, text, b"", submission.source)
        patience_s = submission.patience_us / 1_000_000
        deadline_s = self._monotonic_s() + patience_s if patience_s and len(self._parked) < _PARK_LIMIT else 0.0
        return await self._answer(
            Pending(
                submission,
                digest,
                self._future(),
                deadline_s,
                units_count(self._plant, submission.command),
                author_of(submission, author),
            )
        )

    async def submit_payload(self, payload: bytes, source: str) -> Answer:
        """Decode and submit JSON from outside; what cannot be read is refused and journaled too."""
        if len(payload) > _PAYLOAD_LIMIT_BYTES:
            text = f"payload of {len(payload)} bytes; at most {_PAYLOAD_LIMIT_BYTES} are read; send smaller pages"
            return await self._refuse(RefusalCode.PAYLOAD_TOO_LARGE, text, payload, source)
        try:
            submission = _SUBMISSIONS.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            text = f"payload is no submission: {error}; see docs/reference/commands.md"
            return await self._refuse(RefusalCode.PAYLOAD_MALFORMED, text, payload, source)
        return await self.submit(submission)

    async def refuse_malformed(self, text: str, source: str) -> Answer:
        """Refuse and journal a message that a link could not turn into a submission."""
        return await self._refuse(RefusalCode.PAYLOAD_MALFORMED, text, b"", source)

    async def _refuse(self, code: RefusalCode, text: str, payload: bytes, source: str) -> Answer:
        digest = hashlib.sha256(payload).hexdigest()
        reasons = (reason(code, _plain(text), payload_bytes=len(payload), payload_sha256=digest),)
        excerpt = _plain(payload[:_EXCERPT_LENGTH].decode("utf-8", "replace"))
        return await self._answer(Unread(Refusal(reasons), _plain(source), excerpt, self._future()))

    @staticmethod
    def _future() -> asyncio.Future[Answer]:
        return asyncio.get_running_loop().create_future()

    async def _answer(self, message: Message) -> Answer:
        if self._task is None or self._task.done():
            raise UnansweredError("the gate does not run; start it, then send the same again")
        self._unanswered.add(message.future)
        self._arrived.append(message)
        self._arrived_count += message.units_count
        self._idle.clear()
        self._wake.set()
        try:
            return await message.future
        finally:
            self._unanswered.discard(message.future)

    def _now_us(self) -> int:
        """Return the plant's time; a small step backwards of its clock is waited out, a large one is followed."""
        now_us = self._clock()
        if self._last_us - now_us > _BACKWARDS_LIMIT_US:
            _LOG.warning("the plant's clock went back by %d us", self._last_us - now_us)
            self._last_us = now_us
        self._last_us = max(self._last_us, now_us)
        return self._last_us

    async def _run(self) -> None:
        while True:
            if self._arrived_count < self._full_count:
                self._parked += await self._writer.land()
                if not self._arrived:
                    await self._wait()
            self._parked = await self._writer.process(self._next_batch())

    async def _wait(self) -> None:
        """Wait for a message; while some are parked, only until the next of them may be tried or refused."""
        self._wake.clear()
        self._idle.set()
        deadlines_s = [message.deadline_s for message in self._parked if isinstance(message, Pending)]
        patience_s = min(_PARK_TICK_S, min(deadlines_s) - self._monotonic_s()) if deadlines_s else None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._wake.wait()
        self._idle.clear()

    def _next_batch(self) -> list[Message]:
        """Take the parked, then what arrived until the batch is full; whoever went away has withdrawn."""
        batch, rest_count = list(dict.fromkeys(self._parked)), self._full_count
        for _ in range(min(len(self._arrived), _BATCH_LIMIT)):
            if rest_count <= 0:
                break
            message = self._arrived.popleft()
            self._arrived_count -= message.units_count
            rest_count -= message.units_count
            batch.append(message)
        return [message for message in batch if not message.future.done()]


def _plain(text: str) -> str:
    """Return a text that can be kept: no NUL characters, no halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
