"""What machines worked on in a window of time, by the facts of the journal."""

from typing import Final

import numpy as np
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.rules.positions import Basis
from cellwright.rules.spans import Span, spans_of

# What a completion took is in its history too; which lots were made stands in its fact.
WORKED: Final = """
    SELECT h.units, CASE h.kind WHEN 'OperationCompleted' THEN NULL WHEN 'LotTransformed' THEN m.lots ELSE h.lots END AS lots
    FROM history AS h
    LEFT JOIN LATERAL (
        SELECT array_agg(l.lot::bigint) AS lots
        FROM fact AS f CROSS JOIN LATERAL json_array_elements_text(f.body -> 'lots') AS l (lot)
        WHERE h.kind = 'LotTransformed' AND f.position = h.position
    ) AS m ON true
    WHERE h.station = $1 AND h.time_us >= $2 AND h.time_us < $3
      AND h.kind IN ('OperationStarted', 'OperationCompleted', 'LotTransformed', 'LotsOpened')
"""
WORKED_COUNT: Final = """
    SELECT coalesce(sum(cardinality(units)), 0)::bigint FROM history
    WHERE station = $1 AND time_us >= $2 AND time_us < $3
      AND kind IN ('OperationStarted', 'OperationCompleted')
"""


class Window(Struct, frozen=True, kw_only=True):
    """A station from `from_us` until before `to_us` (UTC us)."""

    station: str
    from_us: int
    to_us: int


class Made(Struct, frozen=True):
    """The units and lots that a machine began or finished in a window."""

    units: tuple[Span, ...]
    lots: tuple[int, ...]


async def count_worked(connection: Connection, window: Window) -> int:
    """Return how many units `made_at` would read, each where it was begun and where it was finished."""
    count: int = await connection.fetchval(WORKED_COUNT, window.station, window.from_us, window.to_us)
    return count


async def made_at(connection: Connection, window: Window) -> Made:
    """Return what a machine began or finished in a window; what it only held throughout, or took, counts not."""
    records = await connection.fetch(WORKED, window.station, window.from_us, window.to_us)
    units = np.unique(np.array([unit for record in records for unit in record["units"]], np.int64))
    lots = sorted({lot for record in records for lot in record["lots"] or ()})
    return Made(spans_of(units, Basis.EXACT), tuple(lots))
