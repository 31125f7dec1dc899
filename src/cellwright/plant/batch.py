"""One batch of submissions, decided one after another on the state in memory; nothing is written here."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from cellwright.journal.inbox import Entry, Identity, Stored
from cellwright.model.answers import Answer, Reason, Refusal, RefusalCode
from cellwright.model.commands import Submission
from cellwright.model.facts import Envelope, Refused
from cellwright.plant.store import Loaded
from cellwright.rules.apply import apply
from cellwright.rules.decide import decide
from cellwright.rules.reasons import Decision, reason

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
    },
)
"""Refusals that a message still on its way could cure: a patient submission waits for it."""


class Pending(Struct, eq=False):
    """A submission that waits for its answer."""

    submission: Submission
    payload_sha256: bytes
    future: asyncio.Future[Answer]
    deadline_s: float
    """Monotonic host time until which it may wait for its turn."""

    @property
    def key(self) -> Identity:
        """Identity of the command."""
        return (self.submission.source, self.submission.epoch, self.submission.seq)


class PoisonError(Exception):
    """A submission that the rules could not digest; it must not harm its neighbours."""

    def __init__(self, pending: Pending) -> None:
        """Remember which one."""
        super().__init__(f"submission {pending.key} could not be decided")
        self.pending = pending


class Batch:
    """Decides pending submissions in order and collects what is to be written and answered."""

    def __init__(self, loaded: Loaded, known: dict[Identity, Stored], now_us: int, now_s: float) -> None:
        """Begin with the answers known from earlier batches, at the plant's and the host's time."""
        self._loaded = loaded
        self._known = known
        self._now_us = now_us
        self._now_s = now_s
        self._marks: dict[tuple[str, int], int] = {}
        self.entries: list[Entry] = []
        self.envelopes: list[tuple[int, Envelope]] = []
        self.answers: list[tuple[Pending, Answer]] = []
        self.conflicts: list[tuple[Pending, Refusal]] = []

    def run(self, pendings: Sequence[Pending]) -> list[Pending]:
        """Decide all that can be decided; return those that go on waiting for their turn."""
        waiting, progress = list(pendings), True
        while waiting and progress:
            left = [pending for pending in waiting if not self._settle(pending)]
            progress = len(left) < len(waiting)
            waiting = left
        return waiting

    def _settle(self, pending: Pending) -> bool:
        stored = self._known.get(pending.key)
        if stored is not None:
            self._repeat(pending, stored)
            return True
        patient = self._now_s < pending.deadline_s
        if patient and self._is_ahead(pending.submission):
            return False
        try:
            decision = decide(self._loaded.state, pending.submission, self._now_us)
        except Exception as error:
            raise PoisonError(pending) from error
        if patient and isinstance(decision.answer, Refusal) and decision.answer.codes <= WAITABLE:
            return False
        self._take(pending, decision)
        return True

    def _is_ahead(self, submission: Submission) -> bool:
        key = (submission.source, submission.epoch)
        last = max(self._marks.get(key, 0), self._loaded.marks.get(key, 0))
        return submission.seq > last + 1

    def _repeat(self, pending: Pending, stored: Stored) -> None:
        if stored.payload_sha256 == pending.payload_sha256:
            self.answers.append((pending, stored.answer))
            return
        source, epoch, seq = pending.key
        text = f"{source} sent another payload under epoch {epoch} sequence {seq}; count up for every new message"
        refusal = Refusal((reason(RefusalCode.SEQUENCE_CONFLICT, text, source=source, epoch=epoch, seq=seq),))
        self.conflicts.append((pending, refusal))

    def _take(self, pending: Pending, decision: Decision) -> None:
        submission = pending.submission
        state = self._loaded.state
        for part, fact in enumerate(decision.facts):
            envelope = Envelope(
                source=submission.source,
                epoch=submission.epoch,
                seq=submission.seq,
                time_us=submission.time_us,
                recorded_us=self._now_us,
                actor=submission.actor,
                fact=fact,
            )
            try:
                state.absorb(apply(state, envelope))
            except Exception as error:
                raise PoisonError(pending) from error
            self.envelopes.append((part, envelope))
        source, epoch, seq = pending.key
        self._marks[(source, epoch)] = max(seq, self._marks.get((source, epoch), 0))
        self._known[pending.key] = Stored(pending.payload_sha256, decision.answer)
        self.entries.append(Entry(source, epoch, seq, pending.payload_sha256, decision.answer))
        self.answers.append((pending, decision.answer))

    def marks(self) -> dict[tuple[str, int], int]:
        """Return the highest sequence number decided here by source and epoch."""
        return self._marks


def refused_envelope(
    reasons: tuple[Reason, ...], *, source: str, number: tuple[int, int], now_us: int, actor: str, excerpt: str = ""
) -> Envelope:
    """Return the journal entry of a refusal that has no command of its own; `number` is the gate's (epoch, seq)."""
    epoch, seq = number
    fact = Refused(command="", reasons=reasons, station=source, excerpt=excerpt)
    return Envelope(
        source="gate", epoch=epoch, seq=seq, time_us=now_us, recorded_us=now_us, actor=actor, fact=fact
    )
