"""Tray loading, formation, ageing, grading, sorting, re-sorting, and magazines for the module line."""

from collections import Counter as Tally
from collections.abc import Sequence

from msgspec import Struct
from numpy.random import Generator

from cellwright.links.opcua.contract import Kind
from cellwright.sim.ageing import Room
from cellwright.sim.catalogue import HOUR_S, MAGAZINE_SLOTS, TRAY_SLOTS
from cellwright.sim.cell_line import codes_of
from cellwright.sim.cells import CELL_WORK, Bench, Measured
from cellwright.sim.chambers import Chambers
from cellwright.sim.clock import Buffer, Clock
from cellwright.sim.cycler import Cabinet
from cellwright.sim.machine import Ask, Reply
from cellwright.sim.station import UNIT_CODES, Station, with_results
from cellwright.sim.units import Unit
from cellwright.sim.world import World

TRAY_OPERATIONS = ("formation", "ageing", "grading", "sorting", "resort")
_STATIONS = {
    "formation": "FORM-01",
    "ageing": "AGE-01",
    "grading": "GRADE-01",
    "sorting": "SORT-01",
    "resort": "RSORT-01",
}
_WORK_HOURS = {"formation": 12.0, "ageing": 168.0, "grading": 8.0, "sorting": 0.1, "resort": 0.1}
_PLACES = {"formation": 8, "ageing": 64, "grading": 8, "sorting": 1, "resort": 1}
"""Trays that fit into a station at once; in formation and grading each has a chamber of its own."""
_CHAMBERED = frozenset({"formation", "grading"})
_WETTING_S = 12 * HOUR_S
"""Rest between sealing and formation, so that no dry spot is charged."""
_TRAYS = 200
_POLL_S = 300.0
_PATIENCE_S = 1800.0
_CARRY_S = 120.0


class Tray(Struct, eq=False):
    """A carrier and the cells in its slots."""

    code: str
    cells: dict[int, Unit]
    slots: dict[str, int]
    """Where each code was put, as it was reported."""

    @classmethod
    def of(cls, code: str, units: Sequence[Unit]) -> "Tray":
        """Return a carrier with units in its slots from 0."""
        return cls(code, dict(enumerate(units)), {unit.code: slot for slot, unit in enumerate(units)})

    def mix(self, random: Generator) -> None:
        """Put two neighbours in each other's slot, and tell nobody."""
        slots = sorted(self.cells)
        at = int(random.integers(len(slots) - 1))
        one, other = slots[at], slots[at + 1]
        self.cells[one], self.cells[other] = self.cells[other], self.cells[one]
        for slot in (one, other):
            self.cells[slot].blame("wrong_cell")

    def units(self) -> list[Unit]:
        """Return the cells in slot order."""
        return [self.cells[slot] for slot in sorted(self.cells)]

    def remove(self, units: Sequence[Unit]) -> None:
        """Take cells out."""
        self.cells = {slot: cell for slot, cell in self.cells.items() if cell not in units}


class Handler(Station):
    """A robot that puts cells into carriers and takes them out."""

    async def load_carrier(self, carrier: str, units: Sequence[Unit]) -> Reply:
        """Put units into slots from 0. Refused = the units are at fault."""
        slots = tuple(range(len(units)))
        ask = Ask(kind=Kind.CARRIER_LOAD, carrier=carrier, units=codes_of(units), slots=slots)
        await self.work_for(_CARRY_S)
        return await self.persist(ask, give_up=UNIT_CODES)

    async def unload_carrier(self, carrier: str, units: Sequence[Unit]) -> None:
        """Take units out of a carrier."""
        await self.work_for(_CARRY_S)
        ask = Ask(kind=Kind.CARRIER_UNLOAD, carrier=carrier, units=codes_of(units))
        await self.persist(ask, give_up=frozenset({"carrier_wrong", "carrier_empty"}))


class TrayStation(Station):
    """Formation, ageing, grading or sorting: works on a tray as one page, several trays at once."""

    def __init__(self, world: World, operation: str) -> None:
        """Stand at the station of a tray operation."""
        super().__init__(world, _STATIONS[operation], operation)
        self._places: Buffer[int] = Buffer(world.clock, self.code)
        self._places.put_now(*range(_PLACES[operation]))
        self._chambers = Chambers(world, self.code) if operation in _CHAMBERED else None
        self._room = Room(world, self.code) if operation == "ageing" else None
        settings = world.settings
        self._cabinet = Cabinet(self.code, operation, seed=settings.seed, folder=settings.cyclers)

    async def process(self, tray: Tray) -> tuple[Reply, list[Unit]]:
        """Work on a tray; returns the answer to the report and the cells in page order, or the refusal."""
        place = await self._places.get()
        try:
            reply = await self.admit(Ask(kind=Kind.CHECK_IN, carrier=tray.code))
            if not reply.accepted:
                return reply, []
            codes = [code for code in reply.units if tray.slots.get(code) in tray.cells]
            page = [tray.cells[tray.slots[code]] for code in codes]
            start_us = self.clock.now_us
            hours = _WORK_HOURS[self.operation] * float(self.random.uniform(0.99, 1.01))
            await self.work_exactly(hours * HOUR_S)
            measured = self._measure(tray, codes, place=place, hours=hours)
            self.note_work(page, measured)
            self._cabinet.write(tray.cells, page, measured, start_us)
            ask = Ask(kind=Kind.CHECK_OUT, carrier=tray.code, units=tuple(codes))
            return await self.report(with_results(ask, self.operation, measured)), page
        finally:
            self._places.put_now(place)

    def _measure(self, tray: Tray, codes: Sequence[str], *, place: int, hours: float) -> list[Measured]:
        bench = Bench(self.random, self.world.defects, hours=hours, now_us=self.clock.now_us)
        run = None if self._chambers is None else self._chambers.run(place)
        stay = None if self._room is None else self._room.stay(place, hours)
        shows = run or stay
        measured = []
        for code in codes:
            bench.slot, bench.code = tray.slots[code], code
            bench.readings = self.world.readings.setdefault(code, {})
            bench.soak = None if stay is None else stay.soak(bench.slot)
            true = CELL_WORK[self.operation](tray.cells[bench.slot], bench)
            bench.readings.update(true)  # re-sorting compares with values freed of their gauges
            measured.append(true if shows is None else shows.seen(bench.slot, true))
        return measured


class TrayLine:
    """Moves cells through the tray operations: loads, carries, diverts, and fills magazines."""

    def __init__(self, world: World) -> None:
        """Build the stations of the formation area; full magazines wait in `magazines`."""
        self._world = world
        self._clock: Clock = world.clock
        self._loader = Handler(world, "TRAY-01", "")
        self._sorter = Handler(world, "RSORT-01", "resort")
        self._stations = {operation: TrayStation(world, operation) for operation in TRAY_OPERATIONS}
        self._free: Buffer[str] = Buffer(world.clock, "free trays")
        self._free.put_now(*(f"TRAY-{number:04d}" for number in range(1, _TRAYS + 1)))
        self.magazines: Buffer[Tray] = Buffer(world.clock, "magazines")

    def spawn(self) -> None:
        """Start the coroutines of the formation area."""
        for operation in TRAY_OPERATIONS:
            self._clock.spawn(self._load_trays(operation), f"TRAY-01 for {operation}")
        if "MAG-01" not in self._world.settings.dispatched:
            self._clock.spawn(self._fill_magazines(), "RSORT-01 magazines")

    async def _load_trays(self, operation: str) -> None:
        queue = self._world.stage(operation)
        while True:
            await queue.changed.until(lambda: len(queue) > 0)
            await self._wait_for_full(queue)
            units = [queue.items.popleft() for _ in range(min(TRAY_SLOTS, len(queue)))]
            tray = Tray.of(await self._free.get(), units)
            reply = await self._loader.load_carrier(tray.code, units)
            if reply.accepted:
                self._clock.spawn(self._trip(tray, operation), f"{tray.code} on its way")
            else:
                self._refused(units, reply, operation)
                self._free.put_now(tray.code)

    async def _wait_for_full(self, queue: Buffer[Unit]) -> None:
        """Wait until a tray can be filled, or nothing has come for a while."""
        waited_s, count = 0.0, len(queue)
        while len(queue) < TRAY_SLOTS and waited_s < _PATIENCE_S:
            await self._clock.sleep(_POLL_S)
            waited_s = waited_s + _POLL_S if len(queue) == count else 0.0
            count = len(queue)

    def _refused(self, units: Sequence[Unit], reply: Reply, operation: str) -> list[Unit]:
        """Park the units that a refusal names (all, if it names none); the others queue again."""
        text = " ".join(reply.texts)
        named = [unit for unit in units if unit.code in text] or list(units)
        self._loader.park(named)
        self._world.stage(operation).put_now(*(unit for unit in units if unit not in named))
        return named

    async def _trip(self, tray: Tray, operation: str) -> None:
        """Carry a tray from operation to operation until it is empty."""
        if operation == TRAY_OPERATIONS[0]:
            await self._clock.sleep(_WETTING_S)
        while tray.cells:
            station = self._stations[operation]
            await self._clock.sleep(_CARRY_S)
            if operation == "resort":
                self._carry_badly(tray)
            reply, page = await station.process(tray)
            if not reply.accepted:
                await self._take_out_refused(tray, reply)
            else:
                operation = await self._divert(tray, page, reply.routing)
        self._free.put_now(tray.code)

    def _carry_badly(self, tray: Tray) -> None:
        """On the way to the module line two cells may come to lie in each other's slot."""
        is_mixed = self._sorter.random.random() < self._world.defects.wrong_cell
        if is_mixed and len(tray.cells) > 1:
            tray.mix(self._sorter.random)

    async def _take_out_refused(self, tray: Tray, reply: Reply) -> None:
        text = " ".join(reply.texts)
        units = [unit for unit in tray.units() if unit.code in text] or tray.units()
        await self._loader.unload_carrier(tray.code, units)
        tray.remove(units)
        self._loader.park(units)

    async def _divert(self, tray: Tray, page: list[Unit], routing: Sequence[str]) -> str:
        """Take out what does not go on with the tray; returns the tray's next operation."""
        onward = Tally(target for target in routing if target in TRAY_OPERATIONS)
        following = onward.most_common(1)[0][0] if onward else ""
        pairs = [(unit, target) for unit, target in zip(page, routing, strict=True) if target != following]
        if pairs:
            leaving = [unit for unit, _ in pairs]
            handler = self._loader if following else self._sorter
            await handler.unload_carrier(tray.code, leaving)
            tray.remove(leaving)
            self._world.dispatch(leaving, [target for _, target in pairs])
        return following

    async def _fill_magazines(self) -> None:
        pool, number = self._world.stage("module_assembly"), 0
        while True:
            units = await pool.take(MAGAZINE_SLOTS)
            number += 1
            magazine = Tray.of(f"MAG-{number:04d}", units)
            reply = await self._sorter.load_carrier(magazine.code, units)
            if reply.accepted:
                self.magazines.put_now(magazine)
            else:
                self._refused(units, reply, "module_assembly")
