"""The stock of a joining operation as the supervisor of the line sees it now: every finished unit, and why it is usable or not."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final, TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from cellwright.database.pool import Connection
from cellwright.model.matching import Matching
from cellwright.model.plant import Plant
from cellwright.model.routes import Members, Operation
from cellwright.plant.matching.measured import (
    DAY_PART,
    DAY_US,
    HOURS_PER_DAY,
    LEAK,
    NEEDED,
    measures_of,
)
from cellwright.rules.job_rows import JobRow
from cellwright.views.cell_stock import Finished, read_finished, read_in_stock
from cellwright.views.jobs import JOBS
from cellwright.views.line import read_codes, read_results

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Values = Mapping[str, float]
T = TypeVar("T")

AXES: Final = ("ocv_v", "dcir_ohm", "capacity_ah", "k_mv_per_d", "age_d")
"""What is known of each unit, as a column of numbers; NaN = unknown."""
_PIECE: Final = 1000
"""Units that are read at once: a page takes a moment of the loop, and the gate goes on in between."""
OPEN_JOBS: Final = "WHERE ended_us = 0 ORDER BY dispatched_us, code"


class Fate(StrEnum):
    """Whether a unit in stock may be matched; else why not, the first that holds."""

    USABLE = "usable"
    HELD = "held"
    RESERVED = "reserved"
    """A job that is not over names it."""
    GRADE = "grade"
    """It has another grade than is joined."""
    UNMEASURED = "unmeasured"
    """Its voltage, resistance or capacity is not known."""
    AGED = "aged"
    LEAKY = "leaky"
    """Its self-discharge is above the limit, or not known where there is one."""


FATES: Final = tuple(Fate)
NUMBER: Final = {each: number for number, each in enumerate(FATES)}


class Joining(Struct, frozen=True):
    """A joining operation whose members are matched: what it makes of what, and by which rule."""

    product: str
    operation: Operation
    members: Members
    rule: Matching


class Seen(Struct, frozen=True, eq=False):
    """A stock at one moment, in the order of its units."""

    joining: Joining
    now_us: int
    units: Ints
    codes: NDArray[np.str_]
    columns: Mapping[str, Floats]
    fates: NDArray[np.int8]
    jobs: tuple[JobRow, ...]
    """Jobs that are not over and name members of this operation, in the order of their dispatch."""

    @property
    def usable(self) -> Ints:
        """Places of the units that may be matched."""
        return np.flatnonzero(self.fates == NUMBER[Fate.USABLE])

    @property
    def offered(self) -> Ints:
        """Places of the units that the supervisor gives to the matching: those too old or leaky are left over there."""
        offered = [NUMBER[each] for each in (Fate.USABLE, Fate.AGED, Fate.LEAKY)]
        return np.flatnonzero(np.isin(self.fates, offered))

    def count(self, fate: Fate) -> int:
        """Return how many units have a fate."""
        return int((self.fates == NUMBER[fate]).sum())

    @property
    def batch(self) -> NDArray[np.str_]:
        """Of each unit the batch it is of: product and day of its code."""
        return self.codes.astype(f"U{DAY_PART}") if len(self.codes) else self.codes


def joinings_of(plant: Plant) -> dict[str, Joining]:
    """Return the joining operations whose members are matched, by the product that they make."""
    firsts = {draft.product: draft.operations[0] for draft in plant.routes.values()}
    return {
        product: Joining(product, first, first.members, plant.matching[first.code])
        for product, first in firsts.items()
        if first.members is not None and first.code in plant.matching
    }


class StockReader:
    """Reads stocks; what was measured of a finished unit does not change, and is read once."""

    def __init__(self, plant: Plant) -> None:
        """Know nothing yet."""
        self._plant = plant
        self._known: dict[str, dict[int, tuple[int, Values]]] = {}
        """By operation and unit: when it was finished (UTC us), and what was measured by then."""

    async def read(self, connection: Connection, joining: Joining, now_us: int) -> Seen:
        """Return the stock of a joining operation, as far as the views for people were brought up to date."""
        jobs = await JOBS.load_page(connection, OPEN_JOBS)
        in_stock = await read_in_stock(connection, joining.members.product)
        finished, codes = await self._read_rows(connection, in_stock)
        known = await self._read_values(connection, joining, finished)
        return await asyncio.to_thread(_seen, joining, now_us, _Read(finished, codes, known, tuple(jobs)))

    async def _read_rows(self, connection: Connection, units: Sequence[int]) -> tuple[list[Finished], dict[int, str]]:
        finished: list[Finished] = []
        codes: dict[int, str] = {}
        for piece in _pieces(units):
            rows = await read_finished(connection, piece)
            finished += rows
            codes.update(await read_codes(connection, [row.unit for row in rows]))
        return finished, codes

    async def _read_values(
        self, connection: Connection, joining: Joining, finished: Sequence[Finished]
    ) -> dict[int, tuple[int, Values]]:
        """Return what was measured of finished units; what left the stock is forgotten."""
        operation = joining.operation.code
        before = self._known.get(operation, {})
        known = {row.unit: before[row.unit] for row in finished if _is_known(before, row)}
        measures = measures_of(self._plant, [joining.members.product])
        new = [row for row in finished if row.unit not in known] if measures.operations else []
        for piece in _pieces(new):
            found: dict[int, dict[str, float]] = {row.unit: {} for row in piece}
            for units, results in await read_results(connection, list(found), measures.operations):
                columns = {each.characteristic: each.values for each in results}
                measures.note(found.get, units, columns)
            known.update((row.unit, (row.finished_us, found[row.unit])) for row in piece)
        self._known[operation] = known
        return known


def _is_known(known: Mapping[int, tuple[int, Values]], row: Finished) -> bool:
    """Tell whether what is known of a unit is of its present end: one that was measured again is read again."""
    return row.unit in known and known[row.unit][0] == row.finished_us


def _pieces(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[at : at + _PIECE] for at in range(0, len(items), _PIECE))


class _Read(Struct, frozen=True):
    """What was read of a stock."""

    finished: Sequence[Finished]
    codes: Mapping[int, str]
    known: Mapping[int, tuple[int, Values]]
    jobs: tuple[JobRow, ...]


def _seen(joining: Joining, now_us: int, read: _Read) -> Seen:
    """Put what was read into columns, and say of each unit whether it may be used."""
    rows = [row for row in read.finished if row.unit in read.codes]
    values = [read.known[row.unit][1] if row.unit in read.known else {} for row in rows]
    columns = {name: _column(each.get(name) for each in values) for name in NEEDED}
    columns["k_mv_per_d"] = _column(each.get(LEAK) for each in values) * HOURS_PER_DAY
    columns["age_d"] = np.array([max(0, now_us - row.finished_us) / DAY_US for row in rows], dtype=np.float64)
    named = {unit for job in read.jobs for unit in (*job.units, *job.members)}
    held = np.array([row.holds > 0 for row in rows], np.bool_)
    reserved = np.array([row.unit in named for row in rows], np.bool_)
    grade = joining.members.grade
    other = np.array([bool(grade) and row.grade != grade for row in rows], np.bool_)
    return Seen(
        joining=joining,
        now_us=now_us,
        units=np.array([row.unit for row in rows], np.int64),
        codes=np.array([read.codes[row.unit] for row in rows], dtype=np.str_),
        columns=columns,
        fates=_fates(joining.rule, columns, {Fate.HELD: held, Fate.RESERVED: reserved, Fate.GRADE: other}),
        jobs=tuple(job for job in read.jobs if job.members and job.operation == joining.operation.code),
    )


def _column(values: Iterable[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _fates(rule: Matching, columns: Mapping[str, Floats], known: Mapping[Fate, NDArray[np.bool_]]) -> NDArray[np.int8]:
    """Return the first fate that holds for each unit."""
    count = len(columns["age_d"])
    leaky = np.zeros(count, np.bool_)
    if rule.max_k_mv_per_d is not None:
        # What is not known is not below a limit.
        leaky = ~(columns["k_mv_per_d"] <= rule.max_k_mv_per_d)
    unmeasured = np.isnan([columns[name] for name in NEEDED]).any(axis=0)
    found = {
        **known,
        Fate.UNMEASURED: unmeasured,
        Fate.AGED: columns["age_d"] > rule.max_age_d,
        Fate.LEAKY: leaky,
    }
    fates = np.full(count, NUMBER[Fate.USABLE], np.int8)
    for fate in reversed(found):
        fates[found[fate]] = NUMBER[fate]
    return fates
