"""The machines, tools, channels and carriers that a unit met, and the modules and packs it is in, with who else did."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from msgspec import Struct, structs

from cellwright.database.pool import Connection
from cellwright.model.ids import kind_of
from cellwright.rules.positions import Basis
from cellwright.rules.spans import spans_of
from cellwright.views.known import units_of
from cellwright.views.machines import Window, made_at
from cellwright.views.origins import descend
from cellwright.views.siblings.causes import Cause, CauseKind, Shared, whole_seconds, window_of
from cellwright.views.worked import Work, read_work

_US_PER_MIN: Final = 60_000_000
_US_PER_DAY: Final = 86_400_000_000

MINUTES_MAX: Final = 1440
DAYS_MAX: Final = 60

FACTS_MAX: Final = 10_000
"""Facts of one machine that are read; of more, how many units they speak of is not told."""
UNITS_READ_MAX: Final = 200_000

WORKED_SOME: Final = """
    SELECT count(*) AS facts, coalesce(sum(cardinality(units)), 0)::bigint AS units
    FROM (SELECT units FROM history
          WHERE station = $1 AND time_us >= $2 AND time_us < $3
            AND kind IN ('OperationStarted', 'OperationCompleted')
          ORDER BY time_us LIMIT $4) AS found
"""
MEMBERSHIPS: Final = """
    SELECT m.parent, m.from_us, m.to_us FROM memberships_kept($1::bigint) AS m ORDER BY m.from_us DESC
"""


class Around(Struct, frozen=True, kw_only=True):
    """How long before and after a unit others count: at a machine, and in a channel or with a tool."""

    minutes: int = 15
    days: int = 3


async def steps_shared(connection: Connection, unit: int, around: Around) -> list[Shared]:
    """Return what a unit shares with those that met the same machines, tools, channels and carriers."""
    causes = [cause for work in await read_work(connection, [unit]) for cause in _causes(work, around)]
    return [await _worked(connection, cause) for cause in causes]


def _causes(work: Work, around: Around) -> Iterator[Cause]:
    at_us = work.began_us if work.ended_us is None else work.ended_us
    if at_us is None:
        return
    shared = Cause(kind=CauseKind.MACHINE, code=work.station, of=work.operation, basis=Basis.EXACT, at_us=at_us)
    yield _within(shared, at_us, around.minutes * _US_PER_MIN)
    for tool in work.tools:
        wide = _within(shared, at_us, around.days * _US_PER_DAY)
        from_us, to_us = max(wide.from_us or 0, tool.fitted_us or 0), wide.to_us or 0
        from_us, to_us = whole_seconds(from_us, to_us if tool.replaced_us is None else min(to_us, tool.replaced_us))
        fitting = {"from_us": from_us, "to_us": to_us, "fitted_us": tool.fitted_us}
        yield structs.replace(wide, kind=CauseKind.TOOL, tool=tool.code, **fitting)
    if work.channel is not None:
        wide = _within(shared, at_us, around.days * _US_PER_DAY)
        yield structs.replace(wide, kind=CauseKind.CHANNEL, channel=work.channel)
    if work.carrier:
        yield structs.replace(_within(shared, at_us, 0), kind=CauseKind.CARRIER, carrier=work.carrier)


def _within(cause: Cause, at_us: int, slack_us: int) -> Cause:
    from_us, to_us = whole_seconds(at_us - slack_us, at_us + slack_us + 1)
    return structs.replace(cause, from_us=from_us, to_us=to_us)


async def _worked(connection: Connection, cause: Cause) -> Shared:
    window = window_of(cause)
    if await _is_much(connection, window):
        return Shared(cause=cause, units=None)
    return Shared(cause=cause, units=(await made_at(connection, window)).units)


async def _is_much(connection: Connection, window: Window) -> bool:
    place = (window.station, window.from_us, window.to_us)
    found = await connection.fetchrow(WORKED_SOME, *place, FACTS_MAX + 1)
    return found is not None and (found["facts"] > FACTS_MAX or found["units"] > UNITS_READ_MAX)


# --- in a module or pack ------------------------------------------------------------------------------


async def members_shared(connection: Connection, unit: int) -> list[Shared]:
    """Return the modules and packs that a unit is in or was in last, with what is in them now."""
    found, child = [], unit
    while records := await connection.fetch(MEMBERSHIPS, child):
        child, left_us = records[0]["parent"], records[0]["to_us"]
        found.append(await _in_parent(connection, child, left_us or None))
    return found


async def _in_parent(connection: Connection, parent: int, left_us: int | None) -> Shared:
    known = (await units_of(connection, [parent]))[parent]
    cause = Cause(kind=CauseKind.MEMBER, code=known.code, of=known.kind, basis=Basis.EXACT, left_us=left_us)
    _, ids = await descend(connection, np.array([parent], np.int64))
    return Shared(cause=cause, units=spans_of(ids[ids != parent], Basis.EXACT))


def of_kind(shared: Sequence[Shared], unit: int) -> list[Shared]:
    """Return causes with those units alone that are of a unit's kind: a module's siblings are no cells it was made of."""
    kind = kind_of(unit)
    return [
        each
        if each.units is None
        else structs.replace(each, units=tuple(span for span in each.units if kind_of(span.first) is kind))
        for each in shared
    ]
