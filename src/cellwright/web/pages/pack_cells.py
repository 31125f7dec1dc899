"""The cells of a pack or module by place: how far each lies from the middle of its pack, and how the pack was tested."""

import re
import statistics
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.ids import UnitKind
from cellwright.model.plant import Plant
from cellwright.model.quantities import Characteristic
from cellwright.model.routes import Operation
from cellwright.views.finding import find_unit
from cellwright.views.history import unit_history
from cellwright.views.pack_cells import Placed, Values, read_placed, read_values
from cellwright.views.units import UnitCard, read_unit
from cellwright.views.wip import ROUTES
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.pages.measured import Measured, measured_in
from cellwright.web.pages.reading import reading
from cellwright.web.problems import NotFoundError
from cellwright.web.question import Question
from cellwright.web.tables import Table, table_of

_SHOWN: Final = ("ocv_v", "dcir_ohm", "capacity_ah", "k_mv_per_h")
"""Characteristics of cells in the order in which they are offered."""
_FIXED: Final = {"ocv_v": 0.010}
"""Where the scale ends, from the median on: at rest a healthy pack is flat within 10 mV."""
_ENDS_COUNT: Final = 6.0
"""Where any other scale ends, in robust sigma."""
_FAR_COUNT: Final = 4.0
"""From here on a cell stands out, in robust sigma: 2 of 100 healthy packs of 320 cells would have one by chance."""
_FAMILY_MIN: Final = 8
"""Fewer known values have no spread to speak of."""
_MAD_SIGMA: Final = 1.482602218505602
"""1 / 0.75 quantile of the normal distribution: the median absolute deviation becomes sigma."""
_EVENTS: Final = 300
_DESIGN = re.compile(r"(\d+)s(\d+)p")


class CellPlace(Struct, frozen=True, kw_only=True):
    """A cell and where it is; slots count from 0, groups in series and places in parallel from 1."""

    cell: str
    module: str
    module_slot: int | None
    """None = the module is looked at by itself."""
    slot: int
    series: int
    parallel: int


class ModuleCells(Struct, frozen=True, kw_only=True):
    """A module of the tree: its slot in the pack (None = it is looked at by itself) and how its cells are wired."""

    module: str
    slot: int | None
    cells_count: int
    series_count: int
    parallel_count: int


class ModuleMedian(Struct, frozen=True):
    """The median of a module's cells among `known_count` known values; None = none is known."""

    module: str
    median: float | None
    known_count: int


class CellValues(Struct, frozen=True, kw_only=True):
    """A characteristic of all cells, in the order of `cells`; None = unknown."""

    characteristic: str
    unit: str
    operation: str
    lower: float | None
    upper: float | None
    values: tuple[float | None, ...]
    known_count: int
    median: float | None
    sigma: float | None
    """1.4826 median |x - median|; None = fewer than 8 are known, or half of them are the same."""
    reach: float | None
    """Where the scale of colours ends, from the median on."""
    is_fixed: bool
    """Whether the scale is the same for every pack."""
    far: tuple[int, ...]
    """Indices of cells more than 4 sigma from the median."""
    modules: tuple[ModuleMedian, ...]


class PackCells(Struct, frozen=True, kw_only=True):
    """All that the page shows."""

    code: str
    kind: UnitKind
    modules: tuple[ModuleCells, ...]
    cells: tuple[CellPlace, ...]
    measured: tuple[CellValues, ...]
    tests: tuple[Measured, ...]
    """What the unit itself measured, the last attempt of each operation."""


async def _load(question: Question) -> PackCells:
    async with reading(question.services) as connection:
        number = await find_unit(connection, question.code)
        if number is None:
            raise NotFoundError(f"no unit has the code {question.code!r}; look for a part of it, or scan it again")
        unit = await read_unit(connection, number)
        if unit.kind is UnitKind.CELL:
            raise NotFoundError(f"{unit.code} is a cell, which has none; ask for the module or pack that it is in")
        return await _read(connection, question.services.plant, unit)


async def _read(connection: Connection, plant: Plant, unit: UnitCard) -> PackCells:
    members = await read_placed(connection, [unit.id])
    holders = members if unit.kind is UnitKind.PACK else [Placed(unit.id, unit.code, 0, 0)]
    cells = await read_placed(connection, [each.number for each in members]) if unit.kind is UnitKind.PACK else members
    product = unit.product if unit.kind is UnitKind.MODULE else await _product_of(connection, holders)
    modules = tuple(_module(each, cells, product) for each in holders)
    places = tuple(_places(holders, modules, cells))
    operations = _cell_operations(plant)
    values = await read_values(connection, [each.number for each in cells], [each.code for each in operations])
    return PackCells(
        code=unit.code,
        kind=unit.kind,
        modules=modules,
        cells=places,
        measured=tuple(_measured(operations, values, cells, modules=modules, places=places)),
        tests=await _tests(connection, unit),
    )


async def _product_of(connection: Connection, holders: Sequence[Placed]) -> str:
    return (await read_unit(connection, holders[0].number)).product if holders else ""


def _module(holder: Placed, cells: Sequence[Placed], product: str) -> ModuleCells:
    """Return a module: its product says how it is wired (4s20p); one that does not say is one group."""
    slots_count = max((cell.slot + 1 for cell in cells if cell.parent == holder.number), default=0)
    design = _DESIGN.search(product)
    series_count, parallel_count = (int(design[1]), int(design[2])) if design else (1, max(1, slots_count))
    count = sum(cell.parent == holder.number for cell in cells)
    return ModuleCells(
        module=holder.code,
        slot=holder.slot if holder.parent else None,
        cells_count=count,
        series_count=max(series_count, -(-slots_count // parallel_count)),
        parallel_count=parallel_count,
    )


def _places(holders: Sequence[Placed], modules: Sequence[ModuleCells], cells: Sequence[Placed]) -> Iterator[CellPlace]:
    """Yield the places of cells: slots fill one parallel group after another."""
    known = {holder.number: module for holder, module in zip(holders, modules, strict=True)}
    for cell in cells:
        module = known[cell.parent]
        series, parallel = divmod(cell.slot, module.parallel_count)
        yield CellPlace(
            cell=cell.code,
            module=module.module,
            module_slot=module.slot,
            slot=cell.slot,
            series=series + 1,
            parallel=parallel + 1,
        )


def _cell_operations(plant: Plant) -> list[Operation]:
    """Return the operations that measure cells, in the order of their routes."""
    cells = [each for each in plant.products.values() if each.kind is UnitKind.CELL]
    routes = (plant.routes[each.route] for each in cells)
    return [operation for route in routes for operation in route.operations if operation.characteristics]


def _measured(
    operations: Sequence[Operation],
    values: Values,
    cells: Sequence[Placed],
    *,
    modules: Sequence[ModuleCells],
    places: Sequence[CellPlace],
) -> Iterator[CellValues]:
    """Yield what was measured of cells: each characteristic at the last operation that knows it of any."""
    for code in _SHOWN:
        for operation, name in _told_by(operations, code):
            column = [values.get((operation.code, name), {}).get(cell.number) for cell in cells]
            if any(each is not None for each in column):
                limits = next((each for each in operation.characteristics if each.code == name), None)
                found = limits or Characteristic(code=name, unit="", required=False)
                yield _judged(found, operation.code, column, modules=modules, places=places)
                break


def _told_by(operations: Sequence[Operation], code: str) -> Iterator[tuple[Operation, str]]:
    """Yield by which operation, and as what, a characteristic may be told: first K as the plant works it out, then the last."""
    rules = ((each, each.self_discharge) for each in reversed(operations))
    yield from ((each, rule.corrected) for each, rule in rules if rule is not None and rule.characteristic == code)
    yield from ((each, code) for each in reversed(operations))


def _judged(
    found: Characteristic,
    operation: str,
    column: Sequence[float | None],
    *,
    modules: Sequence[ModuleCells],
    places: Sequence[CellPlace],
) -> CellValues:
    known = [each for each in column if each is not None]
    median = statistics.median(known)
    sigma = _MAD_SIGMA * statistics.median(abs(each - median) for each in known)
    usable = sigma if len(known) >= _FAMILY_MIN and sigma > 0 else None
    fixed = _FIXED.get(found.code)
    far = [
        index
        for index, each in enumerate(column)
        if each is not None and usable is not None and abs(each - median) > _FAR_COUNT * usable
    ]
    return CellValues(
        characteristic=found.code,
        unit=found.unit,
        operation=operation,
        lower=found.lower,
        upper=found.upper,
        values=tuple(column),
        known_count=len(known),
        median=median,
        sigma=usable,
        reach=fixed or (_ENDS_COUNT * usable if usable else max(abs(each - median) for each in known) or None),
        is_fixed=fixed is not None,
        far=tuple(far),
        modules=tuple(_median(each.module, column, places) for each in modules),
    )


def _median(module: str, column: Sequence[float | None], places: Sequence[CellPlace]) -> ModuleMedian:
    pairs = zip(column, places, strict=True)
    known = [value for value, place in pairs if value is not None and place.module == module]
    return ModuleMedian(module, statistics.median(known) if known else None, len(known))


async def _tests(connection: Connection, unit: UnitCard) -> tuple[Measured, ...]:
    """Return what was measured of a unit itself, the last attempt of each operation, in the order of its route."""
    (route,) = await ROUTES.load_page(connection, "WHERE id = $1", unit.route)
    history = await unit_history(connection, unit.id, limit=_EVENTS)
    rows = measured_in(history.events, route.operations)
    last: dict[str, int] = {}
    for row in rows:
        last[row.operation] = max(last.get(row.operation, 0), row.time_us)
    order = {each.code: index for index, each in enumerate(route.operations)}
    kept = [row for row in rows if row.time_us == last[row.operation]]
    return tuple(sorted(kept, key=lambda row: order.get(row.operation, len(order))))


class CellRow(Struct, frozen=True, kw_only=True):
    """A cell, its place, and one value of it, for files."""

    cell: str
    module: str
    module_slot: int | None
    slot: int
    series: int
    parallel: int
    characteristic: str
    unit: str
    operation: str
    value: float | None
    median: float | None


def _tables(data: PackCells) -> list[Table]:
    rows = [
        CellRow(
            cell=place.cell,
            module=place.module,
            module_slot=place.module_slot,
            slot=place.slot,
            series=place.series,
            parallel=place.parallel,
            characteristic=each.characteristic,
            unit=each.unit,
            operation=each.operation,
            value=value,
            median=each.median,
        )
        for each in data.measured
        for place, value in zip(data.cells, each.values, strict=True)
    ]
    return [table_of("cells", CellRow, rows), table_of("tests", Measured, data.tests)]


PACK_CELLS = Page(name="pack_cells", path="/pack-cells/", permission=Permission.PLANT_READ, load=_load, tables=_tables)
