"""A plant as data: everything its TOML files say, linked and checked."""

from msgspec import Struct

from cellwright.model.equipment import Station, WorkCenter
from cellwright.model.matching import Matching
from cellwright.model.materials import CarrierType, Material, Product
from cellwright.model.routes import Operation, Recipe
from cellwright.model.sampling import SamplePlan


class RouteDraft(Struct, frozen=True, kw_only=True):
    """The route of a product as the files hold it now; the journal gives it its revision."""

    code: str
    product: str
    operations: tuple[Operation, ...]


class Plant(Struct, frozen=True, kw_only=True):
    """One site, indexed by code."""

    code: str
    name: str
    line: int
    time_skew_max_s: int
    currency: str = ""
    """ISO 4217 code of all costs, "" = none are given."""
    work_centers: dict[str, WorkCenter]
    stations: dict[str, Station]
    materials: dict[str, Material]
    products: dict[str, Product]
    carriers: dict[str, CarrierType]
    lot_operations: dict[str, Operation]
    routes: dict[str, RouteDraft]
    recipes: dict[str, Recipe]
    """Released or not, by operation code; the newest revision wins."""
    matching: dict[str, Matching] = {}
    """How members are matched, by joining operation; none = as they come."""
    samples: dict[str, SamplePlan] = {}
    """Of which operations samples are destroyed, by operation; none = of no one."""
