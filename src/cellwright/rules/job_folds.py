"""Folding facts of dispatching: job orders and calls as rows."""

from collections.abc import Iterator

from msgspec import structs

from cellwright.model import job_facts as f
from cellwright.model.facts import Envelope, OperationStarted
from cellwright.rules.folding import row_of
from cellwright.rules.job_rows import CallRow, JobRow, JobState
from cellwright.rules.state import Row, State

replace = structs.replace


def jobs_dispatched(_: State, envelope: Envelope, fact: f.JobsDispatched) -> Iterator[Row]:
    """Stations were ordered to do jobs."""
    for order in fact.jobs:
        yield JobRow(
            **structs.asdict(order),
            ordered_digest=order.digest,
            state=JobState.DISPATCHED,
            dispatched_us=envelope.recorded_us,
        )


def job_proved(state: State, envelope: Envelope, fact: f.JobProved) -> Iterator[Row]:
    """A station gave a job order back as it was sent."""
    yield replace(row_of(state, JobRow, fact.job), state=JobState.PROVED, proved_us=envelope.recorded_us)


def job_amended(state: State, _: Envelope, fact: f.JobAmended) -> Iterator[Row]:
    """Places of members were given to others; the order must be proved again."""
    row = row_of(state, JobRow, fact.job)
    changed = dict(zip(fact.members, fact.replacements, strict=True))
    members = tuple(changed.get(number, number) for number in row.members)
    yield replace(row, members=members, digest=fact.digest, state=JobState.DISPATCHED, proved_us=0)


def job_started(state: State, envelope: Envelope, fact: OperationStarted) -> Iterator[Row]:
    """Work on a job began; what is born in it is remembered."""
    row = row_of(state, JobRow, fact.job)
    started_us = row.started_us or envelope.recorded_us
    yield replace(row, state=JobState.RUNNING, started_us=started_us, made=fact.units if fact.members else ())


def job_ended(state: State, envelope: Envelope, fact: f.JobEnded) -> Iterator[Row]:
    """A job is over."""
    ended = JobState.ABORTED if fact.is_aborted else JobState.ENDED
    row = row_of(state, JobRow, fact.job)
    yield replace(row, state=ended, ended_us=envelope.recorded_us, reason=fact.reason)


def call_raised(_: State, envelope: Envelope, fact: f.CallRaised) -> Iterator[Row]:
    """A station called for somebody."""
    yield CallRow(
        call=fact.call,
        station=fact.station,
        kind=fact.kind,
        text=fact.text,
        raised_us=envelope.recorded_us,
        raised_by=envelope.actor,
    )


def call_cleared(state: State, envelope: Envelope, fact: f.CallCleared) -> Iterator[Row]:
    """What a call was raised for is over."""
    row = row_of(state, CallRow, fact.call)
    yield replace(row, cleared_us=envelope.recorded_us, cleared_by=envelope.actor, reason=fact.reason)
