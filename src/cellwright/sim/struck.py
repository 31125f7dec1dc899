"""What became of the units that a defect struck: where each was stopped, and which were shipped with it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct, field

from cellwright.sim.truth import Truth
from cellwright.sim.units import Place, Unit, Work

CAUSES: Final = {
    "bms_software": "bms_software",
    "bolt_loose": "bolt_loose",
    "coating_gap_per_100_m": "missing_coat",
    "coating_streak_per_roll": "coating_streak",
    "cold_weld": "cold_weld",
    "insulation_low": "insulation_low",
    "modules_swapped": "modules_swapped",
    "nozzle_underfill": "underfill",
    "particle_short": "soft_short",
    "seal_leak": "leak",
    "winding_misaligned": "misaligned",
    "winding_short": "hard_short",
    "wrong_cell": "wrong_cell",
}
"""Defect to what is then the matter with a unit; the others are not in units, or cannot be told apart there."""
_SEEN_AT: Final = {
    "bms_software": "bms_flash",
    "bolt_loose": "busbar_bolting",
    "insulation_low": "insulation_test",
    "modules_swapped": "bms_flash",
    "wrong_cell": "resort",
}
"""The operation that looks for a cause; others are seen wherever a test fails first."""
_PICKED_WRONGLY: Final = "job_mismatch"


class Struck(Struct, frozen=True):
    """Units that a defect struck: how many, where by station they were stopped, how many left with it unmended."""

    struck_count: int
    stopped: dict[str, int] = field(default_factory=dict)
    shipped_count: int = 0


def struck_by(truth: Truth, names: Iterable[str]) -> dict[str, Struck]:
    """Return what became of what these defects struck; a defect that is in no unit is left out."""
    found = {}
    for name in names:
        if name == "wrong_pick":
            refused = [each.station for each in truth.refused if _PICKED_WRONGLY in each.codes]
            found[name] = Struck(len(refused), dict(Counter(refused)))
        elif name in CAUSES:
            found[name] = _fate_of(truth, name)
    return found


def _fate_of(truth: Truth, name: str) -> Struck:
    cause = CAUSES[name]
    units = [unit for unit in truth.units.values() if cause in unit.struck]
    stops = (next(_stops(truth, unit, _SEEN_AT.get(name)), None) for unit in units)
    stopped = Counter(work.station for work in stops if work is not None)
    shipped_count = sum(cause in unit.causes and _is_shipped(truth, unit) for unit in units)
    return Struck(len(units), dict(stopped), shipped_count)


def _stops(truth: Truth, unit: Unit, operation: str | None) -> Iterator[Work]:
    """Yield the tests that a unit failed, or else what it was built into."""
    at: Unit | None = unit
    while at is not None:
        yield from (work for work in at.works if not work.is_good and operation in (None, work.operation))
        at = truth.units.get(at.parent)


def _is_shipped(truth: Truth, unit: Unit) -> bool:
    at: Unit | None = unit
    while at is not None and at.parent:
        at = truth.units.get(at.parent)
    return at is not None and at.place is Place.SHIPPED
