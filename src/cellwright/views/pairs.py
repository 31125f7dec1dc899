"""Units that cannot be those of their record, because they do not weigh what was put into them."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct

from cellwright.analysis.grading.pairs import find_pairs
from cellwright.database.pool import Connection
from cellwright.model.commands import Result
from cellwright.model.routes import MassCheck
from cellwright.views.following import unit_codes

PAGES_MAX: Final = 1_000

LAST_WEIGHED: Final = """
    SELECT h.position, f.body
    FROM (SELECT position, time_us FROM history
          WHERE station = $1 AND operation = $2 AND kind = 'OperationCompleted'
          ORDER BY time_us DESC LIMIT $3) AS h
    CROSS JOIN LATERAL (SELECT body FROM fact WHERE fact.position = h.position OFFSET 0) AS f
    ORDER BY h.position
"""
# Units are looked for in groups: each look into the index also reads all that was added to it last.
RECORDED: Final = """
    SELECT p.position, f.body
    FROM (SELECT DISTINCT h.position
          FROM (SELECT array_agg(id) AS ids FROM unnest($1::bigint[]) WITH ORDINALITY AS n (id, at)
                GROUP BY at / 200) AS k
          CROSS JOIN LATERAL (SELECT position FROM history
                              WHERE units && k.ids AND kind = 'OperationCompleted' AND operation = $2
                              OFFSET 0) AS h) AS p
    CROSS JOIN LATERAL (SELECT body FROM fact WHERE fact.position = p.position OFFSET 0) AS f
    ORDER BY p.position
"""
HELD: Final = "SELECT id FROM unit WHERE id = ANY ($1::bigint[]) AND holds > 0"


class ImpossiblePair(Struct, frozen=True, kw_only=True):
    """A unit that weighs `excess_g` more than its record says, which is more than can be."""

    unit: str
    weighed_g: float
    expected_g: float
    excess_g: float
    is_held: bool


class PairsFound(Struct, frozen=True, kw_only=True):
    """What was compared at a station: how many weighed units, of how many a mass was unknown, and the impossible ones."""

    station: str
    operation: str
    tolerance_g: float
    weighed_count: int
    unknown_count: int
    """Weighed, but of a part no mass was recorded: nothing can be said of them."""
    pairs: tuple[ImpossiblePair, ...]


class _Body(Struct, frozen=True):
    units: tuple[int, ...]
    results: tuple[Result, ...] = ()


_BODY = msgspec.json.Decoder(_Body)


async def read_pairs(
    connection: Connection, station: str, operation: str, *, check: MassCheck, pages_count: int
) -> PairsFound:
    """Compare what was weighed on a station's last pages with what was recorded of the same units before."""
    records = await connection.fetch(LAST_WEIGHED, station, operation, pages_count)
    weighed = _newest(records, check.characteristic)
    units = sorted(weighed)
    parts = []
    for part in check.parts:
        recorded = _newest(await connection.fetch(RECORDED, units, part.operation), part.characteristic)
        parts.append([recorded.get(unit, np.nan) for unit in units])
    found = find_pairs(
        np.array([weighed[unit] for unit in units]),
        np.array(parts).reshape(len(parts), len(units)),
        rest_g=check.rest_g,
        tolerance_g=check.tolerance_g,
    )
    wrong = np.flatnonzero(found.is_impossible).tolist()
    ids = [units[index] for index in wrong]
    codes, held = await unit_codes(connection, ids), {row["id"] for row in await connection.fetch(HELD, ids)}
    return PairsFound(
        station=station,
        operation=operation,
        tolerance_g=check.tolerance_g,
        weighed_count=len(units),
        unknown_count=int(np.isnan(found.excess_g).sum()),
        pairs=tuple(
            ImpossiblePair(
                unit=codes[units[index]],
                weighed_g=weighed[units[index]],
                expected_g=float(found.expected_g[index]),
                excess_g=float(found.excess_g[index]),
                is_held=units[index] in held,
            )
            for index in wrong
        ),
    )


def _newest(records: Sequence[Any], characteristic: str) -> dict[int, float]:
    """Return the last value of a characteristic by unit, where it was measured."""
    found: dict[int, float] = {}
    for record in records:
        body = _BODY.decode(record["body"])
        values = next((each.values for each in body.results if each.characteristic == characteristic), ())
        found |= {unit: value for unit, value in zip(body.units, values, strict=False) if value is not None}
    return found
