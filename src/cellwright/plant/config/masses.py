"""What the mass checks of a plant's files must agree on: one at an operation, of masses that are measured, in g."""

from collections.abc import Iterator

from cellwright.model.routes import OperationKind
from cellwright.plant.config.entries import CharacteristicEntry, MassCheckEntry, MassPartEntry, OperationEntry
from cellwright.plant.config.problems import Place, Problems
from cellwright.plant.config.routes import operations_by_code
from cellwright.plant.config.tables import Tables, is_known, items
from cellwright.plant.config.words import choices, shown


def check_masses(tables: Tables, problems: Problems) -> None:
    """Check every mass check: its operation works on units, and every mass it names is measured where it says."""
    operations, seen = operations_by_code(tables), set[str]()
    for place, each in tables.entries(MassCheckEntry, "operation"):
        operation = operations.get(each.operation)
        if operation is not None and operation.kind is OperationKind.LOT:
            problems.add(
                place.at("operation"), f"found the lot operation {each.operation}", "only units are weighed so"
            )
        if each.operation in seen:
            problems.add(
                place.at("operation"), f"found {shown(each.operation)} again", "an operation has one mass check"
            )
        seen.add(each.operation)
    if tables.is_complete(CharacteristicEntry, "operation", "code"):
        _check_names(tables, problems)


def _check_names(tables: Tables, problems: Problems) -> None:
    measured: dict[str, list[str]] = {}
    for _, each in tables.entries(CharacteristicEntry):
        measured.setdefault(each.operation, []).append(each.code)
    known = tables.codes(OperationEntry) or []
    for place, mass in _masses(tables):
        names = [each for each in measured.get(mass.operation, []) if each.endswith("_g")]
        if mass.operation in known and mass.characteristic not in names:
            allowed = f"allowed: a characteristic of {mass.operation} in g: {choices(mass.characteristic, names)}"
            problems.add(place.at("characteristic"), f"found {shown(mass.characteristic)}", allowed)


def _masses(tables: Tables) -> Iterator[tuple[Place, MassCheckEntry | MassPartEntry]]:
    """Yield the checks and the parts of which operation and characteristic could be read."""
    for place, each in tables.entries(MassCheckEntry):
        if is_known(each, "operation", "characteristic"):
            yield place, each
        yield from items(place.at("parts"), each.parts, "operation", "characteristic")
