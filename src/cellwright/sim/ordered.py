"""Magazines filled on job orders of the MES: named cells, in the order of their slots."""

from cellwright.links.opcua.jobs import StationJob
from cellwright.sim.clock import Buffer
from cellwright.sim.picking import STOCK_S, holds_all, take
from cellwright.sim.trays import Handler, Tray
from cellwright.sim.units import Unit
from cellwright.sim.world import World


class MagazineLoader(Handler):
    """Puts the cells that an order names into an empty magazine, in the order of their slots."""

    def __init__(self, world: World, magazines: Buffer[Tray]) -> None:
        """Stand at MAG-01, before the module line; full magazines go to `magazines`."""
        super().__init__(world, "MAG-01", "")
        self._magazines = magazines
        self._count = 0

    async def run(self) -> None:
        """Work for ever."""
        pool = self.world.stage("module_assembly")
        while True:
            job = await self.machine.next_job(hold_s=STOCK_S if len(pool.items) else 0.0)
            await self._fill(pool, job)

    async def _fill(self, pool: Buffer[Unit], job: StationJob) -> None:
        await self._empty(pool, set(job.units))
        if not await self.comes(job, lambda: holds_all(pool, job.units)):
            return
        units = take(pool, job.units)
        self._count += 1
        magazine = Tray.of(f"MAG-{self._count:04d}", units)
        reply = await self.load_carrier(magazine.code, units)
        if reply.accepted:
            self._magazines.put_now(magazine)
        else:
            pool.put_now(*units)
        await self.machine.job_ended(job.job, is_aborted=not reply.accepted)

    async def _empty(self, pool: Buffer[Unit], wanted: set[str]) -> None:
        """Empty the magazines that wait with a wanted cell in them: their own order was given up."""
        for magazine in list(self._magazines.items):
            if any(cell.code in wanted for cell in magazine.units()):
                self._magazines.items.remove(magazine)
                await self.unload_carrier(magazine.code, magazine.units())
                pool.put_now(*magazine.units())
