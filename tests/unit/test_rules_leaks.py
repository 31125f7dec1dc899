"""Self-discharge in the gate: K at one temperature and the leak beside what was reported, or unknown and why."""

from typing import Any

import pytest
from msgspec import UNSET, structs

from cellwright.model.commands import RecordCalibration, Result
from cellwright.model.facts import OperationCompleted
from cellwright.model.self_discharge import SelfDischarge
from cellwright.testing.ageing_plant import CAPACITY_AH, RULE, SLOPE_V, aged, ageing_plant
from cellwright.testing.flow import Driver, RefusedError, replay, results, rows_of

COUNT = 4
LEAKS_MA = [0.1, 0.2, 0.4, 0.0]


def like(*values: float | None) -> Any:
    return tuple(None if value is None else pytest.approx(value, abs=1e-9) for value in values)


def k_of(leak_ma: float) -> float:
    return leak_ma / CAPACITY_AH * SLOPE_V


class Aged:
    """A tray that was graded with these results: the fact, the receipt, the units."""

    def __init__(self, told: tuple[Result, ...], rule: SelfDischarge = RULE) -> None:
        self.driver = Driver(ageing_plant(rule))
        self.driver.supply()
        self.driver.must(RecordCalibration(station="GRADE-01", valid_until_us=self.driver.now_us + 10**12))
        self.units = self.driver.sealed(len(told[0].values))
        self.driver.tray(self.units)
        self.driver.wait(900)
        self.driver.check_in("FORM-01", carrier="TRAY-1")
        self.driver.check_out("FORM-01", carrier="TRAY-1")
        self.driver.check_in("GRADE-01", carrier="TRAY-1")
        self.receipt = self.driver.check_out("GRADE-01", carrier="TRAY-1", results=told)
        self.fact = next(each for each in self.driver.last_facts if isinstance(each, OperationCompleted))

    def column(self, code: str) -> tuple[float | None, ...]:
        return next(result.values for result in self.fact.results if result.characteristic == code)


def test_k_at_one_temperature_and_the_leak_stand_beside_what_was_reported_and_grades_go_by_them() -> None:
    tray = Aged(aged(LEAKS_MA))
    assert tray.column("k_mv_per_h") == like(*(k_of(leak) + 0.25 * 2 / 132 for leak in LEAKS_MA))
    assert tray.column("k_fair_mv_per_h") == like(*map(k_of, LEAKS_MA))
    assert tray.column("leak_ma") == like(*LEAKS_MA)
    assert tray.fact.grades == ("A", "A", "B", "A"), "the third leaks more than grade A allows"
    (by,) = tray.fact.corrected
    assert (by.characteristic, by.version, by.doubts) == ("k_mv_per_h", 0, ("",) * COUNT)
    assert by.errors_ratio == (None,) * COUNT
    # Two voltages of 0.05 mV, a thermometer of 0.1 C, and 0.05 mV/C on 2 C.
    error = (2 * 0.05**2 + (0.25 * 0.1) ** 2 + (2 * 0.05) ** 2) ** 0.5 / 132
    assert by.errors_mv_per_h == like(*[error] * COUNT)
    assert tray.receipt.notes is UNSET
    assert rows_of(replay(tray.driver.plant, tray.driver.envelopes)) == rows_of(tray.driver.state)


DOUBTS: dict[str, tuple[dict[str, float | None], str]] = {
    "not_measured": ({"ocv2_v": None}, "a voltage is missing; measure ocv1_v and ocv2_v again"),
    "temperature_unknown": ({"ocv1_c": None}, "report ocv1_c and ocv2_c with the voltages"),
    "time_invalid": ({"between_h": 0.0}, "rest_h or between_h is missing or not above 0"),
    "off_curve": ({"ocv1_v": 3.5}, "ocv1_v is beyond the curve, 3.17 to 3.4 V"),
    "flat": ({"ocv1_v": 3.2504}, "the curve is too flat at ocv1_v to see 0.1 mA"),
    "rest_unequal": ({"rest_h": 12.0}, "more than 5% off 36 h and 132 h"),
}


@pytest.mark.parametrize("doubt", DOUBTS)
def test_what_is_doubtful_is_unknown_never_zero_and_the_answer_says_what_to_do(doubt: str) -> None:
    (changed, text) = DOUBTS[doubt]
    usual = {each.characteristic: each.values for each in aged([0.1] * COUNT)}
    columns = {name: [value, *usual[name][1:]] for name, value in changed.items()}
    tray = Aged(aged([0.1] * COUNT, **columns))
    (by,) = tray.fact.corrected
    assert by.doubts == (doubt, "", "", "")
    for column in (tray.column("k_fair_mv_per_h"), tray.column("leak_ma"), by.errors_mv_per_h):
        assert column[0] is None
        assert None not in column[1:]
    assert tray.fact.grades == ("B", "A", "A", "A"), "the reported K of the first says nothing of its leak"
    assert tray.receipt.notes is not UNSET
    (note,) = tray.receipt.notes
    assert note.startswith(f"k_fair_mv_per_h of 1 of 4 units is unknown ({tray.units[0]}): ")
    assert text in note


def test_a_tray_that_rested_otherwise_is_unknown_as_a_whole_and_named_in_part() -> None:
    tray = Aged(aged([0.1] * 8, between_h=[100.0] * 8))
    assert tray.column("k_fair_mv_per_h") == (None,) * 8
    assert tray.receipt.notes is not UNSET
    (note,) = tray.receipt.notes
    assert "of 8 of 8 units" in note
    assert note.count(tray.units[0][:10]) == 5
    assert ", ..." not in note
    assert " ...)" in note


def test_each_doubt_gets_a_note_of_its_own() -> None:
    tray = Aged(aged([0.1] * 3, rest_h=[None, 12.0, 36.0], ocv2_v=[3.2, 3.2, float("inf")]))
    assert tray.fact.corrected[0].doubts == ("time_invalid", "rest_unequal", "not_measured")
    assert tray.receipt.notes is not UNSET
    assert len(tray.receipt.notes) == 3


def test_without_entropy_warmer_cells_are_unknown() -> None:
    tray = Aged(aged([0.1, 0.1], ocv2_c=[24.0, 26.0]), structs.replace(RULE, entropy_mv_per_c=None))
    assert tray.fact.corrected[0].doubts == ("", "entropy_unknown")
    assert tray.receipt.notes is not UNSET
    assert "entropy_mv_per_c is not in the plant's files" in tray.receipt.notes[0]


def test_a_column_that_is_not_reported_is_unknown_for_all() -> None:
    told = tuple(each for each in aged([0.1] * COUNT) if each.characteristic != "ocv1_c")
    assert Aged(told).fact.corrected[0].doubts == ("temperature_unknown",) * COUNT


def test_the_capacity_of_each_cell_counts_where_it_is_told() -> None:
    tray = Aged(aged([0.1] * 2, capacity_ah=[6.2, None]), structs.replace(RULE, capacity="capacity_ah"))
    assert tray.column("leak_ma") == like(0.1 * 6.2 / CAPACITY_AH, 0.1)


def test_grades_go_by_the_reported_k_where_the_files_say_so() -> None:
    tray = Aged(aged([0.1], rest_h=[1.0]), structs.replace(RULE, graded=False))
    assert tray.fact.grades == ("A",)


def test_a_station_that_measures_no_voltages_reports_as_before() -> None:
    tray = Aged(results(capacity_ah=[6.2]))
    assert [each.characteristic for each in tray.fact.results] == ["capacity_ah"]
    assert (tray.fact.corrected, tray.receipt.notes) == ((), UNSET)


@pytest.mark.parametrize("name", ["k_fair_mv_per_h", "leak_ma"])
def test_a_station_may_not_report_what_the_plant_works_out(name: str) -> None:
    with pytest.raises(RefusedError, match=f"{name} is worked out here from ocv1_v and ocv2_v"):
        Aged(aged([0.1], **{name: [0.1]}))
