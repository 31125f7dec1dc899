"""Winding, assembly, filling and sealing: cells one page at a time, each with what it truly took."""

from collections.abc import Mapping, Sequence

from cellwright.links.opcua.contract import Kind
from cellwright.sim.catalogue import ANODE, CATHODE, ELECTROLYTE_MG, ROUTES, SEPARATOR_MM
from cellwright.sim.cells import CELL_WORK, Bench, Measured, fill, shot_mg, wind
from cellwright.sim.clock import Buffer
from cellwright.sim.electrode import ElectrodeLine
from cellwright.sim.lots import Span
from cellwright.sim.machine import Ask, Reply
from cellwright.sim.packs import SAMPLES, UNIT_WORK, UNIT_WORK_S
from cellwright.sim.picking import OWED_S, grip_beside, holds_all, take
from cellwright.sim.randoms import bounded
from cellwright.sim.station import Position, Station, unit_row, with_results, with_rows
from cellwright.sim.supply import Receiving
from cellwright.sim.units import Unit
from cellwright.sim.world import World

_WEBS = {"cathode": CATHODE.cell_mm, "anode": ANODE.cell_mm, "separator_a": SEPARATOR_MM, "separator_b": SEPARATOR_MM}
_LENGTH_ERROR_MM = 6.0
_WIND_S = 1.6
_WORK_S = {"assembly": 1.5, "filling": 1.8, "sealing": 1.2, **UNIT_WORK_S}
_OTHER_WORK_S = 60.0
_SAMPLE_S = 120.0
_ONE_BY_ONE = frozenset((*ROUTES["module"], *ROUTES["pack"]))
CELL_PACE_S = 1.5
"""Work on one cell at a station that someone added to the line, so that it keeps up with the winder."""

Spans = list[list[Span]]
"""What each unit of a page took."""


def codes_of(units: Sequence[Unit]) -> tuple[str, ...]:
    """Return the printed codes of units."""
    return tuple(unit.code for unit in units)


class UnitStation(Station):
    """A station that takes waiting units, works on them, reports, and passes them on."""

    work_s = _OTHER_WORK_S
    refused_codes: tuple[str, ...] = ()
    """Why the last request was refused, while a job order is carried out."""

    async def run(self) -> None:
        """Work for ever: on what waits, or on what the MES orders."""
        queue = self.world.stage(self.operation)
        while self.is_dispatched:
            await self.obey(queue)
        page = 1 if self.operation in _ONE_BY_ONE else self.world.settings.page
        while True:
            units = [await queue.get()]
            while len(queue) and len(units) < page:
                units.append(await queue.get())
            await self.process(units)

    async def obey(self, queue: Buffer[Unit]) -> None:
        """Wait for work and for a job order, pick the units that it names, do it, and say that it is over."""
        await queue.changed.until(lambda: len(queue) > 0)
        job = await self.machine.next_job(hold_s=OWED_S)
        if not await self.comes(job, lambda: holds_all(queue, job.units)):
            return
        self.refused_codes = ()
        units = take(queue, job.units)
        await self.process(grip_beside(queue, units, self.random, self.world.defects.wrong_pick))
        if "job_mismatch" in self.refused_codes:
            self.refused_codes = ()
            await self.process(take(queue, job.units))
        await self.machine.job_ended(job.job, is_aborted=bool(self.refused_codes))

    async def process(self, units: list[Unit]) -> None:
        """Ask, work, report and pass on one page."""
        await self.prepare(units)
        reply = await self.admit(Ask(kind=Kind.CHECK_IN, units=codes_of(units)))
        if not reply.accepted:
            await self.refuse(units, reply)
            return
        await self.work_for(_WORK_S.get(self.operation, self.work_s) * len(units))
        measured, spans = await self.perform(units)
        self.note_work(units, measured)
        await self.complete(units, measured, spans)

    async def refuse(self, units: list[Unit], reply: Reply) -> None:
        """Park the units that a refusal names (all, if it names none); the others wait again, as do all on orders."""
        self.refused_codes = reply.codes
        if self.is_dispatched:
            self.world.stage(self.operation).put_now(*units)
            return
        text = " ".join(reply.texts)
        named = [unit for unit in units if unit.code in text] or units
        self.park(named)
        self.world.stage(self.operation).put_now(*(unit for unit in units if unit not in named))

    async def complete(self, units: list[Unit], measured: Sequence[Mapping[str, float]], spans: Spans) -> None:
        """Report a page and send its units where the MES says."""
        rows = [unit_row(index, span) for index, taken in enumerate(spans) for span in taken]
        ask = with_rows(Ask(kind=Kind.CHECK_OUT, units=codes_of(units)), rows, is_lot=False)
        ask = with_results(ask, self.operation, measured)
        for unit, taken in zip(units, spans, strict=True):
            for span in taken:
                unit.consume(span)
        reply = await self.report(ask)
        if self.operation in reply.samples_due:
            await self.take_sample(units[-1])
        if reply.accepted:
            self.world.dispatch(units, reply.routing)
        else:
            self.park(units)

    async def take_sample(self, unit: Unit) -> None:
        """Destroy the coupon that was made with a unit, and record what it gave."""
        name, destroy = SAMPLES[self.operation]
        await self.work_for(_SAMPLE_S)
        value, mode = destroy(unit)
        ask = Ask(kind=Kind.SAMPLE, units=(unit.code,), result_names=(name,), result_values=(value,), defects=(mode,))
        await self.report(ask)

    async def prepare(self, units: list[Unit]) -> None:
        """Make sure that every position has one piece per unit."""
        for name in self.positions:
            await self.ensure(name, float(len(units)))

    async def perform(self, units: list[Unit]) -> tuple[list[Measured], Spans]:
        """Do the operation, with whatever answers in host time."""
        return self.work(units)

    def work(self, units: list[Unit]) -> tuple[list[Measured], Spans]:
        """Do the operation; one piece of each position goes into each unit."""
        act = CELL_WORK.get(self.operation) or UNIT_WORK.get(self.operation)
        spans = [[self.feeds[name].take(1.0) for name in self.positions] for _ in units]
        return [act(unit, self.bench(unit)) if act else {} for unit in units], spans

    def bench(self, unit: Unit) -> Bench:
        """Return what the station knows of a unit."""
        members = [self.world.units[code] for code in unit.members]
        tries = unit.tries(self.operation)
        return Bench(self.random, self.world.defects, code=unit.code, members=members, tries=tries)


class Filler(UnitStation):
    """Fills electrolyte through eight nozzles in turn; one of them is worn."""

    def __init__(self, world: World, receiving: Receiving) -> None:
        """Stand at FILL-01."""
        drum = Position("electrolyte", "mg", receiving.source("electrolyte"), leader=20_000.0, trailer=40_000.0)
        super().__init__(world, "FILL-01", "filling", [drum])
        self._shots = 0

    async def prepare(self, units: list[Unit]) -> None:
        """Make sure that the drum fills the whole page."""
        await self.ensure("electrolyte", ELECTROLYTE_MG * 1.02 * len(units))

    def work(self, units: list[Unit]) -> tuple[list[Measured], Spans]:
        """Give each cell its shot."""
        bench = Bench(self.random, self.world.defects)
        measured, spans = [], []
        for cell in units:
            span = self.feeds["electrolyte"].take(shot_mg(cell, bench, self._shots))
            self._shots += 1
            measured.append(fill(cell, span.length, bench))
            spans.append([span])
        return measured, spans


class Winder(UnitStation):
    """Gives birth to cells from four webs; stops when enough are on their way."""

    def __init__(self, world: World, lines: Mapping[str, ElectrodeLine], receiving: Receiving) -> None:
        """Stand at WIND-01 between two electrode lines."""
        separator = receiving.source("separator")
        positions = [
            Position("cathode", "mm", lines["cathode"].reels.get, leader=1200.0, trailer=800.0),
            Position("anode", "mm", lines["anode"].reels.get, leader=1200.0, trailer=800.0),
            Position("separator_a", "mm", separator, leader=500.0, trailer=500.0),
            Position("separator_b", "mm", separator, leader=500.0, trailer=500.0),
        ]
        super().__init__(world, "WIND-01", "winding", positions)
        self._wound = 0

    async def run(self) -> None:
        """Wind while cells are wanted."""
        while True:
            await self.world.until_cells_wanted()
            await self.wind_page(self.world.settings.page)

    async def wind_page(self, count: int) -> None:
        """Wind one page of cells."""
        for name, length_mm in _WEBS.items():
            await self.ensure(name, (length_mm + _LENGTH_ERROR_MM) * count)
        reply = await self.admit(Ask(kind=Kind.CHECK_IN, count=count))
        await self.work_for(_WIND_S * count)
        cells = [self._new_cell(code) for code in reply.units]
        self.world.born(cells)
        spans = [self._draw() for _ in cells]
        measured = [self._wind(cell, taken) for cell, taken in zip(cells, spans, strict=True)]
        self.note_work(cells, measured)
        await self.complete(cells, measured, spans)

    def _new_cell(self, code: str) -> Unit:
        self._wound += 1
        return Unit(kind="cell", number=self._wound, code=code, born_us=self.clock.now_us)

    def _draw(self) -> list[Span]:
        return [
            self.feeds[name].take(length_mm + bounded(self.random, 2.0, _LENGTH_ERROR_MM))
            for name, length_mm in _WEBS.items()
        ]

    def _wind(self, cell: Unit, taken: Sequence[Span]) -> Measured:
        bench = Bench(self.random, self.world.defects)
        return wind(cell, taken, bench, self.world.random("cell", cell.number))
