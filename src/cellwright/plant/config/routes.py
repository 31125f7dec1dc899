"""What routes and operations of a plant must agree on."""

from collections.abc import Iterator

from msgspec import UNSET, Struct

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
from cellwright.plant.config.problems import Place, Problems
from cellwright.plant.config.tables import Tables, is_known, is_read, items
from cellwright.plant.config.words import choices, shown

_RANK = {UnitKind.CELL: 1, UnitKind.MODULE: 2, UnitKind.PACK: 3}


class Step(Struct, frozen=True):
    """An operation at its place on a route."""

    route: RouteEntry
    place: Place
    """Of the operation's table."""
    operation: OperationEntry
    index: int
    operations: dict[str, OperationEntry]
    """All that could be read."""

    @property
    def before(self) -> tuple[str, ...]:
        """Codes of the operations before it."""
        return self.route.operations[: self.index]

    def may_stand(self, code: str) -> bool:
        """Tell whether an operation that the route does not name may be meant by a name of it that nothing has."""
        named = self.route.operations
        return code in self.operations and code not in named and not self.operations.keys() >= set(named)


def operations_by_code(tables: Tables) -> dict[str, OperationEntry]:
    """Return the operations whose code could be read; the first of a repeated code."""
    return {code: each for code, (_, each) in _placed_operations(tables).items()}


def _placed_operations(tables: Tables) -> dict[str, tuple[Place, OperationEntry]]:
    found: dict[str, tuple[Place, OperationEntry]] = {}
    for place, each in tables.entries(OperationEntry, "code"):
        found.setdefault(each.code, (place, each))
    return found


def check_routes(tables: Tables, problems: Problems) -> None:
    """Check routes, then every operation alone, then every operation where it stands on a route."""
    for place, route in tables.entries(RouteEntry, "operations"):
        _check_order(place.at("operations"), route, operations_by_code(tables), problems)
    _check_one_route_each(tables, problems)
    for place, operation in tables.entries(OperationEntry):
        _check_operation(place, operation, problems)
        _check_windows(place, operation, problems)
        _check_rule(place, operation.not_good, problems)
    _check_on_a_route(tables, problems)
    for step in _steps(tables):
        _check_queue_times(step, problems)
        _check_rework(step, problems)
        _check_members(step, tables, problems)


def _steps(tables: Tables) -> Iterator[Step]:
    found, operations = _placed_operations(tables), operations_by_code(tables)
    for _, route in tables.entries(RouteEntry, "operations"):
        for index, code in enumerate(route.operations):
            if code in found and code not in route.operations[:index]:
                yield Step(route, *found[code], index, operations)


# --- the route ----------------------------------------------------------------------------------


def _check_order(place: Place, route: RouteEntry, operations: dict[str, OperationEntry], problems: Problems) -> None:
    positions: dict[str, str] = {}
    for index, code in enumerate(route.operations):
        spot = place.item(index)
        if code not in operations:
            continue  # it is misspelt, or could not be read, and was found so already
        if code in route.operations[:index]:
            problems.add(spot, f'found "{code}" again', "an operation stands once on a route; rework goes back to it")
        else:
            _check_kind(spot, operations[code], index, problems)
            _check_positions(spot, operations[code], positions, problems)


def _check_kind(place: Place, operation: OperationEntry, index: int, problems: Problems) -> None:
    wanted = OperationKind.COMMISSION if index == 0 else OperationKind.UNIT
    if operation.kind in (wanted, UNSET):
        return
    why = "the first operation gives birth to the unit" if index == 0 else "the unit is born at the first operation"
    problems.add(place, f'found "{operation.code}" of kind {operation.kind}', f"allowed: kind {wanted}: {why}")


def _check_positions(place: Place, operation: OperationEntry, positions: dict[str, str], problems: Problems) -> None:
    for _, use in items(place, operation.materials, "position"):
        first = positions.setdefault(use.position, operation.code)
        if first != operation.code:
            found = f'position "{use.position}" of {operation.code} is a position of {first} too'
            advice = "name positions differently along a route: a unit's intervals are kept by position"
            problems.add(place, found, advice)


def _check_one_route_each(tables: Tables, problems: Problems) -> None:
    products: dict[str, str] = {}
    for place, route in tables.entries(RouteEntry, "code", "product"):
        first = products.setdefault(route.product, route.code)
        if first != route.code:
            problems.add(place.at("product"), f"route {first} makes {route.product} too", "a product has one route")
    births: dict[str, str] = {}
    for place, route in tables.entries(RouteEntry, "code", "operations"):
        birth = route.operations[0]
        first = births.setdefault(birth, route.code) if is_read(birth) else route.code
        if first != route.code:
            found = f"route {first} begins with {birth} too"
            problems.add(place.at("operations").item(0), found, "each route begins with an operation of its own")


def _check_on_a_route(tables: Tables, problems: Problems) -> None:
    if not tables.is_complete(RouteEntry, "operations"):
        return
    routed = {code for _, route in tables.entries(RouteEntry) for code in route.operations}
    for place, operation in tables.entries(OperationEntry, "code", "kind"):
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
    if operation.kind is OperationKind.LOT and operation.output_material == "":
        problems.add(place.at("output_material"), "missing", "a lot operation names the material that it makes")
    seen: set[str] = set()
    for spot, use in items(place.at("materials"), operation.materials, "position"):
        if use.position in seen:
            advice = "each position of an operation has a name of its own"
            problems.add(spot.at("position"), f'found "{use.position}" again', advice)
        seen.add(use.position)


_KINDS_OF: dict[str, tuple[OperationKind, ...]] = {
    "queue_times": (OperationKind.UNIT,),
    "not_good": (OperationKind.COMMISSION, OperationKind.UNIT),
    "members": (OperationKind.COMMISSION,),
    "output_material": (OperationKind.LOT,),
    "output_count_max": (OperationKind.LOT,),
    "slot": (OperationKind.UNIT,),
}
_NOTHING_SAID: dict[str, object] = {
    "queue_times": (),
    "not_good": NotGoodEntry(),
    "members": None,
    "output_material": "",
    "output_count_max": 1,
    "slot": "",
}


def _misplaced(operation: OperationEntry) -> list[str]:
    """Keys that say something, but not for this kind."""
    said = [key for key, nothing in _NOTHING_SAID.items() if getattr(operation, key) not in (nothing, UNSET)]
    return [key for key in said if is_known(operation, "kind") and operation.kind not in _KINDS_OF[key]]


def _check_windows(place: Place, operation: OperationEntry, problems: Problems) -> None:
    for spot, window in items(place.at("queue_times"), operation.queue_times, "min_s", "max_s"):
        if window.max_s is not None and window.min_s > window.max_s:
            found = f"found min_s = {window.min_s} above max_s = {window.max_s}"
            problems.add(spot, found, "swap them: min_s is the smaller one")


def _check_rule(place: Place, rule: NotGoodEntry, problems: Problems) -> None:
    if not is_known(rule, "action", "operation") or rule.action is NotGoodAction.REWORK:
        return
    if rule.operation:
        found = f"found {shown(rule.operation)} with action {rule.action}"
        problems.add(place.at("not_good").at("operation"), found, 'only "rework" goes back')


# --- the operation on its route -----------------------------------------------------------------


def _check_queue_times(step: Step, problems: Problems) -> None:
    for place, window in items(step.place.at("queue_times"), step.operation.queue_times, "after"):
        if window.after not in step.before and not step.may_stand(window.after):
            named = [code for code in step.before if is_read(code)]
            allowed = f"allowed: an earlier operation of {_route(step)}: {choices(window.after, named)}"
            problems.add(place.at("after"), f'found "{window.after}"', allowed)


def _check_rework(step: Step, problems: Problems) -> None:
    rule, place = step.operation.not_good, step.place.at("not_good").at("operation")
    if not is_known(rule, "operation") or rule.action is not NotGoodAction.REWORK:
        return
    # A unit is born once: it cannot go back to the operation that gives birth.
    codes = (code for code in (*step.before, step.operation.code) if is_read(code))
    targets = [code for code in codes if _may_repeat(step.operations.get(code))]
    if rule.operation not in targets and not step.may_stand(rule.operation):
        allowed = f"allowed: this operation or one before it on {_route(step)}, not the first: "
        problems.add(place, f"found {shown(rule.operation)}", allowed + choices(rule.operation, targets))


def _route(step: Step) -> str:
    return f"route {step.route.code}" if is_known(step.route, "code") else "its route"


def _may_repeat(operation: OperationEntry | None) -> bool:
    return operation is None or operation.kind in (OperationKind.UNIT, UNSET)


def _check_members(step: Step, tables: Tables, problems: Problems) -> None:
    members = step.operation.members
    if members is None or not is_known(members, "product"):
        return
    kinds = {product.code: product.kind for _, product in tables.entries(ProductEntry, "code", "kind")}
    parent, member = kinds.get(step.route.product), kinds.get(members.product)
    place = step.place.at("members")
    if parent is not None and member is not None and _RANK[member] >= _RANK[parent]:
        found = f'found "{members.product}", a {member}, as member of a {parent}'
        problems.add(place.at("product"), found, "packs are made of modules or cells, modules of cells")
    _check_grade(place, members, tables, problems)


def _check_grade(place: Place, members: MembersEntry, tables: Tables, problems: Problems) -> None:
    named = tables.codes(ProductEntry) or []
    sure = tables.is_complete(GradeEntry, "operation", "code") and tables.is_complete(
        RouteEntry, "product", "operations"
    )
    if members.grade in ("", UNSET) or members.product not in named or not sure:
        return
    passed = {
        code for _, route in tables.entries(RouteEntry) if route.product == members.product for code in route.operations
    }
    given = [grade.code for _, grade in tables.entries(GradeEntry) if grade.operation in passed]
    if members.grade not in given:
        allowed = f"allowed: a grade that {members.product} gets on its route: {choices(members.grade, given)}"
        problems.add(place.at("grade"), f"found {shown(members.grade)}", allowed)
