"""How far a lot, or a stretch of it, has spread: counts and the outermost units first, however many cells it is.

Runs are intervals, so cells are counted without being looked at; parents are read from packed blocks by slices.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.ids import KIND_SHIFT, UnitKind, compose_code, kind_of
from cellwright.rules.positions import Basis, Direction, Stretch, stretch_of, units_on, weakest
from cellwright.rules.spans import Ids, Span, count_units, ids_of, join_spans, spans_of
from cellwright.rules.state import LoadRun, LotPartRow
from cellwright.views.known import KnownLot
from cellwright.views.sealed import parents_of, profiles_of
from cellwright.views.stored import decode_rows
from cellwright.views.subjects import TraceError
from cellwright.views.trace import (
    PARTS_FORWARD,
    RUNS_OF_LOTS,
    carry_between,
    parts_between,
    section_of,
)

HOT_PARENTS: Final = """
    SELECT m.unit, m.parent
    FROM unnest($1::bigint[], $2::bigint[]) AS r (first, last)
    CROSS JOIN LATERAL (SELECT unit, parent FROM unit_member
                        WHERE unit BETWEEN r.first AND r.last AND to_us = 0 OFFSET 0) AS m
    ORDER BY m.unit
"""
HOT_UNITS: Final = """
    SELECT u.id, u.product, u.status, u.station, u.holds
    FROM unnest($1::bigint[], $2::bigint[]) AS r (first, last)
    CROSS JOIN LATERAL (SELECT id, product, status, station, holds FROM unit
                        WHERE unit.id BETWEEN r.first AND r.last OFFSET 0) AS u
    ORDER BY u.id
"""
WHEREABOUTS: Final = """
    SELECT k.id, coalesce(s.partner, '') AS partner, coalesce(i.vehicle, '') AS vehicle
    FROM unnest($1::bigint[]) AS k (id)
    LEFT JOIN LATERAL (SELECT partner FROM shipment WHERE unit = k.id AND to_us = 0 OFFSET 0) AS s ON true
    LEFT JOIN LATERAL (SELECT vehicle FROM installation WHERE pack = k.id AND to_us = 0 OFFSET 0) AS i ON true
"""
CODES: Final = """
    SELECT k.id, b.prefix, b.serial_from + (k.id - b.id_from) AS serial
    FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT prefix, serial_from, id_from FROM unit_block
                        WHERE id_from <= k.id ORDER BY id_from DESC LIMIT 1) AS b
"""
LEFT: Final = frozenset({"shipped", "installed"})
"""Statuses of units that are not here any more."""

UNITS_MAX: Final = 2_000_000
"""Units that one answer may count; more is a question about a whole year, to be asked in parts."""


class Section(Struct, frozen=True, kw_only=True):
    """What of a lot is meant: [start, end) in its measure (None = from its beginning, to its end), in a lane (0 = all)."""

    lot: int
    start: int | None = None
    end: int | None = None
    lane: int = 0


class Place(Struct, frozen=True, order=True):
    """Where outermost units are now, and how many of them are on hold; `station` is the partner of those that left."""

    kind: UnitKind
    product: str
    status: str
    station: str
    units_count: int
    held_count: int


class Outermost(Struct, frozen=True, kw_only=True):
    """A unit that is member of nothing; `units_count` of those that took something directly are in it, or are it."""

    code: str
    kind: UnitKind
    product: str
    status: str
    station: str
    """Where it is: a station, or of what left the vehicle or the partner; "" = in stock, or unknown."""
    held: bool
    units_count: int
    basis: Basis
    """How surely the surest of them is known."""


class Climb(Struct, frozen=True):
    """Units and all that hold them: how many of each kind, and the outermost, ascending, by column."""

    levels: Mapping[UnitKind, int]
    ids: Ids
    counts: Ids
    """How many of the units are in each of the outermost."""
    bases: Ids
    """How surely the surest of these is known, by place in `Basis`."""


class Spread(Struct, frozen=True, kw_only=True):
    """The answer; `units` hold what took something of the stretch directly, `outermost` what these are in now."""

    subject: str
    measure: str
    stretch: Stretch
    lots: tuple[str, ...]
    """The lot itself, and those made of the stretch, nearest first."""
    bases: Mapping[Basis, int]
    """How many units took something directly, by how surely that is known."""
    units: tuple[Span, ...]
    outermost: Climb
    places: tuple[Place, ...]
    vehicles_count: int
    """Vehicles that the outermost are in."""


class Rung(Struct, frozen=True):
    """Units of one kind, by column, and what holds each of them now."""

    ids: Ids
    """Ascending."""
    counts: Ids
    bases: Ids
    """As in `Climb`."""
    parents: Ids
    """0 = none."""


class Gathered(Struct, frozen=True, kw_only=True):
    """What took something of a section directly: lots made of it, nearest first, and units; and the way to them."""

    stretch: Stretch
    lots: Mapping[int, KnownLot]
    units: tuple[Span, ...]
    stretches: Mapping[int, tuple[Stretch, ...]]
    """What of each lot was reached."""
    parts: tuple[LotPartRow, ...]
    runs: tuple[LoadRun, ...]
    """What units took of these lots, whether it was reached or not."""


async def gather(connection: Connection, section: Section) -> Gathered:
    """Return what took something of a section. Raises TraceError for what is no section of it, or too much at once."""
    stretch = await section_of(connection, section.lot, start=section.start, end=section.end, lane=section.lane)
    starts = {section.lot: [stretch]}
    parts = await parts_between(connection, PARTS_FORWARD, starts)
    reach, lots = await carry_between(connection, starts, parts, Direction.FORWARD)
    runs = await read_runs(connection, reach.stretches)
    spans = spans_among(runs, reach.stretches)
    if count_units(spans) > UNITS_MAX:
        found = f"{count_units(spans)} units took something of this, more than {UNITS_MAX} at once"
        raise TraceError(f"{found}; ask for less of the lot, or for its parts one by one")
    return Gathered(
        stretch=stretch,
        lots={number: lots[number] for number in reach.stretches},
        units=spans,
        stretches=reach.stretches,
        parts=tuple(parts),
        runs=tuple(runs),
    )


async def find_spread(connection: Connection, section: Section) -> Spread:
    """Return where a section of a lot has gone. Raises TraceError for what is no section of it, or too much at once."""
    found = await gather(connection, section)
    climb = await climb_from(connection, found.units)
    standings = await find_standings(connection, climb.ids)
    return Spread(
        subject=found.lots[section.lot].code,
        measure=found.lots[section.lot].measure,
        stretch=found.stretch,
        lots=tuple(lot.code for lot in found.lots.values()),
        bases=_by_basis(found.units),
        units=found.units,
        outermost=climb,
        places=count_places(standings),
        vehicles_count=count_vehicles(standings),
    )


def _by_basis(spans: Sequence[Span]) -> Counter[Basis]:
    counts: Counter[Basis] = Counter()
    for span in spans:
        counts[span.basis] += span.count
    return counts


async def spans_on(connection: Connection, stretches: Mapping[int, Sequence[Stretch]]) -> tuple[Span, ...]:
    """Return the units that took something of stretches of lots."""
    return spans_among(await read_runs(connection, stretches), stretches)


async def read_runs(connection: Connection, lots: Iterable[int]) -> list[LoadRun]:
    """Return the runs in which units took something of lots."""
    records = await connection.fetch(RUNS_OF_LOTS, sorted(lots))
    return decode_rows(LoadRun, [tuple(record) for record in records])


def spans_among(runs: Iterable[LoadRun], stretches: Mapping[int, Sequence[Stretch]]) -> tuple[Span, ...]:
    """Return the units of runs that took something of stretches of lots."""
    found: list[Span] = []
    for run in runs:
        own = stretch_of(run, run.a).basis
        for stretch in stretches.get(run.lot, ()):
            units = units_on(run, stretch)
            if units:
                found.append(Span(units[0], units[-1], weakest((stretch.basis, own))))
    return join_spans(found)


async def climb_from(connection: Connection, spans: Sequence[Span]) -> Climb:
    """Return all that hold the units of spans now, level by level."""
    levels: Counter[UnitKind] = Counter()
    tops: list[Ids] = [np.empty((3, 0), np.int64)]
    async for rung in rungs_from(connection, spans):
        levels[kind_of(int(rung.ids[0]))] += len(rung.ids)
        free = rung.parents == 0
        tops.append(np.array([rung.ids[free], rung.counts[free], rung.bases[free]]))
    return Climb(dict(levels), *_gather(*np.concatenate(tops, axis=1)))


async def rungs_from(connection: Connection, spans: Sequence[Span]) -> AsyncIterator[Rung]:
    """Yield the units of spans and all that hold them now, kind by kind, so that each comes once."""
    ids = ids_of(spans)
    counts, bases = np.ones(len(ids), np.int64), bases_of(spans)
    while len(ids):
        # The number of the kind is in the highest bits.
        size = int(np.searchsorted(ids, ((ids[0] >> KIND_SHIFT) + 1) << KIND_SHIFT))
        rung = Rung(ids[:size], counts[:size], bases[:size], await parents_now(connection, ids[:size]))
        yield rung
        inside = rung.parents != 0
        ids, counts, bases = _gather(
            np.r_[ids[size:], rung.parents[inside]],
            np.r_[counts[size:], rung.counts[inside]],
            np.r_[bases[size:], rung.bases[inside]],
        )


async def parents_now(connection: Connection, ids: Ids) -> Ids:
    """Return what holds each of the units now, packed or not, 0 = nothing does; `ids` ascend."""
    parents = await parents_of(connection, ids)
    await _add_hot_parents(connection, ids, parents)
    return parents


def _gather(ids: Ids, counts: Ids, bases: Ids) -> tuple[Ids, Ids, Ids]:
    """Return ids once each, ascending, with the sum of their counts and the surest of their bases."""
    found, places = np.unique(ids, return_inverse=True)
    surest = np.full(len(found), len(Basis), np.int64)
    np.minimum.at(surest, places, bases)
    return found, np.bincount(places, counts, minlength=len(found)).astype(np.int64), surest


def bases_of(spans: Sequence[Span]) -> Ids:
    """Return how surely each unit of spans is known, by place in `Basis`."""
    order = list(Basis)
    return np.repeat([order.index(span.basis) for span in spans], [span.count for span in spans]).astype(np.int64)


async def _add_hot_parents(connection: Connection, ids: Ids, parents: Ids) -> None:
    """Set the parents of those that are not packed; a range without rows costs one probe."""
    spans = spans_of(ids, Basis.EXACT) if np.any(parents == 0) else ()
    records = await connection.fetch(HOT_PARENTS, [span.first for span in spans], [span.last for span in spans])
    if records:
        units, found = np.array(records, np.int64).reshape(-1, 2).T
        parents[np.searchsorted(ids, units)] = found


# --- where they are -----------------------------------------------------------------------------------


class Standing(Struct, frozen=True):
    """Where a unit is that is member of nothing."""

    product: str
    status: str
    station: str
    held: bool
    partner: str = ""
    vehicle: str = ""


def count_vehicles(standings: Mapping[int, Standing]) -> int:
    """Return in how many vehicles units are."""
    return len({each.vehicle for each in standings.values() if each.vehicle})


def count_places(standings: Mapping[int, Standing]) -> tuple[Place, ...]:
    """Return where units are, counted by kind, product, status, and station or partner."""
    counts: Counter[tuple[UnitKind, str, str, str]] = Counter()
    held: Counter[tuple[UnitKind, str, str, str]] = Counter()
    for number, each in standings.items():
        key = (kind_of(number), each.product, each.status, each.station or each.partner)
        counts[key] += 1
        held[key] += each.held
    return tuple(sorted(Place(*key, count, held[key]) for key, count in counts.items()))


async def find_standings(connection: Connection, ids: Ids) -> dict[int, Standing]:
    """Return where units are, by id; `ids` ascend."""
    spans = spans_of(ids, Basis.EXACT)
    records = await connection.fetch(HOT_UNITS, [span.first for span in spans], [span.last for span in spans])
    left = await _whereabouts(connection, [record["id"] for record in records if record["status"] in LEFT])
    found = {
        number: Standing(product, status, station, holds > 0, *left.get(number, ("", "")))
        for number, product, status, station, holds in records
    }
    packed = np.setdiff1d(ids, np.fromiter(found, np.int64), assume_unique=True)
    shared, places = await profiles_of(connection, packed)
    standings = {number: Standing(product, status, "", held=False) for number, (product, status) in shared.items()}
    known = zip(packed.tolist(), places.tolist(), strict=True)
    return found | {number: standings[profile] for number, profile in known if profile}


async def _whereabouts(connection: Connection, numbers: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Return partner and vehicle of units that left."""
    records = await connection.fetch(WHEREABOUTS, numbers) if numbers else []
    return {record["id"]: (record["partner"], record["vehicle"]) for record in records}


async def read_outermost(connection: Connection, climb: Climb, *, limit: int, offset: int = 0) -> list[Outermost]:
    """Return a page of outermost units: packs first, in each kind the newest first."""
    order = slice(max(0, len(climb.ids) - offset - limit), max(0, len(climb.ids) - offset))
    ids = climb.ids[order]
    standings, codes = await find_standings(connection, ids), await read_codes(connection, ids.tolist())
    rows = zip(ids.tolist(), climb.counts[order].tolist(), climb.bases[order].tolist(), strict=True)
    return [
        Outermost(
            code=codes[number],
            kind=kind_of(number),
            product=standings[number].product,
            status=standings[number].status,
            station=_place(standings[number]),
            held=standings[number].held,
            units_count=count,
            basis=list(Basis)[basis],
        )
        for number, count, basis in reversed(list(rows))
        if number in standings and number in codes
    ]


def _place(standing: Standing) -> str:
    return standing.station or standing.vehicle or standing.partner


async def read_codes(connection: Connection, numbers: Sequence[int]) -> dict[int, str]:
    """Return the printed codes of units, by id."""
    records = await connection.fetch(CODES, numbers)
    return {record["id"]: compose_code(record["prefix"], record["serial"]) for record in records}
