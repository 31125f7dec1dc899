"""What routes and operations of a plant must agree on."""

from collections.abc import Iterator

from msgspec import Struct

from cellwright.model.ids import UnitKind
from cellwright.model.routes import NotGoodAction, OperationKind
from cellwright.plant.config.entries import (
    GradeEntry,
    MembersEntry,
    NotGoodEntry,
    OperationEntry,
    ProductEntry,
    RouteEntry,
)
from cellwright.plant.config.read import Place, Problems, Tables
from cellwright.plant.config.words import choices

_RANK = {UnitKind.CELL: 1, UnitKind.MODULE: 2, UnitKind.PACK: 3}


class Step(Struct, frozen=True):
    """An operation at its place on a route."""

    route: RouteEntry
    place: Place
    """Of the operation's table."""
    operation: OperationEntry
    index: int

    @property
    def before(self) -> tuple[str, ...]:
        """Codes of the operations before it."""
        return self.route.operations[: self.index]


def operations_by_code(tables: Tables) -> dict[str, OperationEntry]:
    """Return the operations that could be read; the first of a repeated code."""
    found: dict[str, OperationEntry] = {}
    for _, each in tables.entries(OperationEntry):
        found.setdefault(each.code, each)
    return found


def check_routes(tables: Tables, problems: Problems) -> None:
    """Check routes, then every operation alone, then every operation where it stands on a route."""
    for place, route in tables.entries(RouteEntry):
        _check_order(place, route, tables, problems)
    _check_one_route_each(tables, problems)
    for place, operation in tables.entries(OperationEntry):
        _check_operation(place, operation, problems)
    _check_on_a_route(tables, problems)
    for step in _steps(tables):
        _check_queue_times(step, problems)
        _check_not_good(step, operations_by_code(tables), problems)
        _check_members(step, tables, problems)


def _steps(tables: Tables) -> Iterator[Step]:
    found: dict[str, tuple[Place, OperationEntry]] = {}
    for place, operation in tables.entries(OperationEntry):
        found.setdefault(operation.code, (place, operation))
    for _, route in tables.entries(RouteEntry):
        if found.keys() >= set(route.operations):  # else a name in it is misspelt, and was found so already
            yield from (Step(route, *found[code], index) for index, code in enumerate(route.operations))


# --- the route ----------------------------------------------------------------------------------


def _check_order(place: Place, route: RouteEntry, tables: Tables, problems: Problems) -> None:
    operations = operations_by_code(tables)
    positions: dict[str, str] = {}
    for index, code in enumerate(route.operations):
        spot = place.at("operations").item(index)
        if code in route.operations[:index]:
            problems.add(spot, f'found "{code}" again', "an operation stands once on a route; rework goes back to it")
        elif code in operations:
            _check_kind(spot, operations[code], index, problems)
            _check_positions(spot, operations[code], positions, problems)


def _check_kind(place: Place, operation: OperationEntry, index: int, problems: Problems) -> None:
    wanted = OperationKind.COMMISSION if index == 0 else OperationKind.UNIT
    if operation.kind is wanted:
        return
    why = "the first operation gives birth to the unit" if index == 0 else "the unit is born at the first operation"
    problems.add(place, f'found "{operation.code}" of kind {operation.kind}', f"allowed: kind {wanted}: {why}")


def _check_positions(place: Place, operation: OperationEntry, positions: dict[str, str], problems: Problems) -> None:
    for use in operation.materials:
        first = positions.setdefault(use.position, operation.code)
        if first != operation.code:
            found = f'position "{use.position}" of {operation.code} is a position of {first} too'
            advice = "name positions differently along a route: a unit's intervals are kept by position"
            problems.add(place, found, advice)


def _check_one_route_each(tables: Tables, problems: Problems) -> None:
    products: dict[str, str] = {}
    births: dict[str, str] = {}
    for place, route in tables.entries(RouteEntry):
        first = products.setdefault(route.product, route.code)
        if first != route.code:
            problems.add(place.at("product"), f"route {first} makes {route.product} too", "a product has one route")
        first = births.setdefault(route.operations[0], route.code)
        if first != route.code:
            found = f"route {first} begins with {route.operations[0]} too"
            problems.add(place.at("operations").item(0), found, "each route begins with an operation of its own")


def _check_on_a_route(tables: Tables, problems: Problems) -> None:
    if not tables.is_complete(RouteEntry) or OperationEntry in tables.doubtful:
        return  # an unread route, or a misspelt name, may be the one
    routed = {code for _, route in tables.entries(RouteEntry) for code in route.operations}
    for place, operation in tables.entries(OperationEntry):
        if operation.kind is not OperationKind.LOT and operation.code not in routed:
            advice = "name it in a route's operations, or make it of kind lot"
            problems.add(place.at("code"), f"no route has this operation of kind {operation.kind}", advice)


# --- the operation alone ------------------------------------------------------------------------


def _check_operation(place: Place, operation: OperationEntry, problems: Problems) -> None:
    for key in _misplaced(operation):
        found = f"found {key} at an operation of kind {operation.kind}"
        problems.add(
            place.at(key), found, f"{key} is for kind {' or '.join(_KINDS_OF[key])}; remove it or change the kind"
        )
    if operation.kind is OperationKind.LOT and not operation.output_material:
        problems.add(place.at("output_material"), "missing", "a lot operation names the material that it makes")
    seen: set[str] = set()
    for index, use in enumerate(operation.materials):
        if use.position in seen:
            spot = place.at("materials").item(index).at("position")
            problems.add(spot, f'found "{use.position}" again', "each position of an operation has a name of its own")
        seen.add(use.position)


_KINDS_OF: dict[str, tuple[OperationKind, ...]] = {
    "queue_times": (OperationKind.UNIT,),
    "not_good": (OperationKind.COMMISSION, OperationKind.UNIT),
    "members": (OperationKind.COMMISSION,),
    "output_material": (OperationKind.LOT,),
    "output_count_max": (OperationKind.LOT,),
}


def _misplaced(operation: OperationEntry) -> list[str]:
    """Keys that say something, but not for this kind."""
    given = {
        "queue_times": bool(operation.queue_times),
        "not_good": operation.not_good != NotGoodEntry(),
        "members": operation.members is not None,
        "output_material": bool(operation.output_material),
        "output_count_max": operation.output_count_max != 1,
    }
    return [key for key, is_given in given.items() if is_given and operation.kind not in _KINDS_OF[key]]


# --- the operation on its route -----------------------------------------------------------------


def _check_queue_times(step: Step, problems: Problems) -> None:
    for index, window in enumerate(step.operation.queue_times):
        place = step.place.at("queue_times").item(index)
        if window.after not in step.before:
            allowed = f"allowed: an earlier operation of route {step.route.code}: {choices(window.after, step.before)}"
            problems.add(place.at("after"), f'found "{window.after}"', allowed)
        if window.max_s is not None and window.min_s > window.max_s:
            found = f"found min_s = {window.min_s} above max_s = {window.max_s}"
            problems.add(place, found, "swap them: min_s is the smaller one")


def _check_not_good(step: Step, operations: dict[str, OperationEntry], problems: Problems) -> None:
    rule, place = step.operation.not_good, step.place.at("not_good").at("operation")
    if rule.action is not NotGoodAction.REWORK:
        if rule.operation:
            problems.add(place, f'found "{rule.operation}" with action {rule.action}', 'only "rework" goes back')
        return
    # A unit is born once: it cannot go back to the operation that gives birth.
    targets = [code for code in (*step.before, step.operation.code) if _may_repeat(operations.get(code))]
    if rule.operation not in targets:
        allowed = f"allowed: this operation or one before it on route {step.route.code}, not the first: "
        problems.add(place, f'found "{rule.operation}"', allowed + choices(rule.operation, targets))


def _may_repeat(operation: OperationEntry | None) -> bool:
    return operation is None or operation.kind is OperationKind.UNIT


def _check_members(step: Step, tables: Tables, problems: Problems) -> None:
    members = step.operation.members
    if members is None:
        return
    kinds = {product.code: product.kind for _, product in tables.entries(ProductEntry)}
    parent, member = kinds.get(step.route.product), kinds.get(members.product)
    place = step.place.at("members")
    if parent is not None and member is not None and _RANK[member] >= _RANK[parent]:
        found = f'found "{members.product}", a {member}, as member of a {parent}'
        problems.add(place.at("product"), found, "packs are made of modules or cells, modules of cells")
    _check_grade(place, members, tables, problems)


def _check_grade(place: Place, members: MembersEntry, tables: Tables, problems: Problems) -> None:
    sure = tables.is_complete(GradeEntry) and tables.is_complete(RouteEntry) and ProductEntry not in tables.doubtful
    if not members.grade or not sure:
        return
    passed = {
        code for _, route in tables.entries(RouteEntry) if route.product == members.product for code in route.operations
    }
    given = [grade.code for _, grade in tables.entries(GradeEntry) if grade.operation in passed]
    if members.grade not in given:
        allowed = f"allowed: a grade that {members.product} gets on its route: {choices(members.grade, given)}"
        problems.add(place.at("grade"), f'found "{members.grade}"', allowed)
