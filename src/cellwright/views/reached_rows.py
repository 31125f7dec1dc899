"""What a question reached as rows for files: every unit and every lot, a portion at a time, however many they are."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.model.ids import UnitKind, kind_of
from cellwright.rules.positions import Basis, Direction, units_on
from cellwright.rules.spans import Ids, Span
from cellwright.rules.state import LoadRun
from cellwright.views.reached import Reached
from cellwright.views.spread import find_standings, read_codes, rungs_from

_BASES: Final = tuple(Basis)
_NOTHING: Final[Mapping[str, Any]] = {
    "lot": "",
    "position": "",
    "start": None,
    "end": None,
    "tolerance": None,
    "measure": "",
    "takes_count": 0,
}


class UnitRow(Struct, frozen=True, kw_only=True):
    """A unit that was reached; what it took itself lies at [start, end) of `lot`, within `tolerance`, in its measure."""

    code: str
    kind: UnitKind
    product: str
    status: str
    station: str
    held: bool
    outermost: str
    """The unit that holds all that holds it now; itself, when nothing does."""
    basis: Basis
    lot: str
    """The nearest lot of the question that it took something of, "" = only its members did."""
    position: str
    start: int | None
    end: int | None
    tolerance: int | None
    measure: str
    takes_count: int
    """How often it took something of lots of the question; the first is told."""


class LotRow(Struct, frozen=True, kw_only=True):
    """A lot that was reached, from the first to the last place of it, in its measure."""

    code: str
    material: str
    status: str
    basis: Basis
    measure: str
    quantity: int
    start: int
    end: int
    tolerance: int
    stretches_count: int


class Rows(Struct, frozen=True, dict=True):
    """How the rows of an answer are read."""

    reached: Reached

    def portions(self, size: int) -> Iterator[Ids]:
        """Yield the ids of all units, ascending in each kind, so many at a time."""
        for rung in self.reached.units.values():
            for start in range(0, len(rung.ids), size):
                yield rung.ids[start : start + size]

    async def read(self, connection: Connection, ids: Ids) -> list[UnitRow]:
        """Return the rows of a portion."""
        tops = await self._outermost(connection, ids)
        codes = await read_codes(connection, np.unique(np.concatenate((ids, tops))).tolist())
        standings = await find_standings(connection, ids)
        rung = self.reached.units[kind_of(int(ids[0]))]
        bases = rung.bases[np.searchsorted(rung.ids, ids)].tolist()
        taken = self._taken(ids)
        rows = []
        for place, (number, top) in enumerate(zip(ids.tolist(), tops.tolist(), strict=True)):
            standing = standings.get(number)
            rows.append(
                UnitRow(
                    code=codes[number],
                    kind=kind_of(number),
                    product=standing.product if standing else "",
                    status=standing.status if standing else "",
                    station=standing.station if standing else "",
                    held=bool(standing and standing.held),
                    outermost=codes[top],
                    basis=_BASES[bases[place]],
                    **taken[place],
                )
            )
        return rows

    async def _outermost(self, connection: Connection, ids: Ids) -> Ids:
        """Return what holds all that holds units now."""
        if self.reached.asked.direction is Direction.BACKWARD:
            span = Span(self.reached.asked.subject, self.reached.asked.subject, Basis.EXACT)
            last = [rung.ids[0] async for rung in rungs_from(connection, (span,))][-1]
            return np.full(len(ids), last, np.int64)
        tops = ids.copy()
        for rung in self.reached.units.values():
            places = np.minimum(np.searchsorted(rung.ids, tops), len(rung.ids) - 1)
            parents = np.where(rung.ids[places] == tops, rung.parents[places], 0)
            tops = np.where(parents > 0, parents, tops)
        return tops

    @cached_property
    def _pieces(self) -> tuple[Ids, Ids, Sequence[LoadRun]]:
        """Ranges of units that took something of what was reached, each with its run."""
        found = [
            (units[0], units[-1], run)
            for run in sorted(self.reached.runs, key=lambda run: run.key)
            for stretch in self.reached.stretches.of(run.lot)
            if (units := units_on(run, stretch))
        ]
        ends = np.array([each[:2] for each in found], np.int64).reshape(-1, 2)
        return ends[:, 0], ends[:, 1], [run for *_, run in found]

    def _taken(self, ids: Ids) -> list[dict[str, Any]]:
        """Return what each unit took first, and how often it took something."""
        firsts, lasts, runs = self._pieces
        found = [dict(_NOTHING) for _ in ids]
        seen: list[set[tuple[str, int, int]]] = [set() for _ in ids]
        for piece in np.flatnonzero((firsts <= ids[-1]) & (lasts >= ids[0])).tolist():
            run = runs[piece]
            low, high = np.searchsorted(ids, [firsts[piece], lasts[piece] + 1]).tolist()
            for place, told in zip(range(low, high), self._told(run, ids[low:high]), strict=True):
                if not seen[place]:
                    found[place] = told
                # Stretches that lie within each other's tolerance find a unit twice.
                seen[place].add(run.key)
                found[place]["takes_count"] = len(seen[place])
        return found

    def _told(self, run: LoadRun, ids: Ids) -> Iterator[dict[str, Any]]:
        """Yield what units took of a run, by interpolation as `genealogy.interval_of`."""
        lot, count, length = self.reached.lots[run.lot], run.b - run.a + 1, run.end - run.start
        starts = run.start + np.rint(length * (ids - run.a) / count).astype(np.int64)
        ends = run.start + np.rint(length * (ids - run.a + 1) / count).astype(np.int64)
        shared = {"lot": lot.code, "position": run.kind, "tolerance": run.tolerance, "measure": lot.measure}
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            yield {**shared, "start": start, "end": end}


def lot_rows(reached: Reached, start: int, size: int) -> list[LotRow]:
    """Return some of the lots that were reached, the nearest first; the subject is among them."""
    lots = list(reached.lots.values())[start : start + size]
    rows = []
    for lot in lots:
        stretches = reached.stretches.of(lot.id)
        rows.append(
            LotRow(
                code=lot.code,
                material=lot.material,
                status=lot.status,
                basis=reached.bases[lot.id],
                measure=lot.measure,
                quantity=lot.quantity,
                start=min(each.start for each in stretches),
                end=max(each.end for each in stretches),
                tolerance=max(each.tolerance for each in stretches),
                stretches_count=len(stretches),
            )
        )
    return rows
