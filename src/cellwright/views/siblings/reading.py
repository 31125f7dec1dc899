"""The siblings of a unit: what it shares with others, how many of them there are and where they are now.

Units are counted by intervals. What up to `FOLLOWED_MAX` units share is followed to the modules and packs that they are
in, and to where these are; causes that the same units share cannot be told apart, so they stand together.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.ids import KIND_SHIFT, UnitKind, kind_of
from cellwright.rules.positions import Basis
from cellwright.rules.spans import Ids, Span, count_units, ids_of, spans_of
from cellwright.views.known import units_of
from cellwright.views.origins import descend
from cellwright.views.siblings.causes import Cause, CauseKind, Shared
from cellwright.views.siblings.lots import lots_shared
from cellwright.views.siblings.steps import Around, members_shared, of_kind, steps_shared
from cellwright.views.spread import (
    Place,
    Rung,
    Standing,
    count_places,
    count_vehicles,
    find_standings,
    read_codes,
    rungs_from,
)

FOLLOWED_MAX: Final = 20_000
"""Units that are followed to where they are; more are no siblings to be fetched one by one."""

_KINDS: Final = list(CauseKind)


class SiblingGroup(Struct, frozen=True, kw_only=True):
    """Siblings, and the causes that all of these and no others share with the unit."""

    causes: tuple[Cause, ...]
    siblings_count: int | None
    """Units beside the one asked for that share it directly; None = more than can be counted at once."""
    levels: Mapping[UnitKind, int] | None
    """How many of each kind these are or are in now; None = too many to follow."""
    vehicles_count: int | None
    places: tuple[Place, ...] | None
    """Where the outermost of them are now."""
    together_count: int | None
    """Siblings by this cause and all narrower ones together, each counted once; None = too many to follow."""


class Sibling(Struct, frozen=True, kw_only=True):
    """A unit that shares causes with the one asked for; `station` is where it, or what it is in, is now."""

    code: str
    kind: UnitKind
    product: str
    groups_count: int
    """How many of the followed groups it is in."""
    narrowest_count: int
    """Siblings in the narrowest of them."""
    outermost: str
    """Code of the outermost unit that it is in now, or its own."""
    status: str
    station: str
    held: bool


class Siblings(Struct, frozen=True, kw_only=True):
    """The answer: groups from the narrowest to the widest, and the siblings, those that share most first."""

    subject: str
    kind: UnitKind
    product: str
    minutes: int
    days: int
    groups: tuple[SiblingGroup, ...]
    alone: tuple[Cause, ...]
    """What no other unit shares."""
    units: tuple[Sibling, ...]
    units_count: int
    limit: int
    offset: int


class _Group(Struct):
    """Causes with the same units, ascending; None = too many to follow."""

    causes: list[Cause]
    count: int | None
    ids: Ids | None = None


class _Followed(Struct, frozen=True):
    """All siblings of groups that are followed, with all that holds them now."""

    rungs: list[Rung]
    standings: Mapping[int, Standing]


async def read_siblings(
    connection: Connection, unit: int, around: Around, *, limit: int = 100, offset: int = 0
) -> Siblings:
    """Return who shares what with a unit, as of now."""
    known = (await units_of(connection, [unit]))[unit]
    _, own = await descend(connection, np.array([unit], np.int64))
    shared = [
        *await lots_shared(connection, own.tolist()),
        *of_kind([*await steps_shared(connection, unit, around), *await members_shared(connection, unit)], unit),
    ]
    groups = _groups(shared, own)
    alone = [cause for group in groups if group.count == 0 for cause in group.causes]
    groups = [group for group in groups if group.count != 0]
    ids = [group.ids for group in groups if group.ids is not None]
    followed = await _follow(connection, np.unique(np.concatenate([*ids, np.empty(0, np.int64)])))
    ranked, counts, narrowest = _ranked(ids)
    page = slice(offset, offset + limit)
    return Siblings(
        subject=known.code,
        kind=UnitKind(known.kind),
        product=known.product,
        minutes=around.minutes,
        days=around.days,
        groups=tuple(_told(groups, followed)),
        alone=tuple(alone),
        units=await _units(connection, followed, (ranked[page], counts[page], narrowest[page])),
        units_count=len(ranked),
        limit=limit,
        offset=offset,
    )


def _groups(shared: Sequence[Shared], own: Ids) -> list[_Group]:
    """Return causes by the units that share them, the fewest first; those that are not known come last."""
    found: dict[bytes | int, _Group] = {}
    for number, each in enumerate(shared):
        spans = each.units
        count = None if spans is None else count_units(spans) - _among(spans, own)
        if spans is None or count is None or count > FOLLOWED_MAX:
            found[number] = _Group([each.cause], count)
            continue
        ids = np.setdiff1d(ids_of(spans), own, assume_unique=True)
        found.setdefault(ids.tobytes(), _Group([], count, ids)).causes.append(each.cause)
    for group in found.values():
        group.causes.sort(key=lambda cause: _KINDS.index(cause.kind))
    return sorted(found.values(), key=lambda group: (group.count is None, group.count or 0))


def _among(spans: Sequence[Span], own: Ids) -> int:
    """Return how many of a unit and what is in it are in spans."""
    firsts = np.array([span.first for span in spans], np.int64)
    lasts = np.array([span.last for span in spans], np.int64)
    places = np.searchsorted(firsts, own, side="right") - 1
    return int(np.count_nonzero((places >= 0) & (own <= lasts[places]))) if len(spans) else 0


async def _follow(connection: Connection, ids: Ids) -> _Followed:
    rungs = [rung async for rung in rungs_from(connection, spans_of(ids, Basis.EXACT))]
    tops = [rung.ids[rung.parents == 0] for rung in rungs]
    return _Followed(rungs, await find_standings(connection, np.sort(np.concatenate([*tops, np.empty(0, np.int64)]))))


def _climb(followed: _Followed, ids: Ids) -> tuple[dict[UnitKind, int], Ids]:
    """Return how many of each kind units are and are in, and the outermost of these; all of them are followed."""
    levels: dict[UnitKind, int] = {}
    tops = [np.empty(0, np.int64)]
    front = ids
    for rung in followed.rungs:
        here = front[front >> KIND_SHIFT == rung.ids[0] >> KIND_SHIFT]
        if not len(here):
            continue
        levels[kind_of(int(here[0]))] = len(here)
        parents = rung.parents[np.searchsorted(rung.ids, here)]
        tops.append(here[parents == 0])
        front = np.union1d(front[front >> KIND_SHIFT != rung.ids[0] >> KIND_SHIFT], parents[parents != 0])
    return levels, np.concatenate(tops)


def _told(groups: Sequence[_Group], followed: _Followed) -> list[SiblingGroup]:
    told: list[SiblingGroup] = []
    together = np.empty(0, np.int64)
    for group in groups:
        if group.ids is None:
            told.append(_uncounted(group))
            continue
        together = np.union1d(together, group.ids)
        levels, tops = _climb(followed, group.ids)
        standings = {number: followed.standings[number] for number in tops.tolist() if number in followed.standings}
        told.append(
            SiblingGroup(
                causes=tuple(group.causes),
                siblings_count=group.count,
                levels=levels,
                vehicles_count=count_vehicles(standings),
                places=count_places(standings),
                together_count=len(together),
            )
        )
    return told


def _uncounted(group: _Group) -> SiblingGroup:
    return SiblingGroup(
        causes=tuple(group.causes),
        siblings_count=group.count,
        levels=None,
        vehicles_count=None,
        places=None,
        together_count=None,
    )


# --- one by one ---------------------------------------------------------------------------------------


def _ranked(groups: Sequence[Ids]) -> tuple[Ids, Ids, Ids]:
    """Return all siblings, how many groups each is in, and the size of its narrowest: the likeliest to share its fate first.

    A group weighs the more the fewer share it, as 1 / siblings: what many share is the likelier chance.
    """
    if not groups:
        nothing = np.empty(0, np.int64)
        return nothing, nothing, nothing
    sizes = np.array([len(ids) for ids in groups], np.int64)
    found, places = np.unique(np.concatenate(groups), return_inverse=True)
    each = np.repeat(sizes, sizes)
    weights = np.bincount(places, 1 / each, minlength=len(found))
    counts = np.bincount(places, minlength=len(found))
    narrowest = np.full(len(found), sizes.max(), np.int64)
    np.minimum.at(narrowest, places, each)
    order = np.lexsort((found, -weights))
    return found[order], counts[order], narrowest[order]


async def _units(connection: Connection, followed: _Followed, ranked: tuple[Ids, Ids, Ids]) -> tuple[Sibling, ...]:
    ids, counts, narrowest = (column.tolist() for column in ranked)
    outermost = [_outermost(followed, number) for number in ids]
    codes = await read_codes(connection, sorted({*ids, *outermost}))
    products = {number: unit.product for number, unit in (await units_of(connection, ids)).items()}
    rows = zip(ids, outermost, counts, narrowest, strict=True)
    return tuple(
        Sibling(
            code=codes[number],
            kind=kind_of(number),
            product=products.get(number, ""),
            groups_count=count,
            narrowest_count=least,
            outermost=codes[top],
            status=standing.status,
            station=standing.station or standing.vehicle or standing.partner,
            held=standing.held,
        )
        for number, top, count, least in rows
        if (standing := followed.standings.get(top)) is not None
    )


def _outermost(followed: _Followed, number: int) -> int:
    """Return the outermost unit that a sibling is in now."""
    for rung in followed.rungs:
        if rung.ids[0] >> KIND_SHIFT == number >> KIND_SHIFT:
            number = int(rung.parents[np.searchsorted(rung.ids, number)]) or number
    return number
