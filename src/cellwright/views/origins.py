"""What units were made of, however many they are: counts by material first, lots a page at a time.

Runs and parts come as columns, one message for each, and are carried in columns.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

import numpy as np
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.ids import KIND_SHIFT, UnitKind, first_id, kind_of
from cellwright.model.quantities import Measure
from cellwright.rules.positions import Basis, is_mixture
from cellwright.rules.stretch_columns import (
    Ids,
    PartColumns,
    RunColumns,
    StretchColumns,
    carry_back,
    is_among,
    taken,
)
from cellwright.views.intervals import read_kinds
from cellwright.views.sealed import members_of

_SENT: Final = np.dtype([("size", ">i4"), ("number", ">i8")])
"""An element of `array_send` of a bigint[] without NULLs."""

_HEAD_BYTES: Final = 20
_FIRST_MODULE: Final = first_id(UnitKind.MODULE, 0)
_UNITS_GAP_MAX: Final = 4096
"""Units further apart are looked up apart: reading on along the runs between them would cost more than a probe."""
_LOTS_GAP_MAX: Final = 16
"""Lots likewise: of those of a day, every third or so is in a pack, so what lies between them is read and left."""

_RUN: Final = ("place", "a", "b", "lot", "pos_a", "pos_b", "tolerance")
_PART: Final = (
    "child",
    "parent",
    "parent_start",
    "parent_end",
    "child_start",
    "child_end",
    "lane",
    "reversed",
    "tolerance",
)


def _sent(columns: tuple[str, ...]) -> str:
    # In no order: to sort all columns here takes as long as to read them.
    return ", ".join(f"array_send(array_agg({name}::bigint)) AS {name}" for name in columns)


HOT_MEMBERS: Final = """
    SELECT m.unit
    FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT unit FROM unit_member WHERE parent = k.id AND to_us = 0 OFFSET 0) AS m
"""
RUNS: Final = f"""
    SELECT {_sent(_RUN)}
    FROM (
        SELECT n.place, r.a, r.b, r.lot, r.pos_a, r.pos_b, r.tolerance
        FROM unnest($3::text[], $4::smallint[]) WITH ORDINALITY AS n (kind, layer, place)
        CROSS JOIN unnest($1::bigint[], $2::bigint[]) AS w (first, last)
        CROSS JOIN LATERAL (
            (SELECT a, b, lot, pos_a, pos_b, tolerance FROM load_run
             WHERE load_run.kind = n.kind AND load_run.layer = n.layer AND load_run.a <= w.first
             ORDER BY load_run.a DESC LIMIT 1)
            UNION ALL
            (SELECT a, b, lot, pos_a, pos_b, tolerance FROM load_run
             WHERE load_run.kind = n.kind AND load_run.layer = n.layer AND load_run.a > w.first
               AND load_run.a <= w.last OFFSET 0)
        ) AS r
        WHERE r.b >= w.first
    ) AS found
"""  # noqa: S608 - names are ours
PARTS: Final = f"""
    SELECT {_sent(_PART)}
    FROM (
        SELECT p.child, p.parent, p.parent_start, p.parent_end, p.child_start, p.child_end, p.lane,
               p.reversed::integer AS reversed, p.tolerance
        FROM unnest($1::bigint[], $2::bigint[]) AS w (first, last)
        CROSS JOIN LATERAL (SELECT {", ".join(_PART)} FROM lot_part
                            WHERE lot_part.child BETWEEN w.first AND w.last OFFSET 0) AS p
    ) AS found
"""  # noqa: S608 - names are ours
MATERIALS: Final = """
    SELECT l.material, l.measure, array_send(array_agg(l.id)) AS lots
    FROM unnest($1::bigint[], $2::bigint[]) AS w (first, last)
    CROSS JOIN LATERAL (SELECT id, material, measure FROM lot
                        WHERE lot.id BETWEEN w.first AND w.last OFFSET 0) AS l
    GROUP BY l.material, l.measure
"""
LOTS: Final = """
    SELECT l.id, l.code, l.material, l.status, l.supplier, l.measure, l.quantity
    FROM unnest($1::bigint[]) WITH ORDINALITY AS k (id, place)
    CROSS JOIN LATERAL (SELECT id, code, material, status, supplier, measure, quantity FROM lot
                        WHERE lot.id = k.id OFFSET 0) AS l
    ORDER BY k.place
"""


class Origins(Struct, frozen=True, kw_only=True):
    """The answer: how many members of each kind, and the lots that went into them, by column, ascending."""

    levels: Mapping[UnitKind, int]
    materials: Mapping[str, int]
    """How many lots of each material."""
    lots: Ids
    bases: Ids
    """How surely each is known, by place in `Basis`."""
    stretches: StretchColumns


class OriginLot(Struct, frozen=True, kw_only=True):
    """A lot that went into units, and the part of it that can be in them, in its measure."""

    code: str
    material: str
    status: str
    supplier: str
    measure: str
    quantity: int
    basis: Basis
    start: int
    end: int
    tolerance: int


async def find_origins(connection: Connection, unit: int) -> Origins:
    """Return what a unit, with all its members, was made of."""
    levels, units = await descend(connection, np.array([unit], np.int64))
    starts = await take(connection, units)
    upstream = await _read_upstream(connection, np.unique(starts.lot))
    reached = carry_back(starts, upstream.parts, upstream.mixtures)
    firsts = np.flatnonzero(np.diff(reached.lot, prepend=-1))
    lots, bases = reached.lot[firsts], np.minimum.reduceat(reached.basis, firsts)
    counts = {name: int(is_among(each, lots).sum()) for name, each in upstream.materials.items()}
    return Origins(
        levels=levels,
        materials={name: count for name, count in counts.items() if count},
        lots=lots,
        bases=bases,
        stretches=reached,
    )


class _Upstream(Struct, frozen=True):
    """All parts on the way up from lots, the lots by material, and the ascending ids of those by mass."""

    parts: PartColumns
    materials: dict[str, Ids]
    mixtures: Ids


async def _read_upstream(connection: Connection, front: Ids) -> _Upstream:
    """Read parts level by level, each lot's once, however many ways lead to it."""
    lots, parts = front, [PartColumns(*(np.empty(0, np.int64) for _ in _PART))]
    while len(front):
        level: PartColumns = _columns(
            PartColumns, await connection.fetchrow(PARTS, *_windows(front, _LOTS_GAP_MAX)), _PART
        )
        parts.append(level.chosen(is_among(level.child, front)))
        parents = parts[-1].parent
        front = np.unique(parents[~is_among(parents, lots)])
        lots = np.sort(np.concatenate((lots, front)))
    whole = PartColumns(*(np.concatenate([getattr(each, name) for each in parts]) for name in _PART))
    materials: dict[str, Ids] = {}
    mixtures = [np.empty(0, np.int64)]
    for record in await connection.fetch(MATERIALS, *_windows(lots, _LOTS_GAP_MAX)):
        found = _received(record["lots"])
        found = found[is_among(found, lots)]
        materials[record["material"]] = np.concatenate((materials.get(record["material"], mixtures[0]), found))
        if is_mixture(Measure(record["measure"])):
            mixtures.append(found)
    return _Upstream(
        parts=whole.chosen(np.argsort(whole.child, kind="stable")),
        materials=materials,
        mixtures=np.sort(np.concatenate(mixtures)),
    )


async def descend(connection: Connection, front: Ids) -> tuple[dict[UnitKind, int], Ids]:
    """Return units with all their members: how many of each kind, and their ids, ascending."""
    found, levels = [front], dict[UnitKind, int]()
    while len(front):
        for number, count in zip(*np.unique(front >> KIND_SHIFT, return_counts=True), strict=True):
            kind = kind_of(int(number) << KIND_SHIFT)
            levels[kind] = levels.get(kind, 0) + int(count)
        # Cells have no members.
        front = front[front >= _FIRST_MODULE]
        if not len(front):
            break
        hot = await connection.fetch(HOT_MEMBERS, front.tolist())
        rows = np.array([record["unit"] for record in hot], np.int64)
        front = np.unique(np.concatenate((rows, await members_of(connection, front))))
        found.append(front)
    return levels, np.unique(np.concatenate(found))


async def take(connection: Connection, units: Ids) -> StretchColumns:
    """Return what units, which ascend, took of lots themselves."""
    names, layers = await read_kinds(connection)
    record = await connection.fetchrow(RUNS, *_windows(units, _UNITS_GAP_MAX), names, layers)
    runs = {name: _received(sent) for name, sent in zip(_RUN, record or (), strict=True)}
    order = np.lexsort((runs["a"], runs["place"]))
    runs = {name: column[order] for name, column in runs.items()}
    # Where nothing was ever taken there is no kind: one without runs stands for it.
    ends = np.searchsorted(runs["place"], np.arange(1, max(1, len(names)) + 2))
    found = [_covering(runs, slice(low, high), units) for low, high in pairwise(ends.tolist())]
    return taken(RunColumns(*(np.concatenate(columns) for columns in zip(*found, strict=True))))


def _windows(ids: Ids, gap_max: int) -> tuple[list[int], list[int]]:
    """Return first and last of the ranges that ids, which ascend, fall into where they are further apart."""
    is_first = np.diff(ids, prepend=ids[:1] - gap_max - 1) > gap_max
    is_last = np.diff(ids, append=ids[-1:] + gap_max + 1) > gap_max
    return ids[is_first].tolist(), ids[is_last].tolist()


def _covering(runs: Mapping[str, Ids], kind: slice, units: Ids) -> tuple[Ids, ...]:
    """Return units that a run of one kind covers, and of each its run, by column."""
    places = np.searchsorted(runs["a"][kind], units, side="right") - 1
    is_covered = places >= 0
    is_covered[is_covered] = runs["b"][kind][places[is_covered]] >= units[is_covered]
    chosen = places[is_covered]
    return (units[is_covered], *(runs[name][kind][chosen] for name in _RUN[1:]))


async def read_origin_lots(connection: Connection, origins: Origins, *, limit: int, offset: int = 0) -> list[OriginLot]:
    """Return a page of the lots, the newest first."""
    order = slice(max(0, len(origins.lots) - offset - limit), max(0, len(origins.lots) - offset))
    numbers, bases = origins.lots[order][::-1].tolist(), origins.bases[order][::-1].tolist()
    known = {record["id"]: record for record in await connection.fetch(LOTS, numbers)}
    return [
        _lot(known[number], Basis(list(Basis)[basis]), origins) for number, basis in zip(numbers, bases, strict=True)
    ]


def _lot(record: Any, basis: Basis, origins: Origins) -> OriginLot:
    stretches = origins.stretches
    low, high = np.searchsorted(stretches.lot, [record["id"], record["id"] + 1])
    return OriginLot(
        code=record["code"],
        material=record["material"],
        status=record["status"],
        supplier=record["supplier"],
        measure=record["measure"],
        quantity=record["quantity"],
        basis=basis,
        start=int(stretches.start[low:high].min()),
        end=int(stretches.end[low:high].max()),
        tolerance=int(stretches.tolerance[low:high].max()),
    )


def _columns(kind: Any, record: Any, names: tuple[str, ...]) -> Any:
    """Return columns that were sent as arrays; none at all come as NULL."""
    return kind(*(_received(record[name]) for name in names))


def _received(sent: bytes | None) -> Ids:
    if sent is None:
        return np.empty(0, np.int64)
    return np.frombuffer(sent, _SENT, offset=_HEAD_BYTES)["number"].astype(np.int64)
