"""The page of a recall: what is in doubt, and what a recall of it would touch, cost and hold."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from litestar.exceptions import ValidationException
from msgspec import Struct, structs, to_builtins

from cellwright.database.pool import Connection
from cellwright.model.ids import UnitKind
from cellwright.plant.recall_questions import (
    AskedRecall,
    AskedStation,
    FieldProblem,
    QuestionError,
    find_question,
)
from cellwright.plant.recalls import Notice, RecalledLot, RecallPlan, held_units, plan_recall
from cellwright.rules.positions import Basis
from cellwright.views.holds import find_recall
from cellwright.views.spread import Outermost, read_outermost
from cellwright.views.subjects import TraceError
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.pages.listing import Choice
from cellwright.web.pages.reading import reading
from cellwright.web.pages.recall_address import asked_in, is_asked
from cellwright.web.question import Question
from cellwright.web.services import Services
from cellwright.web.tables import Table, table_of

_NAME_MAX: Final = 60
"""Characters of a lot's code that stand in the code of its recall."""


class LotInDoubt(Struct, frozen=True, kw_only=True):
    """A lot as it was asked for; `material`, `measure` "" = no lot has this code."""

    lot: str
    start: int | None
    end: int | None
    lane: int
    material: str
    measure: str
    quantity: int | None


class RecallPlace(Struct, frozen=True, kw_only=True):
    """Outermost units that stand alike; `station` is where they are, or whose they are. `cost` None = unknown."""

    kind: UnitKind
    product: str
    status: str
    station: str
    is_here: bool
    units_count: int
    held_count: int
    cost: int | None
    currency: str


class RecallShown(Struct, frozen=True, kw_only=True):
    """What a recall would touch; `levels` counts units of each kind that hold something in doubt, or are it."""

    levels: Mapping[UnitKind, int]
    vehicles_count: int
    """Vehicles that have some of it in them."""
    bases: Mapping[Basis, int]
    """How many units took something in doubt directly, by how surely that is known."""
    precision: str
    """The same in a sentence."""
    places: tuple[RecallPlace, ...]
    lots: tuple[RecalledLot, ...]
    notices: tuple[Notice, ...]
    currency: str
    cost: int | None
    unpriced_count: int
    held_count: int
    """Outermost units that are on hold already, for whatever reason."""
    hold_units_count: int
    """Outermost units that the recall would hold: all that are not scrapped."""
    units: tuple[Outermost, ...]
    """Outermost units `offset` to `offset + limit`."""
    units_count: int
    limit: int
    offset: int


class RecallData(Struct, frozen=True, kw_only=True):
    """All that the page of a recall shows: the question, what is wrong with it, or the answer."""

    lots: tuple[LotInDoubt, ...]
    stations: tuple[AskedStation, ...]
    problems: tuple[FieldProblem, ...]
    """Only on the page; programs get them as an error."""
    plan: RecallShown | None
    recall: str
    """A code for the recall: that under which its lots are held already, else made of day and lot."""
    is_placed: bool
    """Whether its lots are held under this code."""
    station_names: tuple[Choice, ...]


async def _load(question: Question) -> RecallData:
    services = question.services
    asked, problems = asked_in(question)
    plan = None
    async with reading(services) as connection:
        if not problems:
            plan, problems = await _plan(connection, services, asked)
        if problems and question.suffix:
            raise wrong_question(QuestionError(problems))
        recall = await _placed(connection, asked, plan)
        return RecallData(
            lots=await _lots_in_doubt(connection, asked),
            stations=asked.stations,
            problems=problems if is_asked(question) else (),
            plan=await _shown(connection, question, plan) if plan else None,
            recall=recall or _suggested(asked, services.clock()),
            is_placed=bool(recall),
            station_names=tuple(Choice(each.code, each.name) for each in services.plant.stations.values()),
        )


async def _plan(
    connection: Connection, services: Services, asked: AskedRecall
) -> tuple[RecallPlan | None, tuple[FieldProblem, ...]]:
    """Return what a recall would touch, or what is wrong in the question."""
    try:
        question = await find_question(connection, services.plant, asked, now_us=services.clock())
        return await plan_recall(connection, services.plant, question), ()
    except TraceError as error:
        return None, too_much(asked, error).problems
    except QuestionError as error:
        return None, error.problems


def too_much(asked: AskedRecall, error: TraceError) -> QuestionError:
    """Return the error for a question with too large an answer."""
    path = "lots.0.lot" if asked.lots else "stations.0.station"
    return QuestionError([FieldProblem(path=path, code="too_much", text=str(error))])


def wrong_question(error: QuestionError, within: str = "") -> ValidationException:
    """Return what programs get for a question that cannot be answered: every field, and what to do."""
    fields = [to_builtins(structs.replace(each, path=f"{within}{each.path}")) for each in error.problems]
    return ValidationException(detail=str(error), extra=fields)


async def _placed(connection: Connection, asked: AskedRecall, plan: RecallPlan | None) -> str:
    if plan is None:
        return ""
    unit = int(plan.outermost.ids[-1]) if len(plan.outermost.ids) else 0
    return await find_recall(connection, [each.lot for each in asked.lots], unit)


def _suggested(asked: AskedRecall, now_us: int) -> str:
    names = (*(each.lot for each in asked.lots), *(each.station for each in asked.stations), "")
    return f"RC-{datetime.fromtimestamp(now_us / 1_000_000, UTC):%Y%m%d}-{names[0][:_NAME_MAX]}".rstrip("-")


async def _lots_in_doubt(connection: Connection, asked: AskedRecall) -> tuple[LotInDoubt, ...]:
    codes = [each.lot for each in asked.lots]
    records = await connection.fetch("SELECT code, material, measure, quantity FROM lot WHERE code = ANY($1)", codes)
    known = {record["code"]: record for record in records}
    return tuple(
        LotInDoubt(
            lot=each.lot,
            start=each.start,
            end=each.end,
            lane=each.lane,
            material=known[each.lot]["material"] if each.lot in known else "",
            measure=known[each.lot]["measure"] if each.lot in known else "",
            quantity=known[each.lot]["quantity"] if each.lot in known else None,
        )
        for each in asked.lots
    )


async def _shown(connection: Connection, question: Question, plan: RecallPlan) -> RecallShown:
    return RecallShown(
        levels=plan.levels,
        vehicles_count=plan.vehicles_count,
        bases=plan.bases,
        precision=plan.precision,
        places=tuple(RecallPlace(**structs.asdict(each), currency=plan.currency) for each in plan.places),
        lots=plan.lots,
        notices=plan.notices,
        currency=plan.currency,
        cost=plan.cost,
        unpriced_count=plan.unpriced_count,
        held_count=sum(each.held_count for each in plan.places),
        hold_units_count=held_units(plan),
        units=tuple(await read_outermost(connection, plan.outermost, limit=question.limit, offset=question.offset)),
        units_count=len(plan.outermost.ids),
        limit=question.limit,
        offset=question.offset,
    )


def _tables(data: RecallData) -> list[Table]:
    plan = data.plan
    return [
        table_of("places", RecallPlace, plan.places if plan else ()),
        table_of("lots", RecalledLot, plan.lots if plan else ()),
        table_of("notices", Notice, plan.notices if plan else ()),
        table_of("units", Outermost, plan.units if plan else ()),
    ]


RECALL = Page(
    name="recall",
    path="/recall",
    permission=Permission.PLANT_READ,
    load=_load,
    query=("lot", "start", "end", "lane", "machine", "from", "to", "tool", "channel", "carrier", "limit", "offset"),
    tables=_tables,
)
