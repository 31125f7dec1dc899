"""What machines worked on in a window of time, all of it or with one tool, channel or carrier, by the journal's facts."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.rules.positions import Basis
from cellwright.rules.spans import Ids, Span, spans_of

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

LOADED_BETWEEN: Final = """
    SELECT position, body FROM fact
    WHERE kind = 'CarrierLoaded' AND position >= $1::bigint AND position < $2::bigint ORDER BY position
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


_PLACE_BITS: Final = 40
"""Bits of a place in the journal; above them there is room for millions of units."""
_FAR_ONE_IN: Final = 10
"""Of so many carriers one may have been loaded long before the others; those units are looked for one by one."""

_LOAD = msgspec.json.Decoder(_Load)


class Loads:
    """Into which slots of carriers units were put, and when: by column, units with places in the journal and slots."""

    def __init__(self, records: Iterable[Any] = ()) -> None:
        """Take what facts say, in any order."""
        loads = [(record["position"], _LOAD.decode(record["body"])) for record in records]
        empty = np.empty(0, np.int64)
        units = np.concatenate([empty, *(np.array(load.units, np.int64) for _, load in loads)])
        slots = np.concatenate([empty, *(np.array(load.slots, np.int64) for _, load in loads)])
        sizes = np.array([len(load.units) for _, load in loads], np.int64)
        positions = np.repeat(np.array([position for position, _ in loads], np.int64), sizes)
        order = np.lexsort((positions, units))
        self._units, self._slots = units[order], slots[order]
        self._positions = positions[order]

    def slots_at(self, units: Ids, positions: Ids) -> Ids:
        """Return the slot in which each unit was when a fact was recorded, -1 = nobody loaded it before."""
        known, numbers = np.unique(self._units, return_inverse=True)
        if not len(known):
            return np.full(len(units), -1, np.int64)
        # Units by number and places in one key, so that the last one before is found by one search.
        wanted = np.searchsorted(known, units)
        is_known = known[np.minimum(wanted, len(known) - 1)] == units
        last = np.searchsorted(numbers << _PLACE_BITS | self._positions, wanted << _PLACE_BITS | positions) - 1
        is_before = is_known & (last >= 0) & (self._units[last] == units)
        return np.where(is_before, self._slots[last], -1)

    def slot_at(self, unit: int, position: int) -> int | None:
        """Return the slot in which a unit was when a fact was recorded, None = nobody loaded it before."""
        (slot,) = self.slots_at(np.array([unit]), np.array([position])).tolist()
        return None if slot < 0 else slot


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
    pages = [record for record in records if record["units"]]
    if not pages:
        return ()
    units = np.concatenate([np.array(record["units"], np.int64) for record in pages])
    places = np.repeat([record["position"] for record in pages], [len(record["units"]) for record in pages])
    slots = await _slots_at(connection, units, places, firsts=[record["units"][0] for record in pages])
    return spans_of(np.unique(units[slots == channel]), Basis.EXACT)


async def _slots_at(connection: Connection, units: Ids, places: Ids, *, firsts: Iterable[int]) -> Ids:
    """Return the slots in which units were when facts were recorded; `firsts` are of each page one.

    These tell from where in the journal on carriers were loaded with these pages; all that was loaded from there on is
    read in one sweep, and who was not among it is looked for one by one.
    """
    high = int(places.max())
    loaded = await connection.fetch(LOADED, sorted(set(firsts)))
    near = [record["position"] for record in loaded if record["position"] < high]
    low = near[len(near) // _FAR_ONE_IN] if near else high
    slots = Loads(await connection.fetch(LOADED_BETWEEN, low, high)).slots_at(units, places)
    is_missing = slots < 0
    missing = await read_loads(connection, np.unique(units[is_missing]).tolist())
    slots[is_missing] = missing.slots_at(units[is_missing], places[is_missing])
    return slots


async def read_loads(connection: Connection, units: Iterable[int]) -> Loads:
    """Return into which slots of carriers units were put."""
    return Loads(await connection.fetch(LOADED, sorted(units)))
