"""The topics of the product, each with the reader that its page has too."""

import asyncio
from typing import Final

from cellwright.database.pool import Connection
from cellwright.model.plant import Plant
from cellwright.views.overview import Overview, read_overview
from cellwright.views.people import CONSUMER, follow_all
from cellwright.web.access.permissions import Permission
from cellwright.web.live.sources import Asking, Source, Sources
from cellwright.web.live.watcher import Followed
from cellwright.web.pages.line import LineNow, read_line
from cellwright.web.pages.line_work import LineWorkNow, read_line_work, stations_of
from cellwright.web.pages.station import StationNow, read_station
from cellwright.web.pages.work import WorkNow, read_work


async def _read_line(asking: Asking) -> LineNow:
    return await read_line(asking.connection, asking.plant, asking.now_us, asking.signs)


async def _read_station(asking: Asking) -> StationNow:
    code, now_us, signs = asking.code, asking.now_us, asking.signs
    return await read_station(asking.connection, asking.plant, code, now_us=now_us, signs=signs)


async def _read_line_work(asking: Asking) -> LineWorkNow:
    code, now_us, signs = asking.code, asking.now_us, asking.signs
    return await read_line_work(asking.connection, asking.plant, code, now_us=now_us, signs=signs)


async def _read_work(asking: Asking) -> WorkNow:
    code, now_us, signs = asking.code, asking.now_us, asking.signs
    return await read_work(asking.connection, asking.plant, code, now_us=now_us, signs=signs)


async def _read_overview(asking: Asking) -> Overview:
    return await read_overview(asking.connection, asking.now_us)


def _has_station(plant: Plant, code: str) -> bool:
    return code in plant.stations


def _has_line(plant: Plant, code: str) -> bool:
    return bool(stations_of(plant, code))


TOPICS: Final = Sources(
    Source(name="status", permission=Permission.PLANT_READ, read=None),
    Source(
        name="line",
        permission=Permission.PLANT_READ,
        read=_read_line,
        keys={"tiles": ("station",), "buffers": ("product", "operation")},
    ),
    Source(
        name="station/",
        permission=Permission.PLANT_READ,
        read=_read_station,
        keys={"loaded": ("position",), "refusals": ("position",)},
        has=_has_station,
    ),
    Source(
        name="lines/",
        permission=Permission.PLANT_READ,
        read=_read_line_work,
        keys={
            "stations": ("station",),
            "jobs": ("job",),
            "calls": ("call",),
            "buffers": ("product", "operation"),
            "first_pass": ("operation",),
            "orders": ("order",),
        },
        has=_has_line,
    ),
    Source(
        name="work/",
        permission=Permission.PLANT_READ,
        read=_read_work,
        keys={"calls": ("call",), "loaded": ("position",)},
        has=_has_station,
    ),
    Source(
        name="overview",
        permission=Permission.PLANT_READ,
        read=_read_overview,
        keys={
            "first_pass": ("operation",),
            "hours": ("hour_us", "kind"),
            "losses": ("operation",),
            "outputs": ("kind",),
            "rolled": ("product",),
        },
    ),
)


async def follow(connection: Connection, budget_s: float) -> Followed:
    """Bring people's views up to date, as far as a budget of time allows."""
    loop = asyncio.get_running_loop()
    until_s, folded = loop.time() + budget_s, 1
    while folded and loop.time() < until_s:
        folded = await follow_all(connection)
    record = await connection.fetchrow(
        """
        SELECT c.position, coalesce(t.facts_count, 0) AS facts_count, coalesce(t.last_fact_us, 0) AS last_fact_us
        FROM outbox_cursor AS c LEFT JOIN journal_tally AS t ON true WHERE c.consumer = $1
        """,
        CONSUMER,
    )
    assert record is not None  # noqa: S101 - whoever follows has a cursor
    return Followed(record["position"], record["facts_count"], record["last_fact_us"], is_behind=bool(folded))
