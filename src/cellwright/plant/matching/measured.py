"""What is measured of members before they are matched, and the name of the rule by which they are."""

import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec

from cellwright.model.matching import Matching
from cellwright.model.plant import Plant

NEEDED: Final = ("capacity_ah", "ocv_v", "dcir_ohm")
"""Characteristics without which a unit is not matched: unknown is not zero."""
LEAK: Final = "k_mv_per_h"
CHARACTERISTICS: Final = frozenset({*NEEDED, LEAK})
HOURS_PER_DAY: Final = 24.0
DAY_US: Final = 86_400_000_000
DAY_PART: Final = 17
"""Characters of a printed code that are the same for all units of a product and day."""


def measuring_operations(plant: Plant, products: Iterable[str]) -> frozenset[str]:
    """Return the operations that measure, of units of products, what they are matched by."""
    wanted = set(products)
    steps = [each for draft in plant.routes.values() if draft.product in wanted for each in draft.operations]
    return frozenset(each.code for each in steps if CHARACTERISTICS & {found.code for found in each.characteristics})


def rule_name(rule: Matching) -> str:
    """Return a short name of a rule as it is now, with its operation: another one gets another name."""
    digest = hashlib.sha256(msgspec.json.encode(rule, order="sorted")).hexdigest()[:12]
    return f"{rule.operation}/{digest}"
