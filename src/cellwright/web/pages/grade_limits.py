"""The grading page: how values lie against the limits of grades, the yield by grade, and what other limits would do."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct, structs

from cellwright.analysis.grading.spread import ValueSpread, capability, spread_of
from cellwright.analysis.grading.what_if import (
    NO_GRADE,
    Doubt,
    Move,
    Places,
    doubt,
    doubtful,
    grade_columns,
    meets,
    moves,
)
from cellwright.analysis.ratios import wilson_interval
from cellwright.database.pool import Connection
from cellwright.model.quantities import Characteristic
from cellwright.model.routes import Grade, Operation, Route
from cellwright.views.finding import find_lot
from cellwright.views.following import unit_codes
from cellwright.views.graded import GradedCells, Population, Spans, read_graded, spans_of_order
from cellwright.views.spread import Section, gather
from cellwright.views.subjects import TraceError
from cellwright.views.wip import ROUTES
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.pages.grade_question import (
    AskedCells,
    asked_cells,
    asked_grades,
    gauge_of,
    gauges_of,
    snippet_of,
)
from cellwright.web.pages.reading import reading
from cellwright.web.problems import NotFoundError
from cellwright.web.question import Question
from cellwright.web.tables import Column, Table, table_of

_NEWEST: Final = "WHERE (code, revision) IN (SELECT code, max(revision) FROM route GROUP BY code) ORDER BY id"
_MANY_CELLS: Final = 10_000
"""More are read one answer at a time."""
_MOVED_SHOWN: Final = 100


class GradedOperation(Struct, frozen=True, kw_only=True):
    """An operation that grades, by the newest revision of a route."""

    code: str
    name: str
    product: str
    route: str
    revision: int
    gauges: tuple[str, ...]


class GradeYield(Struct, frozen=True, kw_only=True):
    """How many cells of the population have a grade ("" = none): as recorded, by the limits in force, by those asked for.

    Ratios are of all cells, with Wilson's 95 % interval; None = there are no cells.
    """

    grade: str
    recorded_count: int
    count: int
    ratio: float | None
    asked_count: int
    asked_ratio: float | None
    asked_low_ratio: float | None
    asked_high_ratio: float | None


class LimitAsked(Struct, frozen=True, kw_only=True):
    """A limit of a grade: in force, asked for, and how many values lie outside what was asked for, of all cells.

    Both ends None = no limit. `required` says whether an unknown value misses the grade. Ppk stands with its one-sided
    95 % lower bound, None = unknown: too few values, or not about normal.
    """

    grade: str
    characteristic: str
    unit: str
    required: bool
    lower: float | None
    upper: float | None
    asked_lower: float | None
    asked_upper: float | None
    known_count: int
    outside_count: int
    outside_low_ratio: float | None
    outside_high_ratio: float | None
    ppk: float | None
    ppk_low: float | None


class CharacteristicSpread(Struct, frozen=True, kw_only=True):
    """How the values that grades ask for are spread, and where they are corrected, those that were measured."""

    characteristic: str
    unit: str
    asked: ValueSpread
    measured: ValueSpread | None
    corrected_count: int


class GradedCell(Struct, frozen=True, kw_only=True):
    """A cell, its grades ("" = none), whether a standard error would change the grade asked for, and its values."""

    code: str
    time_us: int
    recorded: str
    grade: str
    asked: str
    is_doubtful: bool
    values: dict[str, float | None]
    measured: dict[str, float | None]


class GradingAnswer(Struct, frozen=True, kw_only=True):
    """What was found. `moves` go from grades in force to those asked for; `is_all`: there are no older cells of these."""

    cells_count: int
    pages_count: int
    is_all: bool
    from_us: int
    to_us: int
    yields: tuple[GradeYield, ...]
    limits: tuple[LimitAsked, ...]
    spreads: tuple[CharacteristicSpread, ...]
    moves: tuple[Move, ...]
    moved_count: int
    doubt: Doubt
    doubt_in_force: Doubt
    is_changed: bool
    snippet: str
    cells: tuple[GradedCell, ...]
    """In files all; else the first that move."""


class GradingData(Struct, frozen=True, kw_only=True):
    """What was asked, and the answer; None = nothing is graded in this plant."""

    operations: tuple[GradedOperation, ...]
    operation: str
    cells: AskedCells
    limits: str
    now_us: int
    answer: GradingAnswer | None = None


async def _load(question: Question) -> GradingData:
    asked = asked_cells(question)
    is_long = asked.last > _MANY_CELLS
    async with (
        question.services.exporting if is_long else contextlib.nullcontext(),
        reading(question.services) as connection,
    ):
        routes = await ROUTES.load_page(connection, _NEWEST)
        known = {each.code: (route, each) for route in routes for each in route.operations if each.grades}
        data = GradingData(
            operations=tuple(_operation(*each) for each in known.values()),
            operation=question.query.get("operation", "").strip() or next(iter(known), ""),
            cells=asked,
            limits=question.query.get("limits", "").strip(),
            now_us=question.services.clock(),
        )
        if not data.operation:
            return data
        if data.operation not in known:
            names = ", ".join(known) or "none"
            raise NotFoundError(f"operation {data.operation[:40]} gives no grades; those that do: {names}")
        operation = known[data.operation][1]
        grades = asked_grades(data.limits, operation)
        cells = await read_graded(connection, operation, await _population(connection, question, asked, operation))
        return structs.replace(data, answer=await _answer(connection, question, (operation, grades), cells))


def _operation(route: Route, operation: Operation) -> GradedOperation:
    return GradedOperation(
        code=operation.code,
        name=operation.name,
        product=route.product,
        route=route.code,
        revision=route.revision,
        gauges=gauges_of(operation),
    )


async def _population(
    connection: Connection, question: Question, asked: AskedCells, operation: Operation
) -> Population:
    stations = question.services.plant.stations.values()
    wanted = Population(
        stations=tuple(each.code for each in stations if operation.code in each.operations),
        cells_count=asked.last,
        from_us=asked.from_us,
        carrier=asked.carrier,
        gauge=gauge_of(asked.gauge, operation),
        units=await _units(connection, asked),
    )
    return structs.replace(wanted, to_us=asked.to_us) if asked.to_us else wanted


async def _units(connection: Connection, asked: AskedCells) -> Spans | None:
    """Return the units that took of a lot, or were made for an order; both = in both."""
    found: list[list[tuple[int, int]]] = []
    if asked.lot:
        number = await find_lot(connection, asked.lot)
        if number is None:
            raise NotFoundError(f"no lot has the code {asked.lot[:60]}; scan it again, or leave it out")
        try:
            spans = (await gather(connection, Section(lot=number))).units
        except TraceError as error:
            raise NotFoundError(str(error)) from None
        found.append([(span.first, span.last) for span in spans])
    if asked.order:
        found.append(await spans_of_order(connection, asked.order))
        if not found[-1]:
            raise NotFoundError(f"no units were made for an order {asked.order[:60]}; look it up at /orders")
    if len(found) < 2:
        return found[0] if found else None
    both = ((max(a, c), min(b, d)) for a, b in found[0] for c, d in found[1])
    return sorted((first, last) for first, last in both if first <= last)


async def _answer(
    connection: Connection, question: Question, asked: tuple[Operation, Sequence[Grade]], cells: GradedCells
) -> GradingAnswer:
    operation, grades = asked
    was, now = grade_columns(operation.grades, cells.columns), grade_columns(grades, cells.columns)
    is_file = question.suffix not in ("", "json")
    rows = np.arange(len(was)) if is_file else np.flatnonzero(was != now)[:_MOVED_SHOWN]
    unsure = doubtful(grades, cells.columns)
    codes = await unit_codes(connection, cells.units[rows].tolist())
    spreads = tuple(_spreads(operation, cells))
    return GradingAnswer(
        cells_count=len(was),
        pages_count=cells.pages_count,
        is_all=cells.is_all,
        from_us=int(cells.times_us[-1]) if len(was) else 0,
        to_us=int(cells.times_us[0]) if len(was) else 0,
        yields=tuple(_yields(operation.grades, cells, was, now)),
        limits=tuple(_limits(operation.grades, grades, cells, spreads)),
        spreads=spreads,
        moves=moves(operation.grades, was, now),
        moved_count=int(np.count_nonzero(was != now)),
        doubt=doubt(grades, cells.columns),
        doubt_in_force=doubt(operation.grades, cells.columns),
        is_changed=tuple(grades) != operation.grades,
        snippet=snippet_of(operation.code, grades),
        cells=tuple(
            _cell(
                cells,
                row,
                codes,
                given=[_name(grades, int(each[row])) for each in (was, now)],
                is_doubtful=bool(unsure[row]),
            )
            for row in rows.tolist()
        ),
    )


def _name(grades: Sequence[Grade], place: int) -> str:
    return "" if place == NO_GRADE else grades[place].code


def _cell(
    cells: GradedCells, row: int, codes: Mapping[int, str], *, given: Sequence[str], is_doubtful: bool
) -> GradedCell:
    return GradedCell(
        code=codes.get(int(cells.units[row]), ""),
        time_us=int(cells.times_us[row]),
        recorded=cells.grades[row],
        grade=given[0],
        asked=given[1],
        is_doubtful=is_doubtful,
        values={code: _known(column[row]) for code, column in cells.columns.values.items()},
        measured={code: _known(column[row]) for code, column in cells.measured.items()},
    )


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _yields(grades: Sequence[Grade], cells: GradedCells, was: Places, now: Places) -> Iterator[GradeYield]:
    total = len(was)
    for place in (*range(len(grades)), NO_GRADE):
        code = _name(grades, place)
        count, asked_count = int(np.count_nonzero(was == place)), int(np.count_nonzero(now == place))
        low, high = wilson_interval(asked_count, total) or (None, None)
        yield GradeYield(
            grade=code,
            recorded_count=cells.grades.count(code),
            count=count,
            ratio=count / total if total else None,
            asked_count=asked_count,
            asked_ratio=asked_count / total if total else None,
            asked_low_ratio=low,
            asked_high_ratio=high,
        )


def _limits(
    grades: Sequence[Grade], asked: Sequence[Grade], cells: GradedCells, spreads: Sequence[CharacteristicSpread]
) -> Iterator[LimitAsked]:
    """Yield every limit that a grade has or could have: what any grade asks for."""
    shared = {limit.code: limit for grade in reversed(grades) for limit in grade.limits}
    for grade, other in zip(grades, asked, strict=True):
        for each in spreads:
            code = each.characteristic
            now = _limit(grade, code)
            wanted = _limit(other, code) or structs.replace(now or shared[code], lower=None, upper=None)
            yield _judged(grade.code, (now, wanted), each, cells)


def _limit(grade: Grade, code: str) -> Characteristic | None:
    return next((limit for limit in grade.limits if limit.code == code), None)


def _judged(
    grade: str, limits: tuple[Characteristic | None, Characteristic], spread: CharacteristicSpread, cells: GradedCells
) -> LimitAsked:
    now, wanted = limits
    values = cells.columns.values[wanted.code]
    known = values[~np.isnan(values)]
    outside_count = int(np.count_nonzero(~meets(wanted, known)))
    low, high = wilson_interval(outside_count, len(known)) or (None, None)
    able = capability(spread.asked, wanted.lower, wanted.upper)
    return LimitAsked(
        grade=grade,
        characteristic=wanted.code,
        unit=wanted.unit,
        required=wanted.required,
        lower=now.lower if now else None,
        upper=now.upper if now else None,
        asked_lower=wanted.lower,
        asked_upper=wanted.upper,
        known_count=len(known),
        outside_count=outside_count,
        outside_low_ratio=low,
        outside_high_ratio=high,
        ppk=able.ppk,
        ppk_low=able.low,
    )


def _spreads(operation: Operation, cells: GradedCells) -> Iterator[CharacteristicSpread]:
    units = {limit.code: limit.unit for grade in operation.grades for limit in grade.limits}
    for code, unit in units.items():
        fair = cells.corrected.get(code)
        corrected_count = 0 if fair is None else int(np.count_nonzero(np.isfinite(fair)))
        values, measured = cells.columns.values[code], cells.measured[code]
        is_other = not np.array_equal(values, measured, equal_nan=True)
        yield CharacteristicSpread(
            characteristic=code,
            unit=unit,
            asked=spread_of(values),
            measured=spread_of(measured) if is_other else None,
            corrected_count=corrected_count,
        )


def _tables(data: GradingData) -> list[Table]:
    found = data.answer
    if found is None:
        return [Table("cells", (Column("code", "text"),), [])]
    return [
        _cell_table(found),
        table_of("yields", GradeYield, found.yields),
        table_of("limits", LimitAsked, found.limits),
        table_of("moves", Move, found.moves),
    ]


def _cell_table(found: GradingAnswer) -> Table:
    codes = [each.characteristic for each in found.spreads]
    kinds = {
        "code": "text",
        "time_us": "time",
        "recorded": "text",
        "grade": "text",
        "asked": "text",
        "is_doubtful": "truth",
    }
    names = [*(f"{code}_asked" for code in codes), *(f"{code}_measured" for code in codes)]
    columns = [*(Column(key, kind) for key, kind in kinds.items()), *(Column(name, "number") for name in names)]
    rows: list[list[Any]] = [
        [
            *(getattr(cell, key) for key in kinds),
            *(cell.values[code] for code in codes),
            *(cell.measured[code] for code in codes),
        ]
        for cell in found.cells
    ]
    return Table("cells", tuple(columns), rows)


GRADING: Final = Page(
    name="grading",
    path="/grading",
    permission=Permission.PLANT_READ,
    load=_load,
    query=("operation", "last", "from", "to", "order", "lot", "carrier", "gauge", "limits"),
    tables=_tables,
)
