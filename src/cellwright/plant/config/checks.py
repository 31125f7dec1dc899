"""What the tables of a plant must agree on: unique codes, references, limits. Routes are in `routes`.

A check names the keys that it reads, so a mistake in one key of an entry hides nothing about the others.
"""

from collections.abc import Callable, Iterable

from cellwright.model.codes import BATTERY_TYPES
from cellwright.model.ids import DESIGN_LENGTH, UnitKind, split_code
from cellwright.model.routes import OperationKind
from cellwright.plant.config.corrections import check_corrections, gauge_names
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
from cellwright.plant.config.masses import check_masses
from cellwright.plant.config.matching import check_matching
from cellwright.plant.config.problems import Place, Problems
from cellwright.plant.config.references import check_references
from cellwright.plant.config.routes import check_routes, operations_by_code
from cellwright.plant.config.samples import check_samples
from cellwright.plant.config.self_discharge import check_self_discharge
from cellwright.plant.config.tables import Tables, is_known, items, leaves
from cellwright.plant.config.units import has_unit
from cellwright.plant.config.words import choices, plain, shown

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


def check_tables(tables: Tables, problems: Problems) -> None:
    """Check references and limits of all tables; every mistake goes into `problems`."""
    for check in CHECKS:
        check(tables, problems)


# --- codes and references -----------------------------------------------------------------------


def _check_codes(tables: Tables, problems: Problems) -> None:
    for kind in _UNIQUE_CODES:
        rows = [row for row in tables.rows.get(kind, []) if row.code]
        _check_repeats(((row.place.at("code"), row.code) for row in rows), problems)


def _check_repeats(named: Iterable[tuple[Place, object]], problems: Problems) -> None:
    first: dict[object, Place] = {}
    for place, name in named:
        if name in first:
            problems.add(place, f'found "{plain(str(name))}" again', f"the first is at {first[name]}; each stands once")
        first.setdefault(name, place)


def _check_pairs(tables: Tables, problems: Problems) -> None:
    characteristics = tables.entries(CharacteristicEntry, "operation", "code")
    _check_repeats(((at.at("code"), f"{each.operation}: {each.code}") for at, each in characteristics), problems)
    grades = tables.entries(GradeEntry, "operation", "code")
    _check_repeats(((at.at("code"), f"{each.operation}: {each.code}") for at, each in grades), problems)
    recipes = tables.entries(RecipeEntry, "operation", "revision")
    _check_repeats(
        ((at.at("revision"), f"{each.operation} revision {each.revision}") for at, each in recipes), problems
    )
    carriers = tables.entries(CarrierEntry, "prefix")
    _check_repeats(((at.at("prefix"), each.prefix) for at, each in carriers), problems)
    products = tables.entries(ProductEntry, "design_part")
    _check_repeats(((at.at("design_part"), each.design_part) for at, each in products), problems)


# --- equipment ----------------------------------------------------------------------------------


def _check_stations(tables: Tables, problems: Problems) -> None:
    uses = _material_uses(tables)
    for place, station in tables.entries(StationEntry):
        codes = list(items(place.at("operations"), station.operations))
        _check_repeats(codes, problems)
        tools = items(place.at("tools"), station.tools, "code")
        _check_repeats(((spot.at("code"), tool.code) for spot, tool in tools), problems)
        taken: dict[str, tuple[str, str]] = {}
        for spot, code in codes:
            _check_positions(spot, code, uses=uses.get(code, {}), taken=taken, problems=problems)


def _material_uses(tables: Tables) -> dict[str, dict[str, str]]:
    """Return material by position by operation; names of no material are left out."""
    known = tables.codes(MaterialEntry) or []
    return {
        code: {
            use.position: use.material
            for _, use in items(Place(""), operation.materials, "position", "material")
            if use.material in known
        }
        for code, operation in operations_by_code(tables).items()
    }


def _check_positions(
    place: Place, operation: str, *, uses: dict[str, str], taken: dict[str, tuple[str, str]], problems: Problems
) -> None:
    """`taken`: material and operation by position of the station, grown here."""
    for position, wanted in uses.items():
        material, first = taken.setdefault(position, (wanted, operation))
        if material != wanted:
            found = f'position "{position}" takes {material} for {first}, but {wanted} for {operation}'
            problems.add(place, found, "a position of a station takes one material; name the second otherwise")


def _check_used_equipment(tables: Tables, problems: Problems) -> None:
    if tables.is_complete(StationEntry, "work_center"):
        centers = {station.work_center for _, station in tables.entries(StationEntry)}
        for place, center in tables.entries(WorkCenterEntry, "code"):
            if center.code not in centers:
                problems.warn(place, "no station belongs to it", "add its stations or remove it")
    if tables.is_complete(StationEntry, "operations"):
        performed = {code for _, station in tables.entries(StationEntry) for code in station.operations}
        for place, operation in tables.entries(OperationEntry, "code"):
            if operation.code not in performed:
                advice = "name it in a station's operations in equipment.toml"
                problems.add(place.at("code"), "no station performs it", advice)


# --- materials and products ---------------------------------------------------------------------


def _check_sources(tables: Tables, problems: Problems) -> None:
    if not tables.is_complete(OperationEntry, "output_material"):
        return
    made = {operation.output_material for _, operation in tables.entries(OperationEntry)}
    for place, material in tables.entries(MaterialEntry, "code"):
        if material.code in made:
            continue
        if material.purchased is False:
            found = "no operation makes it, and it is not purchased"
            problems.add(place, found, "set purchased = true, or name it as output_material of a lot operation")
        if is_known(material, "shelf_life_s") and material.shelf_life_s is not None:
            advice = "a supplier's lot brings its own expiry when it is received"
            problems.warn(place.at("shelf_life_s"), "only lots made here expire by it", advice)


def _check_used_materials(tables: Tables, problems: Problems) -> None:
    if not tables.is_complete(OperationEntry, "materials.material"):
        return
    operations = tables.entries(OperationEntry)
    used = {code for place, operation in operations for _, code in leaves(place, operation, "materials.material")}
    for place, material in tables.entries(MaterialEntry, "code"):
        if material.code not in used:
            problems.warn(place, "no operation takes it", "use it in routes.toml or remove it")


def _check_products(tables: Tables, problems: Problems) -> None:
    for place, product in tables.entries(ProductEntry, "design_part"):
        _check_design_part(place.at("design_part"), product, problems)
    if tables.is_complete(RouteEntry, "product"):
        routed = {route.product for _, route in tables.entries(RouteEntry)}
        for place, product in tables.entries(ProductEntry, "code"):
            if product.code not in routed:
                problems.add(place, "no route makes it", "add a route with this product in routes.toml")


def _check_design_part(place: Place, product: ProductEntry, problems: Problems) -> None:
    part, found = product.design_part, f"found {shown(product.design_part)}"
    if len(part) != DESIGN_LENGTH:
        problems.add(place, f"{found} with {len(part)} characters", f"{DESIGN_LENGTH} characters are needed")
    elif split_code(f"{part}7110000001") is None:
        problems.add(place, found, "digits and capital letters are allowed (GB/T 34014-2017)")
    elif is_known(product, "kind") and part[3] != _KIND_LETTERS[product.kind]:
        meant = f'"{_KIND_LETTERS[product.kind]}" stands for a {product.kind} (C cell, M module, P pack)'
        problems.add(place, f'found "{part[3]}" as character 4 of "{part}"', meant)
    elif part[4] not in BATTERY_TYPES:
        meant = "the battery type is A to G or Z: B LFP, E ternary, Z what has no letter of its own"
        problems.add(place, f'found "{part[4]}" as character 5 of "{part}"', meant)


# --- limits and recipes -------------------------------------------------------------------------


def _check_limits(tables: Tables, problems: Problems) -> None:
    gauges = gauge_names(tables)
    for place, each in tables.entries(CharacteristicEntry):
        if _check_order(place, each, problems):
            _check_target(place.at("target"), each, problems)
        if is_known(each, "code") and not has_unit(each.code) and each.code not in gauges:
            problems.warn(place.at("code"), f'"{each.code}" does not end in a unit', "end it in its unit, as width_mm")


def _check_target(place: Place, each: CharacteristicEntry, problems: Problems) -> None:
    if not isinstance(each.target, float):
        return
    if isinstance(each.lower, float) and each.target < each.lower:
        problems.add(place, f"found {each.target}", f"it must not be below lower = {each.lower}")
    if isinstance(each.upper, float) and each.target > each.upper:
        problems.add(place, f"found {each.target}", f"it must not be above upper = {each.upper}")


def _check_order(place: Place, each: CharacteristicEntry | GradeLimitEntry, problems: Problems) -> bool:
    lower, upper = each.lower, each.upper
    if not isinstance(lower, float) or not isinstance(upper, float) or lower <= upper:
        return True
    problems.add(place, f"found lower = {lower} above upper = {upper}", "swap them: lower is the smaller one")
    return False


def _check_grades(tables: Tables, problems: Problems) -> None:
    open_ended: set[str] = set()
    for place, grade in tables.entries(GradeEntry, "operation"):
        if grade.operation in open_ended:
            advice = "an earlier grade of this operation asks for nothing; put that one last"
            problems.warn(place, "never given", advice)
        if grade.limits == ():
            open_ended.add(grade.operation)
    for place, grade in tables.entries(GradeEntry):
        for spot, limit in items(place.at("limits"), grade.limits):
            _check_order(spot, limit, problems)


def _check_measured(tables: Tables, problems: Problems) -> None:
    if not tables.is_complete(CharacteristicEntry, "operation", "code"):
        return
    measured: dict[str, list[str]] = {}
    for _, each in tables.entries(CharacteristicEntry):
        measured.setdefault(each.operation, []).append(each.code)
    operations = tables.codes(OperationEntry) or []
    for place, grade in tables.entries(GradeEntry, "operation"):
        known = measured.get(grade.operation, [])
        for spot, limit in items(place.at("limits"), grade.limits, "characteristic"):
            if grade.operation in operations and limit.characteristic not in known:
                allowed = f"allowed: a characteristic of the same operation: {choices(limit.characteristic, known)}"
                problems.add(spot.at("characteristic"), f'found "{limit.characteristic}"', allowed)


def _check_recipes(tables: Tables, problems: Problems) -> None:
    for place, recipe in tables.entries(RecipeEntry, "parameters"):
        _check_parameters(place.at("parameters"), recipe, problems)
    newest: dict[str, tuple[Place, RecipeEntry]] = {}
    for place, recipe in tables.entries(RecipeEntry, "operation", "revision"):
        if recipe.operation not in newest or recipe.revision > newest[recipe.operation][1].revision:
            newest[recipe.operation] = (place, recipe)
    if tables.is_complete(RecipeEntry, "operation", "revision"):
        _check_released(newest.values(), problems)
    if tables.is_complete(RecipeEntry, "operation"):
        with_recipe = {recipe.operation for _, recipe in tables.entries(RecipeEntry)}
        for place, operation in tables.entries(OperationEntry, "code"):
            if operation.code not in with_recipe:
                problems.warn(place, "it has no recipe", "every check-in will be refused; add one to recipes.toml")


def _check_released(newest: Iterable[tuple[Place, RecipeEntry]], problems: Problems) -> None:
    for place, recipe in newest:
        if recipe.released is False:
            found = f"revision {recipe.revision} of {recipe.operation} is the newest and not released"
            problems.warn(place.at("released"), found, "the operation cannot start until it is")


def _check_parameters(place: Place, recipe: RecipeEntry, problems: Problems) -> None:
    for name in recipe.parameters:
        if not has_unit(name):
            advice = "end it in its unit, as temperature_c or duration_s"
            problems.warn(place.at(name), "the name does not end in a unit", advice)


def _check_lot_limits(tables: Tables, problems: Problems) -> None:
    operations = operations_by_code(tables)
    for place, grade in tables.entries(GradeEntry, "operation"):
        operation = operations.get(grade.operation)
        if operation is not None and operation.kind is OperationKind.LOT:
            problems.add(place.at("operation"), f"found the lot operation {operation.code}", "only units are graded")


CHECKS: tuple[Callable[[Tables, Problems], None], ...] = (
    _check_codes,
    _check_pairs,
    check_references,
    _check_stations,
    _check_used_equipment,
    _check_sources,
    _check_used_materials,
    _check_products,
    check_routes,
    _check_limits,
    _check_grades,
    _check_measured,
    check_corrections,
    check_masses,
    check_self_discharge,
    _check_lot_limits,
    _check_recipes,
    check_matching,
    check_samples,
)
"""The checks, in the order of the message. A new check is a function and a line here."""
