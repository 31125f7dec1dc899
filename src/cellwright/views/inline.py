"""All inline views, in the order in which a transaction writes them (referenced tables first)."""

from collections.abc import Mapping, Sequence
from typing import Any

from cellwright.rules.state import ROW_TYPES, Row
from cellwright.views import genealogy, resources, stock, wip
from cellwright.views.stored import Connection, Stored

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


async def save_changes(connection: Connection, changes: Mapping[type[Row], Sequence[Row]]) -> None:
    """Write the changed rows of a batch, one statement per table that changed."""
    for stored in INLINE:
        rows = changes.get(stored.row)
        if rows:
            await stored.save_page(connection, rows)
