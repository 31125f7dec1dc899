"""Repair: who leaves and who comes, what goes on from where, and that the past of every slot is kept."""

import pytest

from cellwright.model.answers import Receipt, Refusal
from cellwright.model.commands import (
    Disassemble,
    Disposition,
    DispositionAction,
    HoldSubject,
    PlaceHold,
    ReplaceMember,
    UnloadCarrier,
)
from cellwright.model.facts import Assembled, Disassembled, Dispositioned
from cellwright.rules.dated import Newest, begins_us, ends_us
from cellwright.rules.state import AssemblyRow, CarrierRow, MemberRow, UnitStatus
from cellwright.testing.deep_plant import make_module, tell_story
from cellwright.testing.flow import Driver, replay, results, rows_of
from cellwright.testing.stories_repair import module_and_spares, repair


@pytest.fixture
def driver() -> Driver:
    return Driver()


def mend(driver: Driver, command: ReplaceMember | Disassemble) -> tuple[str, ...]:
    answer = driver.must(command, actor="MEND")
    assert isinstance(answer, Receipt)
    assert rows_of(replay(driver.plant, driver.envelopes)) == rows_of(driver.state)
    return answer.routing


def pass_test(driver: Driver, module: str) -> None:
    driver.person("P-1", qualification="hv_work")
    driver.work("TEST-01", [module], person="P-1", results=results(voltage_v=[13.2]))


def decide(driver: Driver, action: str, *units: str, operation: str = "") -> tuple[str, ...]:
    command = Disposition(units=units, action=DispositionAction(action), operation=operation, reason="looked at")
    answer = driver.must(command)
    assert isinstance(answer, Receipt)
    return answer.routing


def past(driver: Driver, unit: str) -> list[tuple[int, int, bool]]:
    """Where a unit was: parent, slot, and whether it still is there."""
    rows = [row for row in driver.state.rows(MemberRow) if row.unit == driver.unit(unit).id]
    return [(row.parent, row.slot, not row.to_us) for row in sorted(rows, key=lambda row: row.from_us)]


def test_a_finished_cell_takes_the_slot_and_the_old_one_waits_for_a_disposition(driver: Driver) -> None:
    module, cells, spares = module_and_spares(driver)
    driver.wait(60)
    assert mend(driver, repair(module, cells[2], spares[0])) == ("test",)
    assert [type(fact) for fact in driver.last_facts] == [Disassembled, Assembled]
    parent, old, new = map(driver.unit, (module, cells[2], spares[0]))
    assert (parent.status, parent.step) == (UnitStatus.WAITING, 1)
    assert (old.status, old.parent, old.slot) == (UnitStatus.REMOVED, 0, -1)
    assert (new.status, new.parent, new.slot, new.carrier) == (UnitStatus.ASSEMBLED, parent.id, 2, "")
    assembly = driver.state.get(AssemblyRow, parent.id)
    expected = tuple(driver.unit(code).id for code in (*cells[:2], spares[0], cells[3]))
    assert assembly == AssemblyRow(parent.id, expected)
    assert past(driver, cells[2]) == [(parent.id, 2, False)]
    assert past(driver, spares[0]) == [(parent.id, 2, True)]
    tray = driver.state.get(CarrierRow, "TRAY-2")
    assert tray is not None
    assert tray.slots == (0, driver.unit(spares[1]).id), "the new one left its tray"


def test_a_finished_module_is_tested_again(driver: Driver) -> None:
    module, cells, spares = module_and_spares(driver)
    pass_test(driver, module)
    assert driver.unit(module).status is UnitStatus.FINISHED
    refused = driver.submit(repair(module, cells[0], spares[0]), actor="MEND")
    assert isinstance(refused, Refusal)
    assert refused.codes == {"disposition_invalid"}
    assert "test" in refused.reasons[0].text
    assert mend(driver, repair(module, cells[0], spares[0], operation="test")) == ("test",)
    assert isinstance(driver.last_facts[-1], Dispositioned)
    assert driver.unit(module).status is UnitStatus.WAITING
    pass_test(driver, module)
    assert driver.unit(module).status is UnitStatus.FINISHED


def test_it_is_not_tested_more_often_than_its_route_allows(driver: Driver) -> None:
    module, cells, spares = module_and_spares(driver)
    pass_test(driver, module)
    mend(driver, repair(module, cells[0], spares[0], operation="test"))
    pass_test(driver, module)
    answer = driver.submit(repair(module, cells[1], spares[1], operation="test"), actor="MEND")
    assert isinstance(answer, Refusal)
    assert answer.codes == {"retest_limit"}
    answer = driver.submit(repair(module, cells[1], spares[1], operation="join"), actor="MEND")
    assert isinstance(answer, Refusal)
    assert answer.codes == {"disposition_invalid"}


def test_several_members_are_replaced_at_once(driver: Driver) -> None:
    module, cells, spares = module_and_spares(driver)
    command = ReplaceMember(parent=module, members=(cells[3], cells[0]), replacements=spares, reason="leaking")
    mend(driver, command)
    assembly = driver.state.get(AssemblyRow, driver.unit(module).id)
    assert assembly is not None
    expected = (spares[1], cells[1], cells[2], spares[0])
    assert tuple(map(driver.state.code_of, assembly.members)) == expected


def test_what_is_held_is_repaired_and_stays_held(driver: Driver) -> None:
    module, cells, spares = module_and_spares(driver)
    driver.must(PlaceHold(subject=HoldSubject.UNIT, codes=(module, cells[1]), reason="notice"))
    mend(driver, repair(module, cells[1], spares[0]))
    assert (driver.unit(module).holds, driver.unit(cells[1]).holds, driver.unit(spares[0]).holds) == (1, 1, 0)


@pytest.mark.parametrize(
    ("action", "operation", "routing", "status"),
    [
        ("reuse", "", "done", UnitStatus.FINISHED),
        ("rework", "grade", "grade", UnitStatus.WAITING),
        ("scrap", "", "scrap", UnitStatus.SCRAPPED),
    ],
)
def test_a_removed_cell_is_decided_on(
    driver: Driver, action: str, operation: str, routing: str, status: UnitStatus
) -> None:
    module, cells, spares = module_and_spares(driver)
    mend(driver, repair(module, cells[0], spares[0]))
    assert decide(driver, action, cells[0], operation=operation) == (routing,)
    assert driver.unit(cells[0]).status is status
    assert driver.unit(cells[0]).grade == ("" if action == "rework" else "A")


def test_a_cell_that_comes_back_in_the_same_moment_has_a_past_without_overlap(driver: Driver) -> None:
    module, cells, spares = module_and_spares(driver)
    began = driver.now_us
    mend(driver, repair(module, cells[0], spares[0]))
    decide(driver, "reuse", cells[0])
    mend(driver, repair(module, spares[0], cells[0]))
    decide(driver, "reuse", spares[0])
    mend(driver, repair(module, cells[1], spares[0]))
    parent = driver.unit(module).id
    assert driver.now_us == began, "all of it at one time of the plant"
    assert past(driver, cells[0]) == [(parent, 0, False), (parent, 0, True)]
    assert past(driver, spares[0]) == [(parent, 0, False), (parent, 1, True)]
    slot = sorted((row.from_us, row.to_us) for row in driver.state.rows(MemberRow) if row.slot == 0)
    assert all(start < (end or 2**62) for start, end in slot)
    assert [end for _, end in slot[:-1]] == [start for start, _ in slot[1:]]


def test_a_removed_module_is_repaired_before_it_is_decided_on() -> None:
    """It stays removed, unless the repair says from where it goes on."""
    story = tell_story()
    deep, pack, module, cells = story.driver, story.pack, story.modules[0], story.cells
    deep.person("MEND", "maintenance")
    spare = make_module(story, cells[4:8], 4)
    graded = make_module(story, cells[8:12], 5)
    mend(deep, Disassemble(units=(graded,), reason="for its cells"))
    decide(deep, "reuse", *cells[8:10])
    inside = deep.submit(repair(module, cells[0], cells[8]), actor="MEND")
    assert isinstance(inside, Refusal)
    assert inside.codes == {"unit_assembled"}, "a module is not opened inside its pack"
    assert mend(deep, repair(pack, module, spare)) == ("done",), "a pack that nothing tests is finished again"
    mend(deep, repair(module, cells[0], cells[8]))
    assert deep.unit(module).status is UnitStatus.REMOVED
    mend(deep, repair(module, cells[1], cells[9], operation="test"))
    assert deep.unit(module).status is UnitStatus.WAITING
    assert past(deep, cells[0]) == [(deep.unit(module).id, 0, False)]
    assert past(deep, module) == [(deep.unit(pack).id, 0, False)]


def test_a_module_taken_apart_is_scrap_and_its_cells_wait_for_a_disposition(driver: Driver) -> None:
    module, cells, _ = module_and_spares(driver)
    driver.wait(60)
    assert mend(driver, Disassemble(units=(module,), reason="crushed")) == ("scrap",)
    assert [type(fact) for fact in driver.last_facts] == [Disassembled, Dispositioned]
    assert driver.unit(module).status is UnitStatus.SCRAPPED
    assert {driver.unit(code).status for code in cells} == {UnitStatus.REMOVED}
    assert past(driver, cells[3]) == [(driver.unit(module).id, 3, False)]
    decide(driver, "reuse", *cells)
    driver.must(UnloadCarrier(station="TRAY-01", carrier="TRAY-2"))
    driver.tray(cells, "MAG-1")
    second = driver.check_in("MOD-01", carrier="MAG-1").units
    driver.check_out("MOD-01", units=second, consumed=driver.takes("MOD-01", 1))
    assert [parent for parent, _, _ in past(driver, cells[3])] == [driver.unit(module).id, driver.unit(second[0]).id]
    again = driver.submit(Disassemble(units=(module,), reason="crushed"), actor="MEND")
    assert isinstance(again, Refusal)
    assert again.codes == {"unit_scrapped", "member_absent"}


def test_every_reason_is_named_at_once(driver: Driver) -> None:
    module, cells, spares = module_and_spares(driver)
    driver.must(PlaceHold(subject=HoldSubject.UNIT, codes=spares[:1], reason="doubt"))
    command = ReplaceMember(
        parent=module, members=(cells[0], spares[1]), replacements=(spares[0], "?", cells[1]), operation="join"
    )
    answer = driver.submit(command)
    assert isinstance(answer, Refusal)
    assert answer.codes == {
        "disposition_invalid",
        "person_unknown",
        "page_mismatch",
        "code_malformed",
        "member_absent",
        "unit_held",
        "unit_assembled",
    }


def test_intervals_follow_one_another() -> None:
    newest = Newest[int, MemberRow](lambda row: row.unit)
    assert newest.get(7) is newest.open(7) is None
    first = MemberRow(unit=7, from_us=10, parent=1, slot=0)
    newest.put(first)
    assert newest.open(7) == first
    ended = MemberRow(unit=7, from_us=10, parent=1, slot=0, to_us=ends_us(10, first))
    newest.put(ended)
    assert (newest.open(7), newest.get(7), ended.to_us) == (None, ended, 11)
    newest.put(MemberRow(unit=7, from_us=5, parent=1, slot=0, to_us=9))
    assert newest.get(7) == ended
    assert (begins_us(3, ended, None), begins_us(20, ended), begins_us(20)) == (11, 20, 20)
