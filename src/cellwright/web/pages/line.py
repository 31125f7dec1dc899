"""The line: which station is abnormal, and what waits between the stations?"""

from collections.abc import Mapping

from msgspec import Struct

from cellwright.database.pool import Connection, borrow
from cellwright.model.plant import Plant
from cellwright.plant.stations import MachineSign
from cellwright.views.buffers import Buffer, read_buffers
from cellwright.views.people import catch_up
from cellwright.views.stations import read_stations
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.pages.tiles import Tile, tiles_of
from cellwright.web.question import Question


class LineNow(Struct, frozen=True):
    """The line at a moment: topic `line`."""

    tiles: tuple[Tile, ...]
    buffers: tuple[Buffer, ...]


class Step(Struct, frozen=True):
    """An operation in the order of work: the stations that do it, and whose route it is on ("" = it makes lots).

    A station without operation, such as goods receipt, is a step of its own.
    """

    operation: str
    name: str
    product: str
    stations: tuple[str, ...]


class Section(Struct, frozen=True):
    """Steps of one area, in the order of work."""

    area: str
    steps: tuple[Step, ...]


class LinePage(Struct, frozen=True):
    """What the page of the line shows: the layout, which stays, and the line now, which moves."""

    sections: tuple[Section, ...]
    now: LineNow


async def read_line(connection: Connection, plant: Plant, now_us: int, signs: Mapping[str, MachineSign]) -> LineNow:
    """Return the line at a plant time (UTC us), as far as people's views have come."""
    views = await read_stations(connection)
    buffers = await read_buffers(connection, now_us)
    return LineNow(tiles_of(plant, views, buffers, signs), tuple(buffers))


def sections_of(plant: Plant) -> tuple[Section, ...]:
    """Return a plant's operations by area; a station with several stands at its first."""
    sections: dict[str, list[Step]] = {}
    placed: set[str] = set()
    for product, operation, name in _operations(plant):
        stations = [each for each in plant.stations.values() if operation in each.operations]
        fresh = tuple(each.code for each in stations if each.code not in placed)
        placed.update(fresh)
        area = plant.work_centers[stations[0].work_center].area if stations else ""
        sections.setdefault(area, []).append(Step(operation, name, product, fresh))
    for station in plant.stations.values():
        if station.code not in placed:
            area = plant.work_centers[station.work_center].area
            sections.setdefault(area, []).append(Step("", "", "", (station.code,)))
    return tuple(Section(area, tuple(steps)) for area, steps in sections.items())


def _operations(plant: Plant) -> list[tuple[str, str, str]]:
    lots = [("", each.code, each.name) for each in plant.lot_operations.values()]
    units = [(draft.product, each.code, each.name) for draft in plant.routes.values() for each in draft.operations]
    return lots + units


async def _load(question: Question) -> LinePage:
    services = question.services
    async with borrow(services.pool) as connection:
        await catch_up(connection)
        now = await read_line(connection, services.plant, services.clock(), services.machines())
    return LinePage(sections_of(services.plant), now)


LINE = Page(name="line", path="/line", permission=Permission.PLANT_READ, load=_load)
