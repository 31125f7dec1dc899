"""What machines worked on in a window of time, all of it or with one tool, channel or carrier, by the journal's facts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.rules.positions import Basis
from cellwright.rules.spans import Span, spans_of

# What a completion took is in its history too; which lots were made stands in its fact.
WORKED: Final = """
    SELECT h.units, CASE h.kind WHEN 'OperationCompleted' THEN NULL WHEN 'LotTransformed' THEN m.lots ELSE h.lots END AS lots,
           h.position
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
# Which carrier and tools a page had stands in its fact; tools only in that of its end.
WORKED_WITH: Final = """
    SELECT h.units, h.position,
           CASE h.kind WHEN 'LotTransformed'
               THEN ARRAY(SELECT l.lot::bigint FROM json_array_elements_text(f.body -> 'lots') AS l (lot)) END AS lots
    FROM history AS h
    CROSS JOIN LATERAL (SELECT body FROM fact WHERE fact.position = h.position OFFSET 0) AS f
    WHERE h.station = $1 AND h.time_us >= $2 AND h.time_us < $3
      AND h.kind IN ('OperationStarted', 'OperationCompleted', 'LotTransformed')
      AND ($4::text = '' OR f.body ->> 'carrier' = $4::text)
      AND ($5::text = ''
           OR EXISTS (SELECT FROM json_array_elements_text(f.body -> 'tools') AS t (tool) WHERE t.tool = $5::text))
"""
# Units are looked for in groups: each look into the index also reads all that was added to it last.
LOADED: Final = """
    SELECT p.position, f.body
    FROM (SELECT DISTINCT h.position
          FROM (SELECT array_agg(id) AS ids FROM unnest($1::bigint[]) WITH ORDINALITY AS n (id, at)
                GROUP BY at / 1000) AS k
          CROSS JOIN LATERAL (SELECT position FROM history WHERE units && k.ids AND kind = 'CarrierLoaded'
                              OFFSET 0) AS h) AS p
    CROSS JOIN LATERAL (SELECT body FROM fact WHERE fact.position = p.position OFFSET 0) AS f
    ORDER BY p.position
"""


class Window(Struct, frozen=True, kw_only=True):
    """A station from `from_us` until before `to_us` (UTC us); of that only what a tool, channel or carrier worked on."""

    station: str
    from_us: int
    to_us: int
    tool: str = ""
    """A tool of the station that wore, "" = any. Facts name tools at the end of an operation."""
    channel: int | None = None
    """The place in the station at which a slot of a carrier is worked on, by the slot's number; None = all."""
    carrier: str = ""
    """The carrier that was in the station, "" = any."""


class Made(Struct, frozen=True):
    """The units and lots that a machine began or finished in a window."""

    units: tuple[Span, ...]
    lots: tuple[int, ...]


class _Load(Struct, frozen=True):
    units: tuple[int, ...]
    slots: tuple[int, ...]


_LOAD = msgspec.json.Decoder(_Load)


class Loads(Struct, frozen=True):
    """Into which slot units were put, and when: of each unit positions in the journal, ascending, with slots."""

    slots: Mapping[int, Sequence[tuple[int, int]]]

    def slot_at(self, unit: int, position: int) -> int | None:
        """Return the slot in which a unit was when a fact was recorded, None = nobody loaded it before."""
        before = [slot for at, slot in self.slots.get(unit, ()) if at < position]
        return before[-1] if before else None


async def count_worked(connection: Connection, window: Window) -> int:
    """Return how many units `made_at` would read, each where it was begun and where it was finished."""
    count: int = await connection.fetchval(WORKED_COUNT, window.station, window.from_us, window.to_us)
    return count


async def made_at(connection: Connection, window: Window) -> Made:
    """Return what a machine began or finished in a window; what it only held throughout, or took, counts not.

    With a tool only what was finished counts: which tools wore is not known before.
    """
    place = (window.station, window.from_us, window.to_us)
    is_narrow = bool(window.tool or window.carrier)
    records = await (
        connection.fetch(WORKED_WITH, *place, window.carrier, window.tool)
        if is_narrow
        else connection.fetch(WORKED, *place)
    )
    if window.channel is not None:
        return Made(await _in_channel(connection, records, window.channel), ())
    units = np.unique(np.array([unit for record in records for unit in record["units"]], np.int64))
    lots = sorted({lot for record in records for lot in record["lots"] or ()})
    return Made(spans_of(units, Basis.EXACT), tuple(lots))


async def _in_channel(connection: Connection, records: Sequence[Any], channel: int) -> tuple[Span, ...]:
    """Return the units that stood in a slot when they were worked on: into which they were put last before."""
    loads = await read_loads(connection, {unit for record in records for unit in record["units"]})
    found = {
        unit for record in records for unit in record["units"] if loads.slot_at(unit, record["position"]) == channel
    }
    return spans_of(np.array(sorted(found), np.int64), Basis.EXACT)


async def read_loads(connection: Connection, units: Iterable[int]) -> Loads:
    """Return into which slots of carriers units were put."""
    wanted = sorted(units)
    slots: dict[int, list[tuple[int, int]]] = {unit: [] for unit in wanted}
    for record in await connection.fetch(LOADED, wanted):
        load = _LOAD.decode(record["body"])
        for unit, slot in zip(load.units, load.slots, strict=True):
            if unit in slots:
                slots[unit].append((record["position"], slot))
    return Loads(slots)
