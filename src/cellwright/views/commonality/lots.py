"""Which lots units are made of, at any depth, and where on them: for many units at once, by intervals.

A stretch of a lot is carried to the lots made of it and at last to the units that took it. A unit counts where the
middle of what it took lies, so that it counts once. What went into a mixture is in all of it, unless it is less than a
hundredth: heels of heels are no cause.
"""

import asyncio
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct

from cellwright.analysis.hypergeometric import IntArray
from cellwright.database.pool import Connection
from cellwright.model.quantities import Measure
from cellwright.rules.positions import Basis, is_mixture
from cellwright.rules.state import LotPartRow
from cellwright.views.commonality.factors import Factor, FactorKind, LevelBook, shift_code
from cellwright.views.stored import decode_rows

TENTHS: Final = 10
SHARE_LEAST: Final = 0.01
"""Part of a mixture below which what went into it is left out."""
_FAR: Final = 2**62
"""Beyond every position."""
_TIMED: Final = 32
"""Lots by which it is known when all were made."""
_BESIDE_MAX: Final = 1000
_OF_WHOLE_LOTS: Final = (FactorKind.LOT, FactorKind.STATION, FactorKind.SHIFT)

_PART = "child, number, parent, parent_start, parent_end, child_start, child_end, lane, reversed, tolerance"

LOTS_OF_IDS = """
    SELECT l.* FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT id, code, material, measure, quantity FROM lot WHERE lot.id = k.id OFFSET 0) AS l
"""
PARTS_INTO = f"""
    SELECT p.* FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT {_PART} FROM lot_part WHERE lot_part.child = k.id OFFSET 0) AS p
"""  # noqa: S608 names are ours
ENDS_OF_LOTS = """
    SELECT min(h.position) AS low, max(h.position) AS high
    FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT position FROM history WHERE lots @> ARRAY[k.id] OFFSET 0) AS h
"""
MADE_BETWEEN = """
    SELECT time_us, recorded_us, body FROM fact
    WHERE kind = 'LotTransformed' AND position >= $1::bigint AND position <= $2::bigint
"""
MADE = """
    SELECT f.time_us, f.recorded_us, f.body
    FROM (SELECT DISTINCT h.position
          FROM unnest($1::bigint[]) AS k (id)
          CROSS JOIN LATERAL (SELECT position FROM history
                              WHERE lots @> ARRAY[k.id] AND kind = 'LotTransformed' OFFSET 0) AS h) AS p
    CROSS JOIN LATERAL (SELECT time_us, recorded_us, body FROM fact WHERE fact.position = p.position OFFSET 0) AS f
"""
OPERATION_OF_RUN = """
    SELECT DISTINCT k.kind, k.station, h.operation
    FROM unnest($1::text[], $2::text[], $3::bigint[]) AS k (kind, station, unit)
    CROSS JOIN LATERAL (SELECT operation, station FROM history
                        WHERE units @> ARRAY[k.unit] AND kind = 'OperationCompleted' OFFSET 0) AS h
    WHERE h.station = k.station
"""


class _Lot(Struct, frozen=True):
    id: int
    code: str
    material: str
    measure: Measure
    quantity: int


class _MadeFact(Struct, frozen=True):
    """The lots that a fact says were made, and where."""

    station: str
    operation: str
    lots: tuple[int, ...]
    clock_skewed: bool = False


class _Chain(Struct):
    """The lots that units took and those that these were made of."""

    book: LevelBook
    lots: dict[int, _Lot]
    parts: dict[int, list[LotPartRow]]
    shares: dict[int, float]
    """The largest part of anything that a lot is."""
    made: dict[int, list[tuple[Factor, str]]]
    sections: dict[int, IntArray]
    """By lot: rows of level, start and end; who took [start, end) of the lot had the level."""
    carried: dict[Basis, list[IntArray]]
    """Levels that some units had by the lots between, with how surely that is known."""


_MADE = msgspec.json.Decoder(_MadeFact)


async def add_lots(connection: Connection, book: LevelBook, runs: Sequence[Any]) -> None:
    """Note the lots that units took in runs, those that these were made of, the stations of both, and where on them."""
    by_lot: dict[int, list[Any]] = {}
    for run in runs:
        by_lot.setdefault(run["lot"], []).append(run)
    chain = await _chain_of(connection, book, list(by_lot))
    # The plant's work goes on in this thread meanwhile.
    await asyncio.to_thread(_expose_all, chain, by_lot)
    await _add_stations(connection, book, runs)


# --- from sections to units ---------------------------------------------------------------------------


def _expose_all(chain: _Chain, by_lot: Mapping[int, Sequence[Any]]) -> None:
    for lot, among in by_lot.items():
        columns = np.array([(run["a"], run["b"] + 1, run["pos_a"], run["pos_b"]) for run in among], dtype=np.int64)
        _expose(chain.book, _sections_of(chain, lot), columns)
    for basis, levels in chain.carried.items():
        if levels:
            chain.book.weaken(np.unique(np.concatenate(levels)).tolist(), basis)


def _expose(book: LevelBook, sections: IntArray, columns: IntArray) -> None:
    """Note which units of a lot's runs have the middle of what they took in each section."""
    first, end, low, high = (column[:, None] for column in columns.T)
    levels, starts, ends = sections.T
    count, length = end - first, high - low
    pace = np.maximum(length, 1)

    def units_before(position: IntArray) -> IntArray:
        """Units whose middle lies before a position."""
        passed = np.clip(position, low, high) - low
        along = np.ceil(passed * count / pace - 0.5).astype(np.int64)
        at_once = np.where(position > low, count, 0)
        return np.asarray(np.clip(np.where(length > 0, along, at_once), 0, count), np.int64)

    before = np.where(starts <= low, 0, units_before(starts))
    until = np.where(ends >= high, count, units_before(ends))
    until = np.where((length == 0) & (ends <= low), 0, until)
    run_at, section_at = np.nonzero(before < until)
    book.add(
        levels[section_at],
        first[run_at, 0] + before[run_at, section_at],
        first[run_at, 0] + until[run_at, section_at],
    )


def _sections_of(chain: _Chain, lot: int) -> IntArray:
    """Return what a lot is and is made of, by where on it."""
    known = chain.sections.get(lot)
    if known is None:
        found = [_own_sections(chain, lot)]
        for part in chain.parts.get(lot, ()):
            found.append(_carried(chain, part, _lane_section(chain, part)))
            found.append(_carried(chain, part, _sections_of(chain, part.parent)))
        known = chain.sections[lot] = np.unique(np.concatenate(found), axis=0)
    return known


def _own_sections(chain: _Chain, number: int) -> IntArray:
    lot, book = chain.lots[number], chain.book
    whole = [(Factor(FactorKind.LOT, lot.material), lot.code), *chain.made.get(number, ())]
    rows = [(book.number(factor, code), -_FAR, _FAR) for factor, code in whole]
    for tenth in range(TENTHS):
        level = book.number(Factor(FactorKind.POSITION, lot.material), str(tenth))
        start, end = (lot.quantity * edge // TENTHS for edge in (tenth, tenth + 1))
        rows.append((level, start if tenth else -_FAR, end if tenth + 1 < TENTHS else _FAR))
    return np.array(rows, dtype=np.int64)


def _lane_section(chain: _Chain, part: LotPartRow) -> IntArray:
    if not part.lane:
        return np.zeros((0, 3), np.int64)
    level = chain.book.number(Factor(FactorKind.LANE, chain.lots[part.parent].material), str(part.lane))
    return np.array([(level, part.parent_start, part.parent_end)], dtype=np.int64)


def _carried(chain: _Chain, part: LotPartRow, sections: IntArray) -> IntArray:
    """Return where on a part's child sections of its parent are; of a mixture only what is in all of it."""
    low = np.maximum(sections[:, 1], part.parent_start)
    high = np.minimum(sections[:, 2], part.parent_end)
    kept = low <= high if part.parent_start == part.parent_end else low < high
    is_mixed = is_mixture(chain.lots[part.child].measure)
    if is_mixed:
        kept &= np.array([chain.book.levels[each].factor.kind in _OF_WHOLE_LOTS for each in sections[:, 0]], np.bool_)
    levels, low, high = sections[kept, 0], low[kept] - part.parent_start, high[kept] - part.parent_start
    chain.carried[Basis.LOT if is_mixed else Basis.INTERVAL].append(levels)
    length, size = part.parent_end - part.parent_start, part.child_end - part.child_start
    if is_mixed or not length:
        ends = (-_FAR, _FAR) if is_mixed else (part.child_start, part.child_end)
        return np.stack([levels, np.full_like(levels, ends[0]), np.full_like(levels, ends[1])], axis=1)
    if part.reversed:
        low, high = length - high, length - low
    return np.stack(
        [levels, part.child_start + low * size // length, part.child_start - (-high * size // length)], axis=1
    )


# --- reading ------------------------------------------------------------------------------------------


async def _chain_of(connection: Connection, book: LevelBook, direct: Sequence[int]) -> _Chain:
    chain = _Chain(book, {}, {}, dict.fromkeys(direct, 1.0), {}, {}, {Basis.INTERVAL: [], Basis.LOT: []})
    await _load_lots(connection, chain, direct)
    front = list(direct)
    while front:
        unread = [lot for lot in front if lot not in chain.parts]
        chain.parts.update({lot: [] for lot in unread})
        for part in decode_rows(LotPartRow, map(tuple, await connection.fetch(PARTS_INTO, unread))):
            chain.parts[part.child].append(part)
        await _load_lots(connection, chain, (part.parent for lot in unread for part in chain.parts[lot]))
        front = list(_raised(chain, front))
    for lot, parts in chain.parts.items():
        chain.parts[lot] = [part for part in parts if _share(chain, part) >= SHARE_LEAST]
    await _load_made(connection, chain)
    return chain


async def _load_made(connection: Connection, chain: _Chain) -> None:
    """Read where lots were made: in one sweep over the facts of their time, then what lies beside it, lot by lot."""
    wanted = sorted(lot for lot, parts in chain.parts.items() if parts)
    if not wanted:
        return
    some = [wanted[at] for at in np.linspace(0, len(wanted) - 1, _TIMED).astype(np.int64).tolist()]
    low, high = await connection.fetchrow(ENDS_OF_LOTS, some) or (None, None)
    if low is not None:
        _add_made(chain, set(wanted), await connection.fetch(MADE_BETWEEN, low, high))
    beside = [lot for lot in wanted if lot not in chain.made]
    _add_made(chain, set(wanted), await connection.fetch(MADE, beside[:_BESIDE_MAX]))


def _add_made(chain: _Chain, wanted: Container[int], records: Iterable[Any]) -> None:
    for record in records:
        made = _MADE.decode(record["body"])
        time_us = record["recorded_us"] if made.clock_skewed else record["time_us"]
        levels = [
            (Factor(FactorKind.STATION, made.operation), made.station),
            (Factor(FactorKind.SHIFT, made.operation), shift_code(time_us)),
        ]
        chain.made.update((lot, levels) for lot in made.lots if lot in wanted)


def _raised(chain: _Chain, front: Iterable[int]) -> Iterator[int]:
    """Yield the parents of lots that turn out to be a larger part of something than was known, and large enough."""
    for part in (part for lot in front for part in chain.parts[lot]):
        share = _share(chain, part)
        if share >= SHARE_LEAST and share > chain.shares.get(part.parent, 0.0):
            chain.shares[part.parent] = share
            yield part.parent


def _share(chain: _Chain, part: LotPartRow) -> float:
    """Return which part of anything that units took a part's parent is by this way; only mixtures dilute."""
    child, parent = chain.lots[part.child], chain.lots[part.parent]
    share = chain.shares.get(part.child, 0.0)
    if is_mixture(child.measure) and is_mixture(parent.measure) and child.quantity:
        share *= min(1.0, (part.parent_end - part.parent_start) / child.quantity)
    return share


async def _load_lots(connection: Connection, chain: _Chain, numbers: Iterable[int]) -> None:
    missing = [number for number in dict.fromkeys(numbers) if number not in chain.lots]
    for record in await connection.fetch(LOTS_OF_IDS, missing):
        number, code, material, measure, quantity = record
        chain.lots[number] = _Lot(number, code, material, Measure(measure), quantity)


async def _add_stations(connection: Connection, book: LevelBook, runs: Sequence[Any]) -> None:
    """Note the stations that loaded runs into units, by the operation that they did then."""
    pairs: dict[tuple[str, str], int] = {}
    for run in runs:
        pairs.setdefault((run["kind"], run["station"]), run["a"])
    kinds, stations = ([pair[index] for pair in pairs] for index in (0, 1))
    records = await connection.fetch(OPERATION_OF_RUN, kinds, stations, list(pairs.values()))
    operations = {(record["kind"], record["station"]): record["operation"] for record in records}
    levels = {
        pair: book.number(Factor(FactorKind.STATION, operations[pair]), pair[1]) for pair in pairs if pair in operations
    }
    known = [run for run in runs if (run["kind"], run["station"]) in levels]
    columns = np.array([(levels[run["kind"], run["station"]], run["a"], run["b"] + 1) for run in known], dtype=np.int64)
    book.add(*columns.reshape(-1, 3).T)
