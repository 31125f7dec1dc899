"""Routes, operations and recipes: what is done to a unit or lot, in which order, under which limits."""

import hashlib
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache

from msgspec import Struct

from cellwright.model.corrections import Correction
from cellwright.model.materials import MaterialUse
from cellwright.model.quantities import Characteristic
from cellwright.model.self_discharge import SelfDischarge


class OperationKind(StrEnum):
    """What an operation does: makes lots, gives birth to units, works on units, or is the last one."""

    LOT = "lot"
    COMMISSION = "commission"
    UNIT = "unit"


class NotGoodAction(StrEnum):
    """What happens to a unit that an operation found not good."""

    SCRAP = "scrap"
    HOLD = "hold"
    REWORK = "rework"


class NotGood(Struct, frozen=True, kw_only=True):
    """Disposition of a not-good unit; rework returns to `operation` at most `limit` times, then scrap, or hold."""

    action: NotGoodAction = NotGoodAction.SCRAP
    operation: str = ""
    limit: int = 1
    holds_at_limit: bool = False
    """Whether rework that is used up becomes a hold instead of scrap."""


class QueueTime(Struct, frozen=True, kw_only=True):
    """Allowed time between the end of `after` and the start of this operation, seconds."""

    after: str
    min_s: int = 0
    max_s: int | None = None


class Members(Struct, frozen=True, kw_only=True):
    """Units that an assembling operation joins: product, how many, and which grade ("" = any)."""

    product: str
    count: int
    grade: str = ""


class Grade(Struct, frozen=True, kw_only=True):
    """A bin; a unit gets the first grade whose limits it meets."""

    code: str
    limits: tuple[Characteristic, ...] = ()


class MassPart(Struct, frozen=True, kw_only=True):
    """A mass (g) that an earlier operation recorded of the same unit."""

    operation: str
    characteristic: str


class MassCheck(Struct, frozen=True, kw_only=True):
    """What a weighed unit must weigh: the recorded parts and a rest that was never weighed, give or take a tolerance."""

    characteristic: str
    parts: tuple[MassPart, ...]
    rest_g: float
    tolerance_g: float


class Operation(Struct, frozen=True, kw_only=True):
    """One step: kind, materials, limits, waiting windows and what happens to not-good units."""

    code: str
    name: str
    kind: OperationKind
    materials: tuple[MaterialUse, ...] = ()
    characteristics: tuple[Characteristic, ...] = ()
    queue_times: tuple[QueueTime, ...] = ()
    not_good: NotGood = NotGood()
    grades: tuple[Grade, ...] = ()
    output_material: str = ""
    """Lot operations: the material of the lots made."""
    output_count_max: int = 1
    """Lot operations: how many lots one run may make."""
    members: Members | None = None
    qualification: str = ""
    """Qualification that the person at the station must hold, "" = no person needed."""
    calibrated: bool = False
    """Whether the station's calibration must be valid."""
    corrections: tuple[Correction, ...] = ()
    slot: str = ""
    """Characteristic that tells in which slot of its carrier a unit was found, "" = none does."""
    mass_check: MassCheck | None = None
    self_discharge: SelfDischarge | None = None


class Route(Struct, frozen=True, kw_only=True):
    """A revision of a product's ordered operations; units finish on the revision they began on."""

    id: int
    code: str
    revision: int
    product: str
    operations: tuple[Operation, ...]

    @property
    def key(self) -> int:
        """Identity of the revision."""
        return self.id

    def step_of(self, operation: str) -> int:
        """Return the index of an operation, or -1 when the route has none of that code."""
        codes = [each.code for each in self.operations]
        return codes.index(operation) if operation in codes else -1


class Recipe(Struct, frozen=True, kw_only=True):
    """Set values of an operation; only a released recipe may run. Parameter names carry their unit."""

    code: str
    revision: int
    operation: str
    parameters: dict[str, float]
    released: bool = True

    @property
    def digest(self) -> str:
        """Digest that a read-back must equal."""
        return _digest(self.code, self.revision, tuple(self.parameters.items()))


def recipe_digest(code: str, revision: int, names: Sequence[str], values: Sequence[float]) -> str:
    """Return the SHA-256 hex of a recipe as set or read back, independent of parameter order."""
    return _digest(code, revision, tuple(zip(names, values, strict=True)))


@lru_cache(maxsize=1024)
def _digest(code: str, revision: int, parameters: tuple[tuple[str, float], ...]) -> str:
    text = f"{code}\n{revision}\n" + "\n".join(f"{name}={float(value) + 0.0!r}" for name, value in sorted(parameters))
    return hashlib.sha256(text.encode()).hexdigest()
