"""All inline views, in the order in which a transaction writes them (referenced tables first)."""

from collections.abc import Mapping, Sequence
from typing import Any

from cellwright.database.writes import Write
from cellwright.rules.state import ROW_TYPES, Change, Row
from cellwright.views import corrected, corrections, genealogy, jobs, resources, samples, stock, whereabouts, wip
from cellwright.views.stored import Stored

INLINE: tuple[Stored[Any], ...] = (
    wip.ROUTES,
    wip.COUNTERS,
    wip.BLOCKS,
    corrected.CORRECTIONS,
    stock.LOTS,
    genealogy.LOT_PARTS,
    wip.UNITS,
    wip.CARRIERS,
    stock.LOADINGS,
    genealogy.RUNS,
    corrected.SUPERSEDED_PARTS,
    corrected.SUPERSEDED_RUNS,
    genealogy.MEMBERS,
    genealogy.ASSEMBLIES,
    whereabouts.INSTALLATIONS,
    whereabouts.SHIPMENTS,
    whereabouts.GIVEN_CODES,
    resources.HOLDS,
    resources.TOOLS,
    resources.CALIBRATIONS,
    samples.STANDS,
    samples.SAMPLES,
    corrections.CORRECTIONS,
    resources.PERSONS,
    resources.QUALIFICATIONS,
    resources.ORDERS,
    jobs.JOBS,
    jobs.CALLS,
)
_BY_ROW: dict[type[Row], Stored[Any]] = {stored.row: stored for stored in INLINE}
assert set(_BY_ROW) == set(ROW_TYPES), "every row type of the state has a table"  # noqa: S101 checked at import


def saving(changes: Mapping[type[Row], Sequence[Change]]) -> list[Write]:
    """Return the writes that save what a batch changed."""
    writes = []
    for stored in INLINE:
        changed = changes.get(stored.row, ())
        if stored is wip.UNITS:
            writes += wip.saving_units(changed)
        elif changed:
            writes.append(stored.saving([now for _, now in changed]))
    return writes
