"""The fold: what it does with facts that no story tells, and with a state that lacks rows."""

import pytest
from msgspec import structs

from cellwright.model.facts import Disassembled, Envelope, LotReleased
from cellwright.model.ids import UnitBlock, UnitKind
from cellwright.rules.apply import apply
from cellwright.rules.folding import MissingRowError
from cellwright.rules.state import AssemblyRow, CounterRow, LotRow, MemberRow, State, UnitRow, UnitStatus
from cellwright.testing.flow import Driver, replay, rows_of
from cellwright.testing.golden import sample_envelopes
from cellwright.testing.plants import small_plant


def test_a_fact_about_an_unknown_row_is_an_error_not_a_guess() -> None:
    driver = Driver()
    envelope = structs.replace(driver.envelopes[0], fact=LotReleased(lot=7, certificate_sha256=""))
    with pytest.raises(MissingRowError, match="LotRow 7"):
        apply(driver.state, envelope)


def test_a_cell_taken_out_of_its_module_waits_for_a_disposition_and_its_past_is_kept() -> None:
    driver = Driver()
    driver.supply()
    module, cells = driver.module()
    parent = driver.unit(module).id
    left = driver.unit(cells[2]).id
    driver.wait(60)
    envelope = structs.replace(
        driver.envelopes[-1], fact=Disassembled(parent=parent, members=(left,)), recorded_us=driver.now_us
    )
    driver.state.absorb(apply(driver.state, envelope))
    row = driver.state.get(UnitRow, left)
    assert row is not None
    assert (row.status, row.parent, row.slot) == (UnitStatus.REMOVED, 0, -1)
    assembly = driver.state.get(AssemblyRow, parent)
    assert assembly is not None
    assert assembly.members[2] == 0
    past = [each for each in driver.state.rows(MemberRow) if each.unit == left]
    assert [(each.parent, each.slot, each.to_us) for each in past] == [(parent, 2, driver.now_us)]


def test_golden_facts_fold_from_the_beginning() -> None:
    """Facts of one type after the other do not make a history, but each has a fold that knows it."""
    state = State(small_plant())
    folded, missing = 0, 0
    for envelope in sample_envelopes().values():
        try:
            folded += bool(apply(state, envelope))
        except MissingRowError:
            missing += 1
    assert folded
    assert missing


def test_replay_gives_the_same_rows_as_living_through_it() -> None:
    driver = Driver()
    driver.supply()
    driver.module()
    assert rows_of(replay(driver.plant, driver.envelopes)) == rows_of(driver.state)


def test_changes_are_taken_once_with_their_first_and_last_version() -> None:
    state = State(small_plant())
    state.load([CounterRow("b", 1)])
    state.absorb([CounterRow("a", 1), CounterRow("a", 2), CounterRow("b", 2)])
    state.absorb([CounterRow("b", 3)])
    assert state.take_changes() == {
        CounterRow: [(None, CounterRow("a", 2)), (CounterRow("b", 1), CounterRow("b", 3))],
    }
    assert state.take_changes() == {}
    assert (state.counter("a"), state.counter("c")) == (2, 0)


def test_codes_of_units_come_from_blocks() -> None:
    state = State(small_plant())
    prefix = "TESTCELL000001G11"
    state.load(
        [UnitBlock(id_from=100 * each, count=5, prefix=f"{prefix[:-1]}{each}", serial_from=1) for each in range(1, 10)]
    )
    assert [state.code_of(unit) for unit in (99, 100, 104, 105, 904)] == [
        "",
        f"{prefix}0000001",
        f"{prefix}0000005",
        "",
        f"{prefix[:-1]}90000005",
    ]
    assert [state.unit_id(prefix, serial) for serial in (0, 1, 5, 6)] == [0, 100, 104, 0]
    assert state.unit_id("other", 1) == 0
    state.load([UnitBlock(id_from=100, count=6, prefix=prefix, serial_from=1)])
    assert state.unit_id(prefix, 6) == 105
    assert state.code_of(105) == f"{prefix}0000006"


def test_rows_are_counted_by_type() -> None:
    driver = Driver()
    driver.supply()
    driver.wind(3)
    assert (driver.state.count(UnitRow), driver.state.count(LotRow)) == (3, 5)
    assert driver.unit(driver.wind(1)[0]).kind is UnitKind.CELL


def test_envelope_of_a_fact_is_version_1() -> None:
    assert {envelope.version for envelope in sample_envelopes().values()} == {1}
    assert isinstance(sample_envelopes()["Held"], Envelope)
