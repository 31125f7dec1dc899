"""Names in a plant's files that must be defined elsewhere in them."""

from collections.abc import Iterator

from msgspec import Struct

from cellwright.plant.config.entries import (
    CarrierEntry,
    CharacteristicEntry,
    CorrectionEntry,
    Entry,
    GradeEntry,
    MassCheckEntry,
    MatchingEntry,
    MaterialEntry,
    OperationEntry,
    ProductEntry,
    RecipeEntry,
    RouteEntry,
    SampleEntry,
    SelfDischargeEntry,
    StationEntry,
    WorkCenterEntry,
)
from cellwright.plant.config.problems import Place, Problems
from cellwright.plant.config.tables import Tables, leaves
from cellwright.plant.config.words import choices, shown

_NAMED: dict[type[Entry], dict[str, type[Entry]]] = {
    StationEntry: {"work_center": WorkCenterEntry, "carrier": CarrierEntry, "operations": OperationEntry},
    RouteEntry: {"product": ProductEntry, "operations": OperationEntry},
    OperationEntry: {
        "materials.material": MaterialEntry,
        "output_material": MaterialEntry,
        "members.product": ProductEntry,
    },
    CharacteristicEntry: {"operation": OperationEntry},
    CorrectionEntry: {"operation": OperationEntry},
    GradeEntry: {"operation": OperationEntry},
    MassCheckEntry: {"operation": OperationEntry, "parts.operation": OperationEntry},
    MatchingEntry: {"operation": OperationEntry},
    RecipeEntry: {"operation": OperationEntry},
    SelfDischargeEntry: {"operation": OperationEntry},
    SampleEntry: {"operation": OperationEntry},
}
"""By kind of entry: the keys that name something, and what."""

_NOUNS: dict[type[Entry], str] = {
    WorkCenterEntry: "a work centre of equipment.toml",
    CarrierEntry: "a carrier type of carriers.toml",
    OperationEntry: "an operation of routes.toml",
    ProductEntry: "a product of materials.toml",
    MaterialEntry: "a material of materials.toml",
}


class _Reference(Struct, frozen=True):
    """A name: where it stands, in which key of which kind, and the kind that must have it."""

    place: Place
    name: str
    key: tuple[type[Entry], str]
    target: type[Entry]


def check_references(tables: Tables, problems: Problems) -> None:
    """Every name in a reference must be defined; those that are not are kept in `tables.misses`."""
    for each in _references(tables):
        known = tables.codes(each.target)
        if known is not None and each.name not in known:
            allowed = f"allowed: {_NOUNS[each.target]}: {choices(each.name, known)}"
            problems.add(each.place, f"found {shown(each.name)}", allowed)
            tables.misses.add(each.key)


def _references(tables: Tables) -> Iterator[_Reference]:
    for kind, targets in _NAMED.items():
        for place, entry in tables.entries(kind):
            yield from (
                _Reference(spot, name, (kind, path), target)
                for path, target in targets.items()
                for spot, name in _names(place, entry, path)
            )


def _names(place: Place, entry: Entry, path: str) -> Iterator[tuple[Place, str]]:
    for spot, name in leaves(place, entry, path):
        if isinstance(name, str) and name:
            yield spot, name
