"""The page of a unit's siblings: who shares what with it, the narrowest cause first, and whom to fetch first."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from litestar.exceptions import ClientException
from msgspec import Struct, structs

from cellwright.database.pool import Connection
from cellwright.model.ids import UnitKind
from cellwright.rules.positions import Basis
from cellwright.views.siblings.causes import US_PER_S, Cause, CauseKind
from cellwright.views.siblings.reading import Sibling, SiblingGroup, Siblings, read_siblings
from cellwright.views.siblings.steps import DAYS_MAX, MINUTES_MAX, Around
from cellwright.views.spread import Place
from cellwright.views.subjects import CodeKind, TraceError, find_code
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.pages.links import path_of
from cellwright.web.pages.reading import reading
from cellwright.web.problems import NotFoundError
from cellwright.web.question import Question
from cellwright.web.tables import Table, table_of


class SharedCause(Cause, frozen=True, kw_only=True):
    """A cause, and the address that asks who shares it: a recall of it, or what is in the module or pack."""

    path: str


class SharedGroup(Struct, frozen=True, kw_only=True):
    """Causes that the same siblings share; `siblings_count` None = more than can be counted at once."""

    causes: tuple[SharedCause, ...]
    siblings_count: int | None
    levels: Mapping[UnitKind, int] | None
    """How many of each kind these are or are in now; None = too many to follow."""
    vehicles_count: int | None
    places: tuple[Place, ...] | None
    """Where the outermost of them are now."""
    held_count: int | None
    """How many of the outermost are on hold."""
    together_count: int | None
    """Siblings by this and all narrower causes together, each counted once; None = too many to follow."""


class GroupLine(Struct, frozen=True, kw_only=True):
    """A cause with the counts of its group, as a row of a file; causes of one group have the same `group`."""

    group: int
    kind: CauseKind
    code: str
    of: str
    basis: Basis
    siblings_count: int | None
    together_count: int | None
    cells_count: int | None
    modules_count: int | None
    packs_count: int | None
    vehicles_count: int | None
    held_count: int | None
    measure: str
    start: int | None
    end: int | None
    tolerance: int | None
    lane: int
    from_us: int | None
    to_us: int | None
    tool: str
    channel: int | None
    carrier: str
    path: str


class SiblingsData(Struct, frozen=True, kw_only=True):
    """All that the page of siblings shows."""

    subject: str
    kind: UnitKind
    product: str
    minutes: int
    """At a machine: so long before and after the unit."""
    days: int
    """In a channel or with a tool: so long before and after the unit."""
    groups: tuple[SharedGroup, ...]
    """From the narrowest cause to the widest."""
    alone: tuple[SharedCause, ...]
    """What no other unit shares."""
    units: tuple[Sibling, ...]
    """Siblings `offset` to `offset + limit`, those first that share most, and with the fewest."""
    units_count: int
    """Of the groups that can be followed."""
    limit: int
    offset: int


async def _load(question: Question) -> SiblingsData:
    around = Around(
        minutes=_whole(question, "minutes", Around().minutes, MINUTES_MAX),
        days=_whole(question, "days", Around().days, DAYS_MAX),
    )
    async with reading(question.services) as connection:
        number = await _find_unit(connection, question.code)
        answer = await read_siblings(connection, number, around, limit=question.limit, offset=question.offset)
    return _shown(answer)


def _whole(question: Question, name: str, default: int, most: int) -> int:
    text = question.query.get(name, "").strip()
    if not text:
        return default
    value = question.whole(name)
    if value is None or value > most:
        raise ClientException(
            f"{name}={text[:40]}: give a whole number from 0 to {most}, or leave it out for {default}"
        )
    return value


async def _find_unit(connection: Connection, code: str) -> int:
    try:
        found = await find_code(connection, code)
    except TraceError as error:
        raise NotFoundError(str(error)) from None
    if found.kind is not CodeKind.UNIT:
        raise NotFoundError(f"{code!r} is a {found.kind}, not a unit; ask for a cell, module or pack of it")
    return found.number


def _shown(answer: Siblings) -> SiblingsData:
    return SiblingsData(
        subject=answer.subject,
        kind=answer.kind,
        product=answer.product,
        minutes=answer.minutes,
        days=answer.days,
        groups=tuple(_group(each) for each in answer.groups),
        alone=tuple(map(_cause, answer.alone)),
        units=answer.units,
        units_count=answer.units_count,
        limit=answer.limit,
        offset=answer.offset,
    )


def _group(group: SiblingGroup) -> SharedGroup:
    return SharedGroup(
        causes=tuple(map(_cause, group.causes)),
        siblings_count=group.siblings_count,
        levels=group.levels,
        vehicles_count=group.vehicles_count,
        places=group.places,
        held_count=None if group.places is None else sum(place.held_count for place in group.places),
        together_count=group.together_count,
    )


def _cause(cause: Cause) -> SharedCause:
    return SharedCause(**structs.asdict(cause), path=path_to(cause))


def path_to(cause: Cause) -> str:
    """Return the address that lists who shares a cause: what stands there counts the unit asked for too."""
    if cause.kind is CauseKind.MEMBER:
        return path_of(cause.of, cause.code)
    return f"/recall?{urlencode([(name, value) for name, value in _query(cause) if value not in (None, '')])}"


def _query(cause: Cause) -> Iterator[tuple[str, str | int | None]]:
    if cause.at_us is None:
        yield from (("lot", cause.code), ("start", cause.start), ("end", cause.end), ("lane", cause.lane or None))
        return
    yield "machine", cause.code
    yield from (("from", _time(cause.from_us)), ("to", _time(cause.to_us)))
    yield from (("tool", cause.tool), ("channel", cause.channel), ("carrier", cause.carrier))


def _time(time_us: int | None) -> str:
    return datetime.fromtimestamp((time_us or 0) // US_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _lines(groups: Iterable[SharedGroup]) -> Iterator[GroupLine]:
    for number, group in enumerate(groups, start=1):
        shared = {name: getattr(group, name) for name in GroupLine.__struct_fields__ if hasattr(group, name)}
        levels: dict[str, Any] = {
            f"{kind}s_count": None if group.levels is None else group.levels.get(kind, 0) for kind in UnitKind
        }
        for cause in group.causes:
            own = {name: getattr(cause, name) for name in GroupLine.__struct_fields__ if hasattr(cause, name)}
            yield GroupLine(group=number, **shared, **levels, **own)


def _tables(data: SiblingsData) -> list[Table]:
    return [table_of("groups", GroupLine, list(_lines(data.groups))), table_of("units", Sibling, data.units)]


SIBLINGS: Final = Page(
    name="siblings",
    path="/siblings/",
    permission=Permission.PLANT_READ,
    load=_load,
    query=("minutes", "days", "limit", "offset"),
    tables=_tables,
)
