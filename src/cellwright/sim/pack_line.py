"""Modules from magazines, packs from modules."""

from collections.abc import Sequence

from cellwright.links.opcua.contract import Kind
from cellwright.sim.catalogue import ADHESIVE_MG, MODULES_PER_PACK
from cellwright.sim.cell_line import Spans, UnitStation, codes_of
from cellwright.sim.cells import Bench, Measured
from cellwright.sim.clock import Buffer
from cellwright.sim.machine import Ask
from cellwright.sim.packs import join_cells, join_modules, order_modules
from cellwright.sim.picking import OWED_S, grip_beside, holds_all, take
from cellwright.sim.process import MG_PER_G
from cellwright.sim.randoms import bounded
from cellwright.sim.station import Position
from cellwright.sim.supply import Receiving
from cellwright.sim.trays import Tray
from cellwright.sim.units import Unit
from cellwright.sim.world import World

_JOIN_S = 180.0


class Joiner(UnitStation):
    """A station that builds members into a new module or pack."""

    def __init__(self, world: World, code: str, operation: str, positions: Sequence[Position]) -> None:
        """Stand at a joining station."""
        super().__init__(world, code, operation, positions)
        self._made = 0
        self.job = ""
        """The job order that is carried out, "" = none."""

    def put_back(self, members: list[Unit], carrier: str) -> None:
        """Leave members where they were, for the next order; without orders they are parked."""
        del carrier
        self.park(members)

    async def join(self, ask: Ask, members: list[Unit], kind: str) -> None:
        """Ask for the new unit's code, join, report, and pass it on."""
        await self.prepare(members[:1])
        reply = await self.admit(ask)
        self.refused_codes = reply.codes
        if not reply.accepted:
            self.put_back(members, ask.carrier)
            return
        await self.machine.jobs.job_started(self.job)
        await self.work_for(_JOIN_S)
        self._made += 1
        parent = Unit(kind=kind, number=self._made, code=reply.units[0], born_us=self.clock.now_us)
        self.world.born([parent])
        measured = [self.put_together(parent, members)]
        self.note_work([parent], measured)
        await self.complete([parent], measured, [[self.feeds[name].take(1.0) for name in self.positions]])

    def put_together(self, parent: Unit, members: list[Unit]) -> Measured:
        """Build members into a new parent in slot order; returns what is measured by it."""
        raise NotImplementedError


class ModuleJoiner(Joiner):
    """Builds 4S20P modules from full magazines."""

    def __init__(self, world: World, receiving: Receiving, magazines: Buffer[Tray]) -> None:
        """Stand at MOD-01."""
        super().__init__(
            world, "MOD-01", "module_assembly", [Position("holder", "count", receiving.source("module_kit"))]
        )
        self._magazines = magazines

    async def run(self) -> None:
        """Work for ever."""
        while self.is_dispatched:
            await self._obey()
        while True:
            await self._join(await self._magazines.get())

    async def _obey(self) -> None:
        magazines = self._magazines
        await magazines.changed.until(lambda: len(magazines) > 0)
        job = await self.machine.next_job(hold_s=OWED_S)
        self.job = job.job
        if not await self.comes(job, lambda: self._magazine_of(job.members) is not None):
            return
        magazine = self._magazine_of(job.members)
        assert magazine is not None  # noqa: S101 - it came
        magazines.items.remove(magazine)
        await self._join(magazine)
        await self.machine.job_ended(job.job, is_aborted=bool(self.refused_codes))

    def _magazine_of(self, codes: Sequence[str]) -> Tray | None:
        """Return the magazine with these cells in the order of its slots, None = none stands there."""
        return next((each for each in self._magazines.items if codes_of(each.units()) == tuple(codes)), None)

    async def _join(self, magazine: Tray) -> None:
        ask = Ask(kind=Kind.CHECK_IN, carrier=magazine.code, count=1)
        await self.join(ask, magazine.units(), "module")

    def put_back(self, members: list[Unit], carrier: str) -> None:
        """Let the magazine stand where it was."""
        if self.is_dispatched:
            self._magazines.put_now(Tray.of(carrier, members))
        else:
            self.park(members)

    def put_together(self, parent: Unit, members: list[Unit]) -> Measured:
        """Put cells into the holder."""
        self.world.join(parent, members, members)
        return join_cells(parent, members, Bench(self.random, self.world.defects))


class PackJoiner(Joiner):
    """Builds packs of four modules and binds the battery management system."""

    def __init__(self, world: World, receiving: Receiving) -> None:
        """Stand at PACK-01."""
        positions = [
            Position("bms", "count", receiving.source("bms")),
            Position("housing", "count", receiving.source("pack_housing")),
        ]
        super().__init__(world, "PACK-01", "pack_assembly", positions)

    async def run(self) -> None:
        """Work for ever."""
        queue = self.world.stage("pack_assembly")
        while self.is_dispatched:
            await self._obey(queue)
        while True:
            await self._join(await queue.take(MODULES_PER_PACK))

    async def _obey(self, queue: Buffer[Unit]) -> None:
        await queue.changed.until(lambda: len(queue) >= MODULES_PER_PACK)
        job = await self.machine.next_job(hold_s=OWED_S)
        self.job = job.job
        if not await self.comes(job, lambda: holds_all(queue, job.members)):
            return
        modules = take(queue, job.members)
        await self._join(grip_beside(queue, modules, self.random, self.world.defects.wrong_pick))
        if "job_mismatch" in self.refused_codes:
            await self._join(take(queue, job.members))
        await self.machine.job_ended(job.job, is_aborted=bool(self.refused_codes))

    async def _join(self, modules: list[Unit]) -> None:
        ask = Ask(kind=Kind.CHECK_IN, units=codes_of(modules), count=1)
        await self.join(ask, modules, "pack")

    def put_back(self, members: list[Unit], carrier: str) -> None:
        """Let the modules wait again."""
        if self.is_dispatched:
            self.world.stage("pack_assembly").put_now(*members)
        else:
            super().put_back(members, carrier)

    def put_together(self, parent: Unit, members: list[Unit]) -> Measured:
        """Stack modules, perhaps not as it is reported."""
        bench = Bench(self.random, self.world.defects)
        self.world.join(parent, order_modules(parent, members, bench), members)
        return join_modules(parent, members, bench)


class Gluer(UnitStation):
    """Doses glue between cells and holder from a pail."""

    def __init__(self, world: World, receiving: Receiving) -> None:
        """Stand at GLUE-01."""
        pail = Position("adhesive", "mg", receiving.source("adhesive"), leader=20_000.0, trailer=20_000.0)
        super().__init__(world, "GLUE-01", "module_gluing", [pail])

    async def prepare(self, units: list[Unit]) -> None:
        """Make sure that the pail is enough for the whole page."""
        await self.ensure("adhesive", ADHESIVE_MG * 1.03 * len(units))

    def work(self, units: list[Unit]) -> tuple[list[Measured], Spans]:
        """Give each module its glue (g)."""
        amounts_mg = [ADHESIVE_MG + bounded(self.random, 400.0, 1500.0) for _ in units]
        spans = [[self.feeds["adhesive"].take(amount_mg)] for amount_mg in amounts_mg]
        return [{"glue_mass_g": taken[0].length / MG_PER_G} for taken in spans], spans
