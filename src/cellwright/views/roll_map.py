"""The map of a web: what was measured where on it or before it, the flaws seen there, and the units wound from it.

What was measured on the webs that it was made of is carried onto it (`rules.pieces`): a reel shows what its roll got at
the coater. Every hop runs through an index: `CROSS JOIN LATERAL (... OFFSET 0)` keeps the planner from scanning.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from cellwright.analysis.profiles import Bins, Placed, binned, placed
from cellwright.database.pool import Connection
from cellwright.model.quantities import Measure
from cellwright.rules.genealogy import interval_of
from cellwright.rules.pieces import Piece, pieces_of
from cellwright.rules.positions import Direction, Stretch, units_on
from cellwright.rules.state import LoadRun, LotPartRow
from cellwright.views.following import lot_codes, unit_codes
from cellwright.views.intervals import PART, RUN
from cellwright.views.stored import decode_rows

BINS_MAX = 2_000
"""Bins of one lane."""
MARKS_MAX = 2_000
RUNS_MAX = 2_000
_PIECES_MAX = 2_000
"""Stretches of other webs that are looked at, in each direction."""


class RollLane(Struct, frozen=True, kw_only=True):
    """A characteristic in one lane, as it was measured on `source` in `source_lane`; positions lie on the map's web.

    `lane` is the lane of this web, 0 = its whole width. Where there are more values than bins, `lower` and `upper`
    hold the least and the greatest of each bin, and `values` the mean.
    """

    characteristic: str
    operation: str
    source: str
    source_lane: int
    lane: int
    tolerance: int
    bins: Bins
    measured_count: int


class RollMark(Struct, frozen=True, kw_only=True):
    """A flaw on [start, end), each within `tolerance`, as it was seen on `source`."""

    defect: str
    source: str
    lane: int
    """0 = the whole width."""
    start: int
    end: int
    tolerance: int


class RollRun(Struct, frozen=True, kw_only=True):
    """Units that were wound one after another, evenly, from [start, end) of this web, or from a web made of it (`lot`).

    Units that lie only partly on the section, or over a splice, are among them: the stretch goes on beyond for these.
    """

    lot: str
    position: str
    station: str
    lane: int
    """0 = the whole width."""
    start: int
    end: int
    tolerance: int
    unit_from: str
    unit_to: str
    units_count: int
    is_reversed: bool
    """Whether the first unit lies at the end."""


class RollMap(Struct, frozen=True, kw_only=True):
    """Everything known of [start, end) of a web; counts say how many there are where only the first are given."""

    start: int
    end: int
    lanes: tuple[RollLane, ...]
    marks: tuple[RollMark, ...]
    marks_count: int
    runs: tuple[RollRun, ...]
    runs_count: int
    is_partial: bool
    """Whether more other webs lead to or from this one than are looked at: those next to it are."""


# All names in these statements are ours; values travel as parameters. A web is counted in mm; mixtures have no places.
WEBS_BACKWARD = f"""
    WITH RECURSIVE lots AS (
        SELECT $1::bigint AS id
        UNION
        SELECT p.parent
        FROM lots
        CROSS JOIN LATERAL (SELECT parent FROM lot_part WHERE lot_part.child = lots.id OFFSET 0) AS p
        CROSS JOIN LATERAL (SELECT measure FROM lot WHERE lot.id = p.parent OFFSET 0) AS l
        WHERE l.measure = '{Measure.MM}'
    )
    SELECT p.* FROM lots
    CROSS JOIN LATERAL (SELECT {PART} FROM lot_part WHERE lot_part.child = lots.id OFFSET 0) AS p
    CROSS JOIN LATERAL (SELECT measure FROM lot WHERE lot.id = p.parent OFFSET 0) AS l
    WHERE l.measure = '{Measure.MM}'
    LIMIT $2
"""  # noqa: S608
WEBS_FORWARD = f"""
    WITH RECURSIVE lots AS (
        SELECT $1::bigint AS id
        UNION
        SELECT p.child
        FROM lots
        CROSS JOIN LATERAL (SELECT child FROM lot_part WHERE lot_part.parent = lots.id OFFSET 0) AS p
        CROSS JOIN LATERAL (SELECT measure FROM lot WHERE lot.id = p.child OFFSET 0) AS l
        WHERE l.measure = '{Measure.MM}'
    )
    SELECT p.* FROM lots
    CROSS JOIN LATERAL (SELECT {PART} FROM lot_part WHERE lot_part.parent = lots.id OFFSET 0) AS p
    CROSS JOIN LATERAL (SELECT measure FROM lot WHERE lot.id = p.child OFFSET 0) AS l
    WHERE l.measure = '{Measure.MM}'
    LIMIT $2
"""  # noqa: S608
PROFILES = """
    SELECT k.piece, p.characteristic, p.operation, p.lane, p.step,
           p.pos_a + p.step * greatest((k.low - p.pos_a) / p.step, 0) AS pos_a,
           p."values"[greatest((k.low - p.pos_a) / p.step, 0) + 1 : (k.high - p.pos_a + p.step - 1) / p.step] AS "values"
    FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::bigint[]) AS k (piece, lot, low, high)
    CROSS JOIN LATERAL (SELECT characteristic, operation, lane, pos_a, step, "values" FROM lot_profile
                        WHERE lot_profile.lot = k.lot OFFSET 0) AS p
    ORDER BY k.piece, p.characteristic, p.lane
"""
MARKS = """
    SELECT k.piece, m.defect, m.pos_a, m.pos_b, m.lane
    FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::bigint[]) AS k (piece, lot, low, high)
    CROSS JOIN LATERAL (SELECT defect, pos_a, pos_b, lane FROM lot_mark
                        WHERE lot_mark.lot = k.lot AND pos_a < k.high AND pos_b > k.low OFFSET 0) AS m
    ORDER BY k.piece, m.pos_a
"""
RUNS = f"""
    SELECT k.piece, r.*
    FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::bigint[]) AS k (piece, lot, low, high)
    CROSS JOIN LATERAL (SELECT {RUN} FROM load_run
                        WHERE load_run.lot = k.lot AND pos_a < k.high AND pos_b > k.low OFFSET 0) AS r
    ORDER BY k.piece, r.pos_a
"""  # noqa: S608


async def read_roll_map(connection: Connection, number: int, section: tuple[int, int], *, bins: int) -> RollMap:
    """Return the map of a section of a web by its id, with at most `bins` bins a lane."""
    before = await _pieces(connection, number, section, Direction.BACKWARD)
    behind = await _pieces(connection, number, section, Direction.FORWARD)
    codes = await lot_codes(connection, {piece.lot for piece in (*before, *behind)})
    lanes = await _lanes(connection, before, codes, min(max(bins, 1), BINS_MAX))
    marks = [_mark(before[record["piece"]], record, codes) for record in await _of(connection, MARKS, before)]
    known = sorted((mark for mark in marks if mark is not None), key=lambda mark: (mark.start, mark.lane))
    runs, runs_count = await _runs(connection, behind, codes)
    return RollMap(
        start=section[0],
        end=section[1],
        lanes=lanes,
        marks=tuple(known[:MARKS_MAX]),
        marks_count=len(known),
        runs=runs,
        runs_count=runs_count,
        is_partial=max(len(before), len(behind)) >= _PIECES_MAX,
    )


async def _pieces(connection: Connection, number: int, section: tuple[int, int], direction: Direction) -> list[Piece]:
    statement = WEBS_BACKWARD if direction is Direction.BACKWARD else WEBS_FORWARD
    records = await connection.fetch(statement, number, _PIECES_MAX)
    parts = decode_rows(LotPartRow, [tuple(record) for record in records])
    return pieces_of(number, section, parts, direction, most=_PIECES_MAX)


async def _of(connection: Connection, statement: str, pieces: Sequence[Piece]) -> Sequence[Any]:
    """Ask something of every piece's stretch; the answers say by `piece` which one they are of."""
    columns = [[getattr(piece, name) for piece in pieces] for name in ("lot", "start", "end")]
    return await connection.fetch(statement, list(range(len(pieces))), *columns)


# --- profiles and marks -----------------------------------------------------------------------------


class _Key(Struct, frozen=True, order=True):
    """What one lane of a map shows."""

    characteristic: str
    operation: str
    source: str
    source_lane: int
    lane: int


class _Found(Struct):
    """Values of one lane, piece by piece."""

    placed: list[Placed]
    tolerance: int = 0


async def _lanes(
    connection: Connection, pieces: Sequence[Piece], codes: dict[int, str], bins: int
) -> tuple[RollLane, ...]:
    found: dict[_Key, _Found] = {}
    for record in await _of(connection, PROFILES, pieces):
        piece = pieces[record["piece"]]
        if record["values"] and _is_in(piece, record["lane"]):
            lane = _own_lane(piece, record["lane"])
            key = _Key(record["characteristic"], record["operation"], codes[piece.lot], record["lane"], lane)
            here = found.setdefault(key, _Found([]))
            here.placed.append(_placed(piece, record))
            here.tolerance = max(here.tolerance, piece.tolerance)
    return tuple(_lane(key, found[key], bins) for key in sorted(found))


def _placed(piece: Piece, record: Any) -> Placed:
    return placed(
        np.array(record["values"], dtype=np.float64),
        (record["pos_a"], record["step"]),
        (piece.start, piece.end),
        (piece.own_start, piece.own_end),
        is_reversed=piece.is_reversed,
    )


def _lane(key: _Key, found: _Found, bins: int) -> RollLane:
    columns = [[getattr(each, name) for each in found.placed] for name in ("starts", "ends", "values")]
    joined = binned(Placed(*map(np.concatenate, columns)), bins)
    return RollLane(
        characteristic=key.characteristic,
        operation=key.operation,
        source=key.source,
        source_lane=key.source_lane,
        lane=key.lane,
        tolerance=found.tolerance,
        bins=joined,
        measured_count=sum(joined.counts),
    )


def _is_in(piece: Piece, lane: int) -> bool:
    """Tell whether what lies in a lane of a piece's web lies on the lot asked about."""
    return not lane or not piece.lane or lane == piece.lane


def _own_lane(piece: Piece, lane: int) -> int:
    """Return the lane on the lot asked about: one that was cut out of its parent has only itself."""
    return 0 if piece.lane else lane


def _mark(piece: Piece, record: Any, codes: dict[int, str]) -> RollMark | None:
    start, end = piece.own(record["pos_a"], record["pos_b"])
    if start >= end or not _is_in(piece, record["lane"]):
        return None
    return RollMark(
        defect=record["defect"],
        source=codes[piece.lot],
        lane=_own_lane(piece, record["lane"]),
        start=start,
        end=end,
        tolerance=piece.tolerance,
    )


# --- what was wound ---------------------------------------------------------------------------------


async def _runs(
    connection: Connection, pieces: Sequence[Piece], codes: dict[int, str]
) -> tuple[tuple[RollRun, ...], int]:
    records = await _of(connection, RUNS, pieces)
    runs = decode_rows(LoadRun, [tuple(record)[1:] for record in records])
    cut = list(_cut((pieces[record["piece"]], run) for record, run in zip(records, runs, strict=True)))
    cut.sort(key=lambda each: (each[0].own_start, each[1].kind, each[1].a))
    shown = cut[:RUNS_MAX]
    units = await unit_codes(connection, {unit for _, _, there in shown for unit in (there[0], there[-1])})
    return tuple(_run(*each, codes, units) for each in shown), len(cut)


def _cut(fed: Iterator[tuple[Piece, LoadRun]]) -> Iterator[tuple[Piece, LoadRun, range]]:
    """Yield runs with their units that took something of a piece."""
    for piece, run in fed:
        # What is drawn is what the counters said: no tolerance on either side.
        there = units_on(run, Stretch(piece.start, piece.end, -run.tolerance))
        if there:
            yield piece, run, there


def _run(piece: Piece, run: LoadRun, there: range, codes: dict[int, str], units: dict[int, str]) -> RollRun:
    start, end = piece.going_on(interval_of(run, there[0])[0], interval_of(run, there[-1])[1])
    return RollRun(
        lot=codes[piece.lot],
        position=run.kind,
        station=run.station,
        lane=piece.lane,
        start=start,
        end=end,
        tolerance=piece.tolerance + run.tolerance,
        unit_from=units[there[0]],
        unit_to=units[there[-1]],
        units_count=len(there),
        is_reversed=piece.is_reversed,
    )
