"""A station: a machine with material positions and an operator who loads, unloads and reacts to refusals."""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Struct, structs

from cellwright.links.opcua.contract import Kind, State
from cellwright.links.opcua.jobs import StationJob
from cellwright.sim.catalogue import LIMITS, Limit
from cellwright.sim.clock import PlantStoppedError
from cellwright.sim.lots import Counter, Feed, Lot, Span
from cellwright.sim.machine import Ask, Reply
from cellwright.sim.picking import until_there
from cellwright.sim.units import Place, Unit, Work
from cellwright.sim.world import World

LOT_CODES = frozenset(
    {"lot_unreleased", "lot_held", "lot_expired", "lot_exhausted", "lot_unknown", "exposure_exceeded", "material_wrong"}
)
MATERIAL_CODES = LOT_CODES | {"material_missing"}
UNIT_CODES = frozenset(
    {
        "unit_unknown", "unit_early", "unit_past", "unit_held", "unit_scrapped", "unit_assembled", "unit_finished",
        "unit_claimed", "queue_time_exceeded", "retest_limit", "code_malformed", "carrier_wrong", "member_wrong",
        "station_wrong",
    }
)  # fmt: skip
JOB_CODES = frozenset({"job_mismatch", "job_missing", "job_ended"})
"""What lies there is not what the MES ordered, or it is ordered no more."""
_ASK_ATTEMPTS = 60
_REPORT_ATTEMPTS = 5
_BACK_OFF_S = 5.0
_BACK_OFF_MAX_S = 3600.0
_HANDLING_S = 20.0
_US_PER_S = 1_000_000
_REST_US = 30 * _US_PER_S

Source = Callable[[], Awaitable[Lot]]


class Position(Struct, frozen=True):
    """A material position: where its lots come from, and what threading (leader) and the end (trailer) lose."""

    name: str
    measure: str
    source: Source
    leader: float = 0.0
    trailer: float = 0.0


class Row(Struct, frozen=True):
    """One consumed interval as the machine reports it; the output interval is for lots only."""

    output: int
    position: str
    start: int
    end: int
    output_start: int = 0
    output_end: int = 0
    lane: int = 0
    reversed: bool = False


def unit_row(output: int, span: Span) -> Row:
    """Return the report of what a unit took."""
    return Row(output, span.position, span.counted_start, span.counted_end)


def with_rows(ask: Ask, rows: Sequence[Row], *, is_lot: bool) -> Ask:
    """Return a request with its consumed intervals as columns."""
    ask = structs.replace(
        ask,
        consumed_positions=tuple(row.position for row in rows),
        consumed_outputs=tuple(row.output for row in rows),
        consumed_starts=tuple(row.start for row in rows),
        consumed_ends=tuple(row.end for row in rows),
    )
    if not is_lot:
        return ask
    return structs.replace(
        ask,
        consumed_output_starts=tuple(row.output_start for row in rows),
        consumed_output_ends=tuple(row.output_end for row in rows),
        consumed_lanes=tuple(row.lane for row in rows),
        consumed_reversed=tuple(row.reversed for row in rows),
    )


def judge(operation: str, measured: Mapping[str, float]) -> str:
    """Return the defect code that the machine's own test gives, empty = good."""
    for name, limit in LIMITS.get(operation, {}).items():
        value = measured.get(name)
        if value is not None and not limit.holds(value):
            return f"{name}_{_fault(value, limit)}"
    return ""


def _fault(value: float, limit: Limit) -> str:
    if math.isnan(value):
        return "not_measured"
    return "low" if value < limit.lower else "high"


def with_results(ask: Ask, operation: str, measured: Sequence[Mapping[str, float]]) -> Ask:
    """Return a request with verdicts, defects and results of its page as columns."""
    defects = tuple(judge(operation, each) for each in measured)
    names = tuple(measured[0]) if measured else ()
    return structs.replace(
        ask,
        verdicts=tuple(0 if defect else 1 for defect in defects),
        defects=defects if any(defects) else (),
        result_names=names,
        result_values=tuple(float(each[name]) for name in names for each in measured),
    )


class Station:
    """Material, requests and refusals of one station; what it does is in the classes built on it."""

    def __init__(self, world: World, code: str, operation: str, positions: Sequence[Position] = ()) -> None:
        """Stand at the machine of a code, doing one operation."""
        self.world = world
        self.clock = world.clock
        self.code = code
        self.operation = operation
        self.machine = world.machines[code]
        self.random = world.random(code)
        self.positions = {position.name: position for position in positions}
        self.counters = {each.name: Counter(self.random, each.measure) for each in positions}
        self.feeds: dict[str, Feed] = {}
        self.is_dispatched = code in world.settings.dispatched
        self._working_count = 0
        self._worked_us = 0
        self._is_settling = False

    async def comes(self, job: StationJob, is_there: Callable[[], bool]) -> bool:
        """Wait for what a job order names; when it does not come, the order is given up."""
        if await until_there(self.clock, is_there, lambda: self.machine.jobs.holds(job)):
            return True
        await self.machine.job_ended(job.job, is_aborted=True)
        return False

    async def ensure(self, name: str, amount: float) -> Feed:
        """Return the feed of a position with at least `amount` left, changing the lot if need be."""
        while True:
            feed = self.feeds.get(name)
            if feed is not None and feed.fits(amount):
                return feed
            await self.change(name)

    async def change(self, name: str) -> None:
        """Put the next lot on a position."""
        await self.unload(name)
        await self.load(name, await self.positions[name].source())

    async def load(self, name: str, lot: Lot) -> bool:
        """Put a lot on a position; a lot that is refused goes to quarantine. Returns whether it is loaded."""
        await self.clock.sleep(_HANDLING_S)
        ask = Ask(kind=Kind.LOAD, position=name, lots=(lot.code,), quantity=(lot.booked_left,))
        reply = await self.persist(ask, give_up=LOT_CODES)
        if not reply.accepted:
            self.world.quarantine(lot, ", ".join(reply.codes))
            return False
        place = self.positions[name]
        self.feeds[name] = Feed(name, lot, self.counters[name], leader=place.leader, trailer=place.trailer)
        return True

    async def unload(self, name: str) -> Lot | None:
        """Take the rest of a lot off a position; returns it."""
        feed = self.feeds.pop(name, None)
        if feed is None:
            return None
        await self.clock.sleep(_HANDLING_S)
        ask = Ask(kind=Kind.UNLOAD, position=name, lots=(feed.lot.code,))
        await self.persist(ask, give_up=frozenset({"material_missing"}))
        return feed.lot

    async def admit(self, ask: Ask) -> Reply:
        """Ask to work; material is changed and other refusals waited out. Refused = the units, or the order, are at fault."""
        return await self.persist(ask, give_up=UNIT_CODES | JOB_CODES)

    async def persist(self, ask: Ask, *, give_up: frozenset[str]) -> Reply:
        """Ask until accepted or refused with a code of `give_up`. Raises PlantStoppedError after many refusals."""
        for attempt in range(_ASK_ATTEMPTS):
            reply = await self._ask(ask)
            if reply.accepted or give_up.intersection(reply.codes):
                return reply
            if MATERIAL_CODES.intersection(reply.codes):
                await self.mend_material(reply)
            await self.clock.sleep(min(_BACK_OFF_S * 2**attempt, _BACK_OFF_MAX_S))
        last = "; ".join(self.world.refused[-1].texts)
        raise PlantStoppedError(f"{self.code}: {ask.kind.value} was refused {_ASK_ATTEMPTS} times: {last}")

    async def mend_material(self, reply: Reply) -> None:
        """Change the lots that a refusal speaks of: every position whose name or lot stands in its sentences."""
        text, faults = " ".join(reply.texts), LOT_CODES.intersection(reply.codes)
        for name in self.positions:
            feed = self.feeds.get(name)
            is_named = f"position {name} " in text or (feed is not None and feed.lot.code in text)
            if not is_named:
                continue
            if feed is not None and faults:
                self.world.quarantine(feed.lot, ", ".join(sorted(faults)))
            await self.change(name)

    async def report(self, ask: Ask) -> Reply:
        """Report work done; tries again a few times. The last reply may be a refusal."""
        reply = await self._ask(ask)
        for attempt in range(_REPORT_ATTEMPTS):
            if reply.accepted:
                break
            await self.clock.sleep(_BACK_OFF_S * 2**attempt)
            reply = await self._ask(ask)
        return reply

    async def _ask(self, ask: Ask) -> Reply:
        reply = await self.machine.ask(ask)
        if not reply.accepted:
            self.world.note_refusal(self.code, ask.kind.value, reply)
        return reply

    async def work_for(self, seconds: float) -> None:
        """Work for plant time (s), a little more or less each time."""
        await self.work_exactly(seconds * float(self.random.uniform(0.95, 1.05)))

    async def work_exactly(self, seconds: float) -> None:
        """Work for plant time (s); the machine shows Executing until it has rested for a while."""
        self._working_count += 1
        await self.machine.show(State.EXECUTING)
        await self.clock.sleep(seconds)
        self._working_count -= 1
        self._worked_us = self.clock.now_us
        if not self._is_settling:
            self._is_settling = True
            self.clock.spawn(self._settle(), f"{self.code} settling")

    async def _settle(self) -> None:
        """Show NotExecuting once the machine has rested; a machine that runs piece after piece keeps executing."""
        while (rest_us := self._worked_us + _REST_US - self.clock.now_us) > 0:
            await self.clock.sleep(rest_us / _US_PER_S)
        self._is_settling = False
        if not self._working_count:
            await self.machine.show(State.NOT_EXECUTING)

    def note_work(self, units: Sequence[Unit], measured: Sequence[Mapping[str, float]]) -> None:
        """Write down that the operation physically happened to these units."""
        for unit, values in zip(units, measured, strict=True):
            is_good = not judge(self.operation, values)
            unit.works.append(Work(self.operation, self.code, self.clock.now_us, is_good))

    def park(self, units: Sequence[Unit]) -> None:
        """Take units off the line because their request was refused."""
        for unit in units:
            self.world.put_aside(unit, Place.PARKED)
