"""Materials, products and carriers as the plant's files define them."""

from msgspec import Struct

from cellwright.model.ids import UnitKind
from cellwright.model.quantities import Measure


class Material(Struct, frozen=True, kw_only=True):
    """A kind of lot; quantities of its lots are whole numbers of `measure`."""

    code: str
    name: str
    measure: Measure
    purchased: bool = False
    shelf_life_s: int | None = None
    """Seconds from its making until a lot made here expires (pot life of a slurry)."""


class MaterialUse(Struct, frozen=True, kw_only=True):
    """What an operation takes at one material position; quantities in the material's measure."""

    position: str
    material: str
    quantity: int
    """Nominal use per unit, or per run of a lot operation; what a check-in must find available."""
    tolerance: int = 0
    """How far the recorded interval of a unit may lie from the machine's counter."""
    counter_tolerance: int = 0
    """How far the machine's own counter may lie from the true position."""
    optional: bool = False
    exposure_max_s: int | None = None
    """Longest time since the lot was made (or opened) for it to be used, seconds."""


class Product(Struct, frozen=True, kw_only=True):
    """A kind of unit; `design_part` is characters 1 to 14 of its GB/T 34014 code."""

    code: str
    name: str
    kind: UnitKind
    design_part: str
    route: str
    stock_cost: int | None = None
    """What one costs that is recalled while it is still here, in the plant's currency; None = not known."""
    field_cost: int | None = None
    """What one costs that is recalled after it was shipped, fetching it included."""


class CarrierType(Struct, frozen=True, kw_only=True):
    """A kind of tray or magazine; codes of its carriers begin with `prefix`."""

    code: str
    prefix: str
    slot_count: int
