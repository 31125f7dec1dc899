"""What the supervisor of a line reads: what the journal has new, what waits, what orders still want, what is loaded."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.commands import Result
from cellwright.model.job_facts import JobOrder
from cellwright.rules.line_view import Want
from cellwright.views.following import unit_codes

_PAGE: Final = 2000

# Every gate appends behind the one row of `gate_head`: positions and commits have the same order, so none is skipped.
NEWS: Final = """
    SELECT position, kind, recorded_us, body FROM fact WHERE position > $1 ORDER BY position LIMIT $2
"""
WAITING: Final = "SELECT id_from, id_to FROM unit_waiting WHERE product = ANY ($1::text[])"
RUNNING: Final = """
    SELECT kind, units_count FROM unit_tally WHERE status = 'running'
"""
WANTS: Final = """
    SELECT w.code, w.product, w.quantity, greatest(j.begun_count, coalesce(o.started_count - o.scrapped_count, 0)) AS begun
    FROM work_order AS w
    LEFT JOIN order_want AS o ON o.work_order = w.code
    CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE NOT coalesce(u.status = 'scrapped', false)) AS begun_count
                        FROM job LEFT JOIN unit AS u ON u.id = job.made[1]
                        WHERE job.work_order = w.code AND job.work_order <> ''
                          AND job.members <> '{}' AND job.state <> 'aborted') AS j
    WHERE w.closed_us = 0
    ORDER BY w.released_us, w.code
"""
LOADED: Final = """
    SELECT l.station, l.position, l.remaining - l.reserved AS free_count
    FROM loading AS l JOIN lot ON lot.id = l.lot
    WHERE l.station = ANY ($1::text[]) AND lot.status = 'released' AND lot.holds = 0
      AND (lot.expires_us = 0 OR lot.expires_us > $2)
"""
RESULTS: Final = """
    SELECT f.body
    FROM (SELECT DISTINCT h.position
          FROM (SELECT array_agg(id) AS ids FROM unnest($1::bigint[]) WITH ORDINALITY AS n (id, at)
                GROUP BY at / 200) AS k
          CROSS JOIN LATERAL (SELECT position FROM history
                              WHERE units && k.ids AND kind = 'OperationCompleted' AND operation = ANY ($2::text[])
                              OFFSET 0) AS h) AS p
    CROSS JOIN LATERAL (SELECT body FROM fact WHERE fact.position = p.position OFFSET 0) AS f
    ORDER BY p.position
"""


class Told(Struct, frozen=True):
    """What the facts that matter to a line have in common; what a fact does not say is empty."""

    station: str = ""
    operation: str = ""
    product: str = ""
    units: tuple[int, ...] = ()
    packs: tuple[int, ...] = ()
    members: tuple[int, ...] = ()
    subject: str = ""
    subjects: tuple[int, ...] = ()
    parent: int = 0
    id_from: int = 0
    count: int = 0
    jobs: tuple[JobOrder, ...] = ()
    job: str = ""
    results: tuple[Result, ...] = ()
    command: str = ""
    reasons: tuple["Reason", ...] = ()

    @property
    def touched(self) -> tuple[int, ...]:
        """Units whose rows it changed."""
        named = self.subjects if self.subject == "unit" else ()
        parent = (self.parent,) if self.parent else ()
        return (*self.units, *self.members, *self.packs, *named, *parent)


class Reason(Struct, frozen=True):
    """Why a command was refused."""

    code: str
    text: str


class News(Struct, frozen=True):
    """A fact with its place in the journal."""

    position: int
    kind: str
    recorded_us: int
    told: Told


_TOLD = msgspec.json.Decoder(Told)


async def read_news(connection: Connection, after: int) -> list[News]:
    """Return the next facts after a position."""
    records = await connection.fetch(NEWS, after, _PAGE)
    return [News(each["position"], each["kind"], each["recorded_us"], _TOLD.decode(each["body"])) for each in records]


async def read_followed(connection: Connection) -> int:
    """Return how far the views for people have come: what else is read at that moment is as of there."""
    found: int | None = await connection.fetchval("SELECT position FROM outbox_cursor WHERE consumer = 'people'")
    return found or 0


async def read_version(connection: Connection) -> int:
    """Return the version of the record: it moves with each commit of a gate."""
    found: int | None = await connection.fetchval("SELECT version FROM gate_head")
    return found or 0


async def read_waiting(connection: Connection, products: Iterable[str]) -> list[int]:
    """Return the units of products that wait for an operation, or finished, as of the views for people."""
    records = await connection.fetch(WAITING, list(products))
    return [unit for each in records for unit in range(each["id_from"], each["id_to"])]


async def read_running(connection: Connection) -> dict[str, int]:
    """Return how many units of each kind are in process, as of the views for people."""
    return {each["kind"]: each["units_count"] for each in await connection.fetch(RUNNING)}


async def read_wants(connection: Connection) -> list[Want]:
    """Return the open orders, the oldest first, and how many units may still begin for each."""
    records = await connection.fetch(WANTS)
    return [Want(each["code"], each["product"], max(0, each["quantity"] - each["begun"])) for each in records]


async def read_loaded(connection: Connection, stations: Iterable[str], now_us: int) -> dict[tuple[str, str], int]:
    """Return what is free of the released lots that stand at the positions of stations, at a time (UTC us)."""
    records = await connection.fetch(LOADED, list(stations), now_us)
    return {(each["station"], each["position"]): each["free_count"] for each in records}


async def read_results(
    connection: Connection, units: Sequence[int], operations: Iterable[str]
) -> list[tuple[tuple[int, ...], tuple[Result, ...]]]:
    """Return what operations measured of units, page by page in the order of the journal, as of the views for people."""
    records = await connection.fetch(RESULTS, list(units), list(operations))
    told = [_TOLD.decode(each["body"]) for each in records]
    return [(each.units, each.results) for each in told]


async def read_codes(connection: Connection, units: Iterable[int]) -> dict[int, str]:
    """Return the printed codes of units."""
    return await unit_codes(connection, units)
