"""What the operations of a station take, and where."""

from msgspec import Struct

from cellwright.model.equipment import Station
from cellwright.model.plant import Plant
from cellwright.model.routes import Operation


class Need(Struct, frozen=True):
    """A material position: what an operation takes there per unit or run, in the material's measure."""

    operation: str
    position: str
    material: str
    material_name: str
    measure: str
    quantity: int
    is_optional: bool


def operations_at(plant: Plant, station: Station) -> list[Operation]:
    """Return the operations of a station that its plant knows."""
    known = {each.code: each for draft in plant.routes.values() for each in draft.operations}
    known.update(plant.lot_operations)
    return [known[code] for code in station.operations if code in known]


def needs_of(plant: Plant, operations: list[Operation]) -> tuple[Need, ...]:
    """Return the material positions of operations."""
    uses = [(operation, use, plant.materials[use.material]) for operation in operations for use in operation.materials]
    return tuple(
        Need(operation.code, use.position, use.material, material.name, material.measure, use.quantity, use.optional)
        for operation, use, material in uses
    )
