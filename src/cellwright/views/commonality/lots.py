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
from numpy.typing import NDArray

from cellwright.analysis.hypergeometric import IntArray
from cellwright.database.pool import Connection
from cellwright.rules.positions import Basis, is_mixture
from cellwright.rules.state import LotPartRow
from cellwright.views.ancestry import read_ancestry
from cellwright.views.commonality.factors import Factor, FactorKind, LevelBook, shift_code
from cellwright.views.known import KnownLot

TENTHS: Final = 10
_FAR: Final = 2**62
"""Beyond every position."""
_TIMED: Final = 32
"""Lots by which it is known when all were made."""
_BESIDE_MAX: Final = 1000
_OF_WHOLE_LOTS: Final = (FactorKind.LOT, FactorKind.STATION, FactorKind.SHIFT)

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


class _MadeFact(Struct, frozen=True):
    """The lots that a fact says were made, and where."""

    station: str
    operation: str
    lots: tuple[int, ...]
    clock_skewed: bool = False


class _Chain(Struct):
    """The lots that units took and those that these were made of."""

    book: LevelBook
    lots: dict[int, KnownLot]
    parts: dict[int, list[LotPartRow]]
    made: dict[int, tuple[int, ...]]
    """The levels that a lot has by where it was made."""
    sections: dict[int, IntArray]
    """By lot: rows of level, start and end; who took [start, end) of the lot had the level."""
    carried: dict[Basis, list[IntArray]]
    """Levels that some units had by the lots between, with how surely that is known."""


_MADE = msgspec.json.Decoder(_MadeFact)


async def add_lots(connection: Connection, book: LevelBook, runs: Sequence[Any]) -> None:
    """Note the lots that units took in runs, those that these were made of, the stations of both, and where on them."""
    chain = await _chain_of(connection, book, list(dict.fromkeys(run["lot"] for run in runs)))
    # The plant's work goes on in this thread meanwhile.
    await asyncio.to_thread(_expose_all, chain, runs)
    await _add_stations(connection, book, runs)


# --- from sections to units ---------------------------------------------------------------------------


def _expose_all(chain: _Chain, runs: Sequence[Any]) -> None:
    _carry_all(chain)
    if runs:
        _expose(chain, runs)
    for basis, levels in chain.carried.items():
        if levels:
            chain.book.weaken(np.unique(np.concatenate(levels)).tolist(), basis)


def _expose(chain: _Chain, runs: Sequence[Any]) -> None:
    """Note which units of runs have the middle of what they took in each section of the lot."""
    columns = np.array([(run["a"], run["b"] + 1, run["pos_a"], run["pos_b"]) for run in runs], dtype=np.int64)
    sections = [chain.sections[run["lot"]] for run in runs]
    first, end, low, high = np.repeat(columns, [len(each) for each in sections], axis=0).T
    levels, starts, ends = np.concatenate(sections).T
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
    kept = before < until
    chain.book.add(levels[kept], (first + before)[kept], (first + until)[kept])


def _carry_all(chain: _Chain) -> None:
    """Find what every lot is and is made of, by where on it: the parents of lots before these."""
    tenths: dict[tuple[str, int], IntArray] = {}
    for number in chain.parts:
        chain.sections[number] = _own_sections(chain, number, tenths)
    lanes = {part.key: _lane_section(chain, part) for parts in chain.parts.values() for part in parts if part.lane}
    is_whole = np.array([level.factor.kind in _OF_WHOLE_LOTS for level in chain.book.levels], np.bool_)
    for parts in _layers(chain.parts):
        found = [chain.sections[part.parent] for part in parts]
        beside = [(part, lanes[part.key]) for part in parts if part.lane]
        owners = [*parts, *(part for part, _ in beside)]
        rows = _carried(chain, owners, [*found, *(section for _, section in beside)], is_whole=is_whole)
        for number, carried in rows.items():
            chain.sections[number] = np.concatenate((chain.sections[number], carried))


def _layers(parts: Mapping[int, Sequence[LotPartRow]]) -> Iterator[list[LotPartRow]]:
    """Yield all parts, those of each child together, after those of its parents."""
    depths: dict[int, int] = {}
    waiting = list(parts)
    while waiting:
        lot = waiting[-1]
        unknown = [part.parent for part in parts[lot] if part.parent not in depths]
        if lot not in depths and unknown:
            waiting += unknown
            continue
        waiting.pop()
        depths[lot] = 1 + max((depths[part.parent] for part in parts[lot]), default=-1)
    layers: dict[int, list[LotPartRow]] = {}
    for lot, among in parts.items():
        if among:
            layers.setdefault(depths[lot], []).extend(among)
    yield from (layers[depth] for depth in sorted(layers))


def _own_sections(chain: _Chain, number: int, tenths: dict[tuple[str, int], IntArray]) -> IntArray:
    lot, book = chain.lots[number], chain.book
    known = tenths.get((lot.material, lot.quantity))
    if known is None:
        known = tenths[lot.material, lot.quantity] = _tenths(book, lot)
    levels = (book.number(Factor(FactorKind.LOT, lot.material), lot.code), *chain.made.get(number, ()))
    return np.concatenate((np.array([(level, -_FAR, _FAR) for level in levels], dtype=np.int64), known))


def _tenths(book: LevelBook, lot: KnownLot) -> IntArray:
    rows = []
    for tenth in range(TENTHS):
        level = book.number(Factor(FactorKind.POSITION, lot.material), str(tenth))
        start, end = (lot.quantity * edge // TENTHS for edge in (tenth, tenth + 1))
        rows.append((level, start if tenth else -_FAR, end if tenth + 1 < TENTHS else _FAR))
    return np.array(rows, dtype=np.int64)


def _lane_section(chain: _Chain, part: LotPartRow) -> IntArray:
    level = chain.book.number(Factor(FactorKind.LANE, chain.lots[part.parent].material), str(part.lane))
    return np.array([(level, part.parent_start, part.parent_end)], dtype=np.int64)


def _carried(
    chain: _Chain, parts: Sequence[LotPartRow], sections: Sequence[IntArray], *, is_whole: NDArray[np.bool_]
) -> dict[int, IntArray]:
    """Return by child where on it sections of its parents are; of a mixture only what is in all of it."""
    columns = np.array(
        [(each.child, each.parent_start, each.parent_end, each.child_start, each.child_end) for each in parts], np.int64
    )
    traits = np.array([(is_mixture(chain.lots[each.child].measure), each.reversed) for each in parts], np.bool_)
    sizes = [len(each) for each in sections]
    child, parent_start, parent_end, child_start, child_end = np.repeat(columns, sizes, axis=0).T
    is_mixed, is_reversed = np.repeat(traits, sizes, axis=0).T
    levels, starts, ends = np.concatenate(sections).T
    low, high = np.maximum(starts, parent_start), np.minimum(ends, parent_end)
    length, size = parent_end - parent_start, child_end - child_start
    kept = (low < high) | ((length == 0) & (low == high))
    kept &= ~is_mixed | is_whole[levels]
    low, high = low - parent_start, high - parent_start
    low, high = np.where(is_reversed, length - high, low), np.where(is_reversed, length - low, high)
    pace = np.maximum(length, 1)
    start = np.where(length > 0, child_start + low * size // pace, child_start)
    end = np.where(length > 0, child_start - (-high * size // pace), child_end)
    start, end = np.where(is_mixed, -_FAR, start), np.where(is_mixed, _FAR, end)
    for basis, among in ((Basis.LOT, kept & is_mixed), (Basis.INTERVAL, kept & ~is_mixed)):
        chain.carried[basis].append(np.unique(levels[among]))
    return _by_child(child[kept], np.stack((levels, start, end), axis=1)[kept], is_mixed[kept])


def _by_child(child: IntArray, rows: IntArray, is_mixed: NDArray[np.bool_]) -> dict[int, IntArray]:
    """Return rows by child; what is in all of a mixture is told once, by however many ways it came."""
    order = np.lexsort((rows[:, 0], child))
    child, rows, is_mixed = child[order], rows[order], is_mixed[order]
    is_again = np.zeros(len(child), np.bool_)
    is_again[1:] = is_mixed[1:] & (child[1:] == child[:-1]) & (rows[1:, 0] == rows[:-1, 0])
    child, rows = child[~is_again], rows[~is_again]
    firsts = np.flatnonzero(np.diff(child, prepend=-1))
    return dict(zip(child[firsts].tolist(), np.split(rows, firsts[1:]), strict=True)) if len(child) else {}


# --- reading ------------------------------------------------------------------------------------------


async def _chain_of(connection: Connection, book: LevelBook, direct: Sequence[int]) -> _Chain:
    found = await read_ancestry(connection, direct)
    chain = _Chain(book, found.lots, found.parts, {}, {}, {Basis.INTERVAL: [], Basis.LOT: []})
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
        among = [lot for lot in made.lots if lot in wanted]
        if among:
            levels = (
                chain.book.number(Factor(FactorKind.STATION, made.operation), made.station),
                chain.book.number(Factor(FactorKind.SHIFT, made.operation), shift_code(time_us)),
            )
            chain.made.update(dict.fromkeys(among, levels))


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
