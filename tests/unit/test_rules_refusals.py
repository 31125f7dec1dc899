"""Every refusal code is provoked, lists every reason, writes one fact and changes nothing."""

import re
from pathlib import Path

import msgspec
import pytest

from cellwright.model.answers import Reason, Refusal, RefusalCode
from cellwright.model.commands import (
    CheckOut,
    Consumed,
    Disposition,
    DispositionAction,
    HoldSubject,
    LoadCarrier,
    LoadMaterial,
    PlaceHold,
    ReceiveLot,
    ReleaseHold,
    UnloadCarrier,
)
from cellwright.model.facts import Refused
from cellwright.rules.apply import apply
from cellwright.rules.reasons import refuse
from cellwright.rules.state import CounterRow, State
from cellwright.testing.flow import Driver, replay, results, rows_of
from cellwright.testing.golden import refusal_lines
from cellwright.testing.provocation import Provocation
from cellwright.testing.provocations import GATE_ONLY, PROVOCATIONS

ROOT = Path(__file__).parents[2]


def refusal(answer: object) -> Refusal:
    assert isinstance(answer, Refusal), answer
    return answer


def counted(answer: object) -> dict[str, int]:
    codes = [str(each.code) for each in refusal(answer).reasons]
    return {code: codes.count(code) for code in codes}


def test_every_code_is_provoked_or_exempt() -> None:
    provoked = {story.code for story in PROVOCATIONS}
    assert provoked | GATE_ONLY == set(RefusalCode)
    assert not provoked & GATE_ONLY


@pytest.mark.parametrize("story", PROVOCATIONS, ids=lambda story: f"{story.code}: {story.name}")
def test_story_is_refused_with_its_code_and_changes_nothing(story: Provocation) -> None:
    driver = Driver()
    answer = refusal(story.run(driver))
    assert story.code in answer.codes
    (fact,) = driver.last_facts
    assert isinstance(fact, Refused)
    assert fact.reasons == answer.reasons
    assert driver.last_rows == []
    assert all(each.text and len(each.text) < 300 for each in answer.reasons)


@pytest.mark.parametrize("story", PROVOCATIONS, ids=lambda story: story.name)
def test_state_after_a_refusal_is_the_state_without_it(story: Provocation) -> None:
    driver = Driver()
    story.run(driver)
    assert explained(replay(driver.plant, driver.envelopes[:-1])) == explained(driver.state)


def explained(state: State) -> dict[str, object]:
    """Return a state's rows without serial counters: one story plants such a counter, which no fact explains."""
    rows: dict[str, object] = dict(rows_of(state))
    counters = {row.name: row.value for row in state.rows(CounterRow) if not row.name.startswith("serial/")}
    return {**rows, "CounterRow": counters}


def test_answers_equal_the_golden_ones() -> None:
    golden = (ROOT / "tests" / "golden" / "refusals" / "answers.jsonl").read_bytes().splitlines()
    lines = refusal_lines()
    assert [msgspec.json.decode(line) for line in lines] == [msgspec.json.decode(line) for line in golden]


def test_every_code_is_documented_with_meaning_cause_and_cure() -> None:
    text = (ROOT / "docs" / "reference" / "refusals.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_]+)` \| (.+?) \| (.+?) \| (.+?) \|$", text, flags=re.MULTILINE)
    assert sorted(row[0] for row in rows) == sorted(RefusalCode)
    assert all(len(cell) > 5 for row in rows for cell in row)


def test_unreadable_command_is_refused_without_a_type() -> None:
    decision = refuse(None, [Reason(RefusalCode.PAYLOAD_MALFORMED, "no JSON")], excerpt="{")
    (fact,) = decision.facts
    assert fact == Refused(command="", reasons=decision.answer.reasons, station="", excerpt="{")  # type: ignore[union-attr]
    envelope = Driver().envelopes[0]
    assert apply(Driver().state, msgspec.structs.replace(envelope, fact=fact)) == []


# --- all reasons at once ------------------------------------------------------------------------


def test_check_in_lists_faults_of_clock_station_recipe_material_and_units() -> None:
    driver = Driver()
    driver.supply()
    early, past, held = driver.wind(1), driver.sealed(1), driver.wind(1)
    driver.must(PlaceHold(subject=HoldSubject.UNIT, codes=held, reason="dropped"))
    driver.unload("ASM-01", "can")
    driver.check_in("ASM-02", units=early)
    driver.wait(3 * 3600)
    ask = driver.ask("ASM-01", units=(*early, *past, *held, *held, "?", "X" * 24), recipe_digest="no")
    assert counted(driver.submit(ask, time_us=0)) == {
        "clock_skewed": 1,
        "unit_repeated": 1,
        "code_malformed": 2,
        "unit_claimed": 1,
        "unit_past": 1,
        "unit_held": 1,
        "queue_time_exceeded": 2,
        "recipe_mismatch": 1,
        "material_missing": 1,
    }


def test_check_in_lists_every_fault_of_every_position() -> None:
    driver = Driver()
    driver.supply(cells=1)
    driver.must(PlaceHold(subject=HoldSubject.LOT, codes=("SEP-1", "WEB-000002"), reason="doubt"))
    driver.wait(49 * 3600)
    assert counted(driver.submit(driver.ask("WIND-01", count=21))) == {
        "station_full": 1,
        "lot_held": 2,
        "lot_expired": 1,
        "exposure_exceeded": 1,
        "lot_exhausted": 2,
    }


def test_members_are_refused_each_with_its_own_faults() -> None:
    driver = Driver()
    driver.supply()
    good = driver.graded(1)
    waiting, scrapped = driver.wind(1), driver.wind(1)
    driver.must(Disposition(units=scrapped, action=DispositionAction.SCRAP, reason="dent"))
    driver.must(PlaceHold(subject=HoldSubject.UNIT, codes=good, reason="doubt"))
    running = driver.check_in("WIND-01", count=1).units
    cells = (*good, *waiting, *scrapped, *running)
    assert counted(driver.submit(driver.ask("MOD-01", units=(*cells, "?")))) == {
        "code_malformed": 1,
        "unit_held": 1,
        "member_wrong": 3,
        "unit_early": 1,
        "unit_scrapped": 1,
        "unit_claimed": 1,
    }


def test_cells_reserved_for_one_module_are_refused_to_another() -> None:
    driver = Driver()
    driver.supply()
    cells = driver.graded(4)
    driver.check_in("MOD-01", units=cells)
    codes = counted(driver.submit(driver.ask("MOD-01", units=cells)))
    assert codes == {"station_full": 1, "unit_claimed": 4}


def test_check_out_lists_columns_and_consumption_together() -> None:
    driver = Driver()
    driver.supply()
    units = driver.check_in("WIND-01", count=2).units
    consumed = Consumed(
        positions=("cathode", "cathode", "separator", "anode"),
        outputs=(0, 1, 5, 0),
        starts=(0, 900, 0, 0),
        ends=(900, 10**9, 1000, 1),
        lanes=(0, 0, 9999, 0),
    )
    report = CheckOut(
        station="WIND-01",
        units=units,
        verdicts=(True,),
        results=results(overhang_mm=[1.0], width_mm=[1.0, 2.0]) + results(width_mm=[1.0, 2.0]),
        consumed=consumed,
    )
    assert counted(driver.submit(report)) == {
        "page_mismatch": 3,
        "position_unknown": 1,
        "interval_invalid": 2,
        "lot_exhausted": 1,
    }


def test_check_out_of_lots_lists_lots_quantities_and_intervals_together() -> None:
    driver = Driver()
    driver.supply()
    lots = driver.check_in("COAT-01", count=2).lots
    consumed = Consumed(
        positions=("foil", "primer"),
        outputs=(0, 1),
        starts=(0, 0),
        ends=(10, 10),
        output_starts=(0, 0),
        output_ends=(10, 20),
    )
    report = CheckOut(
        station="COAT-01",
        lots=(lots[0], lots[0], "NO-1"),
        quantities=(10, -1),
        consumed=consumed,
    )
    assert counted(driver.submit(report)) == {
        "lot_repeated": 1,
        "lot_not_claimed": 1,
        "page_mismatch": 1,
        "count_invalid": 1,
        "interval_invalid": 2,
        "material_missing": 1,
    }


def test_loading_lists_faults_of_position_and_lot_together() -> None:
    driver = Driver()
    driver.supply()
    driver.receive("OLD-1", "separator", 10, certificate_sha256="", expires_us=driver.now_us - 1)
    driver.must(PlaceHold(subject=HoldSubject.LOT, codes=("OLD-1",), reason="doubt"))
    load = LoadMaterial(station="ASM-01", position="can", lot="OLD-1", quantity=11)
    assert counted(driver.submit(load)) == {
        "position_occupied": 1,
        "lot_unreleased": 1,
        "lot_held": 1,
        "lot_expired": 1,
        "material_wrong": 1,
        "lot_exhausted": 1,
    }
    load = LoadMaterial(station="ASM-99", position="can", lot="NO-1", quantity=1)
    assert counted(driver.submit(load)) == {"station_unknown": 1, "lot_unknown": 1}


def test_receiving_lists_material_code_and_quantity_together() -> None:
    driver = Driver()
    assert counted(driver.submit(ReceiveLot(lot="", material="?", quantity=0))) == {
        "material_unknown": 1,
        "count_invalid": 1,
    }
    assert counted(driver.submit(ReceiveLot(lot="A", material="can", quantity=2**53 + 1))) == {"count_invalid": 1}


def test_carrier_loading_lists_carrier_slots_and_units_together() -> None:
    driver = Driver()
    driver.supply()
    first, second = driver.wind(2)
    driver.tray((first,), "TRAY-1")
    running = driver.check_in("WIND-01", count=1).units
    load = LoadCarrier(
        station="NO-01",
        carrier="TRAY-1",
        units=(first, second, *running, "?"),
        slots=(0, 9, 9),
    )
    assert counted(driver.submit(load)) == {
        "station_unknown": 1,
        "code_malformed": 1,
        "slot_taken": 1,
        "slot_invalid": 2,
        "unit_in_process": 1,
        "page_mismatch": 1,
        "carrier_wrong": 1,
    }


def test_carrier_unloading_lists_wrong_units_and_busy_ones() -> None:
    driver = Driver()
    driver.supply()
    inside, outside = driver.sealed(2)
    driver.tray((inside,))
    driver.wait(900)
    driver.check_in("FORM-01", carrier="TRAY-1")
    unload = UnloadCarrier(station="NO-01", carrier="TRAY-1", units=(inside, outside))
    assert counted(driver.submit(unload)) == {"station_unknown": 1, "carrier_wrong": 1, "unit_in_process": 1}


def test_lifting_a_hold_lists_number_reason_signature_and_people_together() -> None:
    driver = Driver()
    lift = ReleaseHold(hold=9, reason="", second_person="EVE")
    assert counted(driver.submit(lift, actor="EVE")) == {
        "hold_unknown": 1,
        "signature_missing": 1,
        "disposition_invalid": 1,
        "person_unknown": 2,
    }
    driver.person("QA2", "quality")
    lift = ReleaseHold(hold=9, reason="fine", second_person="QA2")
    assert counted(driver.submit(lift, actor="")) == {"hold_unknown": 1, "signature_missing": 1}
