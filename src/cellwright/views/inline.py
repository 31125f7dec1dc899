"""All inline views, in the order in which a transaction writes them (referenced tables first)."""

from collections.abc import Container, Mapping, Sequence
from typing import Any

from cellwright.database.writes import Write
from cellwright.model.ids import UnitBlock
from cellwright.rules.state import ROW_TYPES, Row, UnitRow
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
    resources.ORDERS,
)
_BY_ROW: dict[type[Row], Stored[Any]] = {stored.row: stored for stored in INLINE}
assert set(_BY_ROW) == set(ROW_TYPES), "every row type of the state has a table"  # noqa: S101 checked at import


def saving(changes: Mapping[type[Row], Sequence[Row]], worked: Container[int]) -> list[Write]:
    """Return the writes that save the changed rows of a batch; `worked` are the units that completed an operation."""
    writes = []
    for stored in INLINE:
        rows = changes.get(stored.row, ())
        # Where no block of numbers grew, no unit was born: all are there.
        if stored is wip.UNITS and UnitBlock not in changes:
            units = [row for row in rows if isinstance(row, UnitRow)]
            writes += wip.saving_known(units, worked)
        elif rows:
            writes.append(stored.saving(rows))
    return writes
