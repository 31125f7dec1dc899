"""What the self-discharge of a plant's files must agree on: measured where it says, and a curve that rises."""

from collections.abc import Iterator
from itertools import pairwise

from cellwright.model.routes import OperationKind
from cellwright.plant.config.entries import (
    CharacteristicEntry,
    CorrectionEntry,
    OperationEntry,
    SelfDischargeEntry,
)
from cellwright.plant.config.problems import Place, Problems
from cellwright.plant.config.routes import operations_by_code
from cellwright.plant.config.tables import Tables, is_known, is_read, items
from cellwright.plant.config.words import choices, shown

_MEASURED = (
    "characteristic",
    "ocv1",
    "ocv1_temperature",
    "ocv2",
    "ocv2_temperature",
    "rest",
    "between",
    "capacity",
)
_WORKED_OUT = ("corrected", "leak")


def check_self_discharge(tables: Tables, problems: Problems) -> None:
    """Check every table: its operation works on units, its curve rises, and its names are measured there."""
    operations, seen = operations_by_code(tables), set[str]()
    for place, each in tables.entries(SelfDischargeEntry):
        _check_curve(place, each, problems)
        _check_entropy(place, each, problems)
    for place, each in tables.entries(SelfDischargeEntry, "operation"):
        operation = operations.get(each.operation)
        if operation is not None and operation.kind is OperationKind.LOT:
            problems.add(place.at("operation"), f"found the lot operation {each.operation}", "only units discharge")
        if each.operation in seen:
            advice = "an operation works self-discharge out once"
            problems.add(place.at("operation"), f"found {shown(each.operation)} again", advice)
        seen.add(each.operation)
    if tables.is_complete(CharacteristicEntry, "operation", "code", "required"):
        _check_names(tables, problems)


def _check_curve(place: Place, each: SelfDischargeEntry, problems: Problems) -> None:
    points = list(items(place.at("curve"), each.curve, "soc_ratio", "ocv_v"))
    if not is_read(each.curve) or len(points) < len(each.curve):
        return
    if len(points) == 1:
        problems.add(place.at("curve"), "found one point", "give two or more: a slope needs two")
    for (_, before), (spot, point) in pairwise(points):
        if point.soc_ratio <= before.soc_ratio or point.ocv_v <= before.ocv_v:
            found = f"found {point.ocv_v:g} V at {point.soc_ratio:g} after {before.ocv_v:g} V at {before.soc_ratio:g}"
            problems.add(spot, found, "both must rise from point to point")


def _check_entropy(place: Place, each: SelfDischargeEntry, problems: Problems) -> None:
    if not is_known(each, "entropy_mv_per_c", "entropy_source"):
        return
    if each.entropy_mv_per_c is not None and not each.entropy_source:
        advice = "say where entropy_mv_per_c comes from, or leave that out: then it is unknown"
        problems.add(place.at("entropy_source"), "missing", advice)


def _check_names(tables: Tables, problems: Problems) -> None:
    known_operations = tables.codes(OperationEntry) or []
    taken = {(each.operation, each.corrected) for _, each in tables.entries(CorrectionEntry, "operation", "corrected")}
    for place, each in tables.entries(SelfDischargeEntry, "operation"):
        if each.operation not in known_operations:
            continue
        known = {
            other.code: other.required
            for _, other in tables.entries(CharacteristicEntry)
            if other.operation == each.operation
        }
        for spot, name in _named(place, each, (*_MEASURED, *_WORKED_OUT)):
            if name not in known:
                allowed = f"allowed: a characteristic of the same operation: {choices(name, list(known))}"
                problems.add(spot, f"found {shown(name)}", allowed)
        for spot, name in _named(place, each, _WORKED_OUT):
            if known.get(name):
                advice = "set required = false there: it is worked out, and unknown where something is missing"
                problems.add(spot, f'the characteristic "{name}" is required', advice)
            if (each.operation, name) in taken:
                problems.add(spot, f"found {shown(name)}, which a correction gives", "give it a name of its own")
        _check_repeats(place, each, problems)


def _check_repeats(place: Place, each: SelfDischargeEntry, problems: Problems) -> None:
    """Every value is another one: a name that stands twice is a slip of copying."""
    first: dict[str, str] = {}
    for spot, name in _named(place, each, (*_MEASURED, *_WORKED_OUT)):
        if name in first:
            problems.add(spot, f"found {shown(name)} again", f"it stands at {first[name]} already; name another one")
        first.setdefault(name, spot.path.rsplit(".", 1)[-1])


def _named(place: Place, each: SelfDischargeEntry, keys: tuple[str, ...]) -> Iterator[tuple[Place, str]]:
    for key in keys:
        name = getattr(each, key)
        if is_read(name) and name:
            yield place.at(key), name
