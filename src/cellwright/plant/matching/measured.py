"""What is measured of members before they are matched, and the name of the rule by which they are."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

from cellwright.model.matching import Matching
from cellwright.model.plant import Plant

Column: TypeAlias = Sequence[float | None]

NEEDED: Final = ("capacity_ah", "ocv_v", "dcir_ohm")
"""Characteristics without which a unit is not matched: unknown is not zero."""
LEAK: Final = "k_mv_per_h"
HOURS_PER_DAY: Final = 24.0
DAY_US: Final = 86_400_000_000
DAY_PART: Final = 17
"""Characters of a printed code that are the same for all units of a product and day."""


class Measures(Struct, frozen=True):
    """Where what units are matched by comes from: the operations that measure it, and the characteristics that tell K.

    A K that the plant works out counts alone, for a reported one is no leak yet.
    """

    operations: frozenset[str]
    leaks: frozenset[str]

    def note(
        self, known: Callable[[int], dict[str, float] | None], units: Sequence[int], columns: Mapping[str, Column]
    ) -> None:
        """Write down what a page says of units, where `known` has a place for it; a K that is unknown now is no older one."""
        for name in ({*NEEDED} | self.leaks) & columns.keys():
            code = LEAK if name in self.leaks else name
            for unit, value in zip(units, columns[name], strict=True):
                values = known(unit)
                if values is not None and value is not None:
                    values[code] = value
                elif values is not None and code != name:
                    values.pop(LEAK, None)


def measures_of(plant: Plant, products: Iterable[str]) -> Measures:
    """Return where what units of products are matched by comes from."""
    wanted = set(products)
    steps = [each for draft in plant.routes.values() if draft.product in wanted for each in draft.operations]
    rules = [each.self_discharge for each in steps if each.self_discharge is not None]
    leaks = frozenset(rule.corrected for rule in rules if rule.characteristic == LEAK) or frozenset({LEAK})
    told = {*NEEDED, LEAK}
    return Measures(
        frozenset(each.code for each in steps if told & {found.code for found in each.characteristics}), leaks
    )


def rule_name(rule: Matching) -> str:
    """Return a short name of a rule as it is now, with its operation: another one gets another name."""
    digest = hashlib.sha256(msgspec.json.encode(rule, order="sorted")).hexdigest()[:12]
    return f"{rule.operation}/{digest}"
