"""The lots that a unit was made of, at any depth, and the units that took something of the same stretch, lane or lot."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.rules.positions import Basis, Direction, Stretch, carry, is_mixture, stretch_of, strongest
from cellwright.rules.spans import count_units
from cellwright.rules.state import LoadRun, LotPartRow
from cellwright.views.ancestry import read_ancestry
from cellwright.views.known import KnownLot, lots_of
from cellwright.views.siblings.causes import Cause, CauseKind, Shared
from cellwright.views.spread import UNITS_MAX, spans_among
from cellwright.views.stored import decode_rows
from cellwright.views.trace import PARTS_FORWARD, RUNS_OF_LOTS, runs_of

STRETCHES_MAX: Final = 8
"""Stretches of one lot that are told apart: the cells of a pack come from everywhere on a roll."""

PARTS_MAX: Final = 10_000
"""Steps on the way from one lot to its units; of more, how many they are is not told."""
RUNS_MAX: Final = 50_000

PARTS_SOME: Final = f"{PARTS_FORWARD} LIMIT $2::bigint"
RUNS_SOME: Final = f"{RUNS_OF_LOTS} LIMIT $2::bigint"


async def lots_shared(connection: Connection, units: Iterable[int]) -> list[Shared]:
    """Return what units, with all that is in them, share of lots with others."""
    starts: dict[int, list[Stretch]] = {}
    for unit, run in await runs_of(connection, units):
        starts.setdefault(run.lot, []).append(stretch_of(run, unit))
    chain = await read_ancestry(connection, list(starts))
    parts = [part for parts in chain.parts.values() for part in parts]
    reach = carry(starts, parts, _mixtures(chain.lots.values()), Direction.BACKWARD)
    return [
        shared
        for number, stretches in reach.stretches.items()
        for shared in await _of_lot(connection, chain.lots[number], stretches)
    ]


async def _of_lot(connection: Connection, lot: KnownLot, stretches: Sequence[Stretch]) -> list[Shared]:
    """Return the sections of a lot that units are of, with all that took something of each."""
    causes = list(_causes(lot, stretches))
    records = await connection.fetch(PARTS_SOME, [lot.id], PARTS_MAX + 1)
    if len(records) > PARTS_MAX:
        return [Shared(cause=cause, units=None) for cause in causes]
    parts = decode_rows(LotPartRow, [tuple(record) for record in records])
    lots = await lots_of(connection, {lot.id, *(part.child for part in parts)})
    found = await connection.fetch(RUNS_SOME, sorted(lots), RUNS_MAX + 1)
    if len(found) > RUNS_MAX:
        return [Shared(cause=cause, units=None) for cause in causes]
    way = _Way(lot, tuple(parts), _mixtures(lots.values()), decode_rows(LoadRun, [tuple(record) for record in found]))
    return [_on(way, cause) for cause in causes]


class _Way(Struct, frozen=True):
    """All steps from a lot to the units that took something of it."""

    lot: KnownLot
    parts: tuple[LotPartRow, ...]
    mixtures: Mapping[int, int]
    runs: Sequence[LoadRun]


def _on(way: _Way, cause: Cause) -> Shared:
    """Return the units that took something of a section: those that a recall of it finds."""
    end = way.lot.quantity if cause.end is None else cause.end
    stretch = Stretch(cause.start or 0, end, lane=cause.lane)
    reach = carry({way.lot.id: [stretch]}, way.parts, way.mixtures, Direction.FORWARD)
    spans = spans_among(way.runs, reach.stretches)
    return Shared(cause=cause, units=None if count_units(spans) > UNITS_MAX else spans)


def _causes(lot: KnownLot, stretches: Sequence[Stretch]) -> Iterator[Cause]:
    """Yield the sections of a lot by which units may have siblings; a mixture is the same everywhere."""
    basis = strongest(stretch.basis for stretch in stretches)
    if not is_mixture(lot.measure):
        for stretch in stretches if len(stretches) <= STRETCHES_MAX else ():
            yield from _sections(lot, stretch)
        for lane in sorted({stretch.lane for stretch in stretches if stretch.lane}):
            yield _cause(lot, CauseKind.LANE, basis, lane=lane)
    yield _cause(lot, CauseKind.LOT, basis)


def _sections(lot: KnownLot, stretch: Stretch) -> Iterator[Cause]:
    """Yield a stretch with its tolerance on either side, in its lane and then over the full width."""
    low, high = max(0, stretch.start - stretch.tolerance), min(lot.quantity, stretch.end + stretch.tolerance)
    if low >= high:  # not counted as touched: the piece of least size beside it
        low, high = (low, low + 1) if low < lot.quantity else (max(0, low - 1), low)
    if stretch.basis is Basis.LOT or high - low >= lot.quantity:
        return
    where = {"start": low, "end": high, "tolerance": stretch.tolerance}
    for lane in dict.fromkeys((stretch.lane, 0)):
        yield _cause(lot, CauseKind.STRETCH, stretch.basis, lane=lane, **where)


def _cause(lot: KnownLot, kind: CauseKind, basis: Basis, *, lane: int = 0, **where: Any) -> Cause:
    return Cause(kind=kind, code=lot.code, of=lot.material, basis=basis, measure=lot.measure, lane=lane, **where)


def _mixtures(lots: Iterable[KnownLot]) -> dict[int, int]:
    return {lot.id: lot.quantity for lot in lots if is_mixture(lot.measure)}
