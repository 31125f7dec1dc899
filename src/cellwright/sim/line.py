"""The whole virtual plant: stations wired together, run until the packs have shipped."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from cellwright.sim.bms_station import Flasher
from cellwright.sim.catalogue import SIDES, Settings
from cellwright.sim.cell_line import CELL_PACE_S, Filler, UnitStation, Winder
from cellwright.sim.clock import Buffer, Clock
from cellwright.sim.electrode import ElectrodeLine
from cellwright.sim.machine import Machine, StationNodes
from cellwright.sim.ordered import MagazineLoader
from cellwright.sim.pack_line import Gluer, ModuleJoiner, PackJoiner
from cellwright.sim.randoms import generator
from cellwright.sim.repairs import Book, RepairBay
from cellwright.sim.servers import WORK_CENTERS
from cellwright.sim.station import Position
from cellwright.sim.supply import Receiving
from cellwright.sim.trays import TrayLine
from cellwright.sim.welding import Welder
from cellwright.sim.world import World

ELECTRODE_VERBS = {"MIX": "mix", "COAT": "coat", "CAL": "calender", "SLIT": "slit"}
OPERATIONS = {
    **{f"{code}-{side.letter}1": f"{verb}_{side.name}" for side in SIDES for code, verb in ELECTRODE_VERBS.items()},
    "WIND-01": "winding",
    "ASM-01": "assembly",
    "FILL-01": "filling",
    "SEAL-01": "sealing",
    "FORM-01": "formation",
    "AGE-01": "ageing",
    "GRADE-01": "grading",
    "SORT-01": "sorting",
    "RSORT-01": "resort",
    "MOD-01": "module_assembly",
    "MWELD-01": "module_welding",
    "GLUE-01": "module_gluing",
    "MEOL-01": "module_eol",
    "PACK-01": "pack_assembly",
    "BOLT-01": "busbar_bolting",
    "BMS-01": "bms_flash",
    "LEAK-01": "leak_test",
    "INS-01": "insulation_test",
    "HIPOT-01": "hipot_test",
    "BOND-01": "equalisation",
    "CYC-01": "capacity_test",
    "SOC-01": "soc_set",
    "LABEL-01": "labelling",
    "PEOL-01": "pack_eol",
    "SHIP-01": "shipping",
}
"""What each standard station does; RCV-01 and TRAY-01 only handle."""
_PLAIN_STATIONS = (
    "MEOL-01",
    "LEAK-01",
    "INS-01",
    "HIPOT-01",
    "BOND-01",
    "CYC-01",
    "SOC-01",
    "PEOL-01",
    "SHIP-01",
)
"""They take nothing: units come, are worked on or measured, and go."""


class ExtraStation(Struct, frozen=True):
    """A station beyond the standard ones: takes units whose next operation is its own, measures nothing."""

    code: str
    operation: str
    work_center: str


class Progress(Struct, frozen=True):
    """How far the plant is: plant time (us), units by kind and place, requests and refusals by code."""

    time_us: int
    cells_wound: int
    cells_good: int
    packs_shipped: int
    requests: int
    repeated: int
    refusals: dict[str, int]


def work_centers(extra: Sequence[ExtraStation]) -> dict[str, tuple[str, ...]]:
    """Return the stations of each server, extra ones included."""
    stations = dict(WORK_CENTERS)
    for each in extra:
        stations[each.work_center] = (*stations.get(each.work_center, ()), each.code)
    return stations


class VirtualPlant:
    """Machines behind their nodes, and the physics between them."""

    def __init__(
        self, stations: Mapping[str, StationNodes], settings: Settings, publish: Callable[[int], None]
    ) -> None:
        """Stand behind the nodes of every station; `publish` gets every new plant time (us)."""
        self.clock = Clock(
            settings.start_us,
            slack_s=settings.slack_s,
            patience_s=settings.patience_s,
            pace_ratio=settings.pace_ratio,
            publish=publish,
        )
        self.machines = {
            code: Machine(
                nodes,
                self.clock,
                generator(settings.seed, f"machine {code}"),
                restart_ratio=settings.defects.machine_restart,
                person=settings.persons.get(code, ""),
            )
            for code, nodes in stations.items()
        }
        self.world = World(self.clock, settings, self.machines)

    async def run(self, extra: Sequence[ExtraStation] = (), *, book: Book | None = None) -> None:
        """Make and ship the packs. Raises PlantStoppedError with the reason when that is not possible.

        Packs on hold are mended where somebody can `book` it.
        """
        for machine in self.machines.values():
            await machine.start()
        self._spawn_all(extra)
        if book is not None:
            self.clock.spawn(RepairBay(self.world, book).run(), "repairs")
        try:
            await self.clock.run(self.world.is_finished)
        finally:
            await self.clock.close()
            for machine in self.machines.values():
                await machine.stop()

    def progress(self) -> Progress:
        """Return how far the plant is."""
        counts = self.world.counts
        refusals: dict[str, int] = {}
        for machine in self.machines.values():
            for code, count in machine.refusals.items():
                refusals[code] = refusals.get(code, 0) + count
        return Progress(
            time_us=self.clock.now_us,
            cells_wound=counts["cell_born"],
            cells_good=counts["cell_member"] + len(self.world.queues["module_assembly"]),
            packs_shipped=counts["pack_shipped"],
            requests=sum(machine.asked_count for machine in self.machines.values()),
            repeated=sum(machine.repeated_count for machine in self.machines.values()),
            refusals=refusals,
        )

    def _spawn_all(self, extra: Sequence[ExtraStation]) -> None:
        world, clock = self.world, self.clock
        receiving = Receiving(world)
        lines = {side.name: ElectrodeLine(world, side, receiving) for side in SIDES}
        for line in lines.values():
            line.spawn()
        trays = TrayLine(world)
        trays.spawn()
        stations: list[UnitStation] = [
            Winder(world, lines, receiving),
            UnitStation(world, "ASM-01", "assembly", [Position("can", "count", receiving.source("can"))]),
            Filler(world, receiving),
            UnitStation(world, "SEAL-01", "sealing", [Position("cap", "count", receiving.source("cap"))]),
            ModuleJoiner(world, receiving, trays.magazines),
            Welder(world),
            Gluer(world, receiving),
            PackJoiner(world, receiving),
            UnitStation(
                world, "BOLT-01", "busbar_bolting", [Position("bolts", "count", receiving.source("busbar_bolts"))]
            ),
            Flasher(world),
            UnitStation(world, "LABEL-01", "labelling", [Position("label", "count", receiving.source("pack_label"))]),
            *(UnitStation(world, code, OPERATIONS[code]) for code in _PLAIN_STATIONS),
        ]
        for each in extra:
            world.queues[each.operation] = Buffer(clock, each.operation)
            station = UnitStation(world, each.code, each.operation)
            station.work_s = CELL_PACE_S
            stations.append(station)
        if "MAG-01" in world.settings.dispatched:
            clock.spawn(MagazineLoader(world, trays.magazines).run(), "MAG-01")
        for station in stations:
            clock.spawn(station.run(), station.code)
