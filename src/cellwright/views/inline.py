"""All inline views, in the order in which a transaction writes them (referenced tables first)."""

from collections.abc import Mapping, Sequence
from typing import Any

from cellwright.database.writes import Write
from cellwright.model.ids import UnitBlock
from cellwright.rules.state import ROW_TYPES, Row
from cellwright.views import genealogy, resources, stock, wip
from cellwright.views.stored import Stored

INLINE: tuple[Stored[Any], ...] = (
    wip.ROUTES,
    wip.COUNTERS,
    wip.BLOCKS,
    stock.LOTS,
    genealogy.LOT_PARTS,
    wip.UNITS,
    wip.CARRIERS,
    stock.LOADINGS,
    genealogy.RUNS,
    genealogy.MEMBERS,
    genealogy.ASSEMBLIES,
    resources.HOLDS,
    resources.TOOLS,
    resources.CALIBRATIONS,
    resources.PERSONS,
    resources.QUALIFICATIONS,
)
_BY_ROW: dict[type[Row], Stored[Any]] = {stored.row: stored for stored in INLINE}
assert set(_BY_ROW) == set(ROW_TYPES), "every row type of the state has a table"  # noqa: S101 checked at import


def saving(changes: Mapping[type[Row], Sequence[Row]]) -> list[Write]:
    """Return the writes that save the changed rows of a batch, one per table that changed."""
    return [_saving(stored, changes) for stored in INLINE if changes.get(stored.row)]


def _saving(stored: Stored[Any], changes: Mapping[type[Row], Sequence[Row]]) -> Write:
    write = stored.saving(changes[stored.row])
    # No block of numbers grew, so no unit was born: all are there.
    is_known = stored is wip.UNITS and UnitBlock not in changes
    return Write(wip.KNOWN_UNITS, write.arguments) if is_known else write
