"""Bad units by their codes, and the population to compare them with."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct

from cellwright.analysis.hypergeometric import IntArray
from cellwright.analysis.unit_sets import Spans, joined, overlap, spans_of
from cellwright.database.pool import Connection
from cellwright.errors import CellwrightError
from cellwright.model.ids import UnitKind, compose_code, split_code
from cellwright.views.intervals import read_kinds
from cellwright.views.subjects import TraceError, find_code

CODES_MAX: Final = 10_000
_NAMED_MAX = 20
_LINE_BITS = 40
"""Units of one kind and line share the bits above these."""
_NEWEST_US = 2**63 - 1

UNITS_OF_CODES = """
    SELECT k.code, u.id, u.kind, u.product
    FROM unnest($1::text[], $2::text[], $3::bigint[]) AS k (code, prefix, serial)
    CROSS JOIN LATERAL (SELECT serial_from, id_from, count FROM unit_block
                        WHERE unit_block.prefix = k.prefix AND serial_from <= k.serial
                        ORDER BY serial_from DESC LIMIT 1) AS b
    CROSS JOIN LATERAL (SELECT id, kind, product FROM unit_kept(b.id_from + k.serial - b.serial_from) OFFSET 0) AS u
    WHERE k.serial < b.serial_from + b.count
"""
CODE_OF_UNIT = """
    SELECT prefix, serial_from + ($1::bigint - id_from) AS serial FROM unit_block
    WHERE id_from <= $1::bigint ORDER BY id_from DESC LIMIT 1
"""
BORN = """
    SELECT time_us FROM history WHERE units @> ARRAY[$1::bigint] AND kind = 'UnitsCommissioned' OFFSET 0
"""
SPANS_OF_PRODUCT = """
    SELECT s.id_from, s.id_to
    FROM unnest($1::bigint[], $2::bigint[]) AS g (low, high)
    CROSS JOIN LATERAL (SELECT coalesce((SELECT id_from FROM unit_span WHERE id_from <= g.low
                                         ORDER BY id_from DESC LIMIT 1), g.low) AS first OFFSET 0) AS f
    CROSS JOIN LATERAL (SELECT id_from, id_to FROM unit_span
                        WHERE id_from >= f.first AND id_from < g.high AND product = $3::text OFFSET 0) AS s
"""
RUNS_OF_SPANS = """
    SELECT n.kind, r.station, r.a, r.b, r.lot, r.pos_a, r.pos_b, r.tolerance
    FROM unnest($1::bigint[], $2::bigint[]) AS s (low, high)
    CROSS JOIN unnest($3::text[], $4::smallint[]) AS n (kind, layer)
    CROSS JOIN LATERAL (SELECT coalesce((SELECT l.a FROM load_run AS l
                                         WHERE l.kind = n.kind AND l.layer = n.layer AND l.a <= s.low
                                         ORDER BY l.a DESC LIMIT 1), s.low) AS a OFFSET 0) AS f
    CROSS JOIN LATERAL (SELECT a, b, lot, pos_a, pos_b, tolerance, station FROM load_run
                        WHERE load_run.kind = n.kind AND load_run.layer = n.layer
                          AND load_run.a >= f.a AND load_run.a < s.high OFFSET 0) AS r
    WHERE r.b >= s.low
"""
REACH_OF_LOTS = """
    SELECT r.low, r.high
    FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT min(a) AS low, max(b) + 1 AS high FROM load_run WHERE lot = k.id
                        GROUP BY a >> 40 OFFSET 0) AS r
"""


class CommonalityError(CellwrightError):
    """Codes are unknown or of different products, or there is nothing to compare with."""


class Bad(Struct, frozen=True):
    """Bad units of one product: ids, ascending, and how many were named that are of other products."""

    units: IntArray
    kind: UnitKind
    product: str
    others_count: int


async def find_bad(connection: Connection, codes: Iterable[str], product: str = "") -> Bad:
    """Return the units of codes; raises CommonalityError that names every code that is none, one by one."""
    wanted = list(dict.fromkeys(code.strip() for code in codes if code.strip()))
    if not wanted:
        raise CommonalityError("no codes were given; give the codes of the bad units, each once")
    if len(wanted) > CODES_MAX:
        raise CommonalityError(f"{len(wanted)} codes were given; give at most {CODES_MAX} at a time")
    split = {code: parts for code in wanted if (parts := split_code(code)) is not None}
    prefixes, serials = [prefix for prefix, _ in split.values()], [serial for _, serial in split.values()]
    records = await connection.fetch(UNITS_OF_CODES, list(split), prefixes, serials)
    found = {record["code"] for record in records}
    if unknown := [code for code in wanted if code not in found]:
        raise CommonalityError("\n".join([each async for each in _about_unknown(connection, unknown)]))
    return _of_product(records, product)


async def _about_unknown(connection: Connection, codes: Sequence[str]) -> AsyncIterator[str]:
    for code in codes[:_NAMED_MAX]:
        try:
            found = await find_code(connection, code)
        except TraceError as error:
            yield str(error)
        else:
            yield f"{code[:40]!r} is a {found.kind} and no unit; give the codes of the units that are bad"
    if len(codes) > _NAMED_MAX:
        yield f"and {len(codes) - _NAMED_MAX} more codes are not those of units: {', '.join(codes[_NAMED_MAX:])[:2000]}"


def _of_product(records: Sequence[Any], product: str) -> Bad:
    products = sorted({record["product"] for record in records})
    if len(products) > 1 and not product:
        raise CommonalityError(
            f"the units are of {len(products)} products ({', '.join(products)}); compare one at a time, with --product"
        )
    chosen = product or products[0]
    units = [record for record in records if record["product"] == chosen]
    if not units:
        raise CommonalityError(f"none of the units is a {chosen}; they are: {', '.join(products)}")
    ids = np.unique(np.array([record["id"] for record in units], dtype=np.int64))
    return Bad(ids, UnitKind(units[0]["kind"]), chosen, len(records) - len(units))


async def population_of(
    connection: Connection, bad: Bad, *, from_us: int | None = None, to_us: int | None = None
) -> Spans:
    """Return the units to compare with: of the same product and the lines of the bad ones.

    Without times (UTC us, of birth): from the first to the last unit that shares a lot with a bad one, and as many again
    before and after, so that these lots can be compared with others. Raises CommonalityError when none is left.
    """
    lines = sorted({int(unit) >> _LINE_BITS for unit in bad.units})
    if from_us is None and to_us is None:
        ranges = [await _around(connection, bad.units[bad.units >> _LINE_BITS == line]) for line in lines]
        spans = await _of_line(connection, bad.product, ranges)
        # The views that tell a unit's product may be some facts behind.
        return joined(np.concatenate((spans.starts, bad.units)), np.concatenate((spans.ends, bad.units + 1)))
    whole = await _of_line(connection, bad.product, [(line << _LINE_BITS, (line + 1) << _LINE_BITS) for line in lines])
    ends = [
        await _between(connection, whole, line, (from_us or 0, _NEWEST_US if to_us is None else to_us))
        for line in lines
    ]
    spans = overlap(whole, joined(*np.array(ends, dtype=np.int64).reshape(-1, 2).T))
    if not spans.holds(bad.units).any():
        raise CommonalityError(f"none of the bad units is a {bad.product} born in that time; widen --from and --to")
    return spans


async def born_us(connection: Connection, unit: int) -> int | None:
    """Return when a unit was born (UTC us), None = the views do not know it yet."""
    moment: int | None = await connection.fetchval(BORN, unit)
    return moment


async def code_of(connection: Connection, unit: int) -> str:
    """Return the printed code of a unit."""
    record = await connection.fetchrow(CODE_OF_UNIT, unit)
    return "" if record is None else compose_code(record["prefix"], record["serial"])


async def runs_of(connection: Connection, spans: Spans) -> list[Any]:
    """Return the runs in which units of spans took something, each once."""
    kinds = await read_kinds(connection)
    records = await connection.fetch(RUNS_OF_SPANS, spans.starts.tolist(), spans.ends.tolist(), *kinds)
    return list(dict.fromkeys(records))


async def _around(connection: Connection, units: IntArray) -> tuple[int, int]:
    """Return the ids from the first to the last unit that shares a lot with these, and as many on both sides."""
    runs = await runs_of(connection, spans_of(units))
    lots = sorted({run["lot"] for run in runs})
    line = int(units[0]) >> _LINE_BITS
    records = await connection.fetch(REACH_OF_LOTS, lots)
    reaches = [(each["low"], each["high"]) for each in records if each["low"] >> _LINE_BITS == line]
    low = min([int(units[0]), *(reach[0] for reach in reaches)])
    high = max([int(units[-1]) + 1, *(reach[1] for reach in reaches)])
    margin = high - low
    return max(line << _LINE_BITS, low - margin), high + margin


async def _of_line(connection: Connection, product: str, ranges: Sequence[tuple[int, int]]) -> Spans:
    """Return the units of a product in ranges of ids."""
    lows, highs = ([each[index] for each in ranges] for index in (0, 1))
    records = await connection.fetch(SPANS_OF_PRODUCT, lows, highs, product)
    stored = np.array([(each["id_from"], each["id_to"]) for each in records], dtype=np.int64).reshape(-1, 2)
    return overlap(joined(stored[:, 0], stored[:, 1]), joined(np.array(lows), np.array(highs)))


async def _between(connection: Connection, whole: Spans, line: int, times: tuple[int, int]) -> tuple[int, int]:
    """Return the ids of a line that were born in [from, to)."""
    on_line = overlap(whole, Spans(np.array([line << _LINE_BITS]), np.array([(line + 1) << _LINE_BITS])))
    from_us, to_us = times
    return await _first_since(connection, on_line, from_us), await _first_since(connection, on_line, to_us)


async def _first_since(connection: Connection, spans: Spans, moment_us: int) -> int:
    """Return the first unit born at or after a time: ids of a line ascend with time."""
    low, high = 0, spans.count
    while low < high:
        middle = (low + high) // 2
        born = await born_us(connection, int(spans.ids(np.array([middle]))[0]))
        if born is None or born >= moment_us:
            high = middle
        else:
            low = middle + 1
    return int(spans.ids(np.array([low]))[0]) if low < spans.count else int(spans.ends[-1]) if spans.count else 0
