"""Where packs that are on hold are mended: the module that is at fault is found by measuring, and replaced."""

from collections.abc import Awaitable, Callable

from msgspec import Struct

from cellwright.sim.catalogue import LIMITS
from cellwright.sim.units import Place, Unit
from cellwright.sim.world import World

RETESTED_FROM = "busbar_bolting"
"""Operation from which a pack that was opened goes on again."""
_DIAGNOSIS_S = 1800.0
_REPLACEMENT_S = 7200.0


class Replacement(Struct, frozen=True):
    """What a repair did, by codes: the module that left, the one that took its slot, and where the pack goes on."""

    pack: str
    module: str
    spare: str
    operation: str


Book = Callable[[Replacement], Awaitable[None]]
"""Tells the MES of a replacement, with all that people have to sign. Raises when it is refused."""


class RepairBay:
    """Waits for packs on hold, replaces the module whose insulation is low by a spare one, and sends them on."""

    def __init__(self, world: World, book: Book) -> None:
        """Stand beside the PACK line."""
        self._world = world
        self._book = book
        self._limit = LIMITS["insulation_test"]["insulation_positive_mohm"]

    async def run(self) -> None:
        """Work for ever."""
        world = self._world
        world.is_mended = lambda unit: self._fault(unit) is not None
        while True:
            await world.changed.until(lambda: self._next() is not None)
            found = self._next()
            if found is None:
                continue
            pack, module = found
            await world.clock.sleep(_DIAGNOSIS_S)
            spare = await world.stage("pack_assembly").get()
            await world.clock.sleep(_REPLACEMENT_S)
            await self._book(Replacement(pack.code, module.code, spare.code, RETESTED_FROM))
            world.replace(pack, module, spare)
            world.bring_back(pack, RETESTED_FROM)

    def _next(self) -> tuple[Unit, Unit] | None:
        """Return a pack on hold that can be mended, and the module in it that is at fault."""
        held = (unit for unit in self._world.units.values() if unit.place is Place.HOLD)
        return next(((unit, module) for unit in held if (module := self._fault(unit)) is not None), None)

    def _fault(self, unit: Unit) -> Unit | None:
        """Return the module of a pack whose insulation is low."""
        if unit.kind != "pack":
            return None
        modules = (self._world.units[code] for code in unit.members)
        return next((each for each in modules if not self._limit.holds(each.traits["insulation_mohm"])), None)
