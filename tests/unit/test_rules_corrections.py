import math
from typing import Any

import pytest
from msgspec import structs

from cellwright.model.answers import Answer, Refusal
from cellwright.model.commands import CheckOut, RecordCalibration
from cellwright.model.corrections import Correction, CorrectionReleased
from cellwright.model.facts import OperationCompleted
from cellwright.model.routes import Operation
from cellwright.rules.correction_rows import CorrectionRow
from cellwright.rules.corrections import corrected_column, heat_of
from cellwright.testing.flow import Driver, RefusedError, results
from cellwright.testing.stories_corrections import CHAMBERS, CHANNELS, CORRECTION, RELEASE, correcting_plant, signers

DCIR = Correction(characteristic="dcir_ohm", corrected="dcir_fair_ohm", temperature="chamber_c", arrhenius_k=2000.0)


def grading(driver: Driver) -> Operation:
    (found,) = (each for each in driver.plant.routes["cell"].operations if each.code == "grade")
    return found


def graded(driver: Driver, **columns: list[float | None]) -> OperationCompleted:
    """Grade a tray with these results; returns the fact."""
    driver.graded(len(columns["capacity_ah"]), results=results(**columns))
    return next(fact for fact in driver.last_facts if isinstance(fact, OperationCompleted))


def column(fact: OperationCompleted, code: str) -> tuple[float | None, ...]:
    return next(result.values for result in fact.results if result.characteristic == code)


def like(*values: float | None) -> Any:
    """Return values to compare with: equal but for the last digits."""
    return tuple(None if value is None else pytest.approx(value) for value in values)


def supplied(correction: Correction = CORRECTION) -> Driver:
    driver = Driver(correcting_plant(correction))
    driver.supply()
    return signers(driver)


# --- the value --------------------------------------------------------------------------------------


def test_resistance_follows_arrhenius_to_the_reference_temperature() -> None:
    values, errors = corrected_column(DCIR, {"dcir_ohm": [0.012, 0.012], "chamber_c": [25.0, 24.0]}, None)
    assert values == like(0.012, 0.012 * math.exp(-2000 * (1 / 297.15 - 1 / 298.15)))
    assert errors == (0.0, 0.0)
    assert heat_of(DCIR, 24.0) == pytest.approx(0.0226, abs=1e-4)


def test_error_of_temperature_grows_with_what_it_takes_away() -> None:
    unsure = structs.replace(DCIR, temperature_error_ratio=0.1)
    _, errors = corrected_column(unsure, {"dcir_ohm": [0.012, 0.012], "chamber_c": [25.0, 20.0]}, None)
    assert errors == like(0.0, 0.1 * heat_of(DCIR, 20.0))


@pytest.mark.parametrize(
    "columns",
    [
        {"capacity_ah": [6.2], "chamber_no": [0.0], "channel_no": [1.0]},
        {"capacity_ah": [6.2], "chamber_c": [None], "chamber_no": [0.0], "channel_no": [1.0]},
        {"capacity_ah": [6.2], "chamber_c": [25.0], "chamber_no": [0.0]},
        {"capacity_ah": [6.2], "chamber_c": [25.0], "chamber_no": [0.0], "channel_no": [1.5]},
        {"capacity_ah": [6.2], "chamber_c": [-300.0], "chamber_no": [0.0], "channel_no": [1.0]},
        {"capacity_ah": [None], "chamber_c": [25.0], "chamber_no": [0.0], "channel_no": [1.0]},
        {"capacity_ah": [0.0], "chamber_c": [25.0], "chamber_no": [0.0], "channel_no": [1.0]},
    ],
)
def test_what_is_not_known_is_not_guessed(columns: dict[str, list[float | None]]) -> None:
    assert corrected_column(CORRECTION, columns, (CHAMBERS, CHANNELS)) == ((None,), (None,))


def test_gauges_are_taken_away_and_one_never_seen_counts_as_average_with_their_spread_as_error() -> None:
    columns = {"capacity_ah": [6.0, 6.0], "chamber_c": [25.0, 25.0], "chamber_no": [1.0, 1.0], "channel_no": [2.0, 9.0]}
    values, errors = corrected_column(CORRECTION, columns, (CHAMBERS, CHANNELS))
    assert values == like(6.0 * math.exp(0.01 + 0.02), 6.0 * math.exp(0.01))
    assert errors == like(math.hypot(0.002, 0.004), math.hypot(0.002, 0.03))


def test_before_a_release_temperature_alone_is_taken_away_and_the_error_is_unknown() -> None:
    columns = {"capacity_ah": [6.0], "chamber_c": [23.0], "chamber_no": [1.0], "channel_no": [2.0]}
    values, errors = corrected_column(CORRECTION, columns, None)
    assert values == like(6.0 * math.exp(0.005 * 2))
    assert errors == (None,)


# --- in the plant -----------------------------------------------------------------------------------


def test_corrected_values_stand_beside_the_measured_ones_and_grades_go_by_them() -> None:
    driver = supplied()
    driver.must(RELEASE, actor="QA1")
    fact = graded(
        driver,
        capacity_ah=[6.05, 5.95, 6.05],
        chamber_c=[25.0, 25.0, None],
        chamber_no=[0.0, 1.0, 0.0],
        channel_no=[0.0, 2.0, 0.0],
    )
    assert column(fact, "capacity_ah") == (6.05, 5.95, 6.05)
    assert column(fact, "capacity_fair_ah") == like(6.05 * math.exp(-0.03), 5.95 * math.exp(0.03), None)
    assert fact.grades == ("B", "A", "A"), "the third has no corrected value and goes by the measured one"
    (by,) = fact.corrected
    assert (by.characteristic, by.version) == ("capacity_ah", 1)
    assert by.errors_ratio == like(math.hypot(0.001, 0.004), math.hypot(0.002, 0.004), None)


def test_grades_go_by_measured_values_where_the_files_say_so() -> None:
    driver = supplied(structs.replace(CORRECTION, graded=False))
    driver.must(RELEASE, actor="QA1")
    fact = graded(driver, capacity_ah=[6.05], chamber_c=[25.0], chamber_no=[0.0], channel_no=[0.0])
    assert fact.grades == ("A",)
    assert column(fact, "capacity_fair_ah") == like(6.05 * math.exp(-0.03))


def test_a_page_without_the_characteristic_is_not_corrected() -> None:
    driver = supplied()
    driver.must(RecordCalibration(station="GRADE-01", valid_until_us=driver.now_us + 10**12))
    units = driver.sealed(1)
    driver.tray(units)
    driver.wait(900)
    driver.check_in("FORM-01", carrier="TRAY-1")
    driver.check_out("FORM-01", carrier="TRAY-1")
    driver.check_in("GRADE-01", carrier="TRAY-1")
    driver.check_out("GRADE-01", carrier="TRAY-1")
    fact = next(each for each in driver.last_facts if isinstance(each, OperationCompleted))
    assert (fact.results, fact.corrected, fact.defects) == ((), (), ("capacity_ah:not_measured",))


def test_a_station_may_not_report_what_the_plant_works_out() -> None:
    driver = supplied()
    with pytest.raises(AssertionError, match="capacity_fair_ah is worked out here from capacity_ah"):
        graded(driver, capacity_ah=[6.0], capacity_fair_ah=[6.0])


def test_the_newest_version_counts_and_old_ones_stay() -> None:
    driver = supplied()
    driver.must(RELEASE, actor="QA1")
    driver.must(
        structs.replace(RELEASE, effects=(CHAMBERS, structs.replace(CHANNELS, offsets_ratio=(0.0, 0.0, 0.0)))),
        actor="QA1",
    )
    assert [row.version for row in driver.state.rows(CorrectionRow)] == [1, 2]
    fact = graded(driver, capacity_ah=[6.0], chamber_c=[25.0], chamber_no=[0.0], channel_no=[0.0])
    assert fact.corrected[0].version == 2
    assert column(fact, "capacity_fair_ah") == like(6.0 * math.exp(-0.01))


def test_effects_of_another_station_or_characteristic_do_not_count() -> None:
    driver = supplied()
    driver.must(RELEASE, actor="QA1")
    row = next(iter(driver.state.rows(CorrectionRow)))
    driver.state.load([structs.replace(row, id=7, station="GRADE-02", version=5)])
    fact = graded(driver, capacity_ah=[6.0], chamber_c=[25.0], chamber_no=[0.0], channel_no=[0.0])
    assert fact.corrected[0].version == 1


# --- releasing --------------------------------------------------------------------------------------


def texts(answer: Answer) -> str:
    assert isinstance(answer, Refusal)
    return " ".join(f"{each.code}: {each.text}" for each in answer.reasons)


def test_a_release_keeps_what_it_was_estimated_from() -> None:
    driver = supplied()
    driver.must(RELEASE, actor="QA1")
    (fact,) = driver.last_facts
    assert isinstance(fact, CorrectionReleased)
    assert (fact.window, fact.shares, fact.reason) == (RELEASE.window, RELEASE.shares, RELEASE.reason)
    assert fact.second_person == "QA2"


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"station": "NOWHERE"}, "station_unknown"),
        ({"operation": "form"}, "operation_unknown"),
        ({"characteristic": "dcir_ohm"}, "dcir_ohm of grade is not corrected"),
        ({"effects": (CHAMBERS, CHAMBERS)}, "expected those of chamber_no, channel_no"),
        ({"effects": (CHAMBERS, structs.replace(CHANNELS, counts=(1, 2)))}, "one offset, error and count for each"),
        ({"effects": (CHAMBERS, structs.replace(CHANNELS, levels=(1, 1, 2)))}, "a level stands twice"),
        ({"effects": (CHAMBERS, structs.replace(CHANNELS, offsets_ratio=(0.0, 0.0, 0.6)))}, "repair that gauge"),
        ({"effects": (CHAMBERS, structs.replace(CHANNELS, spread_ratio=-1.0))}, "standard errors are 0 or more"),
        ({"effects": (CHAMBERS, structs.replace(CHANNELS, counts=(1, -2, 3)))}, "counts are 0 or more"),
    ],
)
def test_a_release_that_makes_no_sense_is_refused_with_a_reason(changed: dict[str, object], text: str) -> None:
    assert text in texts(supplied().submit(structs.replace(RELEASE, **changed), actor="QA1"))


@pytest.mark.parametrize(
    ("actor", "second_person", "text"),
    [
        ("QA1", "", "signature_missing: a correction is put in force by two different people"),
        ("QA1", "QA1", "signature_missing"),
        ("QA1", "B-1", "person_unknown: person 'B-1' is not known here with the role quality or process"),
        ("nobody", "QA2", "person_unknown: person 'nobody'"),
    ],
)
def test_nobody_releases_alone(actor: str, second_person: str, text: str) -> None:
    driver = supplied()
    driver.person("B-1", "operator", "maintenance")
    assert text in texts(driver.submit(structs.replace(RELEASE, second_person=second_person), actor=actor))
    assert not list(driver.state.rows(CorrectionRow))


def test_a_check_out_of_the_tiny_plant_is_as_it_was() -> None:
    driver = Driver()
    driver.supply()
    driver.graded(1)
    fact = next(each for each in driver.last_facts if isinstance(each, OperationCompleted))
    assert [result.characteristic for result in fact.results] == ["capacity_ah"]
    assert not fact.corrected
    assert not grading(driver).corrections
    assert CheckOut(station="GRADE-01").results == ()


# --- re-mapping scans -------------------------------------------------------------------------------


def scanning(driver: Driver) -> Driver:
    """The tiny plant whose grading tells the slot of each cell as its channel."""
    routes = {
        code: structs.replace(
            draft,
            operations=tuple(
                structs.replace(each, slot="channel_no") if each.code == "grade" else each for each in draft.operations
            ),
        )
        for code, draft in driver.plant.routes.items()
    }
    driver.adopt(structs.replace(driver.plant, routes=routes))
    return driver


def test_a_cell_found_in_another_slot_than_it_was_loaded_into_is_refused_and_named() -> None:
    driver = scanning(supplied())
    with pytest.raises(RefusedError) as refused:
        graded(driver, capacity_ah=[6.2, 6.2, 6.2], channel_no=[0.0, 2.0, 1.0])
    text = str(refused.value)
    assert "was found in slot 2 of TRAY-1, the record has it in slot 1; scan the carrier again" in text
    assert text.count("carrier_wrong") == 2
    assert "in slot 0" not in text


def test_slots_as_loaded_and_slots_not_told_are_taken() -> None:
    assert graded(scanning(supplied()), capacity_ah=[6.2, 6.2], channel_no=[0.0, None]).grades == ("A", "A")
    assert graded(scanning(supplied()), capacity_ah=[6.2, 6.2]).grades == ("A", "A")
    assert graded(supplied(), capacity_ah=[6.2, 6.2], channel_no=[1.0, 0.0]).grades == ("A", "A")
