"""What a line that runs by itself is at: open jobs with what they reserve, and open calls for somebody."""

from collections.abc import Sequence

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.rules.job_rows import CallRow, JobRow, JobState
from cellwright.views.following import unit_codes
from cellwright.views.jobs import CALLS, JOBS


class OpenJob(Struct, frozen=True, kw_only=True):
    """A job that is not over; units and members by their codes, in order."""

    job: str
    station: str
    operation: str
    """"" = it only brings units together."""
    state: JobState
    units: tuple[str, ...]
    """Units that it works on, or that were born in it."""
    members: tuple[str, ...]
    """Reserved for it, in the order of their slots."""
    serves: str
    order: str
    dispatched_us: int
    since_us: int
    """Since when it is in its state (UTC us)."""


class OpenCall(Struct, frozen=True):
    """A call that nobody has answered; `text` says what is wrong and what to do about it."""

    call: str
    station: str
    kind: str
    text: str
    raised_us: int
    raised_by: str


OPEN_JOBS = "WHERE ended_us = 0 AND station = ANY ($1::text[]) ORDER BY dispatched_us, code"
OPEN_CALLS = "WHERE cleared_us = 0 AND station = ANY ($1::text[]) ORDER BY raised_us, code"


async def read_jobs(connection: Connection, stations: Sequence[str]) -> tuple[OpenJob, ...]:
    """Return the open jobs of stations, the oldest first."""
    rows = await JOBS.load_page(connection, OPEN_JOBS, stations)
    codes = await unit_codes(connection, {unit for row in rows for unit in (*row.page, *row.members)})
    return tuple(_job(row, codes) for row in rows)


def _job(row: JobRow, codes: dict[int, str]) -> OpenJob:
    return OpenJob(
        job=row.job,
        station=row.station,
        operation=row.operation,
        state=row.state,
        units=tuple(codes.get(unit, "") for unit in row.page),
        members=tuple(codes.get(unit, "") for unit in row.members),
        serves=row.serves,
        order=row.order,
        dispatched_us=row.dispatched_us,
        since_us=row.started_us or row.proved_us or row.dispatched_us,
    )


async def read_calls(connection: Connection, stations: Sequence[str]) -> tuple[OpenCall, ...]:
    """Return the open calls of stations, the oldest first."""
    return tuple(_call(row) for row in await CALLS.load_page(connection, OPEN_CALLS, stations))


def _call(row: CallRow) -> OpenCall:
    return OpenCall(row.call, row.station, row.kind, row.text, row.raised_us, row.raised_by)
