"""A line that runs by itself, for people: what its stations are to do, who is called, what waits, what orders want."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.rules.line_view import Want

_US_PER_S: Final = 1_000_000

JOBS: Final = """
    SELECT code, station, operation, state, work_order, serves, cardinality(units) AS units_count,
           cardinality(members) AS members_count, dispatched_us, started_us
    FROM job WHERE ended_us = 0 ORDER BY dispatched_us, code
"""
CALLS: Final = """
    SELECT code, station, kind, text, raised_us FROM call WHERE cleared_us = 0 ORDER BY raised_us, code
"""
BUFFERS: Final = """
    SELECT b.product, b.operation, b.waiting_count, o.since_us
    FROM buffer AS b
    LEFT JOIN LATERAL (SELECT since_us FROM unit_waiting AS w
                       WHERE w.product = b.product AND w.operation = b.operation
                       ORDER BY since_us LIMIT 1) AS o ON true
    WHERE b.operation = ANY ($1::text[]) OR (b.operation = '' AND b.product = ANY ($2::text[]))
    ORDER BY b.product, b.operation
"""


class LineJob(Struct, frozen=True, kw_only=True):
    """A job that is not over; times in UTC us, ages in plant time."""

    job: str
    station: str
    operation: str
    """"" = units are brought together."""
    state: str
    order: str
    serves: str
    units_count: int
    members_count: int
    dispatched_us: int
    started_us: int | None
    """None = not yet."""
    age_s: float


class LineCall(Struct, frozen=True, kw_only=True):
    """An open call."""

    call: str
    station: str
    kind: str
    text: str
    raised_us: int
    age_s: float


class LineBuffer(Struct, frozen=True, kw_only=True):
    """Units of a product that wait for an operation of the line, or as members in stock ("")."""

    product: str
    operation: str
    waiting_count: int
    oldest_since_us: int | None
    """Since when the oldest waits (UTC us); None = nothing waits."""


class LineStation(Struct, frozen=True, kw_only=True):
    """A station that works on job orders, and how much is to do there."""

    station: str
    name: str
    operations: tuple[str, ...]
    jobs_count: int
    calls_count: int


class LineStatus(Struct, frozen=True):
    """A line at one moment."""

    stations: tuple[LineStation, ...]
    jobs: tuple[LineJob, ...]
    calls: tuple[LineCall, ...]
    buffers: tuple[LineBuffer, ...]
    orders: tuple[Want, ...]
    """Open orders for what the line makes, and how many units may still begin for each."""


class LinePlan(Struct, frozen=True):
    """Which stations are a line: names and operations by station; what they make, and what they make it of."""

    stations: Mapping[str, tuple[str, tuple[str, ...]]]
    products: Iterable[str]
    members: Iterable[str]


async def read_line(connection: Connection, plan: LinePlan, orders: Iterable[Want], now_us: int) -> LineStatus:
    """Return a line at a plant time (UTC us), its buffers as far as the views for people were folded."""
    jobs = tuple(_job(record, now_us) for record in await connection.fetch(JOBS))
    calls = tuple(_call(record, now_us) for record in await connection.fetch(CALLS))
    operations = sorted({each for _, done in plan.stations.values() for each in done})
    buffers = await connection.fetch(BUFFERS, operations, sorted(plan.members))
    stations = tuple(
        LineStation(
            station=code,
            name=name,
            operations=done,
            jobs_count=sum(each.station == code for each in jobs),
            calls_count=sum(each.station == code for each in calls),
        )
        for code, (name, done) in plan.stations.items()
    )
    wanted = set(plan.products)
    return LineStatus(
        stations,
        jobs,
        calls,
        tuple(_buffer(*record) for record in buffers),
        tuple(each for each in orders if each.product in wanted),
    )


def _job(record: Any, now_us: int) -> LineJob:
    return LineJob(
        job=record["code"],
        station=record["station"],
        operation=record["operation"],
        state=record["state"],
        order=record["work_order"],
        serves=record["serves"],
        units_count=record["units_count"],
        members_count=record["members_count"],
        dispatched_us=record["dispatched_us"],
        started_us=record["started_us"] or None,
        age_s=(now_us - record["dispatched_us"]) / _US_PER_S,
    )


def _call(record: Any, now_us: int) -> LineCall:
    return LineCall(
        call=record["code"],
        station=record["station"],
        kind=record["kind"],
        text=record["text"],
        raised_us=record["raised_us"],
        age_s=(now_us - record["raised_us"]) / _US_PER_S,
    )


def _buffer(product: str, operation: str, count: int, since_us: int | None) -> LineBuffer:
    return LineBuffer(product=product, operation=operation, waiting_count=count, oldest_since_us=since_us)
