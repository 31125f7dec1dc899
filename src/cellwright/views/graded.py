"""The cells that an operation graded last, by column: what grades asked for, what was measured, what was given."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from cellwright.analysis.grading.what_if import GradedColumns
from cellwright.analysis.quantiles import Floats
from cellwright.database.pool import Connection
from cellwright.model.commands import Result
from cellwright.model.corrections import CorrectedBy
from cellwright.model.routes import Operation

CELLS_MAX: Final = 100_000
PAGES_MAX: Final = 20_000
"""Pages that one answer may look through."""
_PORTION: Final = 200
_NEWEST: Final = 2**62
_NO_GRADE: Final = "grade:none"
"""The defect of a unit that was good and met no grade."""

GRADED_PAGES: Final = """
    SELECT h.position, h.time_us, f.body
    FROM (SELECT n.position, n.time_us
          FROM unnest($1::text[]) AS s (station)
          CROSS JOIN LATERAL (SELECT position, time_us FROM history
                              WHERE station = s.station AND operation = $2 AND kind = 'OperationCompleted'
                                AND time_us BETWEEN $3 AND $4 AND (time_us, position) < ($4, $5)
                              ORDER BY time_us DESC, position DESC LIMIT $6) AS n
          ORDER BY n.time_us DESC, n.position DESC LIMIT $6) AS h
    CROSS JOIN LATERAL (SELECT body FROM fact WHERE fact.position = h.position OFFSET 0) AS f
    ORDER BY h.time_us DESC, h.position DESC
"""
SPANS_OF_ORDER: Final = "SELECT id_from, id_to FROM unit_span WHERE work_order = $1 ORDER BY id_from"
"""Units [id_from, id_to)."""

Spans = Sequence[tuple[int, int]]
"""Units first to last, ascending and apart."""


class Population(Struct, frozen=True, kw_only=True):
    """Which cells: the last so many that stations graded, between times (UTC us), and what else they must have in common.

    `units` None = any; `gauge` is a characteristic that names a gauge, and its level.
    """

    stations: tuple[str, ...]
    cells_count: int
    from_us: int = 0
    to_us: int = _NEWEST
    carrier: str = ""
    gauge: tuple[str, int] | None = None
    units: Spans | None = None


class GradedCells(Struct, frozen=True, kw_only=True):
    """Cells by column, the newest first, each once by its last grading; NaN = unknown. `grades` are those given, "" = none."""

    units: NDArray[np.int64]
    times_us: NDArray[np.int64]
    grades: tuple[str, ...]
    measured: Mapping[str, Floats]
    corrected: Mapping[str, Floats]
    columns: GradedColumns
    pages_count: int
    """Pages that were looked through."""
    is_all: bool
    """Whether there are no older ones of them."""


class _Body(Struct, frozen=True):
    units: tuple[int, ...]
    verdicts: tuple[bool, ...]
    carrier: str = ""
    defects: tuple[str, ...] = ()
    results: tuple[Result, ...] = ()
    grades: tuple[str, ...] = ()
    corrected: tuple[CorrectedBy, ...] = ()


class _Gathered(Struct):
    """Lists by cell that grow page by page."""

    seen: set[int]
    units: list[int]
    times_us: list[int]
    grades: list[str]
    is_good: list[bool]
    measured: dict[str, list[float | None]]
    corrected: dict[str, list[float | None]]
    errors_ratio: dict[str, list[float | None]]


_BODY = msgspec.json.Decoder(_Body)


async def read_graded(connection: Connection, operation: Operation, wanted: Population) -> GradedCells:
    """Return the cells of a population, as far as people's views go."""
    codes = list(dict.fromkeys(limit.code for grade in operation.grades for limit in grade.limits))
    found = _Gathered(set(), [], [], [], [], *_empty(codes))
    before, pages_count, is_all = (wanted.to_us, _NEWEST), 0, False
    while len(found.units) < wanted.cells_count and pages_count < PAGES_MAX and not is_all:
        records = await connection.fetch(
            GRADED_PAGES, wanted.stations, operation.code, wanted.from_us, *before, _PORTION
        )
        for record in records:
            _take(found, _BODY.decode(record["body"]), operation, wanted, time_us=record["time_us"])
        pages_count += len(records)
        is_all = len(records) < _PORTION
        before = (records[-1]["time_us"], records[-1]["position"]) if records else before
    return _columns(found, operation, wanted.cells_count, pages_count=pages_count, is_all=is_all)


def _empty(codes: Sequence[str]) -> tuple[dict[str, list[float | None]], ...]:
    return {code: [] for code in codes}, {code: [] for code in codes}, {code: [] for code in codes}


def _take(found: _Gathered, page: _Body, operation: Operation, wanted: Population, *, time_us: int) -> None:
    """Add the cells of a page that are wanted and were not graded later."""
    results = {each.characteristic: each.values for each in page.results if each.values}
    if wanted.carrier and page.carrier != wanted.carrier:
        return
    rows = [row for row in _wanted(page, results, wanted) if page.units[row] not in found.seen]
    found.seen.update(page.units[row] for row in rows)
    found.units += [page.units[row] for row in rows]
    found.times_us += [time_us] * len(rows)
    found.grades += [page.grades[row] if page.grades else "" for row in rows]
    found.is_good += [page.verdicts[row] or (bool(page.defects) and page.defects[row] == _NO_GRADE) for row in rows]
    fair = {each.characteristic: each.corrected for each in operation.corrections}
    errors = {each.characteristic: each.errors_ratio for each in page.corrected}
    for code in found.measured:
        _extend(found.measured[code], results.get(code), rows)
        _extend(found.corrected[code], results.get(fair.get(code, "")), rows)
        _extend(found.errors_ratio[code], errors.get(code), rows)


def _extend(column: list[float | None], values: Sequence[float | None] | None, rows: Sequence[int]) -> None:
    column += [values[row] for row in rows] if values else [None] * len(rows)


def _wanted(page: _Body, results: Mapping[str, Sequence[float | None]], wanted: Population) -> Iterator[int]:
    rows = range(len(page.units))
    if wanted.gauge is not None:
        name, level = wanted.gauge
        levels = results.get(name) or (None,) * len(page.units)
        rows_of_gauge = [row for row in rows if levels[row] == level]
    else:
        rows_of_gauge = list(rows)
    if wanted.units is None or not rows_of_gauge:
        yield from rows_of_gauge
        return
    firsts, lasts = _ends(wanted.units)
    units = np.array([page.units[row] for row in rows_of_gauge], dtype=np.int64)
    places = np.searchsorted(firsts, units, side="right") - 1
    is_in = (places >= 0) & (units <= lasts[np.maximum(places, 0)]) if len(firsts) else np.zeros(len(units), np.bool_)
    yield from np.array(rows_of_gauge)[is_in].tolist()


def _ends(spans: Spans) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    ends = np.array(spans, dtype=np.int64).reshape(-1, 2)
    return ends[:, 0], ends[:, 1]


def _columns(
    found: _Gathered, operation: Operation, cells_count: int, *, pages_count: int, is_all: bool
) -> GradedCells:
    measured, corrected, errors = (
        {code: np.array(column[:cells_count], dtype=np.float64) for code, column in columns.items()}
        for columns in (found.measured, found.corrected, found.errors_ratio)
    )
    graded = {each.characteristic for each in operation.corrections if each.graded}
    asked = {
        code: np.where(np.isnan(corrected[code]), values, corrected[code]) if code in graded else values
        for code, values in measured.items()
    }
    known = {
        code: np.abs(corrected[code]) * errors[code]
        for code in graded & measured.keys()
        if np.any(np.isfinite(errors[code]))
    }
    return GradedCells(
        units=np.array(found.units[:cells_count], dtype=np.int64),
        times_us=np.array(found.times_us[:cells_count], dtype=np.int64),
        grades=tuple(found.grades[:cells_count]),
        measured=measured,
        corrected={
            each.characteristic: corrected[each.characteristic]
            for each in operation.corrections
            if each.characteristic in measured
        },
        columns=GradedColumns(
            is_good=np.array(found.is_good[:cells_count], dtype=np.bool_), values=asked, errors=known
        ),
        pages_count=pages_count,
        is_all=is_all and len(found.units) <= cells_count,
    )


async def spans_of_order(connection: Connection, order: str) -> list[tuple[int, int]]:
    """Return the units of an order, first to last."""
    return [(first, end - 1) for first, end in await connection.fetch(SPANS_OF_ORDER, order)]
