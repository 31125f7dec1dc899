"""What was done to the last cells of a synthetic plant-year, as the journal and the history tell it.

Pages of a hundred cells in the order in which they were worked on, and where their lots were made. A year of it would be
ten times what tracing keeps, so only the cells that a question compares have it.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from cellwright.database.pool import Connection
from cellwright.model.commands import Result
from cellwright.model.facts import CarrierLoaded, Fact, LotTransformed, OperationCompleted, UnitsCommissioned
from cellwright.model.ids import UnitKind
from cellwright.testing.binary_copy import Column, Numbers, RaggedArrays, Texts, constant
from cellwright.testing.plant_year import LINES, Ids, PlantYear
from cellwright.testing.plant_year_runs import START_US, TAKT_US
from cellwright.testing.plant_year_store import DESIGNS, StoredYear, store_table

PAGE_CELLS: Final = 100
STEPPED_CELLS: Final = 1_000_000
"""Cells whose steps are kept, the last ones of every line."""
FORMERS: Final = 16
"""Stations that form trays, in turn."""

_HOUR_US: Final = 3_600_000_000
_ROUTE: Final = 1
_ROWS_AT_ONCE: Final = 4_000


class Step(NamedTuple):
    """An operation of cells: its station, one for each line or several in turn, and when, after winding."""

    operation: str
    station: str
    stations_count: int
    delay_us: int
    characteristics: tuple[str, ...] = ()
    in_tray: bool = False


STEPS: Final = (
    Step("winding", "WIND", LINES, 0, ("overhang_mm", "insulation_mohm")),
    Step("assembly", "ASM", LINES, _HOUR_US),
    Step("filling", "FILL", LINES, 2 * _HOUR_US, ("fill_g",)),
    Step("sealing", "SEAL", LINES, 3 * _HOUR_US, ("leak_pamin",)),
    Step("formation", "FORM", FORMERS, 10 * _HOUR_US, ("capacity_ah",), in_tray=True),
    Step("grading", "GRADE", 4, 20 * _HOUR_US, ("capacity_ah", "ocv_v", "resistance_ohm"), in_tray=True),
)


class _Told(NamedTuple):
    """A fact at its time, with the units and lots that it touched."""

    time_us: int
    fact: Fact
    units: tuple[int, ...] = ()
    lots: tuple[int, ...] = ()


def stepped_cells(year: PlantYear) -> Ids:
    """Return the numbers of the cells whose steps are kept, line after line."""
    kept = min(year.line_cells_count, STEPPED_CELLS // LINES)
    lasts = year.line_cells_count * (np.arange(LINES) + 1)
    return np.asarray((lasts[:, None] - kept + np.arange(kept)).reshape(-1), np.int64)


def former_of(year: PlantYear, cells: Ids) -> Ids:
    """Return the number of the station, from 0, that formed each of these cells."""
    return np.asarray(_pages_of(year, cells) % FORMERS, np.int64)


async def store_steps(connection: Connection, year: PlantYear) -> StoredYear:
    """Fill journal and history, which are empty, and tell the products of all cells; must not run in a transaction."""
    stored, began_s = StoredYear(tables={}), time.perf_counter()
    told = sorted(_told(year), key=lambda each: each.time_us)
    await store_table(connection, "unit_span", [_spans(year)], stored)
    for table, columns in (("fact", _facts), ("history", _history)):
        portions = (
            columns(first + 1, told[first : first + _ROWS_AT_ONCE]) for first in range(0, len(told), _ROWS_AT_ONCE)
        )
        await store_table(connection, table, portions, stored)
        await connection.execute(f"VACUUM (ANALYZE) {table}")
    stored.total_s = time.perf_counter() - began_s
    return stored


# --- what was told ----------------------------------------------------------------------------


def _pages_of(year: PlantYear, cells: Ids) -> Ids:
    """Return the page of each cell, counted over all lines."""
    line, index = np.divmod(cells, year.line_cells_count)
    return np.asarray(index // PAGE_CELLS * LINES + line, np.int64)


def _told(year: PlantYear) -> Iterator[_Told]:
    cells = stepped_cells(year)
    pages = _pages_of(year, cells)
    edges = np.flatnonzero(np.diff(pages, prepend=-1, append=-1))
    ids, starts = year.cell_ids(cells).tolist(), START_US + cells % year.line_cells_count * TAKT_US
    for first, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        yield from _page(int(pages[first]), tuple(ids[first:end]), int(starts[first]))
    yield from _made(year, cells)


def _page(page: int, units: tuple[int, ...], wound_us: int) -> Iterator[_Told]:
    """Yield all that was done to the cells of a page, which stay together."""
    line, count, tray = page % LINES + 1, len(units), f"TRAY-{page:06d}"
    born = UnitsCommissioned(
        station=f"WIND-{line:02d}",
        operation="winding",
        kind=UnitKind.CELL,
        product=UnitKind.CELL,
        route=_ROUTE,
        id_from=units[0],
        count=count,
        prefix=f"{DESIGNS[UnitKind.CELL]}G11",
        serial_from=1,
    )
    yield _Told(wound_us, born, units)
    for number, step in enumerate(STEPS):
        if step.in_tray and not STEPS[number - 1].in_tray:
            loaded = CarrierLoaded(station="TRAY-01", carrier=tray, units=units, slots=tuple(range(count)))
            yield _Told(wound_us + step.delay_us - 1, loaded, units)
        place = page if step.in_tray else line - 1
        done = OperationCompleted(
            station=f"{step.station}-{place % step.stations_count + 1:02d}",
            operation=step.operation,
            units=units,
            verdicts=(True,) * count,
            attempts=(1,) * count,
            next_steps=(number + 1,) * count,
            carrier=tray if step.in_tray else "",
            results=tuple(Result(name, (1.234,) * count) for name in step.characteristics),
        )
        yield _Told(wound_us + step.delay_us, done, units)


def _made(year: PlantYear, cells: Ids) -> Iterator[_Told]:
    """Yield where the lots were made that are in cells: what was made of one lot together comes as one fact."""
    first_us = START_US + int((cells % year.line_cells_count).min()) * TAKT_US
    wanted = _lots_in(year, cells)
    names = list(year.blocks)
    parts = year.parts[np.isin(year.parts["child"], wanted) & (year.parts["number"] == 1)]
    blocks = year.lots["block"][parts["child"] - 1]
    for block in np.unique(blocks).tolist():
        among = parts[blocks == block]
        for parent in np.unique(among["parent"]).tolist():
            lots = tuple(among["child"][among["parent"] == parent].tolist())
            fact = LotTransformed(
                station=f"{names[block]}-{parent % 2 + 1:02d}".upper(),
                operation=f"make_{names[block]}",
                lots=lots,
                quantities=tuple(year.lots["quantity"][np.array(lots) - 1].tolist()),
                verdicts=(True,) * len(lots),
                parts=(),
                taken=(),
            )
            yield _Told(first_us, fact, lots=lots)


def _lots_in(year: PlantYear, cells: Ids) -> Ids:
    """Return the lots of every level that are in cells, which are all of the last ones of each line."""
    firsts = year.cell_ids(cells.reshape(LINES, -1)[:, 0])
    found = np.unique(year.runs["lot"][year.runs["b"] >= firsts[year.runs["line"] - 1]])
    front = found
    while len(front):
        parents = np.unique(year.parts["parent"][np.isin(year.parts["child"], front)])
        front = np.setdiff1d(parents, found)
        found = np.union1d(found, front)
    return np.asarray(found, np.int64)


# --- as rows ----------------------------------------------------------------------------------


def _spans(year: PlantYear) -> Mapping[str, Column]:
    """Return a span of units for each line."""
    firsts = year.cell_ids(np.arange(LINES) * year.line_cells_count)
    return {
        "id_from": Numbers(firsts),
        "id_to": Numbers(firsts + year.line_cells_count),
        "kind": constant(UnitKind.CELL, LINES),
        "product": constant(UnitKind.CELL, LINES),
        "route": Numbers(np.full(LINES, _ROUTE, np.int32)),
        "work_order": constant("", LINES),
    }


def _facts(position: int, told: Sequence[_Told]) -> Mapping[str, Column]:
    count = len(told)
    times = Numbers(np.array([each.time_us for each in told], np.int64))
    positions = np.arange(position, position + count)
    return {
        "position": Numbers(positions),
        "source": constant("plant-year", count),
        "epoch": Numbers(np.ones(count, np.int64)),
        "seq": Numbers(positions),
        "part": Numbers(np.zeros(count, np.int16)),
        "kind": _texts(type(each.fact).__name__ for each in told),
        "version": Numbers(np.ones(count, np.int16)),
        "time_us": times,
        "recorded_us": times,
        "actor": constant("plant-year", count),
        "body": _texts(msgspec.json.encode(each.fact).decode() for each in told),
    }


def _history(position: int, told: Sequence[_Told]) -> Mapping[str, Column]:
    return {
        "position": Numbers(np.arange(position, position + len(told))),
        "kind": _texts(type(each.fact).__name__ for each in told),
        "station": _texts(getattr(each.fact, "station", "") for each in told),
        "operation": _texts(getattr(each.fact, "operation", "") for each in told),
        "time_us": Numbers(np.array([each.time_us for each in told], np.int64)),
        "units": _arrays([each.units for each in told]),
        "lots": _arrays([each.lots for each in told]),
    }


def _texts(texts: Iterable[str]) -> Texts:
    known: dict[str, int] = {}
    numbers = [known.setdefault(text, len(known)) for text in texts]
    return Texts(list(known), np.array(numbers, np.int64))


def _arrays(rows: Sequence[Sequence[int]]) -> RaggedArrays:
    offsets = np.cumsum([0, *map(len, rows)])
    return RaggedArrays(np.array([each for row in rows for each in row], np.int64), offsets)
