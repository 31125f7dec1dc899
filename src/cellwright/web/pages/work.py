"""A station as the person who stands at it needs it: the verdict, the one next action, the job, and what was scanned."""

from collections.abc import Mapping

from msgspec import Struct

from cellwright.database.pool import Connection, borrow
from cellwright.model.equipment import Station
from cellwright.model.plant import Plant
from cellwright.plant.stations import MachineSign
from cellwright.views.buffers import read_buffers
from cellwright.views.line_work import OpenCall, OpenJob, read_calls, read_jobs
from cellwright.views.next_unit import read_next_unit
from cellwright.views.people import catch_up
from cellwright.views.stations import LastUnit, RunningPage, read_stations
from cellwright.views.status import LoadedLot, read_loaded
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.pages.needs import Need, needs_of, operations_at
from cellwright.web.pages.next_action import AtStation, NextAction, current_job, next_action
from cellwright.web.pages.tiles import Tile, tiles_of
from cellwright.web.pages.work_scan import Scanned, read_scan
from cellwright.web.problems import NotFoundError
from cellwright.web.question import Question


class WorkNow(Struct, frozen=True, kw_only=True):
    """A station at a moment: topic `work/<code>`."""

    tile: Tile
    next: NextAction
    job: OpenJob | None
    """The one that it is at; None = nothing is ordered."""
    jobs_count: int
    """Open ones."""
    calls: tuple[OpenCall, ...]
    running: tuple[RunningPage, ...]
    last_units: tuple[LastUnit, ...]
    loaded: tuple[LoadedLot, ...]


class WorkPage(Struct, frozen=True, kw_only=True):
    """What the screen shows: the station, which stays, and what it is at, which moves."""

    station: Station
    area: str
    needs: tuple[Need, ...]
    now: WorkNow
    scanned: Scanned | None
    """The verdict on what `?scan=` names; None = nothing was scanned."""


async def read_work(
    connection: Connection, plant: Plant, code: str, *, now_us: int, signs: Mapping[str, MachineSign]
) -> WorkNow:
    """Return a station of the plant at a plant time (UTC us), as far as people's views have come."""
    station = plant.stations[code]
    views = await read_stations(connection, [code])
    tiles = tiles_of(plant, views, await read_buffers(connection, now_us), signs)
    here = AtStation(
        station=station,
        tile=next(each for each in tiles if each.station == code),
        calls=await read_calls(connection, [code]),
        jobs=await read_jobs(connection, [code]),
        needs=needs_of(plant, operations_at(plant, station)),
        loaded=await read_loaded(connection, code),
        next_unit=await read_next_unit(connection, _waited(plant, station)),
    )
    return WorkNow(
        tile=here.tile,
        next=next_action(here),
        job=current_job(here.jobs),
        jobs_count=len(here.jobs),
        calls=tuple(here.calls),
        running=views[0].running if views else (),
        last_units=views[0].last_units if views else (),
        loaded=tuple(here.loaded),
    )


def _waited(plant: Plant, station: Station) -> list[tuple[str, str]]:
    """Return the products and operations of units that wait for a station."""
    return [
        (route.product, each.code)
        for route in plant.routes.values()
        for each in route.operations[1:]
        if each.code in station.operations
    ]


async def _load(question: Question) -> WorkPage:
    services, code = question.services, question.code
    plant = services.plant
    station = plant.stations.get(code)
    if station is None:
        raise NotFoundError(f"plant {plant.code} has no station {code}; it has: {', '.join(plant.stations)}")
    text = question.query.get("scan", "")
    async with borrow(services.pool) as connection:
        await catch_up(connection)
        now = await read_work(connection, plant, code, now_us=services.clock(), signs=services.machines())
        scanned = await read_scan(connection, question, station, job=now.job, text=text) if text else None
    return WorkPage(
        station=station,
        area=plant.work_centers[station.work_center].area,
        needs=needs_of(plant, operations_at(plant, station)),
        now=now,
        scanned=scanned,
    )


WORK = Page(name="work", path="/work/", permission=Permission.PLANT_READ, load=_load, query=("scan",))
