"""The page of the plant: its files as a map of operations, stations, materials, limits, recipes and codes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from cellwright.database.pool import borrow
from cellwright.model.equipment import Tool
from cellwright.model.ids import DesignPart, UnitKind, read_design
from cellwright.model.materials import CarrierType, MaterialUse
from cellwright.model.plant import Plant
from cellwright.model.quantities import Measure
from cellwright.model.routes import Members, NotGood, Operation, OperationKind, QueueTime
from cellwright.views.wip import ROUTES
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.question import Question
from cellwright.web.tables import Table, table_of


class Intake(Struct, frozen=True, kw_only=True):
    """What an operation takes at a position; quantity and tolerances in the material's measure."""

    position: str
    material: str
    name: str
    measure: Measure
    quantity: int
    tolerance: int
    counter_tolerance: int
    optional: bool
    exposure_max_s: int | None


class OperationCard(Struct, frozen=True, kw_only=True):
    """An operation on the map; `route` "" = it makes lots and is on no route.

    `lane` and `rank` say where operations that make lots stand: side by side what has no material in common, one
    behind the other what feeds the next.
    """

    code: str
    name: str
    kind: OperationKind
    route: str
    lane: int
    rank: int
    intakes: tuple[Intake, ...]
    output: str
    """Material of the lots it makes, or product of the units that are born here; "" = it works on units."""
    output_count_max: int
    members: Members | None
    stations: tuple[str, ...]
    queue_times: tuple[QueueTime, ...]
    not_good: NotGood | None
    grades: tuple[str, ...]
    qualification: str
    calibrated: bool
    recipe: str
    characteristics_count: int


class StationCard(Struct, frozen=True, kw_only=True):
    """A station."""

    code: str
    name: str
    area: str
    work_center: str
    operations: tuple[str, ...]
    capacity_count: int
    carrier: str
    tools: tuple[Tool, ...]


class LimitCard(Struct, frozen=True, kw_only=True):
    """A characteristic and its limits in `unit`; None = no limit."""

    operation: str
    characteristic: str
    unit: str
    lower: float | None
    target: float | None
    upper: float | None
    is_required: bool


class RecipeCard(Struct, frozen=True, kw_only=True):
    """The recipe of an operation; the names of its parameters carry their units."""

    operation: str
    recipe: str
    revision: int
    is_released: bool
    digest: str
    """SHA-256 that a station has to read back."""
    parameters: Mapping[str, float]


class MaterialCard(Struct, frozen=True, kw_only=True):
    """A material: which operations make it and which take it."""

    material: str
    name: str
    measure: Measure
    is_purchased: bool
    shelf_life_s: int | None
    made_by: tuple[str, ...]
    used_by: tuple[str, ...]


class ProductCard(Struct, frozen=True, kw_only=True):
    """A product; `revision` is that of its route in the journal, None = not released yet."""

    product: str
    name: str
    kind: UnitKind
    route: str
    revision: int | None
    design_part: str
    design: DesignPart


class PlantData(Struct, frozen=True, kw_only=True):
    """All that the page of the plant shows."""

    code: str
    name: str
    line: int
    time_skew_max_s: int
    operations: tuple[OperationCard, ...]
    stations: tuple[StationCard, ...]
    limits: tuple[LimitCard, ...]
    recipes: tuple[RecipeCard, ...]
    materials: tuple[MaterialCard, ...]
    products: tuple[ProductCard, ...]
    carriers: tuple[CarrierType, ...]


async def _load(question: Question) -> PlantData:
    plant = question.services.plant
    async with borrow(question.services.pool) as connection:
        revisions = {route.code: route.revision for route in await ROUTES.load_page(connection, "ORDER BY id")}
    return PlantData(
        code=plant.code,
        name=plant.name,
        line=plant.line,
        time_skew_max_s=plant.time_skew_max_s,
        operations=tuple(_operations(plant)),
        stations=tuple(_stations(plant)),
        limits=tuple(_limits(plant)),
        recipes=tuple(_recipes(plant)),
        materials=tuple(_materials(plant)),
        products=tuple(_products(plant, revisions)),
        carriers=tuple(plant.carriers.values()),
    )


def _all(plant: Plant) -> list[tuple[str, Operation]]:
    """Return every operation with the code of its route, those that make lots first."""
    routed = ((route.code, each) for route in plant.routes.values() for each in route.operations)
    return [*(("", each) for each in plant.lot_operations.values()), *routed]


def _operations(plant: Plant) -> Iterator[OperationCard]:
    places = _places(list(plant.lot_operations.values()))
    for route, operation in _all(plant):
        lane, rank = places.get(operation.code, (0, 0))
        recipe = plant.recipes.get(operation.code)
        yield OperationCard(
            code=operation.code,
            name=operation.name,
            kind=operation.kind,
            route=route,
            lane=lane,
            rank=rank,
            intakes=tuple(_intake(plant, use) for use in operation.materials),
            output=_output(plant, route, operation),
            output_count_max=operation.output_count_max,
            members=operation.members,
            stations=tuple(each.code for each in plant.stations.values() if operation.code in each.operations),
            queue_times=operation.queue_times,
            not_good=None if operation.kind is OperationKind.LOT else operation.not_good,
            grades=tuple(each.code for each in operation.grades),
            qualification=operation.qualification,
            calibrated=operation.calibrated,
            recipe=recipe.code if recipe else "",
            characteristics_count=len(operation.characteristics),
        )


def _intake(plant: Plant, use: MaterialUse) -> Intake:
    material = plant.materials[use.material]
    return Intake(
        position=use.position,
        material=use.material,
        name=material.name,
        measure=material.measure,
        quantity=use.quantity,
        tolerance=use.tolerance,
        counter_tolerance=use.counter_tolerance,
        optional=use.optional,
        exposure_max_s=use.exposure_max_s,
    )


def _output(plant: Plant, route: str, operation: Operation) -> str:
    is_birth = operation.kind is OperationKind.COMMISSION
    return plant.routes[route].product if is_birth else operation.output_material


def _places(operations: Sequence[Operation]) -> dict[str, tuple[int, int]]:
    """Return lane and rank of operations that make lots; what may be left out does not count."""
    makers = {each.output_material: each for each in operations}
    places: dict[str, tuple[int, int]] = {}

    def place(operation: Operation, below: frozenset[str]) -> tuple[int, int]:
        if operation.code not in places:
            below |= {operation.code}
            needed = [
                makers[use.material] for use in operation.materials if use.material in makers and not use.optional
            ]
            before = [place(each, below) for each in needed if each.code not in below]
            lane = before[0][0] if before else len({lane for lane, _ in places.values()})
            places[operation.code] = (lane, 1 + max((rank for _, rank in before), default=-1))
        return places[operation.code]

    for operation in operations:
        place(operation, frozenset())
    return places


def _stations(plant: Plant) -> Iterator[StationCard]:
    for each in plant.stations.values():
        yield StationCard(
            code=each.code,
            name=each.name,
            area=plant.work_centers[each.work_center].area,
            work_center=each.work_center,
            operations=each.operations,
            capacity_count=each.capacity_count,
            carrier=each.carrier,
            tools=each.tools,
        )


def _limits(plant: Plant) -> Iterator[LimitCard]:
    for _, operation in _all(plant):
        for each in operation.characteristics:
            yield LimitCard(
                operation=operation.code,
                characteristic=each.code,
                unit=each.unit,
                lower=each.lower,
                target=each.target,
                upper=each.upper,
                is_required=each.required,
            )


def _recipes(plant: Plant) -> Iterator[RecipeCard]:
    for operation, each in plant.recipes.items():
        yield RecipeCard(
            operation=operation,
            recipe=each.code,
            revision=each.revision,
            is_released=each.released,
            digest=each.digest,
            parameters=each.parameters,
        )


def _materials(plant: Plant) -> Iterator[MaterialCard]:
    operations = [operation for _, operation in _all(plant)]
    for each in plant.materials.values():
        takers = (op.code for op in operations if any(use.material == each.code for use in op.materials))
        yield MaterialCard(
            material=each.code,
            name=each.name,
            measure=each.measure,
            is_purchased=each.purchased,
            shelf_life_s=each.shelf_life_s,
            made_by=tuple(op.code for op in operations if op.output_material == each.code),
            used_by=tuple(takers),
        )


def _products(plant: Plant, revisions: Mapping[str, int]) -> Iterator[ProductCard]:
    for each in plant.products.values():
        yield ProductCard(
            product=each.code,
            name=each.name,
            kind=each.kind,
            route=each.route,
            revision=revisions.get(each.route),
            design_part=each.design_part,
            design=read_design(each.design_part),
        )


def _tables(data: PlantData) -> list[Table]:
    lists: dict[str, tuple[type[Any], Sequence[Any]]] = {
        "operations": (OperationCard, data.operations),
        "stations": (StationCard, data.stations),
        "limits": (LimitCard, data.limits),
        "recipes": (RecipeCard, data.recipes),
        "materials": (MaterialCard, data.materials),
        "products": (ProductCard, data.products),
        "carriers": (CarrierType, data.carriers),
    }
    return [table_of(name, kind, rows) for name, (kind, rows) in lists.items()]


PLANT = Page(name="plant", path="/plant", permission=Permission.PLANT_READ, load=_load, tables=_tables)
