"""A line at work: its stations in the order of their routes, what waits between, jobs, calls, orders."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from cellwright.database.pool import Connection, borrow
from cellwright.model.equipment import Station
from cellwright.model.plant import Plant
from cellwright.model.routes import Operation
from cellwright.plant.stations import MachineSign
from cellwright.views.buffers import Buffer, read_buffers
from cellwright.views.line_work import OpenCall, OpenJob, read_calls, read_jobs
from cellwright.views.orders import WorkOrder, read_orders
from cellwright.views.overview import FirstPass, read_first_pass
from cellwright.views.people import catch_up
from cellwright.views.stations import LastUnit, read_stations
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.pages.tiles import Tile, tiles_of
from cellwright.web.problems import NotFoundError
from cellwright.web.question import Question

_ORDERS = 500


class WorkStation(Struct, frozen=True):
    """A station of the line: its tile, and what it reported last (None = nothing yet)."""

    station: str
    tile: Tile
    last: LastUnit | None


class LineWorkNow(Struct, frozen=True, kw_only=True):
    """The line at a moment: topic `lines/<code>`."""

    stations: tuple[WorkStation, ...]
    jobs: tuple[OpenJob, ...]
    """Open ones, the oldest first."""
    calls: tuple[OpenCall, ...]
    """Open ones, the oldest first."""
    buffers: tuple[Buffer, ...]
    """Before its operations, and finished units that it takes as members (operation "")."""
    first_pass: tuple[FirstPass, ...]
    orders: tuple[WorkOrder, ...]
    """Open ones of what is made here, the first due first."""


class Waiting(Struct, frozen=True):
    """What waits before a step: units of a product for an operation, "" = finished ones, to become members."""

    product: str
    product_name: str
    operation: str


class WorkStep(Struct, frozen=True):
    """An operation in the order of the route, the stations that do it, and what waits before it."""

    operation: str
    name: str
    product: str
    stations: tuple[str, ...]
    waiting: tuple[Waiting, ...]


class LineWorkPage(Struct, frozen=True, kw_only=True):
    """What the page shows: the layout, which stays, and the line now, which moves."""

    code: str
    name: str
    """Of the work centre; "" = an area, which the catalogue names."""
    steps: tuple[WorkStep, ...]
    products: Mapping[str, str]
    """Names of what is made here."""
    now: LineWorkNow


def stations_of(plant: Plant, code: str) -> tuple[Station, ...]:
    """Return the stations of an area, or of a work centre where no area has the code; none when neither has."""
    is_area = is_area_of(plant, code)
    return tuple(
        each
        for each in plant.stations.values()
        if code == (plant.work_centers[each.work_center].area if is_area else each.work_center)
    )


def is_area_of(plant: Plant, code: str) -> bool:
    """Return whether a code names an area of the plant."""
    return any(each.area == code for each in plant.work_centers.values())


def steps_of(plant: Plant, stations: Sequence[Station]) -> tuple[WorkStep, ...]:
    """Return what stations do in the order of the routes; a station with several operations stands at its first."""
    placed: set[str] = set()
    steps = []
    for product, operation in _operations(plant):
        doing = [each.code for each in stations if operation.code in each.operations]
        fresh = tuple(code for code in doing if code not in placed)
        placed.update(fresh)
        if doing:
            waiting = _waiting(plant, product, operation)
            steps.append(WorkStep(operation.code, operation.name, product, fresh, waiting))
    rest = (each.code for each in stations if each.code not in placed)
    return (*steps, *(WorkStep("", "", "", (code,), ()) for code in rest))


def _operations(plant: Plant) -> Iterator[tuple[str, Operation]]:
    yield from (("", each) for each in plant.lot_operations.values())
    yield from ((draft.product, each) for draft in plant.routes.values() for each in draft.operations)


def _waiting(plant: Plant, product: str, operation: Operation) -> tuple[Waiting, ...]:
    if operation.members:
        taken = operation.members.product
        return (Waiting(taken, _product_name(plant, taken), ""),)
    is_first = not product or plant.routes[plant.products[product].route].operations[0].code == operation.code
    return () if is_first else (Waiting(product, _product_name(plant, product), operation.code),)


def _product_name(plant: Plant, product: str) -> str:
    known = plant.products.get(product)
    return known.name if known else product


async def read_line_work(
    connection: Connection, plant: Plant, code: str, *, now_us: int, signs: Mapping[str, MachineSign]
) -> LineWorkNow:
    """Return a line of the plant at a plant time (UTC us), as far as people's views have come."""
    stations = stations_of(plant, code)
    codes = [each.code for each in stations]
    steps = steps_of(plant, stations)
    views = await read_stations(connection, codes)
    buffers = await read_buffers(connection, now_us)
    tiles = {each.station: each for each in tiles_of(plant, views, buffers, signs)}
    last = {each.station: each.last_units[0] for each in views if each.last_units}
    waited = {(each.product, each.operation) for step in steps for each in step.waiting}
    done = {step.operation for step in steps}
    products = {step.product for step in steps}
    orders = await read_orders(connection, now_us, is_open=True, limit=_ORDERS)
    return LineWorkNow(
        stations=tuple(WorkStation(each, tiles[each], last.get(each)) for each in codes),
        jobs=await read_jobs(connection, codes),
        calls=await read_calls(connection, codes),
        buffers=tuple(each for each in buffers if (each.product, each.operation) in waited),
        first_pass=tuple(each for each in await read_first_pass(connection) if each.operation in done),
        orders=tuple(sorted((each for each in orders.orders if each.product in products), key=_urgency)),
    )


def _urgency(order: WorkOrder) -> tuple[bool, int, int]:
    return order.due_us is None, order.due_us or 0, order.released_us


async def _load(question: Question) -> LineWorkPage:
    services, code = question.services, question.code
    plant = services.plant
    stations = stations_of(plant, code)
    if not stations:
        known = dict.fromkeys((*(each.area for each in plant.work_centers.values()), *plant.work_centers))
        raise NotFoundError(f"plant {plant.code} has no line {code!r}; its areas and work centres: {', '.join(known)}")
    async with borrow(services.pool) as connection:
        await catch_up(connection)
        now = await read_line_work(connection, plant, code, now_us=services.clock(), signs=services.machines())
    steps = steps_of(plant, stations)
    center = plant.work_centers.get(code)
    return LineWorkPage(
        code=code,
        name=center.name if center and not is_area_of(plant, code) else "",
        steps=steps,
        products={step.product: _product_name(plant, step.product) for step in steps if step.product},
        now=now,
    )


LINE_WORK = Page(name="line_work", path="/lines/", permission=Permission.PLANT_READ, load=_load)
