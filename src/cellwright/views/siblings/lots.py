"""The lots that a unit was made of, at any depth, and the units that took something of the same stretch, lane or lot."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.rules.positions import Basis, Direction, Stretch, carry, is_mixture, stretch_of, strongest
from cellwright.rules.spans import count_units
from cellwright.rules.state import LoadRun, LotPartRow
from cellwright.views.known import KnownLot, lots_of
from cellwright.views.siblings.causes import Cause, CauseKind, Shared
from cellwright.views.spread import UNITS_MAX, spans_among
from cellwright.views.stored import decode_rows
from cellwright.views.trace import PARTS_FORWARD, RUNS_OF_LOTS, runs_of

SHARE_LEAST: Final = 0.01
"""Part of a mixture below which what went into it is no cause: heels of heels lead back for ever."""

STRETCHES_MAX: Final = 8
"""Stretches of one lot that are told apart: the cells of a pack come from everywhere on a roll."""

PARTS_MAX: Final = 10_000
"""Steps on the way from one lot to its units; of more, how many they are is not told."""
RUNS_MAX: Final = 50_000

_PART: Final = "child, number, parent, parent_start, parent_end, child_start, child_end, lane, reversed, tolerance"

PARTS_INTO: Final = f"""
    SELECT p.* FROM unnest($1::bigint[]) AS k (id)
    CROSS JOIN LATERAL (SELECT {_PART} FROM lot_part WHERE lot_part.child = k.id OFFSET 0) AS p
"""  # noqa: S608 names are ours
PARTS_SOME: Final = f"{PARTS_FORWARD} LIMIT $2::bigint"
RUNS_SOME: Final = f"{RUNS_OF_LOTS} LIMIT $2::bigint"


class _Chain(Struct):
    """The lots that units took, and what these were made of, heels of heels left out."""

    lots: dict[int, KnownLot]
    parts: dict[int, list[LotPartRow]]
    shares: dict[int, float]
    """The largest part of anything that a lot is."""


async def lots_shared(connection: Connection, units: Iterable[int]) -> list[Shared]:
    """Return what units, with all that is in them, share of lots with others."""
    starts: dict[int, list[Stretch]] = {}
    for unit, run in await runs_of(connection, units):
        starts.setdefault(run.lot, []).append(stretch_of(run, unit))
    chain = await _read_chain(connection, list(starts))
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


# --- backward -----------------------------------------------------------------------------------------


async def _read_chain(connection: Connection, direct: Sequence[int]) -> _Chain:
    """Read what lots were made of, step by step, as far as it is enough of anything to be a cause."""
    chain = _Chain(await lots_of(connection, direct), {}, dict.fromkeys(direct, 1.0))
    front = list(direct)
    while front:
        unread = [lot for lot in front if lot not in chain.parts]
        chain.parts.update({lot: [] for lot in unread})
        for part in decode_rows(LotPartRow, map(tuple, await connection.fetch(PARTS_INTO, unread))):
            chain.parts[part.child].append(part)
        parents = {part.parent for lot in unread for part in chain.parts[lot]}
        chain.lots |= await lots_of(connection, parents.difference(chain.lots))
        front = list(dict.fromkeys(_raised(chain, front)))
    for lot, parts in chain.parts.items():
        chain.parts[lot] = [part for part in parts if _share(chain, part) >= SHARE_LEAST]
    return chain


def _raised(chain: _Chain, front: Iterable[int]) -> Iterator[int]:
    """Yield the parents of lots that turn out to be a larger part of something than was known, and large enough."""
    for part in (part for lot in front for part in chain.parts[lot]):
        share = _share(chain, part)
        if share >= SHARE_LEAST and share > chain.shares.get(part.parent, 0.0):
            chain.shares[part.parent] = share
            yield part.parent


def _share(chain: _Chain, part: LotPartRow) -> float:
    """Return which part of anything a part's parent is by this way; only mixtures dilute."""
    child, parent = chain.lots[part.child], chain.lots[part.parent]
    share = chain.shares.get(part.child, 0.0)
    if is_mixture(child.measure) and is_mixture(parent.measure) and child.quantity:
        share *= min(1.0, (part.parent_end - part.parent_start) / child.quantity)
    return share
