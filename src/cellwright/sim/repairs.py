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
        world.has_repairs = True
        while True:
            await world.changed.until(lambda: self._find() is not None)
            found = self._find()
            if found is None:
                continue
            pack, module = found
            await world.clock.sleep(_DIAGNOSIS_S)
            spare = await world.stage("pack_assembly").get()
            await world.clock.sleep(_REPLACEMENT_S)
            await self._book(Replacement(pack.code, module.code, spare.code, RETESTED_FROM))
            world.replace(pack, module, spare)
            world.bring_back(pack, RETESTED_FROM)

    def _find(self) -> tuple[Unit, Unit] | None:
        """Return a pack on hold and the module in it that is at fault."""
        units = self._world.units
        held = [unit for unit in units.values() if unit.kind == "pack" and unit.place is Place.HOLD]
        inside = ((pack, units[code]) for pack in held for code in pack.members)
        return next((pair for pair in inside if not self._limit.holds(pair[1].traits["insulation_mohm"])), None)
