"""One batch of submissions, decided one after another on the state in memory; nothing is written here."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from cellwright.journal.audit import Author
from cellwright.journal.inbox import Entry, Identity, Stored
from cellwright.model.answers import Answer, Refusal, RefusalCode
from cellwright.model.commands import Submission
from cellwright.model.facts import Envelope, Refused
from cellwright.plant.audited import Audited, Observer
from cellwright.plant.store import Loaded
from cellwright.rules.apply import apply
from cellwright.rules.decide import decide
from cellwright.rules.reasons import Decision, reason

_FUTILE_LIMIT = 5000
"""Decisions made in vain per batch, a fraction of a second; beyond it, what waits is tried again only at the end."""

_GATE = "gate"
"""Source of what the gate journals on its own."""

WAITABLE = frozenset(
    {
        RefusalCode.UNIT_UNKNOWN,
        RefusalCode.UNIT_EARLY,
        RefusalCode.UNIT_CLAIMED,
        RefusalCode.UNIT_NOT_CLAIMED,
        RefusalCode.UNIT_IN_PROCESS,
        RefusalCode.LOT_UNKNOWN,
        RefusalCode.LOT_UNRELEASED,
        RefusalCode.LOT_NOT_CLAIMED,
        RefusalCode.LOT_EXHAUSTED,
        RefusalCode.MATERIAL_MISSING,
        RefusalCode.POSITION_OCCUPIED,
        RefusalCode.POSITION_IN_USE,
        RefusalCode.STATION_FULL,
        RefusalCode.CARRIER_UNKNOWN,
        RefusalCode.CARRIER_EMPTY,
        RefusalCode.CARRIER_WRONG,
        RefusalCode.SLOT_TAKEN,
        RefusalCode.MEMBER_COUNT_WRONG,
        RefusalCode.MEMBER_WRONG,
        RefusalCode.CALIBRATION_EXPIRED,
        RefusalCode.QUALIFICATION_MISSING,
        RefusalCode.PERSON_UNKNOWN,
        RefusalCode.TOOL_WORN,
        RefusalCode.HOLD_UNKNOWN,
        RefusalCode.JOB_UNPROVED,
    },
)
"""Refusals that a message still on its way could cure: a patient submission waits for it."""


class Pending(Struct, eq=False):
    """A submission that waits for its answer; `units_count` tells about how many units it speaks of."""

    submission: Submission
    payload_sha256: bytes
    future: asyncio.Future[Answer]
    deadline_s: float
    """Monotonic host time until which it may wait for its turn."""
    units_count: int
    author: Author | None = None
    """The person whom the audit trail names; None = equipment asks."""

    @property
    def key(self) -> Identity:
        """Identity of the command."""
        return (self.submission.source, self.submission.epoch, self.submission.seq)


class Unread(Struct, eq=False):
    """A message that is no submission: it is refused, and journaled with the beginning of what it said."""

    refusal: Refusal
    source: str
    excerpt: str
    future: asyncio.Future[Answer]
    units_count: int = 1

    @property
    def key(self) -> str:
        """Who sent it; it has no identity."""
        return self.source


Message = Pending | Unread


class PoisonError(Exception):
    """A submission that the rules could not digest; it must not harm its neighbours."""

    def __init__(self, pending: Pending) -> None:
        """Remember which one."""
        super().__init__(f"submission {pending.key} could not be decided")
        self.pending = pending


class Batch:
    """Decides messages in order and collects what is to be written and answered."""

    def __init__(
        self, loaded: Loaded, known: dict[Identity, Stored], *, version: int, now_us: int, now_s: float
    ) -> None:
        """Begin at a version of the head, with the answers known from before.

        The times are the plant's (UTC us) and the host's (monotonic).
        """
        self._loaded = loaded
        self._known = known
        self._version = version
        self._now_s = now_s
        self._notes = 0
        self._futile = 0
        self.now_us = now_us
        self.repeats = 0
        self.conflicts = 0
        self.entries: list[Entry] = []
        self.envelopes: list[tuple[int, Envelope]] = []
        self.audited: list[Audited] = []
        self.answers: list[tuple[Message, Answer]] = []

    def run(self, messages: Sequence[Message]) -> list[Message]:
        """Decide all that can be decided; return those that go on waiting for their turn.

        What waits is tried again, the oldest first, as soon as something was decided: so messages that overtook
        each other take effect in an order as close to their arrival as their content allows.
        """
        waiting: list[Message] = []
        for message in messages:
            decided = len(self.entries)
            if not self._settle(message):
                waiting.append(message)
            elif waiting and len(self.entries) > decided and self._futile < _FUTILE_LIMIT:
                self._try_again(waiting)
        if self._futile >= _FUTILE_LIMIT:
            return [message for message in waiting if not self._settle(message)]
        return waiting

    def _try_again(self, waiting: list[Message]) -> None:
        index = 0
        while index < len(waiting) and self._futile < _FUTILE_LIMIT:
            if self._settle(waiting[index]):
                del waiting[index]
                index = 0
            else:
                index += 1

    def _settle(self, message: Message) -> bool:
        if isinstance(message, Unread):
            self._note(message, message.refusal, actor=message.source, excerpt=message.excerpt)
            return True
        stored = self._known.get(message.key)
        if stored is not None:
            self._repeat(message, stored)
            return True
        patient = self._now_s < message.deadline_s
        if patient and self._is_ahead(message.submission):
            return False
        try:
            decision = decide(self._loaded.state, message.submission, self.now_us)
        except Exception as error:
            raise PoisonError(message) from error
        if patient and isinstance(decision.answer, Refusal) and decision.answer.codes <= WAITABLE:
            self._futile += 1
            return False
        self._take(message, decision)
        return True

    def _is_ahead(self, submission: Submission) -> bool:
        sender = (submission.source, submission.epoch)
        return submission.seq > self._loaded.marks.get(sender, 0) + 1

    def _repeat(self, pending: Pending, stored: Stored) -> None:
        if stored.payload_sha256 == pending.payload_sha256:
            self.answers.append((pending, stored.answer))
            self.repeats += 1
            return
        self.conflicts += 1
        source, epoch, seq = pending.key
        text = f"{source} sent another payload under epoch {epoch} sequence {seq}; count up for every new message"
        refusal = Refusal((reason(RefusalCode.SEQUENCE_CONFLICT, text, source=source, epoch=epoch, seq=seq),))
        self._note(pending, refusal, actor=pending.submission.actor)

    def _note(self, message: Message, refusal: Refusal, *, actor: str, excerpt: str = "") -> None:
        """Journal a refusal that no command stands behind; the head's version, moved once, makes its key unique."""
        source = message.key if isinstance(message, Unread) else message.submission.source
        fact = Refused(command="", reasons=refusal.reasons, station=source, excerpt=excerpt)
        self._notes += 1
        envelope = Envelope(
            source=_GATE,
            epoch=self._version,
            seq=self._notes,
            time_us=self.now_us,
            recorded_us=self.now_us,
            actor=actor,
            fact=fact,
        )
        self.envelopes.append((0, envelope))
        self.answers.append((message, refusal))

    def _take(self, pending: Pending, decision: Decision) -> None:
        submission, observer = pending.submission, Observer(self._loaded.state)
        for part, fact in enumerate(decision.facts):
            envelope = Envelope(
                source=submission.source,
                epoch=submission.epoch,
                seq=submission.seq,
                time_us=submission.time_us,
                recorded_us=self.now_us,
                actor=submission.actor,
                fact=fact,
            )
            try:
                rows = apply(self._loaded.state, envelope)
                if pending.author is not None:
                    rows = list(rows)
                    observer.see(rows)
                self._loaded.state.absorb(rows)
            except Exception as error:
                raise PoisonError(pending) from error
            self.envelopes.append((part, envelope))
        if pending.author is not None:
            self.audited.append(observer.note(pending.author, submission, decision.answer))
        source, epoch, seq = pending.key
        self._loaded.marks[source, epoch] = max(seq, self._loaded.marks.get((source, epoch), 0))
        self._known[pending.key] = Stored(pending.payload_sha256, decision.answer)
        self.entries.append(Entry(source, epoch, seq, pending.payload_sha256, decision.answer))
        self.answers.append((pending, decision.answer))
