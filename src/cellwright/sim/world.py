"""What all stations share: clock, settings, queues between operations, physical stock, and who is where."""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct
from numpy.random import Generator

from cellwright.sim.catalogue import CELLS_PER_PACK, MAGAZINE_SLOTS, ROUTES, Settings
from cellwright.sim.clock import Buffer, Clock, PlantStoppedError, Signal
from cellwright.sim.lots import Lot
from cellwright.sim.machine import Machine, Reply
from cellwright.sim.randoms import generator
from cellwright.sim.units import Place, Unit

_YIELD_RATIO = 0.91
_SPARE_CELLS = 6


class Refused(Struct, frozen=True):
    """A refusal that a machine met: plant time (us), station, request kind, codes and texts."""

    time_us: int
    station: str
    kind: str
    codes: tuple[str, ...]
    texts: tuple[str, ...]


class Quarantined(Struct, frozen=True):
    """A lot that was set aside, and why."""

    time_us: int
    lot: str
    reason: str


class World:
    """The physical plant between the stations."""

    def __init__(self, clock: Clock, settings: Settings, machines: dict[str, Machine]) -> None:
        """Begin with an empty plant."""
        self.clock = clock
        self.settings = settings
        self.defects = settings.defects
        self.machines = machines
        self.changed = Signal(clock, "demand")
        self.queues = {code: Buffer[Unit](clock, code) for route in ROUTES.values() for code in route}
        self.lots: dict[str, Lot] = {}
        self.units: dict[str, Unit] = {}
        self.counts: Tally[str] = Tally()
        self.refused: list[Refused] = []
        self.quarantined: list[Quarantined] = []
        self.set_aside: set[str] = set()
        """Codes of quarantined lots."""
        self.is_mended: Callable[[Unit], bool] = lambda _: False
        """Tells whether somebody will mend a unit that is on hold: what is in it is not lost then."""
        self.readings: dict[str, dict[str, float]] = {}
        """Newest values that were measured of a cell's code, as the testers of the line pass them on."""

    @property
    def seed(self) -> int:
        """Seed of every chance."""
        return self.settings.seed

    @property
    def cells_needed(self) -> int:
        """Cells that the ordered packs and the spare modules hold."""
        return self.settings.packs * CELLS_PER_PACK + self.settings.spare_modules * MAGAZINE_SLOTS

    def random(self, name: str, number: int = 0) -> Generator:
        """Return the generator of a machine, or of the `number`-th thing of a name."""
        return generator(self.seed, name, number)

    def stage(self, operation: str) -> Buffer[Unit]:
        """Return the queue before an operation. Raises PlantStoppedError when no virtual station does it."""
        queue = self.queues.get(operation)
        if queue is None:
            known = ", ".join(self.queues)
            raise PlantStoppedError(
                f"the MES sends a unit to operation {operation!r}, which no virtual station does; "
                f"expected one of {known}, or add a station with --station"
            )
        return queue

    def born(self, units: Iterable[Unit]) -> None:
        """Take note of new units."""
        for unit in units:
            self.units[unit.code] = unit
            self.counts[f"{unit.kind}_born"] += 1
            self.counts[f"{unit.kind}_line"] += 1

    def dispatch(self, units: Sequence[Unit], routing: Sequence[str]) -> None:
        """Move units to where the MES sends them."""
        if len(units) != len(routing):
            raise PlantStoppedError(f"the MES sent {len(routing)} routings for {len(units)} units; expected one each")
        for unit, target in zip(units, routing, strict=True):
            if target == "scrap":
                self.put_aside(unit, Place.SCRAP)
            elif target == "hold":
                self.put_aside(unit, Place.HOLD)
            elif target == "done":
                self.put_aside(unit, Place.SHIPPED if unit.kind == "pack" else Place.DONE)
            else:
                self.stage(target).put_now(unit)
        self.changed.fire()

    def put_aside(self, unit: Unit, place: Place) -> None:
        """Take a unit off the line, for good or until somebody decides."""
        if unit.place is not Place.LINE:
            return
        unit.place = place
        self.counts[f"{unit.kind}_line"] -= 1
        self.counts[f"{unit.kind}_{place.value}"] += 1
        is_kept = place in (Place.MEMBER, Place.SHIPPED) or (place is Place.HOLD and self.is_mended(unit))
        if not is_kept:
            self._lose_members(unit)
        self.changed.fire()
        limit = self.settings.parked_limit
        if self.counts["cell_parked"] > limit:
            last = self.refused[-1].texts if self.refused else ()
            raise PlantStoppedError(f"more than {limit} cells were refused and parked; last reason: {last}")

    def _lose_members(self, unit: Unit) -> None:
        """The cells in a module or pack that leaves the line count no longer; new ones must be wound."""
        members = [self.units[code] for code in unit.members]
        self.counts["cell_member"] -= sum(1 for member in members if member.kind == "cell")
        for member in members:
            self._lose_members(member)

    def join(self, parent: Unit, members: Sequence[Unit], planned: Sequence[Unit]) -> None:
        """Build members into a parent, slots from 0; `planned` is the order that was reported."""
        parent.members = [member.code for member in members]
        parent.planned = [member.code for member in planned]
        for slot, member in enumerate(members):
            self.put_aside(member, Place.MEMBER)
            member.parent, member.slot = parent.code, slot

    def replace(self, parent: Unit, old: Unit, new: Unit) -> None:
        """Put a finished unit into the slot of a member, which is scrap."""
        slot = old.slot
        parent.members[slot], parent.planned[parent.planned.index(old.code)] = new.code, new.code
        self.put_aside(new, Place.MEMBER)
        new.parent, new.slot = parent.code, slot
        old.parent, old.slot, old.place = "", -1, Place.SCRAP
        self.counts[f"{old.kind}_member"] -= 1
        self.counts[f"{old.kind}_scrap"] += 1
        self._lose_members(old)

    def bring_back(self, unit: Unit, operation: str) -> None:
        """Bring a unit that was on hold before an operation."""
        unit.place = Place.LINE
        self.counts[f"{unit.kind}_hold"] -= 1
        self.counts[f"{unit.kind}_line"] += 1
        self.stage(operation).put_now(unit)
        self.changed.fire()

    def cells_to_wind(self) -> float:
        """Return how many more cells must be wound, with the yield expected; 0 or less = enough."""
        open_cells = self.cells_needed - self.counts["cell_member"] - len(self.queues["module_assembly"])
        in_process = self.counts["cell_line"] - len(self.queues["module_assembly"])
        spare = _SPARE_CELLS + 0.01 * self.cells_needed if open_cells > 0 else 0.0
        return (open_cells + spare) / _YIELD_RATIO - in_process

    async def until_cells_wanted(self) -> None:
        """Block until cells are needed. Raises PlantStoppedError when too many were wound already."""
        await self.changed.until(lambda: self.cells_to_wind() > 0)
        wound, limit = self.counts["cell_born"], self.settings.waste_limit * self.cells_needed
        if wound >= limit:
            raise PlantStoppedError(f"{wound} cells were wound for {self.cells_needed} needed, the limit is {limit:g}")

    def note_refusal(self, machine: str, kind: str, reply: Reply) -> None:
        """Keep what a machine was told."""
        self.refused.append(Refused(self.clock.now_us, machine, kind, reply.codes, reply.texts))

    def quarantine(self, lot: Lot, reason: str) -> None:
        """Set a lot aside."""
        self.quarantined.append(Quarantined(self.clock.now_us, lot.code, reason))
        self.set_aside.add(lot.code)
        self.changed.fire()

    def is_finished(self) -> bool:
        """Tell whether every ordered pack has been shipped."""
        return self.counts["pack_shipped"] >= self.settings.packs
