"""A plant run at random: whatever is asked, in whatever order, the books balance and no unit is in two places."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec import structs

from cellwright.model.answers import Admit, Answer, Receipt, Refusal
from cellwright.model.commands import (
    AbortOperation,
    CheckOut,
    Command,
    Consumed,
    Disassemble,
    Disposition,
    DispositionAction,
    HoldSubject,
    LoadCarrier,
    LoadMaterial,
    PlaceHold,
    ReceiveLot,
    RecordCalibration,
    ReleaseHold,
    ReplaceMember,
    ReplaceTool,
    UnloadCarrier,
    UnloadMaterial,
)
from cellwright.model.facts import LotTransformed, OperationCompleted, Refused
from cellwright.model.routes import Route
from cellwright.rules.readiness import open_counter, running_counter
from cellwright.rules.state import (
    AssemblyRow,
    CarrierRow,
    LoadingRow,
    LoadRun,
    LotRow,
    LotStatus,
    MemberRow,
    UnitRow,
    UnitStatus,
)
from cellwright.testing.flow import Driver, replay, results, rows_of

POSITIONS = (
    ("COAT-01", "foil"),
    ("COAT-01", "primer"),
    ("WIND-01", "cathode"),
    ("WIND-01", "separator"),
    ("ASM-01", "can"),
    ("ASM-02", "can"),
    ("MOD-01", "kit"),
)
UNIT_STATIONS = ("ASM-01", "ASM-02", "SEAL-01", "FORM-01", "GRADE-01")
CARRIERS = ("TRAY-1", "TRAY-2", "MAG-1")
LEGAL = {
    (UnitStatus.WAITING, UnitStatus.RUNNING),
    (UnitStatus.RUNNING, UnitStatus.WAITING),
    (UnitStatus.RUNNING, UnitStatus.FINISHED),
    (UnitStatus.RUNNING, UnitStatus.SCRAPPED),
    (UnitStatus.WAITING, UnitStatus.SCRAPPED),
    (UnitStatus.FINISHED, UnitStatus.SCRAPPED),
    (UnitStatus.FINISHED, UnitStatus.WAITING),
    (UnitStatus.FINISHED, UnitStatus.RESERVED),
    (UnitStatus.RESERVED, UnitStatus.ASSEMBLED),
    (UnitStatus.RESERVED, UnitStatus.FINISHED),
    (UnitStatus.FINISHED, UnitStatus.ASSEMBLED),
    (UnitStatus.ASSEMBLED, UnitStatus.REMOVED),
    (UnitStatus.REMOVED, UnitStatus.SCRAPPED),
    (UnitStatus.REMOVED, UnitStatus.WAITING),
    (UnitStatus.REMOVED, UnitStatus.FINISHED),
}
INDEX = st.integers(0, 10**6)


class PlantMachine(RuleBasedStateMachine):
    """Commands at random, the sensible ones more often; a shadow that knows only the answers."""

    @initialize()
    def begin(self) -> None:
        self.driver = Driver()
        self.driver.supply(cells=30)
        cells = self.driver.graded(8)
        self.driver.person("QA1", "quality")
        self.driver.person("QA2", "quality", qualification="hv_work")
        self.driver.must(RecordCalibration(station="GRADE-01", valid_until_us=self.driver.now_us + 10**15))
        self.driver.receive("KIT-2", "kit", 100)
        self.stations: dict[str, str] = {}
        self.next_stop: dict[str, str] = dict.fromkeys(cells, "join")
        self.statuses: dict[int, UnitStatus] = {}
        self.consumed: Counter[int] = Counter()
        self.open_lots: list[tuple[str, ...]] = []
        self.held: list[int] = []
        self.lots = 0
        self._count_consumed(self.driver.envelopes)
        self.statuses.update((row.id, row.status) for row in self.driver.state.rows(UnitRow))
        self._start("WIND-01", (), 4)
        self._report("WIND-01", self.running("WIND-01"))

    # --- asking and reporting ---------------------------------------------------------------

    def submit(self, command: Command, actor: str = "tester") -> Answer:
        loadings = {row.key: row.lot for row in self.driver.state.rows(LoadingRow)}
        known = len(self.driver.envelopes)
        answer = self.driver.submit(command, actor=actor)
        if isinstance(answer, Refusal):
            assert answer.reasons
            assert [type(fact) for fact in self.driver.last_facts] == [Refused]
            assert not self.driver.last_rows
        self._count_consumed(self.driver.envelopes[known:], loadings)
        self._follow_statuses()
        return answer

    def _follow_statuses(self) -> None:
        for unit in (row for row in self.driver.last_rows if isinstance(row, UnitRow)):
            before = self.statuses.get(unit.id, unit.status)
            assert before is unit.status or (before, unit.status) in LEGAL
            self.statuses[unit.id] = unit.status

    def _count_consumed(self, envelopes: Sequence[Any], loadings: dict[Any, int] | None = None) -> None:
        rows = {row.key: row.lot for row in self.driver.state.rows(LoadingRow)} if loadings is None else loadings
        for envelope in envelopes:
            fact = envelope.fact
            if isinstance(fact, OperationCompleted | LotTransformed):
                for taken in fact.taken:
                    self.consumed[rows[(fact.station, taken.position)]] += taken.quantity

    def admitted(self, station: str, answer: Answer, *, born: bool = False) -> None:
        if not isinstance(answer, Admit):
            return
        for code in answer.units:
            row = self.driver.unit(code)
            assert code not in self.stations, "claimed twice"
            assert row.holds == 0, "a held unit was admitted"
            assert born or self.next_stop[code] == answer.operation, "an operation was skipped or repeated"
            self.stations[code] = station

    def running(self, station: str) -> tuple[str, ...]:
        return tuple(code for code, where in self.stations.items() if where == station)

    @rule(count=st.integers(1, 4))
    def start_winding(self, count: int) -> None:
        self.admitted("WIND-01", self.submit(self.driver.ask("WIND-01", count=count)), born=True)

    @rule(station=st.sampled_from(UNIT_STATIONS[:3]), picks=st.lists(INDEX, min_size=1, max_size=3))
    def start_any_units(self, station: str, picks: list[int]) -> None:
        units = self.pick(picks)
        if units:
            self.admitted(station, self.submit(self.driver.ask(station, units=units)))

    @rule(picks=st.lists(INDEX, min_size=3, max_size=12))
    def go_on(self, picks: list[int]) -> None:
        """What a well-kept line would do next: report, start what waits, fill trays, wind more."""
        for pick in picks:
            options = self._options()
            options[pick % len(options)]()

    def _options(self) -> list[Callable[[], None]]:
        busy = sorted({*self.stations.values()})
        options = [partial(self._report, station, self.running(station)) for station in busy]
        for station in (*UNIT_STATIONS, "MOD-01", "TEST-01"):
            operation = self.driver.plant.stations[station].operations[0]
            units = self._waiting(operation, 4 if station == "MOD-01" else 3)
            options += [partial(self._start, station, units)] * bool(units)
        if not options:
            options.append(partial(self._start, "WIND-01", (), 4))
        return [*options, partial(self.driver.wait, 700)]

    def _waiting(self, operation: str, limit: int) -> tuple[str, ...]:
        waiting = (code for code, target in self.next_stop.items() if target == operation and code not in self.stations)
        rows = ((code, self.driver.unit(code)) for code in waiting)
        free = [code for code, row in rows if not row.holds and row.status in (UnitStatus.WAITING, UnitStatus.FINISHED)]
        return tuple(free[:limit])

    def _start(self, station: str, units: tuple[str, ...], count: int = 0) -> None:
        ask = self.driver.ask(station, units=units, count=count, person="QA2")
        answer = self.submit(ask)
        self.admitted(station, answer, born=station in ("WIND-01", "MOD-01"))
        if isinstance(answer, Refusal) and answer.codes & {"lot_exhausted", "material_missing", "tool_worn"}:
            self.submit(ReplaceTool(station=station, tool="cutter"))
            for _, position in (each for each in POSITIONS if each[0] == station):
                self.change_reel((station, position))

    @precondition(lambda self: self.stations)
    @rule(pick=INDEX, bad=st.integers(0, 4), loss=st.integers(0, 30), part=st.booleans())
    def report(self, pick: int, bad: int, loss: int, *, part: bool) -> None:
        busy = sorted({*self.stations.values()})
        station = busy[pick % len(busy)]
        units = self.running(station)
        self._report(station, units[: max(1, len(units) // 2)] if part else units, bad, loss)

    def _report(self, station: str, units: tuple[str, ...], bad: int = 99, loss: int = 0) -> None:
        taken = self.driver.takes(station, len(units))
        consumed = structs.replace(
            taken, starts=tuple(each + loss for each in taken.starts), ends=tuple(each + loss for each in taken.ends)
        )
        count = len(units)
        verdicts = tuple(index != bad for index in range(count))
        capacity_ah = 5.5 if bad == 3 else 6.2
        measured = results(leak_pamin=[1.0] * count, capacity_ah=[capacity_ah] * count, voltage_v=[13.0] * count)
        command = CheckOut(station=station, units=units, verdicts=verdicts, results=measured, consumed=consumed)
        answer = self.submit(command)
        if isinstance(answer, Receipt):
            assert units
            operation = self.driver.plant.stations[station].operations[0]
            for code, target in zip(units, answer.routing, strict=True):
                del self.stations[code]
                self.next_stop[code] = operation if target == "hold" else target

    @rule(station=st.sampled_from(UNIT_STATIONS[3:]), carrier=st.sampled_from(CARRIERS))
    def start_a_tray(self, station: str, carrier: str) -> None:
        self.admitted(station, self.submit(self.driver.ask(station, carrier=carrier)))

    @rule(carrier=st.sampled_from(CARRIERS))
    def start_a_module(self, carrier: str) -> None:
        self.admitted("MOD-01", self.submit(self.driver.ask("MOD-01", carrier=carrier)), born=True)

    def pick(self, picks: list[int]) -> tuple[str, ...]:
        known = sorted({*self.next_stop, *self.stations})
        return tuple(known[pick % len(known)] for pick in picks) if known else ()

    # --- material ---------------------------------------------------------------------------

    @rule(material=st.sampled_from(["foil", "primer", "separator", "can", "kit"]), quantity=st.integers(0, 5000))
    def receive(self, material: str, quantity: int) -> None:
        self.lots += 1
        code = f"R-{self.lots // 2}"
        self.submit(ReceiveLot(lot=code, material=material, quantity=quantity, certificate_sha256="c" * 64))

    @rule(place=st.sampled_from(POSITIONS), pick=INDEX, share=st.integers(1, 12))
    def load(self, place: tuple[str, str], pick: int, share: int) -> None:
        lots = sorted(self.driver.state.rows(LotRow), key=lambda row: row.id)
        lot = lots[pick % len(lots)]
        quantity = lot.remaining * share // 10
        self.submit(LoadMaterial(station=place[0], position=place[1], lot=lot.code, quantity=quantity))

    @rule(place=st.sampled_from(POSITIONS))
    def change_reel(self, place: tuple[str, str]) -> None:
        self.unload(place)
        for lot in list(self.driver.state.rows(LotRow)):
            if isinstance(
                self.submit(
                    LoadMaterial(station=place[0], position=place[1], lot=lot.code, quantity=max(1, lot.remaining // 2))
                ),
                Receipt,
            ):
                return

    @rule(place=st.sampled_from(POSITIONS))
    def unload(self, place: tuple[str, str]) -> None:
        self.submit(UnloadMaterial(station=place[0], position=place[1]))

    @rule(count=st.integers(1, 2))
    def start_coating(self, count: int) -> None:
        answer = self.submit(self.driver.ask("COAT-01", count=count))
        if isinstance(answer, Admit):
            self.open_lots.append(answer.lots)

    @precondition(lambda self: self.open_lots)
    @rule(length=st.integers(0, 6000), primer=st.booleans(), good=st.booleans())
    def report_coating(self, length: int, *, primer: bool, good: bool) -> None:
        lots = self.open_lots[0]
        rows = [("foil", index, length) for index in range(len(lots))] + [("primer", 0, 10)] * primer
        starts = tuple(self.driver.loading("COAT-01", position).consumed_to for position, _, _ in rows)
        consumed = Consumed(
            positions=tuple(row[0] for row in rows),
            outputs=tuple(row[1] for row in rows),
            starts=starts,
            ends=tuple(start + row[2] for start, row in zip(starts, rows, strict=True)),
            output_starts=(0,) * len(rows),
            output_ends=(length,) * len(rows),
        )
        quantities = (length,) * len(lots)
        command = CheckOut(
            station="COAT-01", lots=lots, quantities=quantities, verdicts=(good,) * len(lots), consumed=consumed
        )
        if isinstance(self.submit(command), Receipt):
            self.open_lots.pop(0)

    # --- giving up ----------------------------------------------------------------------------

    @precondition(lambda self: self.stations)
    @rule(pick=INDEX, part=st.booleans())
    def give_up_units(self, pick: int, *, part: bool) -> None:
        busy = sorted({*self.stations.values()})
        station = busy[pick % len(busy)]
        running = self.running(station)
        units = running[: max(1, len(running) // 2)] if part else running
        before = [self.driver.unit(code) for code in units]
        answer = self.submit(AbortOperation(station=station, units=units, reason="machine died"), "QA1")
        assert isinstance(answer, Receipt)
        for code, row, target in zip(units, before, answer.routing, strict=True):
            del self.stations[code]
            self.next_stop[code] = target
            after = self.driver.unit(code)
            assert (after.step, after.completed_us) == (row.step, row.completed_us)
            assert sum(after.attempts) == sum(row.attempts) + 1

    @precondition(lambda self: self.open_lots)
    @rule()
    def give_up_a_run(self) -> None:
        lots = self.open_lots[0]
        if isinstance(self.submit(AbortOperation(station="COAT-01", lots=lots, reason="pump died"), "QA1"), Receipt):
            self.open_lots.pop(0)

    # --- repair -------------------------------------------------------------------------------

    @precondition(lambda self: self.opened())
    @rule(pick=INDEX, count=st.integers(1, 2), goal=st.sampled_from(["", "test"]))
    def repair(self, pick: int, count: int, goal: str) -> None:
        module = self.opened()[pick % len(self.opened())]
        code, olds = self.driver.state.code_of(module.id), tuple(map(self.driver.state.code_of, module.members[:count]))
        fit = [row for row in self.driver.state.rows(UnitRow) if row.status is UnitStatus.FINISHED and row.grade == "A"]
        news = tuple(self.driver.state.code_of(row.id) for row in fit[: len(olds)]) or self.pick([pick])
        command = ReplaceMember(parent=code, members=olds, replacements=news, operation=goal, reason="doubt")
        answer = self.submit(command, "QA1")
        if isinstance(answer, Receipt):
            self.next_stop.update(dict.fromkeys(olds, "removed"))
            self.next_stop.update(dict.fromkeys(news, "built in"))
            self.next_stop[code] = answer.routing[0]
            after = self.driver.state.page(AssemblyRow, [module.id])[0]
            assert after.members[len(olds) :] == module.members[len(olds) :], "other slots stay as they are"
            assert tuple(map(self.driver.state.code_of, after.members[: len(olds)])) == news

    @precondition(lambda self: self.opened())
    @rule()
    def take_apart(self) -> None:
        code = self.driver.state.code_of((module := self.opened()[-1]).id)
        if isinstance(self.submit(Disassemble(units=(code,), reason="doubt"), "QA1"), Receipt):
            self.next_stop[code] = "scrap"
            self.next_stop.update((self.driver.state.code_of(each), "removed") for each in module.members)

    @rule(action=st.sampled_from(DispositionAction), operation=st.sampled_from(["grade", "seal"]))
    def decide_on_what_was_removed(self, action: DispositionAction, operation: str) -> None:
        self._decide(tuple(code for code, target in self.next_stop.items() if target == "removed"), action, operation)

    def opened(self) -> list[AssemblyRow]:
        return [row for row in self.driver.state.rows(AssemblyRow) if any(row.members)]

    # --- carriers, holds, dispositions, time --------------------------------------------------

    @rule(carrier=st.sampled_from(CARRIERS), picks=st.lists(INDEX, min_size=1, max_size=4), slot=st.integers(0, 8))
    def fill_carrier(self, carrier: str, picks: list[int], slot: int) -> None:
        units = self.pick(picks)
        slots = tuple(range(slot, slot + len(units)))
        self.submit(LoadCarrier(station="TRAY-01", carrier=carrier, units=units, slots=slots))

    @rule(carrier=st.sampled_from(CARRIERS), goal=st.sampled_from(["form", "grade", "join"]))
    def fill_carrier_for(self, carrier: str, goal: str) -> None:
        self.submit(UnloadCarrier(station="TRAY-01", carrier=carrier))
        waiting = [code for code, each in self.next_stop.items() if each == goal]
        units = tuple(code for code in waiting if not self.driver.unit(code).carrier)[:4]
        self.submit(LoadCarrier(station="TRAY-01", carrier=carrier, units=units, slots=tuple(range(len(units)))))

    @rule(picks=st.lists(INDEX, min_size=1, max_size=2))
    def hold_units(self, picks: list[int]) -> None:
        answer = self.submit(PlaceHold(subject=HoldSubject.UNIT, codes=self.pick(picks), reason="doubt"), "QA1")
        if isinstance(answer, Receipt):
            self.held.append(int(answer.routing[0]))

    @rule(pick=INDEX)
    def lift_hold(self, pick: int) -> None:
        number = self.held.pop(pick % len(self.held)) if self.held else 99
        self.submit(ReleaseHold(hold=number, reason="fine", second_person="QA2"), "QA1")

    @rule(
        picks=st.lists(INDEX, min_size=1, max_size=2),
        action=st.sampled_from(DispositionAction),
        operation=st.sampled_from(["assemble", "seal", "form", "grade", "test", "wind"]),
    )
    def disposition(self, picks: list[int], action: DispositionAction, operation: str) -> None:
        self._decide(self.pick(picks), action, operation)

    def _decide(self, units: tuple[str, ...], action: DispositionAction, goal: str) -> None:
        answer = self.submit(Disposition(units=units, action=action, operation=goal, reason="doubt"), "QA1")
        if isinstance(answer, Receipt):
            targets = ("join" if target == "done" else target for target in answer.routing)
            self.next_stop.update(zip(units, targets, strict=True))

    @rule(seconds=st.sampled_from([1, 60, 700, 3600]))
    def wait(self, seconds: int) -> None:
        self.driver.wait(seconds)

    # --- what must always be true -------------------------------------------------------------

    @invariant()
    def lots_balance(self) -> None:
        state = self.driver.state
        loaded: Counter[int] = Counter()
        for loading in state.rows(LoadingRow):
            assert 0 <= loading.reserved <= loading.remaining
            loaded[loading.lot] += loading.remaining
        for lot in state.rows(LotRow):
            assert lot.remaining >= 0
            assert lot.loaded == loaded[lot.id]
            assert lot.quantity == lot.remaining + lot.loaded + self.consumed[lot.id]
            assert (lot.status is LotStatus.OPEN) == bool(lot.station)

    @invariant()
    def no_stretch_stands_at_two_positions(self) -> None:
        by_lot: dict[int, list[tuple[int, int]]] = {}
        for row in self.driver.state.rows(LoadingRow):
            if row.remaining:
                by_lot.setdefault(row.lot, []).append((row.consumed_to, row.consumed_to + row.remaining))
        for stretches in by_lot.values():
            ordered = sorted(stretches)
            assert all(a[1] <= b[0] for a, b in pairwise(ordered))

    @invariant()
    def units_are_in_one_place(self) -> None:
        state = self.driver.state
        running: Counter[str] = Counter()
        for unit in state.rows(UnitRow):
            assert (unit.status in (UnitStatus.RUNNING, UnitStatus.RESERVED)) == bool(unit.station)
            running[unit.station] += unit.status is UnitStatus.RUNNING
            assert (self.stations.get(state.code_of(unit.id), "") == unit.station) or (
                unit.status is UnitStatus.RESERVED
            )
            route = state.get(Route, unit.route)
            assert route is not None
            assert (unit.step == len(route.operations)) <= (unit.status is not UnitStatus.WAITING)
            for tried, operation in zip(unit.attempts, route.operations, strict=True):
                assert tried <= operation.not_good.limit + 1
        running["COAT-01"] = len(self.open_lots)
        for station in self.driver.plant.stations.values():
            assert state.counter(running_counter(station.code)) == running[station.code] <= station.capacity_count
        assert state.counter(open_counter("COAT-01")) == sum(map(len, self.open_lots))

    @invariant()
    def members_have_one_parent(self) -> None:
        state = self.driver.state
        inside: Counter[int] = Counter()
        for assembly in state.rows(AssemblyRow):
            inside.update(number for number in assembly.members if number)
            for number in filter(None, assembly.members):
                unit = state.get(UnitRow, number)
                assert unit is not None
                assert unit.parent == assembly.id
        assert not inside or max(inside.values()) == 1
        open_rows = Counter(row.unit for row in state.rows(MemberRow) if not row.to_us)
        assert not open_rows or max(open_rows.values()) == 1
        for unit in state.rows(UnitRow):
            assert (unit.status is UnitStatus.ASSEMBLED) == (unit.id in open_rows)

    @invariant()
    def no_two_are_in_a_slot_and_no_unit_in_two_at_any_time(self) -> None:
        by_unit: dict[int, list[tuple[int, int]]] = {}
        by_slot: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for row in self.driver.state.rows(MemberRow):
            interval = (row.from_us, row.to_us or 2**62)
            by_unit.setdefault(row.unit, []).append(interval)
            by_slot.setdefault((row.parent, row.slot), []).append(interval)
        for intervals in (*by_unit.values(), *by_slot.values()):
            ordered = sorted(intervals)
            assert all(a[0] < a[1] <= b[0] for a, b in pairwise(ordered))

    @invariant()
    def carriers_and_units_agree(self) -> None:
        state = self.driver.state
        stated = {(unit.carrier, unit.slot): unit.id for unit in state.rows(UnitRow) if unit.carrier}
        found = {
            (row.code, slot): number
            for row in state.rows(CarrierRow)
            for slot, number in enumerate(row.slots)
            if number
        }
        assert stated == found

    @invariant()
    def runs_never_overlap(self) -> None:
        by_kind: dict[tuple[str, int], list[tuple[int, int]]] = {}
        for run in self.driver.state.rows(LoadRun):
            assert run.start <= run.end
            by_kind.setdefault((run.kind, run.layer), []).append((run.a, run.b))
        for runs in by_kind.values():
            ordered = sorted(runs)
            assert all(a[1] < b[0] for a, b in pairwise(ordered))

    def teardown(self) -> None:
        if not hasattr(self, "driver"):
            return
        facts_alone = replay(self.driver.plant, self.driver.envelopes)
        assert rows_of(facts_alone) == rows_of(self.driver.state)
        wanted = sum(fact_units(envelope.fact) for envelope in self.driver.envelopes)
        kept = sum(run.b - run.a + 1 for run in facts_alone.rows(LoadRun))
        assert wanted == kept, "an interval was lost or doubled"


def fact_units(fact: object) -> int:
    return sum(len(part.units) for part in fact.parts) if isinstance(fact, OperationCompleted) else 0


PlantMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=50)
TestPlant = PlantMachine.TestCase
