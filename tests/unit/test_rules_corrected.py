"""Corrections: what is believed afterwards, what was believed before, and what stock follows."""

from random import Random
from typing import Any

import pytest
from msgspec import UNSET, structs

from cellwright.model.answers import Receipt, Refusal
from cellwright.model.commands import Command, HoldSubject, PlaceHold, PlaceRecall, ReleaseHold
from cellwright.model.correction_facts import RunsCorrected
from cellwright.rules.corrected import RecordCorrectionRow, SupersededPart, SupersededRun
from cellwright.rules.genealogy import interval_of
from cellwright.rules.slices import Target, moved, rest_of, slice_of, slices_between
from cellwright.rules.state import LoadRun, LotPartRow, LotRow
from cellwright.testing.flow import Driver, replay, rows_of
from cellwright.testing.stories_correct import cans, coated, parts, signers, wrong_cans


@pytest.fixture
def driver() -> Driver:
    return Driver()


def correct(driver: Driver, command: Command) -> Receipt:
    answer = driver.must(command, actor="QA1")
    assert isinstance(answer, Receipt)
    assert rows_of(replay(driver.plant, driver.envelopes)) == rows_of(driver.state)
    return answer


def taken(driver: Driver, position: str = "can", layer: int = 0) -> dict[int, tuple[str, int, int]]:
    """What each unit took at a position by the record: lot, start and end."""
    codes = {row.id: row.code for row in driver.state.rows(LotRow)}
    return {
        unit: (codes[run.lot], *interval_of(run, unit))
        for run in driver.state.rows(LoadRun)
        if (run.kind, run.layer) == (position, layer)
        for unit in range(run.a, run.b + 1)
    }


def lot(driver: Driver, code: str) -> LotRow:
    found = driver.state.lot_by_code(code)
    assert found is not None
    return found


def stock(driver: Driver, code: str) -> tuple[int, int]:
    row = lot(driver, code)
    return row.remaining, row.cursor


def ids(driver: Driver, units: tuple[str, ...]) -> list[int]:
    return [driver.unit(unit).id for unit in units]


def test_a_part_of_a_run_moves_to_another_lot(driver: Driver) -> None:
    units = wrong_cans(driver)
    numbers, before = ids(driver, units), taken(driver)
    driver.wait(86_400)
    answer = correct(driver, cans(units, firsts=units[2:3], lasts=units[3:4], starts=(7,)))
    assert answer == Receipt(routing=("1",))
    after = taken(driver)
    assert [after[each] for each in numbers[2:4]] == [("CAN-2", 7, 8), ("CAN-2", 8, 9)]
    assert all(after[each] == before[each] for each in (*numbers[:2], *numbers[4:]))
    assert [
        (run.a, run.b, run.correction)
        for run in sorted(driver.state.rows(LoadRun), key=lambda run: run.a)
        if run.kind == "can"
    ] == [
        (numbers[0], numbers[1], 0),
        (numbers[2], numbers[3], 1),
        (numbers[4], numbers[5], 0),
    ]
    (old,) = driver.state.rows(SupersededRun)
    assert (old.a, old.b, old.start, old.end, old.superseded_by, old.correction) == (*numbers[2:4], 2, 4, 1, 0)
    (note,) = driver.state.rows(RecordCorrectionRow)
    assert (note.corrected_by, note.second_person, note.corrected_us) == ("QA1", "QA2", driver.now_us)
    (fact,) = driver.last_facts
    assert isinstance(fact, RunsCorrected)
    assert [(each.was_lot, each.was_start, each.was_end) for each in fact.runs] == [(lot(driver, "CAN-1").id, 2, 4)]


def test_a_correction_is_corrected_and_taken_back(driver: Driver) -> None:
    units = wrong_cans(driver)
    before = taken(driver)
    back = cans(units, recorded=("CAN-2",), lots=("CAN-1",), starts=(0,))
    correct(driver, cans(units))
    assert stock(driver, "CAN-2") == (44, 6)
    correct(driver, back)
    assert (taken(driver), stock(driver, "CAN-2")) == (before, (50, 0))
    correct(driver, cans(units))
    correct(driver, cans(units, recorded=("CAN-2",), lots=("CAN-2",), starts=(20,)))
    assert stock(driver, "CAN-2") == (24, 26)
    correct(driver, back)
    assert (taken(driver), stock(driver, "CAN-2")) == (before, (30, 20)), "what nobody is known to have taken is lost"
    chain = [(1, 0), (2, 1), (3, 2), (4, 3), (5, 4)]
    assert [(row.superseded_by, row.correction) for row in driver.state.rows(SupersededRun)] == chain


def test_two_boxes_mistaken_for_each_other_are_corrected_together(driver: Driver) -> None:
    signers(driver)
    driver.supply(cells=30)
    driver.receive("CAN-2", "can", 4)
    driver.unload("ASM-01", "can")
    driver.receive("CAN-3", "can", 4)
    made = []
    for code in ("CAN-2", "CAN-3"):
        driver.load("ASM-01", "can", code, 4)
        made.append(driver.wind(4))
        driver.work("ASM-01", made[-1])
        driver.unload("ASM-01", "can")
    early, late = made
    alone = driver.submit(cans(early, recorded=("CAN-2",), lots=("CAN-3",)), actor="QA1")
    assert isinstance(alone, Refusal)
    assert alone.codes == {"stretch_taken"}
    both: dict[str, Any] = {
        "firsts": (early[0], late[0]),
        "lasts": (early[-1], late[-1]),
        "recorded": ("CAN-2", "CAN-3"),
        "lots": ("CAN-3", "CAN-2"),
        "starts": (0, 0),
    }
    correct(driver, cans(early, **both))
    after = taken(driver)
    assert {after[each][0] for each in ids(driver, early)} == {"CAN-3"}
    assert {after[each][0] for each in ids(driver, late)} == {"CAN-2"}
    assert stock(driver, "CAN-2") == stock(driver, "CAN-3") == (0, 4)


def test_only_a_lots_end_returns_to_stock_and_only_while_none_is_mounted(driver: Driver) -> None:
    signers(driver)
    driver.receive("FOIL-1", "foil", 100_000)
    driver.load("COAT-01", "foil", "FOIL-1", 100_000)
    driver.load("WIND-01", "cathode", driver.coat(12_000)[0], 12_000)
    driver.receive("SEP-1", "separator", 20_000)
    driver.receive("SEP-2", "separator", 30_000)
    driver.load("WIND-01", "separator", "SEP-1", 20_000)
    units = driver.wind(10)
    order: dict[str, Any] = {"position": "separator", "recorded": ("SEP-1",), "lots": ("SEP-2",)}
    head, tail = units[:3], units[7:]
    correct(driver, cans(units, firsts=head[:1], lasts=head[-1:], starts=(0,), **order))
    assert (stock(driver, "SEP-1"), stock(driver, "SEP-2")) == ((0, 20_000), (27_000, 3000))
    driver.unload("WIND-01", "separator")
    assert stock(driver, "SEP-1") == (10_000, 10_000)
    correct(driver, cans(units, firsts=tail[:1], lasts=tail[-1:], starts=(5000,), **order))
    assert (stock(driver, "SEP-1"), stock(driver, "SEP-2")) == ((13_000, 7000), (22_000, 8000))
    driver.load("WIND-01", "separator", "SEP-2", 22_000)
    assert driver.loading("WIND-01", "separator").consumed_to == 8000


def test_a_run_that_is_still_growing_is_closed_and_the_next_opens_a_new_one(driver: Driver) -> None:
    signers(driver)
    driver.supply(cells=30)
    units = driver.wind(3)
    driver.receive("SEP-2", "separator", 30_000)
    command = cans(units, position="separator", recorded=("SEP-1",), lots=("SEP-2",), starts=(100,))
    correct(driver, command)
    later = driver.wind(2)
    found = taken(driver, "separator")
    assert [found[each] for each in ids(driver, units)] == [
        ("SEP-2", 100 + k * 1000, 1100 + k * 1000) for k in range(3)
    ]
    assert [found[each] for each in ids(driver, later)] == [("SEP-1", 3000, 4000), ("SEP-1", 4000, 5000)]


def test_a_counter_that_was_off_shifts_and_one_that_ran_fast_stretches(driver: Driver) -> None:
    signers(driver)
    driver.supply(cells=30)
    units = driver.wind(8)
    driver.unload("WIND-01", "separator")
    order: dict[str, Any] = {"position": "separator", "recorded": ("SEP-1",), "lots": ("SEP-1",)}
    correct(driver, cans(units, starts=(400,), **order))
    shifted = taken(driver, "separator")
    assert shifted[ids(driver, units)[5]] == ("SEP-1", 5400, 6400)
    correct(driver, cans(units, starts=(400,), ends=(8000,), **order))
    stretched = taken(driver, "separator")
    assert stretched[ids(driver, units)[0]][1:] == (400, 1350)
    assert stretched[ids(driver, units)[7]][1:] == (7050, 8000)


def test_parts_change_lot_lane_and_direction(driver: Driver) -> None:
    webs = coated(driver)
    correct(driver, parts(webs))
    foils = {code: lot(driver, code).id for code in ("FOIL-1", "FOIL-2")}
    assert {part.parent for part in driver.state.rows(LotPartRow)} == {foils["FOIL-2"]}
    assert (stock(driver, "FOIL-1"), stock(driver, "FOIL-2")) == ((50_000, 0), (17_000, 3000))
    swapped = parts(webs, parents=(), lanes=(2, 1), reversed=(True, True), output_starts=(0, 100))
    correct(driver, swapped)
    found = {part.child: (part.lane, part.reversed, part.child_start) for part in driver.state.rows(LotPartRow)}
    assert found == {lot(driver, webs[0]).id: (2, True, 0), lot(driver, webs[1]).id: (1, True, 100)}
    assert [row.superseded_by for row in driver.state.rows(SupersededPart)] == [1, 1, 2, 2]
    assert stock(driver, "FOIL-2") == (17_000, 3000)


def test_holds_stay_and_recalls_are_told(driver: Driver) -> None:
    units = wrong_cans(driver)
    driver.must(PlaceHold(subject=HoldSubject.LOT, codes=("CAN-1",), reason="dent"))
    driver.must(PlaceRecall(recall="RC-2", reason="dent", lots=("CAN-2",)))
    answer = correct(driver, cans(units))
    assert answer.notes is not UNSET
    there, back = answer.notes
    assert "recall RC-2" in there
    assert "lot CAN-1 is on hold" in back
    assert lot(driver, "CAN-1").holds == 1
    driver.must(ReleaseHold(hold=2, reason="fine", second_person="QA2"), actor="QA1")
    again = correct(driver, cans(units, recorded=("CAN-2",), lots=("CAN-1",)))
    assert again.notes == ("lot CAN-1 is on hold; what moved to it is not yet: place a hold if it must stop",)


def test_a_lot_of_unknown_quantity_is_not_reckoned_with(driver: Driver) -> None:
    webs = coated(driver)
    driver.state.load([structs.replace(lot(driver, "FOIL-2"), quantity=0, remaining=0)])
    driver.must(parts(webs), actor="QA1")
    assert stock(driver, "FOIL-2") == (0, 0)


def run_of(count: int, length: int, tolerance: int = 20) -> LoadRun:
    return LoadRun("web", 0, 101, 100 + count, 7, 500, 500 + length, tolerance, 0.0, 1e9, "W", 0, 9)


@pytest.mark.parametrize("seed", range(60))
def test_slices_and_rests_cover_every_unit_once_and_stay_within_their_tolerance(seed: int) -> None:
    random = Random(seed)
    run = run_of(random.randint(1, 40), random.randint(0, 5000))
    first = random.randint(run.a, run.b)
    last = random.randint(first, run.b)
    pieces = [slice_of(run, first, last), *rest_of(run, [(first, last)])]
    assert sorted(unit for piece in pieces for unit in range(piece.a, piece.b + 1)) == list(range(run.a, run.b + 1))
    for piece in pieces:
        for unit in range(piece.a, piece.b + 1):
            pairs = zip(interval_of(run, unit), interval_of(piece, unit), strict=True)
            assert all(abs(old - new) <= piece.tolerance - run.tolerance for old, new in pairs)
    shifted = moved(slices_between([run], first, last), Target(9, 50))
    assert [(each.lot, each.start, each.tolerance) for each in shifted] == [(9, 50, pieces[0].tolerance)]
    assert shifted[0].end - shifted[0].start == pieces[0].end - pieces[0].start
