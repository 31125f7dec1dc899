"""The page of a genealogy: how many of each level, a tree that opens step by step, and the flow from lots to packs."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

from litestar import get
from litestar.exceptions import ClientException
from litestar.handlers.base import BaseRouteHandler
from litestar.openapi.spec import Operation
from litestar.params import FromPath
from msgspec import Struct, structs

from cellwright.database.pool import Connection, borrow
from cellwright.rules.positions import Direction
from cellwright.views.as_known import as_known, corrections_since, read_known
from cellwright.views.corrected import Corrected
from cellwright.views.reached import Asked as Wanted
from cellwright.views.reached import Level, Reached, reach
from cellwright.views.reached_flows import Flow, find_flow
from cellwright.views.reached_rows import LotRow, Rows, UnitRow, lot_rows
from cellwright.views.reached_steps import Node, Nodes, read_level, read_steps
from cellwright.views.subjects import CodeKind, FoundCode, MomentError, TraceError, find_code
from cellwright.web.access.permissions import ObjectRule, Permission
from cellwright.web.described import asking
from cellwright.web.page import Page
from cellwright.web.pages.sections import lanes_for, section_in
from cellwright.web.problems import NotFoundError
from cellwright.web.question import Asked, Question, code_in_path, question_of
from cellwright.web.streams import Portions
from cellwright.web.tables import Table, table_of

OPEN_MAX: Final = 200
"""Levels of more nodes stay closed at first, and what is open has no more nodes in all."""

PORTION: Final = 50
"""Nodes that are shown at once."""

_ROWS_AT_ONCE: Final = 5_000
_SECTION: Final = ("direction", "start", "end", "lane", "known")
_READ: Final = {"permission": Permission.PLANT_READ, "object_rule": ObjectRule.SITE}


class GenealogyLevel(Level, frozen=True, kw_only=True):
    """A level with its first nodes; none where there are so many that it stays closed."""

    nodes: tuple[Node, ...]


class GenealogyData(Struct, frozen=True, kw_only=True):
    """All that the page shows at first."""

    subject: str
    subject_kind: CodeKind
    kind: str
    """Kind of a unit, material of a lot."""
    measure: str
    """Of a lot."""
    quantity: int
    direction: Direction
    start: int | None
    end: int | None
    lane: int
    lanes: tuple[int, ...]
    """Forward: into which the lot, or what was made of it, was slit."""
    levels: tuple[GenealogyLevel, ...]
    known_us: int | None = None
    """As of when the record is told, without later corrections (UTC us); None = as it is known now."""
    known_differs: bool = False
    """Whether what is known now is another answer."""
    later: tuple[Corrected, ...] = ()
    """Corrections since then that touch lots of either answer, the oldest first."""


def known_in(question: Question) -> int | None:
    """Return as of when the record is asked for, None = now; raises ClientException (400) for what is no time."""
    try:
        return read_known(question.query.get("known", ""), question.services.clock())
    except MomentError as error:
        raise ClientException(f"known: {error}") from None


def wanted_of(question: Question, number: int) -> Wanted:
    """Return what a question asks of a unit or lot."""
    direction = Direction.FORWARD if question.query.get("direction") == "forward" else Direction.BACKWARD
    section = section_in(question, direction)
    return Wanted(subject=number, direction=direction, start=section.start, end=section.end, lane=section.lane)


async def found_in(connection: Connection, code: str) -> FoundCode:
    """Return what a code names; raises NotFoundError when it is none of a unit or lot."""
    try:
        found = await find_code(connection, code)
    except TraceError as error:
        raise NotFoundError(str(error)) from None
    if found.kind is CodeKind.CARRIER:
        raise NotFoundError(f"{code!r} is a carrier; ask for the units in it")
    if found.kind is CodeKind.VEHICLE:
        raise NotFoundError(f"{code!r} is a vehicle; trace it, or ask for a pack in it")
    return found


async def reached_by(connection: Connection, question: Question) -> tuple[FoundCode, Reached]:
    """Return what a question names, and what it reaches; raises ClientException (400) for what is no section of it."""
    found = await found_in(connection, question.code)
    try:
        async with as_known(connection, known_in(question)):
            return found, await reach(connection, wanted_of(question, found.number))
    except TraceError as error:
        raise ClientException(str(error)) from None


async def _load(question: Question) -> GenealogyData:
    async with borrow(question.services.pool) as connection:
        found, reached = await reached_by(connection, question)
        levels = await _levels(connection, reached)
        known_us, differs, later = known_in(question), False, tuple[Corrected, ...]()
        if known_us is not None:
            now = await reach(connection, reached.asked)
            differs = _said(reached) != _said(now)
            later = await corrections_since(connection, {*reached.lots, *now.lots}, known_us)
        lanes = await lanes_for(connection, found, reached.asked.direction, lane=reached.asked.lane)
    lot, asked = reached.lots.get(found.number), reached.asked
    return GenealogyData(
        subject=found.code,
        subject_kind=found.kind,
        kind=lot.material if lot else levels[0].level,
        measure=lot.measure if lot else "",
        quantity=lot.quantity if lot else 0,
        direction=asked.direction,
        start=asked.start,
        end=asked.end,
        lane=asked.lane,
        lanes=lanes,
        levels=tuple(levels),
        known_us=known_us,
        known_differs=differs,
        later=later,
    )


def _said(reached: Reached) -> tuple[object, ...]:
    """Return what an answer says of units and lots, so that two can be compared."""
    units = {kind: rung.ids.tolist() for kind, rung in reached.units.items()}
    return units, {number: (reached.bases[number], reached.stretches.of(number)) for number in reached.lots}


async def _levels(connection: Connection, reached: Reached) -> list[GenealogyLevel]:
    """Return the levels, of which the small ones are open, as long as a person can look over all of it."""
    levels, shown = [], 0
    for level in reached.levels():
        size = min(level.nodes_count, PORTION)
        is_open = level.nodes_count <= OPEN_MAX and shown + size <= OPEN_MAX
        found = await read_level(connection, reached, level.level, limit=PORTION) if is_open else None
        nodes = found.nodes if found else ()
        shown += len(nodes)
        levels.append(GenealogyLevel(**structs.asdict(level), nodes=nodes))
    return levels


def _tables(data: GenealogyData) -> list[Table]:
    return [table_of("levels", Level, data.levels)]


async def _stream_units(question: Question) -> Portions:
    """Read every unit that was reached; a connection is borrowed for each portion alone."""
    async with borrow(question.services.pool) as connection:
        _, reached = await reached_by(connection, question)
    rows = Rows(reached)

    async def portions() -> AsyncIterator[Sequence[UnitRow]]:
        for ids in rows.portions(_ROWS_AT_ONCE):
            async with borrow(question.services.pool) as connection:
                found = await rows.read(connection, ids)
            yield found

    return Portions(UnitRow, portions())


async def _stream_lots(question: Question) -> Portions:
    async with borrow(question.services.pool) as connection:
        _, reached = await reached_by(connection, question)

    async def portions() -> AsyncIterator[Sequence[LotRow]]:
        for start in range(0, len(reached.lots), _ROWS_AT_ONCE):
            yield lot_rows(reached, start, _ROWS_AT_ONCE)

    return Portions(LotRow, portions())


GENEALOGY: Final = Page(
    name="genealogy",
    path="/genealogy/",
    permission=Permission.PLANT_READ,
    load=_load,
    query=_SECTION,
    tables=_tables,
    streams={"units": _stream_units, "lots": _stream_lots},
)

# --- a page of nodes ------------------------------------------------------------------------

_LEVEL_PATH: Final = "/api/v1/genealogy-level/"
_STEPS_PATH: Final = "/api/v1/genealogy-steps/"
_FLOW_PATH: Final = "/api/v1/genealogy-flow/"


def _asking(*names: str) -> type[Operation]:
    return asking((*_SECTION, *names, "limit", "offset"))


@get(f"{_LEVEL_PATH}{{code:path}}", opt=_READ, operation_class=_asking("level"), summary="Nodes of a level")
async def read_nodes(request: Asked, code: FromPath[Path]) -> Nodes:
    """Return a page of the nodes of one level (`level`) of a genealogy."""
    del code  # taken as it was sent: it may hold slashes
    question = question_of(request, code_in_path(request, _LEVEL_PATH)[0], "json")
    level = question.query.get("level", "")
    async with borrow(question.services.pool) as connection:
        _, reached = await reached_by(connection, question)
        nodes = await read_level(connection, reached, level, limit=_limit(question), offset=question.offset)
    if nodes is None:
        levels = ", ".join(each.level for each in reached.levels())
        raise ClientException(f"level {level[:40]!r} is none of this genealogy; ask for one of {levels}")
    return nodes


@get(f"{_STEPS_PATH}{{code:path}}", opt=_READ, operation_class=_asking("of"), summary="One step from a node")
async def read_kin(request: Asked, code: FromPath[Path]) -> Nodes:
    """Return a page of what one step leads to from a node (`of`, "" = the subject) of a genealogy."""
    del code
    question = question_of(request, code_in_path(request, _STEPS_PATH)[0], "json")
    async with borrow(question.services.pool) as connection:
        found, reached = await reached_by(connection, question)
        of = question.query.get("of", "")
        node = await found_in(connection, of) if of else found
        if not reached.holds(node.number):
            raise NotFoundError(f"{of[:40]!r} is no part of this genealogy; ask for one of its nodes")
        async with as_known(connection, known_in(question)):
            return await read_steps(connection, reached, node.number, limit=_limit(question), offset=question.offset)


@get(f"{_FLOW_PATH}{{code:path}}", opt=_READ, operation_class=asking(_SECTION), summary="The flow from lots to packs")
async def read_flow(request: Asked, code: FromPath[Path]) -> Flow:
    """Return the flow of a genealogy: its largest nodes for themselves, all others of a level as one."""
    del code
    question = question_of(request, code_in_path(request, _FLOW_PATH)[0], "json")
    async with borrow(question.services.pool) as connection:
        _, reached = await reached_by(connection, question)
        return await find_flow(connection, reached)


def _limit(question: Question) -> int:
    return question.limit if "limit" in question.query else PORTION


ROUTES: Final[list[BaseRouteHandler]] = [read_nodes, read_kin, read_flow]
"""What the page asks for when it is seen, and while its tree is opened."""
