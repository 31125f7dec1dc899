"""The page of a trace: all that a unit or lot was made of, or all that was made of it, level by level."""

from collections import Counter
from collections.abc import Iterable, Iterator

from litestar.exceptions import ClientException
from msgspec import Struct, structs

from cellwright.database.pool import Connection
from cellwright.model.ids import UnitKind
from cellwright.rules.positions import Basis, Direction, Stretch
from cellwright.views.as_known import as_known, corrections_since, read_known
from cellwright.views.corrected import Corrected
from cellwright.views.subjects import (
    AsOf,
    CodeKind,
    FoundCode,
    Moment,
    MomentError,
    TraceError,
    find_code,
    read_moment,
)
from cellwright.views.trace import Trace, TraceLink, TraceNode, trace_backward, trace_forward, trace_vehicle
from cellwright.views.trace_work import WorkedAt, worked_at
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.pages.reading import reading
from cellwright.web.pages.sections import AskedSection, lanes_for, section_in
from cellwright.web.problems import NotFoundError
from cellwright.web.question import Question
from cellwright.web.tables import Table, table_of

_SHOWN_MAX = 400


class TraceLevel(Struct, frozen=True, kw_only=True):
    """A level of a trace: how many nodes it has, how many of them are listed, and how surely the least sure is known."""

    level: str
    nodes_count: int
    shown_count: int
    basis: Basis


class TracePart(Struct, frozen=True, kw_only=True):
    """A step between two nodes; `start`, `end` and `tolerance` lie on the lot that was consumed, None = a unit was."""

    consumed: str
    made: str
    place: str
    start: int | None
    end: int | None
    tolerance: int | None
    lane: int | None
    basis: Basis | None


class TraceNodeLine(Struct, frozen=True, kw_only=True):
    """A node of a trace; what was reached of a lot is `reached` of `quantity`, in its measure."""

    level: str
    code: str
    is_unit: bool
    kind: str
    status: str
    basis: Basis
    measure: str
    quantity: int | None
    reached: int | None
    stretches_count: int


class TraceData(Struct, frozen=True, kw_only=True):
    """All that the page of a trace shows."""

    subject: str
    subject_kind: CodeKind
    direction: Direction
    measure: str
    """Of a lot, "" = the subject is none."""
    quantity: int
    start: int | None
    end: int | None
    lane: int
    """That was asked for, 0 = all."""
    lanes: tuple[int, ...]
    """Forward: into which the lot, or what was made of it, was slit."""
    as_of: AsOf
    as_of_us: int | None
    """Time as of which members and vehicles are told (UTC us); None = now, or each as it was first built in."""
    corrections: tuple[Corrected, ...]
    """Those that the answer rests on, and those that took something off its lots; the oldest first."""
    levels: tuple[TraceLevel, ...]
    nodes: tuple[TraceNodeLine, ...]
    parts: tuple[TracePart, ...]
    """Only in files and for programs."""
    work: tuple[WorkedAt, ...]
    """Where units and lots of a backward trace were worked on; on the page each row names only the first of them."""
    work_left_out_count: int
    """Units and lots of which that is not told, because there are too many."""
    known_us: int | None = None
    """As of when the record is told, without later corrections (UTC us); None = as it is known now."""
    known_differs: bool = False
    """Whether what is known now is another answer."""
    later: tuple[Corrected, ...] = ()
    """Corrections since then that touch lots of either answer, the oldest first."""


async def _load(question: Question) -> TraceData:
    direction = Direction.FORWARD if question.query.get("direction") == "forward" else Direction.BACKWARD
    section = section_in(question, direction)
    async with reading(question.services) as connection:
        found = await _find(connection, question.code)
        try:
            known = await _known(connection, found, question, section)
            trace = known.trace
            work, left_out = await _work(connection, trace)
        except TraceError as error:
            raise ClientException(str(error)) from None
        lanes = await lanes_for(connection, found, direction, lane=section.lane)
    is_page = question.suffix == ""
    subject = next((node for node in trace.nodes if node.code == trace.subject), None)
    nodes = tuple(_shown(trace)) if is_page else trace.nodes
    return TraceData(
        subject=trace.subject,
        subject_kind=found.kind,
        direction=trace.direction,
        measure=subject.measure if subject else "",
        quantity=subject.quantity if subject else 0,
        start=section.start,
        end=section.end,
        lane=section.lane,
        lanes=lanes,
        as_of=trace.as_of,
        as_of_us=trace.as_of_us,
        corrections=trace.corrections,
        levels=_levels(trace, nodes),
        nodes=tuple(_line(node) for node in nodes),
        parts=() if is_page else tuple(_parts(trace.links)),
        work=tuple(structs.replace(row, codes=row.codes[:1]) for row in work) if is_page else work,
        work_left_out_count=left_out,
        known_us=known.known_us,
        known_differs=known.differs,
        later=known.later,
    )


class _Known(Struct, frozen=True):
    """A trace as the record was known at a time (None = now), whether it is another one now, and what was corrected since."""

    trace: Trace
    known_us: int | None = None
    differs: bool = False
    later: tuple[Corrected, ...] = ()


async def _known(connection: Connection, found: FoundCode, question: Question, section: AskedSection) -> _Known:
    direction = Direction.FORWARD if question.query.get("direction") == "forward" else Direction.BACKWARD
    moment, known_us = _times(question)
    now = await _trace(connection, found, section, direction=direction, moment=moment)
    if known_us is None:
        return _Known(now)
    async with as_known(connection, known_us):
        then = await _trace(connection, found, section, direction=direction, moment=moment)
    later = await corrections_since(connection, await _lots_in(connection, now, then), known_us)
    return _Known(then, known_us, _said(then) != _said(now), later)


def _times(question: Question) -> tuple[Moment, int | None]:
    """Return as of when members are asked for, and as of when the record; raises ClientException (400) for no times."""
    now_us, name = question.services.clock(), "as_of"
    try:
        moment = read_moment(question.query.get(name, ""), now_us)
        name = "known"
        return moment, read_known(question.query.get(name, ""), now_us)
    except MomentError as error:
        raise ClientException(f"{name}: {error}") from None


def _said(trace: Trace) -> tuple[set[TraceNode], set[TraceLink]]:
    """Return what a trace says in any order, whoever said it."""
    return set(trace.nodes), {structs.replace(link, corrected=None) for link in trace.links}


async def _lots_in(connection: Connection, *traces: Trace) -> list[int]:
    codes = list({node.code for trace in traces for node in trace.nodes if node.measure})
    records = await connection.fetch("SELECT id FROM lot WHERE code = ANY ($1::text[])", codes)
    return [record["id"] for record in records]


async def _find(connection: Connection, code: str) -> FoundCode:
    try:
        found = await find_code(connection, code)
    except TraceError as error:
        raise NotFoundError(str(error)) from None
    if found.kind is CodeKind.CARRIER:
        raise NotFoundError(f"{code!r} is a carrier; trace the units in it")
    return found


async def _trace(
    connection: Connection, found: FoundCode, asked: AskedSection, *, direction: Direction, moment: Moment
) -> Trace:
    if found.kind is CodeKind.VEHICLE:
        return await trace_vehicle(connection, found.code, moment=moment)
    start, end = asked.start, asked.end
    if direction is Direction.BACKWARD:
        return await trace_backward(connection, found.number, moment=moment, start=start, end=end)
    return await trace_forward(connection, found.number, moment=moment, start=start, end=end, lane=asked.lane)


async def _work(connection: Connection, trace: Trace) -> tuple[tuple[WorkedAt, ...], int]:
    """Return where what a thing was made of was worked on; what was made of it has stories of its own."""
    return ((), 0) if trace.direction is Direction.FORWARD else await worked_at(connection, trace)


def _shown(trace: Trace) -> Iterator[TraceNode]:
    """Yield the first nodes of every level: a page is for reading."""
    counts: Counter[str] = Counter()
    for node in trace.nodes:
        counts[node.level] += 1
        if counts[node.level] <= _SHOWN_MAX:
            yield node


def _levels(trace: Trace, shown: Iterable[TraceNode]) -> tuple[TraceLevel, ...]:
    counts = Counter(node.level for node in shown)
    order = list(Basis)
    bases: dict[str, Basis] = {}
    for node in trace.nodes:
        bases[node.level] = max(bases.get(node.level, node.basis), node.basis, key=order.index)
    return tuple(
        TraceLevel(level=level, nodes_count=count, shown_count=counts[level], basis=bases[level])
        for level, count in trace.levels.items()
    )


def _line(node: TraceNode) -> TraceNodeLine:
    is_unit, is_lot = node.level in list(UnitKind), bool(node.measure)
    return TraceNodeLine(
        level=node.level,
        code=node.code,
        is_unit=is_unit,
        kind=node.kind,
        status=node.status,
        basis=node.basis,
        measure=node.measure,
        quantity=node.quantity if is_lot else None,
        reached=_covered(node.stretches) if is_lot else None,
        stretches_count=len(node.stretches),
    )


def _covered(stretches: Iterable[Stretch]) -> int:
    """Return how much of a lot stretches cover together, in any lane."""
    covered = end = 0
    for stretch in sorted(stretches):
        covered += max(0, stretch.end - max(end, stretch.start))
        end = max(end, stretch.end)
    return covered


def _parts(links: Iterable[TraceLink]) -> Iterator[TracePart]:
    for link in links:
        for stretch in link.stretches or (None,):
            yield TracePart(
                consumed=link.consumed,
                made=link.made,
                place=link.place,
                start=stretch.start if stretch else None,
                end=stretch.end if stretch else None,
                tolerance=stretch.tolerance if stretch else None,
                lane=stretch.lane if stretch else None,
                basis=stretch.basis if stretch else None,
            )


def _tables(data: TraceData) -> list[Table]:
    return [
        table_of("nodes", TraceNodeLine, data.nodes),
        table_of("parts", TracePart, data.parts),
        table_of("work", WorkedAt, data.work),
    ]


TRACE = Page(
    name="trace",
    path="/trace/",
    permission=Permission.PLANT_READ,
    load=_load,
    query=("direction", "start", "end", "lane", "as_of", "known"),
    tables=_tables,
)
