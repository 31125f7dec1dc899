"""What the gate loads before it decides is enough: on a sparse state every story ends the same as on the full one."""

import pytest

from cellwright.model.answers import Answer
from cellwright.model.commands import (
    CloseOrder,
    Command,
    Disposition,
    DispositionAction,
    HoldSubject,
    PlaceHold,
    RecordCalibration,
    ReleaseHold,
    ReleaseOrder,
    UnloadCarrier,
    UnloadMaterial,
)
from cellwright.model.ids import UnitBlock
from cellwright.model.routes import Route
from cellwright.rules.dated import GivenCodeRow, InstallationRow, OrderRow, ShipmentRow
from cellwright.rules.job_rows import CallRow, JobRow
from cellwright.rules.needs import Needs, add_needs, empty_needs
from cellwright.rules.sample_rows import SampleStandRow
from cellwright.rules.state import (
    AssemblyRow,
    CalibrationRow,
    CarrierRow,
    CounterRow,
    HoldRow,
    LoadingRow,
    LoadRun,
    LotPartRow,
    LotRow,
    MemberRow,
    PersonRow,
    QualificationRow,
    Row,
    State,
    ToolRow,
    UnitRow,
)
from cellwright.testing.flow import Driver, results, rows_of
from cellwright.testing.provocation import Provocation
from cellwright.testing.provocations import PROVOCATIONS

WHOLE: tuple[type[Row], ...] = (
    Route,
    CounterRow,
    UnitBlock,
    LoadingRow,
    ToolRow,
    CalibrationRow,
    SampleStandRow,
    PersonRow,
    QualificationRow,
)


class SparseDriver(Driver):
    """Decides every command on a state that holds only what `add_needs` asks for."""

    def submit(self, command: Command, *, actor: str = "tester", time_us: int | None = None) -> Answer:
        stored = self.state
        self.state = sparse(stored, command)
        answer = super().submit(command, actor=actor, time_us=time_us)
        for changes in self.state.take_changes().values():
            stored.load(now for _, now in changes)
        self.state = stored
        return answer


def sparse(stored: State, command: Command) -> State:
    state = State(stored.plant)
    for kind in WHOLE:
        state.load(stored.rows(kind))
    state.load(row for row in stored.rows(JobRow) if not row.ended_us)
    for loading in stored.rows(LoadingRow):
        run = stored.get(LoadRun, (loading.position, loading.run_layer, loading.run_a))
        lot = stored.get(LotRow, loading.lot)
        state.load(each for each in (run, lot) if each is not None)
    for _ in range(5):
        needs = empty_needs()
        add_needs(needs, state, command)
        if not needs:
            break
        state.load(row for row in wanted(stored, needs.units, UnitRow))
        state.load(row for row in wanted(stored, needs.lots, LotRow))
        state.load(row for row in stored.rows(LotRow) if row.code in needs.lot_codes)
        state.load(row for row in wanted(stored, needs.carriers, CarrierRow))
        state.load(row for row in wanted(stored, needs.assemblies, AssemblyRow))
        state.load(row for row in stored.rows(MemberRow) if row.unit in needs.memberships)
        rows = stored.rows(InstallationRow)
        state.load(row for row in rows if row.pack in needs.installations or row.vehicle in needs.vehicles)
        state.load(row for row in stored.rows(ShipmentRow) if row.unit in needs.shipments)
        state.load(row for row in wanted(stored, needs.given_codes, GivenCodeRow))
        state.load(row for row in wanted(stored, needs.holds, HoldRow))
        state.load(row for row in wanted(stored, needs.orders, OrderRow))
        state.load(row for row in wanted(stored, needs.jobs, JobRow))
        state.load(row for row in wanted(stored, needs.calls, CallRow))
        _load_corrected(state, stored, needs)
    return state


def _load_corrected(state: State, stored: State, needs: Needs) -> None:
    runs, parts = list(stored.rows(LoadRun)), list(stored.rows(LotPartRow))
    state.load(run for run in runs if run.lot in needs.uses)
    state.load(part for part in parts if part.parent in needs.uses)
    for kind, layer, first, last in needs.runs:
        state.load(run for run in runs if (run.kind, run.layer) == (kind, layer) and run.a <= last and run.b >= first)
    lots = set(needs.made_of)
    while new := {part.parent for part in parts if part.child in lots} - lots:
        lots |= new
    state.load(part for part in parts if part.child in lots)


def wanted(stored: State, keys: set[int] | set[str], kind: type[Row]) -> list[Row]:
    rows = (stored.get(kind, key) for key in keys)
    return [row for row in rows if row is not None]


@pytest.mark.parametrize("story", PROVOCATIONS, ids=lambda story: story.name)
def test_stories_end_the_same(story: Provocation) -> None:
    full, thin = Driver(), SparseDriver()
    assert story.run(thin) == story.run(full)
    assert rows_of(thin.state) == rows_of(full.state)


def a_long_day(driver: Driver) -> None:
    driver.supply()
    driver.person("QA1", "quality")
    driver.person("QA2", "quality", qualification="hv_work")
    module, _ = driver.module()
    driver.check_in("TEST-01", units=(module,), person="QA2")
    driver.check_out("TEST-01", units=(module,), results=results(voltage_v=[1.0]))
    driver.must(Disposition(units=(module,), action=DispositionAction.SCRAP, reason="dead"))
    units = driver.sealed(4)
    driver.tray(units)
    driver.must(PlaceHold(subject=HoldSubject.UNIT, codes=units[:2], reason="doubt"))
    driver.must(PlaceHold(subject=HoldSubject.LOT, codes=("KIT-1", "CAN-1"), reason="doubt"))
    for hold in (1, 2):
        driver.must(ReleaseHold(hold=hold, reason="fine", second_person="QA2"), actor="QA1")
    driver.must(UnloadCarrier(station="TRAY-01", carrier="TRAY-1", units=units[:1]))
    driver.must(UnloadMaterial(station="ASM-01", position="can"))
    driver.wait(900)
    driver.check_in("FORM-01", carrier="TRAY-1")
    driver.check_out("FORM-01", carrier="TRAY-1", verdicts=(True, False, True))
    driver.must(RecordCalibration(station="GRADE-01", valid_until_us=driver.now_us))
    driver.must(ReleaseOrder(order="WO-1", product="cell", quantity=5))
    driver.must(CloseOrder(order="WO-1", reason="enough"))


def test_a_long_day_ends_the_same() -> None:
    full, thin = Driver(), SparseDriver()
    a_long_day(full)
    a_long_day(thin)
    assert thin.envelopes == full.envelopes
    assert rows_of(thin.state) == rows_of(full.state)


def test_what_a_command_names_in_vain_is_asked_for_and_nothing_else() -> None:
    driver = Driver()
    needs = empty_needs()
    assert not needs
    add_needs(needs, driver.state, ReleaseHold(hold=7, reason="", second_person=""))
    add_needs(needs, driver.state, UnloadMaterial(station="ASM-01", position="can"))
    add_needs(needs, driver.state, UnloadCarrier(station="TRAY-01", carrier="TRAY-1", units=("?",)))
    assert (needs.holds, needs.carriers, needs.units, needs.lots) == ({7}, {"TRAY-1"}, set(), set())
    assert needs
