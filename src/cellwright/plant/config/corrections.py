"""What the corrections of a plant's files must agree on: they name characteristics of their operation, and correct something."""

from collections.abc import Iterator

from cellwright.model.routes import OperationKind
from cellwright.plant.config.entries import CharacteristicEntry, CorrectionEntry, OperationEntry
from cellwright.plant.config.problems import Place, Problems
from cellwright.plant.config.routes import operations_by_code
from cellwright.plant.config.tables import Tables, is_known, is_read, items
from cellwright.plant.config.words import choices, shown


def gauge_names(tables: Tables) -> frozenset[str]:
    """Return the characteristics that tell where or with what something was measured: their names need no unit."""
    gauges = {name for _, each in tables.entries(CorrectionEntry, "by") for name in each.by if is_read(name)}
    return frozenset(gauges | {each.slot for _, each in tables.entries(OperationEntry, "slot")})


def check_corrections(tables: Tables, problems: Problems) -> None:
    """Check every correction alone, then with what its operation measures."""
    operations = operations_by_code(tables)
    for place, each in tables.entries(CorrectionEntry):
        _check_alone(place, each, problems)
        operation = operations.get(each.operation) if is_read(each.operation) else None
        if operation is not None and operation.kind is OperationKind.LOT:
            problems.add(place.at("operation"), f"found the lot operation {operation.code}", "only units are corrected")
    _check_repeats(tables, problems)
    if tables.is_complete(CharacteristicEntry, "operation", "code", "required"):
        _check_names(tables, problems)
        _check_slots(tables, problems)
    if tables.is_complete(OperationEntry, "materials.position"):
        _check_lots(tables, problems)


def _check_alone(place: Place, each: CorrectionEntry, problems: Problems) -> None:
    if not is_known(each, "temperature", "arrhenius_k", "linear_ratio", "by"):
        return
    has_model = bool(each.arrhenius_k or each.linear_ratio)
    if has_model and not each.temperature:
        problems.add(place.at("temperature"), "missing", "name the characteristic that tells the temperature")
    if each.temperature and not has_model:
        advice = "give arrhenius_k or linear_ratio, or leave the temperature out"
        problems.add(place.at("temperature"), f"found {shown(each.temperature)} with no effect", advice)
    if not each.temperature and not has_model and not each.by:
        problems.add(place, "it corrects nothing", "give a temperature with its effect, or gauges in by")


def _check_repeats(tables: Tables, problems: Problems) -> None:
    for key in ("characteristic", "corrected"):
        seen: set[tuple[str, str]] = set()
        for place, each in tables.entries(CorrectionEntry, "operation", key):
            name = (each.operation, getattr(each, key))
            if name in seen:
                problems.add(place.at(key), f"found {shown(name[1])} again", "each stands once at an operation")
            seen.add(name)


def _check_names(tables: Tables, problems: Problems) -> None:
    measured: dict[str, dict[str, bool]] = {}
    for _, each in tables.entries(CharacteristicEntry):
        measured.setdefault(each.operation, {})[each.code] = each.required
    known_operations = tables.codes(OperationEntry) or []
    for place, correction in tables.entries(CorrectionEntry, "operation"):
        if correction.operation not in known_operations:
            continue
        known = measured.get(correction.operation, {})
        for spot, name in _named(place, correction):
            if name not in known:
                allowed = f"allowed: a characteristic of the same operation: {choices(name, list(known))}"
                problems.add(spot, f"found {shown(name)}", allowed)
        if is_read(correction.corrected) and known.get(correction.corrected):
            advice = "set required = false there: it is worked out, and unknown where something is missing"
            problems.add(place.at("corrected"), f'the characteristic "{correction.corrected}" is required', advice)


def _check_slots(tables: Tables, problems: Problems) -> None:
    for place, operation in tables.entries(OperationEntry, "code", "slot"):
        known = [each.code for _, each in tables.entries(CharacteristicEntry) if each.operation == operation.code]
        if operation.slot and operation.slot not in known:
            allowed = f"allowed: a characteristic of this operation: {choices(operation.slot, known)}"
            problems.add(place.at("slot"), f"found {shown(operation.slot)}", allowed)


def _named(place: Place, each: CorrectionEntry) -> Iterator[tuple[Place, str]]:
    for key in ("characteristic", "corrected", "temperature"):
        name = getattr(each, key)
        if is_read(name) and name:
            yield place.at(key), name
    yield from items(place.at("by"), each.by)


def _check_lots(tables: Tables, problems: Problems) -> None:
    operations = tables.entries(OperationEntry)
    known = sorted({use.position for place, each in operations for _, use in items(place, each.materials, "position")})
    for place, each in tables.entries(CorrectionEntry, "lots"):
        if each.lots and each.lots not in known:
            allowed = f"allowed: a material position of routes.toml: {choices(each.lots, known)}"
            problems.add(place.at("lots"), f"found {shown(each.lots)}", allowed)
