"""What the tables of a plant must agree on: unique codes, references, limits. Routes are in config_routes."""

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from cellwright.model.ids import DESIGN_LENGTH, UnitKind, split_code
from cellwright.model.routes import OperationKind
from cellwright.plant.config.entries import (
    CarrierEntry,
    CharacteristicEntry,
    Entry,
    GradeEntry,
    GradeLimitEntry,
    MaterialEntry,
    OperationEntry,
    ProductEntry,
    RecipeEntry,
    RouteEntry,
    StationEntry,
    WorkCenterEntry,
)
from cellwright.plant.config.read import Place, Problems, Tables
from cellwright.plant.config.routes import check_routes, operations_by_code
from cellwright.plant.config.units import has_unit
from cellwright.plant.config.words import choices

_KIND_LETTERS = {UnitKind.CELL: "C", UnitKind.MODULE: "M", UnitKind.PACK: "P"}
_UNIQUE_CODES: tuple[type[Entry], ...] = (
    WorkCenterEntry,
    StationEntry,
    MaterialEntry,
    ProductEntry,
    CarrierEntry,
    RouteEntry,
    OperationEntry,
)


class Reference(Struct, frozen=True):
    """A code that must be defined elsewhere: where it stands, and what it must name."""

    place: Place
    code: str
    kind: type[Entry]
    noun: str


def check_tables(tables: Tables, problems: Problems) -> None:
    """Check references and limits of all tables; every mistake goes into `problems`."""
    for check in CHECKS:
        check(tables, problems)


# --- codes and references -----------------------------------------------------------------------


def _check_codes(tables: Tables, problems: Problems) -> None:
    for kind in _UNIQUE_CODES:
        rows = [row for row in tables.rows.get(kind, []) if row.code]
        _check_repeats(((row.place.at("code"), row.code) for row in rows), problems)


def _check_repeats(named: Iterable[tuple[Place, str]], problems: Problems) -> None:
    first: dict[str, Place] = {}
    for place, name in named:
        if name in first:
            problems.add(place, f'found "{name}" again', f"the first is at {first[name]}; each stands once")
        first.setdefault(name, place)


def _check_pairs(tables: Tables, problems: Problems) -> None:
    characteristics = tables.entries(CharacteristicEntry)
    _check_repeats(((at.at("code"), f"{each.operation}: {each.code}") for at, each in characteristics), problems)
    _check_repeats(
        ((at.at("code"), f"{each.operation}: {each.code}") for at, each in tables.entries(GradeEntry)), problems
    )
    recipes = tables.entries(RecipeEntry)
    _check_repeats(
        ((at.at("revision"), f"{each.operation} revision {each.revision}") for at, each in recipes), problems
    )
    carriers = tables.entries(CarrierEntry)
    _check_repeats(((at.at("prefix"), each.prefix) for at, each in carriers), problems)
    products = tables.entries(ProductEntry)
    _check_repeats(((at.at("design_part"), each.design_part) for at, each in products), problems)


def _references(tables: Tables) -> Iterator[Reference]:
    for place, station in tables.entries(StationEntry):
        yield Reference(
            place.at("work_center"), station.work_center, WorkCenterEntry, "a work centre of equipment.toml"
        )
        if station.carrier:
            yield Reference(place.at("carrier"), station.carrier, CarrierEntry, "a carrier type of carriers.toml")
        yield from _operation_references(place, station.operations)
    for place, route in tables.entries(RouteEntry):
        yield Reference(place.at("product"), route.product, ProductEntry, "a product of materials.toml")
        yield from _operation_references(place, route.operations)
    for place, operation in tables.entries(OperationEntry):
        yield from _references_of_operation(place, operation)
    for place, each in _entries_of_operations(tables):
        yield Reference(place.at("operation"), each.operation, OperationEntry, "an operation of routes.toml")


def _entries_of_operations(tables: Tables) -> Iterator[tuple[Place, CharacteristicEntry | GradeEntry | RecipeEntry]]:
    yield from tables.entries(CharacteristicEntry)
    yield from tables.entries(GradeEntry)
    yield from tables.entries(RecipeEntry)


def _operation_references(place: Place, codes: tuple[str, ...]) -> Iterator[Reference]:
    for index, code in enumerate(codes):
        spot = place.at("operations").item(index)
        yield Reference(spot, code, OperationEntry, "an operation of routes.toml")


def _references_of_operation(place: Place, operation: OperationEntry) -> Iterator[Reference]:
    noun = "a material of materials.toml"
    for index, use in enumerate(operation.materials):
        spot = place.at("materials").item(index).at("material")
        yield Reference(spot, use.material, MaterialEntry, noun)
    if operation.output_material:
        yield Reference(place.at("output_material"), operation.output_material, MaterialEntry, noun)
    if operation.members is not None:
        spot = place.at("members").at("product")
        yield Reference(spot, operation.members.product, ProductEntry, "a product of materials.toml")


def _check_references(tables: Tables, problems: Problems) -> None:
    for each in _references(tables):
        known = tables.codes(each.kind)
        if known is not None and each.code not in known:
            allowed = f"allowed: {each.noun}: {choices(each.code, known)}"
            problems.add(each.place, f'found "{each.code}"', allowed)
            tables.doubtful.add(each.kind)


# --- equipment ----------------------------------------------------------------------------------


def _check_stations(tables: Tables, problems: Problems) -> None:
    operations = operations_by_code(tables)
    for place, station in tables.entries(StationEntry):
        codes = [(place.at("operations").item(index), code) for index, code in enumerate(station.operations)]
        _check_repeats(codes, problems)
        tools = [(place.at("tools").item(index).at("code"), tool.code) for index, tool in enumerate(station.tools)]
        _check_repeats(tools, problems)
        taken: dict[str, tuple[str, str]] = {}
        for spot, code in codes:
            if code in operations:
                _check_positions(spot, operations[code], taken, problems)


def _check_positions(
    place: Place, operation: OperationEntry, taken: dict[str, tuple[str, str]], problems: Problems
) -> None:
    """`taken`: material and operation by position of the station, grown here."""
    for use in operation.materials:
        material, first = taken.setdefault(use.position, (use.material, operation.code))
        if material != use.material:
            found = f'position "{use.position}" takes {material} for {first}, but {use.material} for {operation.code}'
            problems.add(place, found, "a position of a station takes one material; name the second otherwise")


def _check_used_equipment(tables: Tables, problems: Problems) -> None:
    if not tables.is_complete(StationEntry):
        return  # an unread station may be the one
    stations = [station for _, station in tables.entries(StationEntry)]
    centers = {station.work_center for station in stations}
    for place, center in tables.entries(WorkCenterEntry):
        if center.code not in centers and WorkCenterEntry not in tables.doubtful:
            problems.warn(place, "no station belongs to it", "add its stations or remove it")
    performed = {code for station in stations for code in station.operations}
    for place, operation in tables.entries(OperationEntry):
        if operation.code not in performed and OperationEntry not in tables.doubtful:
            advice = "name it in a station's operations in equipment.toml"
            problems.add(place.at("code"), "no station performs it", advice)


# --- materials and products ---------------------------------------------------------------------


def _check_sources(tables: Tables, problems: Problems) -> None:
    if not tables.is_complete(OperationEntry) or MaterialEntry in tables.doubtful:
        return  # an unread operation, or a misspelt name, may be the one
    operations = [operation for _, operation in tables.entries(OperationEntry)]
    made = {operation.output_material for operation in operations}
    used = {use.material for operation in operations for use in operation.materials}
    for place, material in tables.entries(MaterialEntry):
        if material.code not in made and not material.purchased:
            found = "no operation makes it, and it is not purchased"
            problems.add(place, found, "set purchased = true, or name it as output_material of a lot operation")
        if material.code not in used:
            problems.warn(place, "no operation takes it", "use it in routes.toml or remove it")
        if material.shelf_life_s is not None and material.code not in made:
            advice = "a supplier's lot brings its own expiry when it is received"
            problems.warn(place.at("shelf_life_s"), "only lots made here expire by it", advice)


def _check_products(tables: Tables, problems: Problems) -> None:
    routed = {route.product for _, route in tables.entries(RouteEntry)}
    sure = tables.is_complete(RouteEntry) and ProductEntry not in tables.doubtful
    for place, product in tables.entries(ProductEntry):
        letter = _KIND_LETTERS[product.kind]
        part, spot = product.design_part, place.at("design_part")
        if len(part) != DESIGN_LENGTH:
            problems.add(spot, f'found "{part}" with {len(part)} characters', f"{DESIGN_LENGTH} characters are needed")
        elif split_code(f"{part}7110000001") is None:
            problems.add(spot, f'found "{part}"', "digits and capital letters are allowed (GB/T 34014-2017)")
        elif part[3] != letter:
            found = f'found "{part[3]}" as character 4 of "{part}"'
            problems.add(spot, found, f'"{letter}" stands for a {product.kind} (C cell, M module, P pack)')
        if sure and product.code not in routed:
            problems.add(place, "no route makes it", "add a route with this product in routes.toml")


# --- limits and recipes -------------------------------------------------------------------------


def _check_limits(tables: Tables, problems: Problems) -> None:
    for place, each in tables.entries(CharacteristicEntry):
        if _check_order(place, each.lower, each.upper, problems):
            _check_target(place.at("target"), each, problems)
        if not has_unit(each.code):
            problems.warn(place.at("code"), f'"{each.code}" does not end in a unit', "end it in its unit, as width_mm")


def _check_target(place: Place, each: CharacteristicEntry, problems: Problems) -> None:
    if each.target is None:
        return
    if each.lower is not None and each.target < each.lower:
        problems.add(place, f"found {each.target}", f"it must not be below lower = {each.lower}")
    if each.upper is not None and each.target > each.upper:
        problems.add(place, f"found {each.target}", f"it must not be above upper = {each.upper}")


def _check_order(place: Place, lower: float | None, upper: float | None, problems: Problems) -> bool:
    if lower is None or upper is None or lower <= upper:
        return True
    problems.add(place, f"found lower = {lower} above upper = {upper}", "swap them: lower is the smaller one")
    return False


def _check_grades(tables: Tables, problems: Problems) -> None:
    measured: dict[str, list[str]] = {}
    for _, each in tables.entries(CharacteristicEntry):
        measured.setdefault(each.operation, []).append(each.code)
    open_ended: set[str] = set()
    for place, grade in tables.entries(GradeEntry):
        if grade.operation in open_ended:
            problems.warn(
                place, "never given", "an earlier grade of this operation asks for nothing; put that one last"
            )
        if not grade.limits:
            open_ended.add(grade.operation)
        for index, limit in enumerate(grade.limits):
            spot = place.at("limits").item(index)
            _check_order(spot, limit.lower, limit.upper, problems)
            if tables.is_complete(CharacteristicEntry):
                _check_measured(spot, limit, measured.get(grade.operation, []), problems)


def _check_measured(place: Place, limit: GradeLimitEntry, measured: list[str], problems: Problems) -> None:
    if limit.characteristic not in measured:
        allowed = f"allowed: a characteristic of the same operation: {choices(limit.characteristic, measured)}"
        problems.add(place.at("characteristic"), f'found "{limit.characteristic}"', allowed)


def _check_recipes(tables: Tables, problems: Problems) -> None:
    newest: dict[str, tuple[Place, RecipeEntry]] = {}
    for place, recipe in tables.entries(RecipeEntry):
        _check_parameters(place.at("parameters"), recipe, problems)
        if recipe.operation not in newest or recipe.revision > newest[recipe.operation][1].revision:
            newest[recipe.operation] = (place, recipe)
    for place, recipe in newest.values():
        if not recipe.released:
            found = f"revision {recipe.revision} of {recipe.operation} is the newest and not released"
            problems.warn(place.at("released"), found, "the operation cannot start until it is")
    if tables.is_complete(RecipeEntry) and OperationEntry not in tables.doubtful:
        for place, operation in tables.entries(OperationEntry):
            if operation.code not in newest:
                problems.warn(place, "it has no recipe", "every check-in will be refused; add one to recipes.toml")


def _check_parameters(place: Place, recipe: RecipeEntry, problems: Problems) -> None:
    for name in recipe.parameters:
        if not has_unit(name):
            advice = "end it in its unit, as temperature_c or duration_s"
            problems.warn(place.at(name), "the name does not end in a unit", advice)


def _check_lot_limits(tables: Tables, problems: Problems) -> None:
    operations = operations_by_code(tables)
    for place, grade in tables.entries(GradeEntry):
        operation = operations.get(grade.operation)
        if operation is not None and operation.kind is OperationKind.LOT:
            problems.add(place.at("operation"), f"found the lot operation {operation.code}", "only units are graded")


CHECKS: tuple[Callable[[Tables, Problems], None], ...] = (
    _check_codes,
    _check_pairs,
    _check_references,
    _check_stations,
    _check_used_equipment,
    _check_sources,
    _check_products,
    check_routes,
    _check_limits,
    _check_grades,
    _check_lot_limits,
    _check_recipes,
)
"""The checks, in the order of the message. A new check is a function and a line here."""
