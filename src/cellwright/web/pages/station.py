"""A station: what does it wait for, what does it do, and why was it refused?"""

from collections.abc import Mapping

from msgspec import Struct

from cellwright.database.pool import Connection, borrow
from cellwright.model.equipment import Station
from cellwright.model.plant import Plant
from cellwright.model.quantities import Characteristic
from cellwright.model.routes import Operation, OperationKind
from cellwright.plant.stations import MachineSign
from cellwright.views.buffers import read_buffers
from cellwright.views.people import catch_up
from cellwright.views.resources import CALIBRATIONS, TOOLS
from cellwright.views.stations import LastUnit, Refusal, RunningPage, Wanted, read_refusals, read_stations
from cellwright.views.status import LoadedLot, read_loaded
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.pages.needs import Need, needs_of, operations_at
from cellwright.web.pages.station_samples import StationSamples, read_station_samples
from cellwright.web.pages.tiles import Tile, tiles_of
from cellwright.web.problems import NotFoundError
from cellwright.web.question import Question

_REFUSALS = 20


class StationNow(Struct, frozen=True):
    """A station at a moment: topic `station/<code>`."""

    tile: Tile
    running: tuple[RunningPage, ...]
    last_units: tuple[LastUnit, ...]
    loaded: tuple[LoadedLot, ...]
    refusals: tuple[Refusal, ...]
    """The newest first, at most 20."""
    machine: MachineSign | None
    """None = no machine is named."""
    samples: StationSamples


class StationRecipe(Struct, frozen=True):
    """The recipe of an operation that must be read back equal before a check-in is admitted."""

    operation: str
    code: str
    revision: int
    is_released: bool
    digest: str
    parameters: dict[str, float]


class Work(Struct, frozen=True, kw_only=True):
    """An operation that the station does, and what it asks for."""

    operation: str
    name: str
    kind: OperationKind
    characteristics: tuple[Characteristic, ...]
    qualification: str
    is_calibrated: bool
    members_count: int


class ToolLife(Struct, frozen=True):
    """A wearing tool: uses since it was replaced, and after how many it must be."""

    tool: str
    used_count: int
    life_count: int


class StationPage(Struct, frozen=True, kw_only=True):
    """What the page of a station shows: what it is, which stays, and what it does now, which moves."""

    station: Station
    work_center_name: str
    area: str
    works: tuple[Work, ...]
    needs: tuple[Need, ...]
    recipes: tuple[StationRecipe, ...]
    tools: tuple[ToolLife, ...]
    calibrated_until_us: int | None
    """None = no calibration is on record."""
    now: StationNow


async def read_station(
    connection: Connection, plant: Plant, code: str, *, now_us: int, signs: Mapping[str, MachineSign]
) -> StationNow:
    """Return a station of the plant at a plant time (UTC us), as far as people's views have come."""
    views = await read_stations(connection, [code])
    buffers = await read_buffers(connection, now_us)
    tile = next(each for each in tiles_of(plant, views, buffers, signs) if each.station == code)
    refusals = await read_refusals(connection, Wanted(station=code), limit=_REFUSALS)
    samples = await read_station_samples(
        connection, plant, plant.stations[code], now_us=now_us, running_count=tile.running_count
    )
    return StationNow(
        tile=tile,
        running=views[0].running if views else (),
        last_units=views[0].last_units if views else (),
        loaded=await read_loaded(connection, code),
        refusals=refusals.refusals,
        machine=signs.get(code),
        samples=samples,
    )


def _works(operations: list[Operation]) -> tuple[Work, ...]:
    return tuple(
        Work(
            operation=each.code,
            name=each.name,
            kind=each.kind,
            characteristics=each.characteristics,
            qualification=each.qualification,
            is_calibrated=each.calibrated,
            members_count=each.members.count if each.members else 0,
        )
        for each in operations
    )


def _recipes(plant: Plant, station: Station) -> tuple[StationRecipe, ...]:
    recipes = [plant.recipes[code] for code in station.operations if code in plant.recipes]
    return tuple(
        StationRecipe(each.operation, each.code, each.revision, each.released, each.digest, each.parameters)
        for each in recipes
    )


async def _load(question: Question) -> StationPage:
    services, code = question.services, question.code
    plant = services.plant
    station = plant.stations.get(code)
    if station is None:
        raise NotFoundError(f"plant {plant.code} has no station {code}; it has: {', '.join(plant.stations)}")
    async with borrow(services.pool) as connection:
        await catch_up(connection)
        used = {row.tool: row.used_count for row in await TOOLS.load_page(connection, "WHERE station = $1", code)}
        calibrations = await CALIBRATIONS.load_page(connection, "WHERE station = $1", code)
        now = await read_station(connection, plant, code, now_us=services.clock(), signs=services.machines())
    operations = operations_at(plant, station)
    center = plant.work_centers[station.work_center]
    return StationPage(
        station=station,
        work_center_name=center.name,
        area=center.area,
        works=_works(operations),
        needs=needs_of(plant, operations),
        recipes=_recipes(plant, station),
        tools=tuple(ToolLife(each.code, used.get(each.code, 0), each.life_count) for each in station.tools),
        calibrated_until_us=calibrations[0].valid_until_us if calibrations else None,
        now=now,
    )


STATION = Page(
    name="station",
    path="/stations/",
    permission=Permission.PLANT_READ,
    load=_load,
    beside={"work": "/work/"},
)
