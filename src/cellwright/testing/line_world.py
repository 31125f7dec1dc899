"""A line in memory: the tiny plant's module line on job orders, its stations, and whatever may happen to them.

The decisions are those of the gate; the supervisor is `rules.dispatching`; only wires and disk are left out.
"""

from collections.abc import Iterator
from random import Random

from msgspec import Struct, structs

from cellwright.model.answers import Admit, Refusal
from cellwright.model.commands import (
    CheckOut,
    Command,
    HoldSubject,
    LoadCarrier,
    PlaceHold,
    QualifyPerson,
    ReleaseHold,
    ReleaseOrder,
    UnloadCarrier,
)
from cellwright.model.equipment import Station
from cellwright.model.job_commands import AbortJob, ClearCall, DispatchJobs, Job, ProveJob, RaiseCall, job_digest
from cellwright.model.plant import Plant
from cellwright.rules.dated import OrderRow
from cellwright.rules.dispatching import joins_due, next_act
from cellwright.rules.job_rows import OVER, CallRow, JobRow, JobState
from cellwright.rules.line_sight import BEFORE_START
from cellwright.rules.line_view import (
    Act,
    Clear,
    Drop,
    Forget,
    Held,
    Order,
    Phase,
    Proposal,
    Prove,
    Raise,
    Send,
    Sign,
    Stock,
    View,
    Waiting,
    Want,
    Wish,
    Withdraw,
)
from cellwright.rules.state import CarrierRow, HoldRow, LoadingRow, UnitRow, UnitStatus
from cellwright.testing.flow import Driver, results
from cellwright.testing.plants import small_plant

ACTOR = "line"
PERSONS = ("Q-1", "Q-2")
STATIONS = ("MAG-01", "MOD-01", "MOD-02", "TEST-01")
_TURNS_MAX = 3000
_YEAR_US = 365 * 86_400_000_000


def line_plant() -> Plant:
    """Return the tiny plant with its module line on job orders: a magazine loader, two joiners and a test."""
    plant = small_plant()
    stations = dict(plant.stations)
    stations["MAG-01"] = Station(
        code="MAG-01", name="Magazines", work_center="line", carrier="magazine", dispatched=True
    )
    for code in ("MOD-01", "TEST-01"):
        stations[code] = structs.replace(stations[code], dispatched=True)
    stations["MOD-02"] = structs.replace(stations["MOD-01"], code="MOD-02", name="Joining too")
    return structs.replace(plant, stations=stations)


class _Station(Struct):
    """A station of the line: jobs that it holds, and whether it is heard."""

    jobs: dict[str, Job] = {}
    phases: dict[str, Phase] = {}
    is_reachable: bool = True


class LineWorld:
    """A line with cells in stock and an order for modules; `acts` are those of its supervisor."""

    def __init__(self, *, cells: int, modules: int) -> None:
        """Make cells and release an order."""
        self.driver = Driver(line_plant())
        self.driver.supply(cells=cells + 10)
        self.driver.person("P-1", "operator", qualification="hv_work")
        for person in PERSONS:
            self.driver.person(person, "quality")
        self.driver.receive("KIT-2", "kit", 100)
        self.driver.load("MOD-02", "kit", "KIT-2", 10)
        for first in range(0, cells, 8):
            carrier = f"TRAY-{first + 1}"
            self.driver.graded(min(8, cells - first), carrier)
            self.driver.must(UnloadCarrier(station="TRAY-01", carrier=carrier))
        if modules:
            self.driver.must(ReleaseOrder(order="WO-1", product="module", quantity=modules))
        self.stations = {code: _Station({}, {}) for code in STATIONS}
        self.acts: list[Act] = []
        self._token = 0
        self._magazines = 0
        self._fails: set[int] = set()

    # --- observe --------------------------------------------------------------------------------

    @property
    def state_units(self) -> dict[int, UnitRow]:
        """All units by number."""
        return {row.id: row for row in self.driver.state.rows(UnitRow)}

    def jobs(self) -> list[JobRow]:
        """All jobs that were ever ordered."""
        return list(self.driver.state.rows(JobRow))

    def view(self) -> View:
        """Return the snapshot that a supervisor would read now."""
        state = self.driver.state
        rows = [row for row in self.jobs() if row.state not in OVER]
        held = {job for station in self.stations.values() for job in station.jobs}
        kept = {row.job: row for row in self.jobs() if row.state not in OVER or row.job in held}
        taken = {unit for row in rows for unit in (*row.units, *row.members)}
        free = [row.id for row in self._finished() if row.id not in taken]
        coming = sum(row.product == "cell" and row.status is UnitStatus.WAITING for row in self.state_units.values())
        view = View(
            plant=self.driver.plant,
            now_us=self.driver.now_us,
            token=str(self._token),
            actor=ACTOR,
            signs={code: self._sign(code) for code in STATIONS},
            jobs=kept,
            waiting=tuple(self._waiting()),
            unfit={unit: why for row in rows for unit in (*row.units, *row.members) if (why := self._why(row, unit))},
            brought=frozenset(row.job for row in rows if row.members and self._is_brought(row)),
            wants=tuple(self._wants()),
            stock={"join": Stock(len(free), coming)},
            loaded={row.key: row.remaining - row.reserved for row in state.rows(LoadingRow) if row.lot},
            calls=tuple(row for row in state.rows(CallRow) if not row.cleared_us),
        )
        due = joins_due(view)
        return structs.replace(view, proposals={each: Proposal(tuple(free[:4])) for each in due})

    def _finished(self) -> list[UnitRow]:
        rows = sorted(self.state_units.values(), key=lambda row: row.id)
        return [
            row
            for row in rows
            if row.product == "cell" and row.status is UnitStatus.FINISHED and row.grade == "A" and not row.holds
        ]

    def _sign(self, code: str) -> Sign:
        station = self.stations[code]
        held = tuple(Held(job.job, job_digest(job), station.phases[job.job]) for job in station.jobs.values())
        return Sign(station.is_reachable, is_lost=not station.is_reachable, held=held)

    def _waiting(self) -> Iterator[Waiting]:
        for row in self.state_units.values():
            operation = self.driver.state.operation_of(row)
            if row.status is UnitStatus.WAITING and operation is not None and operation.code in ("join", "test"):
                code = self.driver.state.code_of(row.id)
                yield Waiting(row.id, code, operation.code, max(row.completed_us, default=0), row.holds)

    def _why(self, job: JobRow, unit: int) -> str:
        row = self.state_units[unit]
        if job.state not in BEFORE_START:
            return ""
        is_idle = row.status in (UnitStatus.WAITING, UnitStatus.FINISHED)
        return "on hold" if row.holds else "" if is_idle else f"it is {row.status}"

    def _is_brought(self, job: JobRow) -> bool:
        places = [(self.state_units[unit].carrier, self.state_units[unit].slot) for unit in job.members]
        return bool(places[0][0]) and places == [(places[0][0], slot) for slot in range(len(places))]

    def _wants(self) -> Iterator[Want]:
        for order in self.driver.state.rows(OrderRow):
            begun = [row for row in self.jobs() if row.order == order.order and row.state is not JobState.ABORTED]
            lost = sum(self.state_units[row.made[0]].status is UnitStatus.SCRAPPED for row in begun if row.made)
            if not order.closed_us:
                yield Want(order.order, order.product, max(0, order.quantity - len(begun) + lost))

    # --- decide and act -------------------------------------------------------------------------

    def supervise(self, acts_max: int = _TURNS_MAX) -> int:
        """Let the supervisor act until it waits; returns how often it acted. Raises AssertionError when it never rests."""
        for count in range(acts_max):
            act = next_act(self.view())
            if act is None:
                return count
            self.do(act)
        if acts_max == _TURNS_MAX:
            raise AssertionError(f"the supervisor never rests; its last acts: {self.acts[-6:]}")
        return acts_max

    def do(self, act: Act) -> None:
        """Carry out an act; a command that the gate refuses is a mistake of the supervisor."""
        self.acts.append(act)
        self._token += 1
        match act:
            case Send():
                row = next(row for row in self.jobs() if row.job == act.job)
                self.stations[act.station].jobs[act.job] = self._job(_wish(row))
                self.stations[act.station].phases[act.job] = Phase.WAITING
            case Withdraw():
                assert self.stations[act.station].phases[act.job] is not Phase.RUNNING  # noqa: S101 - a test kit
                self.stations[act.station].phases[act.job] = Phase.ABORTED
            case Forget():
                self.stations[act.station].jobs.pop(act.job)
                self.stations[act.station].phases.pop(act.job)
            case _:
                self.driver.must(self._command(act), actor=ACTOR)

    def _command(self, act: Order | Prove | Drop | Raise | Clear) -> Command:
        match act:
            case Order():
                return DispatchJobs(jobs=tuple(self._job(each) for each in act.jobs))
            case Prove():
                return ProveJob(job=act.job, digest=act.digest)
            case Drop():
                return AbortJob(job=act.job, reason=act.reason)
            case Raise():
                return RaiseCall(call=act.call, station=act.station, kind=act.kind, text=act.text)
            case Clear():
                return ClearCall(call=act.call, reason=act.reason)

    def _job(self, wish: Wish) -> Job:
        code = self.driver.state.code_of
        return Job(
            job=wish.job,
            station=wish.station,
            operation=wish.operation,
            units=tuple(code(unit) for unit in wish.units),
            members=tuple(code(unit) for unit in wish.members),
            serves=wish.serves,
            order=wish.order,
        )

    # --- what stations and people do ------------------------------------------------------------

    def work(self, code: str) -> None:
        """Let a station take one step with a job that it holds, if the job was proved."""
        station = self.stations[code]
        for job in list(station.jobs.values()):
            row = next(row for row in self.jobs() if row.job == job.job)
            phase = station.phases[job.job]
            if phase is Phase.WAITING and row.state is JobState.PROVED:
                station.phases[job.job] = self._begin(code, job)
                return
            if phase is Phase.RUNNING:
                self._report(code, row)
                station.phases[job.job] = Phase.ENDED
                return

    def _begin(self, code: str, job: Job) -> Phase:
        if not job.operation:
            return self._bring(code, job)
        units = job.units or ()
        ask = self.driver.ask(code, units=units, carrier=self._magazine_of(job), job=job.job, person="P-1")
        answer = self.driver.submit(ask)
        return Phase.RUNNING if isinstance(answer, Admit) else Phase.WAITING

    def _magazine_of(self, job: Job) -> str:
        return self.driver.unit(job.members[0]).carrier if job.members else ""

    def _bring(self, code: str, job: Job) -> Phase:
        for carrier in {self.driver.unit(unit).carrier for unit in job.units} - {""}:
            inside = [unit for unit in job.units if self.driver.unit(unit).carrier == carrier]
            self.driver.must(UnloadCarrier(station=code, carrier=carrier, units=tuple(inside)))
        self._magazines += 1
        slots = tuple(range(len(job.units)))
        load = LoadCarrier(station=code, carrier=f"MAG-{self._magazines}", units=job.units, slots=slots)
        return Phase.WAITING if isinstance(self.driver.submit(load), Refusal) else Phase.ENDED

    def _report(self, code: str, row: JobRow) -> None:
        units = tuple(self.driver.state.code_of(unit) for unit in row.page)
        is_good = not self._fails.intersection(row.page)
        self._fails.difference_update(row.page)
        measured = results(voltage_v=[13.2]) if row.operation == "test" else ()
        consumed = self.driver.takes(code, 1)
        out = CheckOut(station=code, units=units, verdicts=(is_good,), consumed=consumed, results=measured)
        self.driver.must(out)

    def fail_next(self) -> None:
        """Let the next report of each module in process be not good."""
        self._fails.update(row.id for row in self.state_units.values() if row.product == "module")

    def hold(self, unit: int) -> None:
        """Put a unit on hold."""
        code = self.driver.state.code_of(unit)
        self.driver.must(PlaceHold(subject=HoldSubject.UNIT, codes=(code,), reason="look"), actor=PERSONS[0])

    def release_all(self) -> None:
        """Lift every hold."""
        for row in [row for row in self.driver.state.rows(HoldRow) if not row.released_us]:
            release = ReleaseHold(hold=row.id, reason="fine", second_person=PERSONS[1])
            self.driver.must(release, actor=PERSONS[0])

    def qualify(self) -> None:
        """Let the person at the test be qualified again."""
        until_us = self.driver.now_us + _YEAR_US
        self.driver.must(QualifyPerson(person="P-1", qualification="hv_work", valid_until_us=until_us))

    def lose_memory(self, code: str) -> None:
        """A station forgets the jobs that it has not begun, as after a change of its controller."""
        station = self.stations[code]
        for job in [job for job, phase in station.phases.items() if phase is Phase.WAITING]:
            del station.jobs[job], station.phases[job]

    def settle(self) -> None:
        """Let everybody work until nothing moves."""
        for _ in range(_TURNS_MAX):
            acted = self.supervise()
            before = len(self.driver.envelopes)
            for code in STATIONS:
                self.work(code)
            if not acted and len(self.driver.envelopes) == before:
                return
        raise AssertionError("the line never settles")

    # --- what must hold -------------------------------------------------------------------------

    def modules(self) -> list[UnitRow]:
        """Modules that were ever born."""
        return [row for row in self.state_units.values() if row.product == "module"]

    def check(self) -> None:
        """Raise AssertionError when a unit is in two jobs or two modules, or more were begun than ordered."""
        rows = [row for row in self.jobs() if row.state not in OVER]
        members = [unit for row in rows for unit in row.members]
        units = [unit for row in rows for unit in row.units if row.operation]
        assert len(set(members)) == len(members)  # noqa: S101 - a test kit
        assert len(set(units)) == len(units)  # noqa: S101
        assert not set(members) & set(units)  # noqa: S101
        wanted = sum(row.quantity for row in self.driver.state.rows(OrderRow))
        scrapped = sum(row.status is UnitStatus.SCRAPPED for row in self.modules())
        assert len(self.modules()) - scrapped <= wanted  # noqa: S101
        in_carriers = [unit for row in self.driver.state.rows(CarrierRow) for unit in row.slots if unit]
        assert len(set(in_carriers)) == len(in_carriers)  # noqa: S101

    def disturb(self, chance: Random) -> None:
        """Let one thing happen: a station works, is lost or found, forgets; a unit is held; the supervisor acts once."""
        code = chance.choice(STATIONS)
        units = sorted(self.state_units)
        match chance.randrange(10):
            case 0:
                self.stations[code].is_reachable = not self.stations[code].is_reachable
            case 1:
                self.lose_memory(code)
            case 2:
                self.hold(chance.choice(units))
            case 3:
                self.fail_next()
            case 4:
                self.release_all()
            case 5 | 6:
                self.work(code)
            case _:
                self.supervise(chance.randint(1, 4))
        self.driver.wait(chance.uniform(0.0, 60.0))


def _wish(row: JobRow) -> Wish:
    return Wish(
        job=row.job,
        station=row.station,
        operation=row.operation,
        units=row.units,
        members=row.members,
        serves=row.serves,
        order=row.order,
    )
