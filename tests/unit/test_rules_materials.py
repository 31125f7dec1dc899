"""Material: received, loaded, reserved, consumed, unloaded; lots made from lots."""

import pytest
from msgspec import structs

from cellwright.model.answers import Receipt, Refusal
from cellwright.model.commands import (
    CheckOut,
    Consumed,
    HoldSubject,
    LoadMaterial,
    PlaceHold,
    ReceiveLot,
    ReleaseHold,
    ReleaseLot,
    UnloadMaterial,
)
from cellwright.model.facts import LotTransformed, OperationCompleted, Taken
from cellwright.model.quantities import Characteristic
from cellwright.rules.genealogy import interval_of
from cellwright.rules.materials import operation_uses
from cellwright.rules.state import LoadingRow, LoadRun, LotPartRow, LotRow, LotStatus
from cellwright.testing.flow import START_US, Driver, results
from cellwright.testing.plants import small_plant, with_operation, with_station


@pytest.fixture
def driver() -> Driver:
    driver = Driver()
    driver.supply()
    return driver


def lot(driver: Driver, code: str) -> LotRow:
    row = driver.state.lot_by_code(code)
    assert row is not None
    return row


def codes(answer: object) -> frozenset[str]:
    assert isinstance(answer, Refusal), answer
    return answer.codes


def foil(start: int, end: int, *lots: tuple[int, int]) -> Consumed:
    """Return what a coater reports: one stretch of foil into the stretches given, one lane each."""
    count = len(lots)
    return Consumed(
        positions=("foil",) * count,
        outputs=tuple(range(count)),
        starts=(start,) * count,
        ends=(end,) * count,
        output_starts=tuple(each[0] for each in lots),
        output_ends=tuple(each[1] for each in lots),
        lanes=tuple(range(1, count + 1)),
    )


def test_lot_without_certificate_waits_for_its_release() -> None:
    driver = Driver()
    driver.receive("CAN-1", "can", 10, certificate_sha256="", expires_us=START_US + 10**9)
    assert lot(driver, "CAN-1").status is LotStatus.UNRELEASED
    assert codes(driver.submit(ReleaseLot(lot="CAN-1", certificate_sha256=""))) == {"lot_unreleased"}
    assert codes(driver.submit(ReleaseLot(lot="NO-1", certificate_sha256="d" * 64))) == {"lot_unknown"}
    driver.must(ReleaseLot(lot="CAN-1", certificate_sha256="d" * 64))
    assert lot(driver, "CAN-1").status is LotStatus.RELEASED
    driver.load("ASM-01", "can", "CAN-1", 10)
    assert (lot(driver, "CAN-1").remaining, lot(driver, "CAN-1").loaded) == (0, 10)


def test_a_lot_ages_by_the_servers_clock_however_wrong_the_senders_was(driver: Driver) -> None:
    assert lot(driver, "SEP-1").made_us == START_US
    driver.must(ReceiveLot(lot="CAN-9", material="can", quantity=10), time_us=START_US + 10**15)
    assert lot(driver, "CAN-9").made_us == START_US


def test_check_in_reserves_and_check_out_books_what_was_really_taken(driver: Driver) -> None:
    before = driver.loading("WIND-01", "cathode")
    units = driver.check_in("WIND-01", count=2).units
    assert driver.loading("WIND-01", "cathode") == structs.replace(before, reserved=1800)
    taken = driver.takes("WIND-01", 2)
    # A leader of 10 mm is lost before the first cell: it is booked too.
    consumed = structs.replace(
        taken, starts=tuple(each + 10 for each in taken.starts), ends=tuple(each + 10 for each in taken.ends)
    )
    driver.check_out("WIND-01", units=units, consumed=consumed)
    after = driver.loading("WIND-01", "cathode")
    assert (after.remaining, after.reserved, after.consumed_to) == (before.remaining - 1810, 0, 1810)
    (fact,) = driver.last_facts
    assert isinstance(fact, OperationCompleted)
    assert fact.taken == (Taken("cathode", 1810), Taken("separator", 2010))


def test_what_others_reserved_is_not_free(driver: Driver) -> None:
    small = Driver()
    small.supply(cells=3)
    small.check_in("WIND-01", count=3)
    answer = small.submit(small.ask("WIND-01", count=2))
    assert codes(answer) == {"lot_exhausted"}
    assert small.check_in("WIND-01", count=1).units
    assert driver.check_in("WIND-01", count=5).units


def test_reservation_never_exceeds_what_is_left(driver: Driver) -> None:
    small = Driver()
    small.supply(cells=1)
    first = small.check_in("WIND-01", count=1).units
    second = small.check_in("WIND-01", count=1).units
    taken = small.takes("WIND-01", 1)
    greedy = structs.replace(taken, ends=tuple(end + 300 for end in taken.ends))
    small.check_out("WIND-01", units=first, consumed=greedy)
    row = small.loading("WIND-01", "cathode")
    assert (row.remaining, row.reserved) == (800, 800)
    rest = structs.replace(small.takes("WIND-01", 1), ends=(1200 + 800, 1300 + 900))
    small.check_out("WIND-01", units=second, consumed=rest)
    assert (small.loading("WIND-01", "cathode").remaining, small.loading("WIND-01", "cathode").reserved) == (0, 0)
    assert driver.loading("WIND-01", "cathode").reserved == 0


def test_the_last_page_leaves_no_reservation_behind_even_if_the_rule_changed(driver: Driver) -> None:
    lots = driver.check_in("COAT-01", count=1).lots
    assert driver.loading("COAT-01", "foil").reserved == 1000
    operation = driver.plant.lot_operations["coat"]
    cheaper = structs.replace(operation, materials=(structs.replace(operation.materials[0], quantity=1),))
    driver.adopt(structs.replace(driver.plant, lot_operations={"coat": cheaper}))
    start = driver.loading("COAT-01", "foil").consumed_to
    driver.check_out("COAT-01", lots=lots, quantities=(10,), consumed=foil(start, start + 10, (0, 10)))
    assert driver.loading("COAT-01", "foil").reserved == 0
    driver.unload("COAT-01", "foil")


def test_unloading_waits_for_units_in_process_even_when_nothing_is_reserved(driver: Driver) -> None:
    driver.receive("PRIMER-1", "primer", 100)
    driver.load("COAT-01", "primer", "PRIMER-1", 100)
    lots = driver.check_in("COAT-01", count=1).lots
    assert driver.loading("COAT-01", "primer").reserved == 0
    assert codes(driver.submit(UnloadMaterial(station="COAT-01", position="primer"))) == {"position_in_use"}
    start = driver.loading("COAT-01", "foil").consumed_to
    driver.check_out("COAT-01", lots=lots, quantities=(10,), consumed=foil(start, start + 10, (0, 10)))
    driver.unload("COAT-01", "primer")
    assert lot(driver, "PRIMER-1").remaining == 100


def test_unloading_at_an_unknown_station_is_refused(driver: Driver) -> None:
    assert codes(driver.submit(UnloadMaterial(station="NO-01", position="can"))) == {"station_unknown"}


def test_a_roll_goes_on_where_it_stopped(driver: Driver) -> None:
    driver.wind(2)
    driver.unload("WIND-01", "separator")
    assert lot(driver, "SEP-1").remaining == 21 * 1100 - 2000
    driver.load("WIND-01", "separator", "SEP-1", 5000)
    assert driver.loading("WIND-01", "separator") == LoadingRow(
        "WIND-01", "separator", lot=lot(driver, "SEP-1").id, remaining=5000, consumed_to=2000
    )


def test_no_stretch_of_a_lot_is_given_out_twice(driver: Driver) -> None:
    """Cans 0-99, 100-199 and 200-299 stand at three stations; what the first gives back is not counted again."""
    driver.work("ASM-01", driver.wind(1))
    driver.unload("ASM-01", "can")
    assert (lot(driver, "CAN-1").remaining, lot(driver, "CAN-1").cursor) == (799, 300)
    driver.load("ASM-01", "can", "CAN-1", 50)
    assert driver.loading("ASM-01", "can").consumed_to == 300
    driver.unload("ASM-01", "can")
    assert lot(driver, "CAN-1").cursor == 300


def test_a_lot_at_two_positions_is_drawn_from_once_each() -> None:
    driver = Driver()
    wind = driver.plant.routes["cell"].operations[0]
    both = tuple(structs.replace(use, material="separator", exposure_max_s=None) for use in wind.materials)
    driver.adopt(with_operation(driver.plant, structs.replace(wind, materials=both)))
    driver.receive("SEP-1", "separator", 10_000)
    driver.load("WIND-01", "cathode", "SEP-1", 4000)
    driver.load("WIND-01", "separator", "SEP-1", 5000)
    assert driver.loading("WIND-01", "separator").consumed_to == 4000
    driver.wind(2)
    row = lot(driver, "SEP-1")
    assert (row.remaining, row.loaded) == (1000, 9000 - 1800 - 2000)
    driver.unload("WIND-01", "cathode")
    assert (lot(driver, "SEP-1").remaining, lot(driver, "SEP-1").cursor) == (1000 + 2200, 9000)


def test_lots_made_carry_quantity_parts_lanes_and_expiry(driver: Driver) -> None:
    driver.receive("PRIMER-1", "primer", 100)
    driver.load("COAT-01", "primer", "PRIMER-1", 100)
    lots = driver.check_in("COAT-01", count=2).lots
    start = driver.loading("COAT-01", "foil").consumed_to
    both = foil(start, start + 500, (0, 490), (0, 480))
    primer = {"positions": "primer", "outputs": 0, "starts": 0, "ends": 50, "output_starts": 0, "output_ends": 490}
    consumed = Consumed(
        **{name: (*getattr(both, name), value) for name, value in {**primer, "lanes": 0}.items()},
        reversed=(True, False, False),
    )
    receipt = driver.check_out(
        "COAT-01",
        lots=lots,
        quantities=(490, 480),
        results=results(areal_weight_gsm=[200.0, 250.0]),
        consumed=consumed,
    )
    assert receipt == Receipt(routing=("done", "hold"))
    (fact,) = driver.last_facts
    assert isinstance(fact, LotTransformed)
    assert fact.defects == ("", "areal_weight_gsm:high")
    first, second = (lot(driver, code) for code in lots)
    assert (first.status, first.remaining, first.expires_us) == (
        LotStatus.RELEASED,
        490,
        driver.now_us + 48 * 3600 * 10**6,
    )
    assert second.status is LotStatus.REJECTED
    rows = [row for row in driver.state.rows(LotPartRow) if row.child in (first.id, second.id)]
    assert [(row.child == first.id, row.number, row.lane, row.reversed, row.tolerance) for row in rows] == [
        (True, 1, 1, True, 70),
        (False, 1, 2, False, 70),
        (True, 2, 0, False, 0),
    ]


def test_a_rejected_lot_is_neither_loaded_nor_released(driver: Driver) -> None:
    lots = driver.check_in("COAT-01", count=1).lots
    start = driver.loading("COAT-01", "foil").consumed_to
    consumed = foil(start, start + 10, (0, 10))
    driver.check_out("COAT-01", lots=lots, quantities=(10,), verdicts=(False,), defects=("torn",), consumed=consumed)
    driver.unload("WIND-01", "cathode")
    answer = driver.submit(LoadMaterial(station="WIND-01", position="cathode", lot=lots[0], quantity=10))
    assert codes(answer) == {"lot_unreleased"}
    assert isinstance(answer, Refusal)
    assert "load another" in answer.reasons[0].text
    assert codes(driver.submit(ReleaseLot(lot=lots[0], certificate_sha256="d" * 64))) == {"lot_unreleased"}


def test_an_open_lot_is_not_loaded(driver: Driver) -> None:
    lots = driver.check_in("COAT-01", count=1).lots
    driver.unload("WIND-01", "cathode")
    answer = driver.submit(LoadMaterial(station="WIND-01", position="cathode", lot=lots[0], quantity=1))
    assert codes(answer) == {"lot_unreleased", "lot_exhausted"}


def test_lot_operation_must_say_where_on_the_child_each_stretch_lies(driver: Driver) -> None:
    lots = driver.check_in("COAT-01", count=1).lots
    start = driver.loading("COAT-01", "foil").consumed_to
    consumed = structs.replace(foil(start, start + 10, (0, 10)), output_starts=(), output_ends=())
    report = CheckOut(station="COAT-01", lots=lots, quantities=(10,), consumed=consumed)
    assert codes(driver.submit(report)) == {"page_mismatch"}


def test_pieces_of_one_lot_do_not_overlap_lanes_do(driver: Driver) -> None:
    lots = driver.check_in("COAT-01", count=1).lots
    start = driver.loading("COAT-01", "foil").consumed_to
    pieces = Consumed(
        positions=("foil", "foil"),
        outputs=(0, 0),
        starts=(start, start + 100),
        ends=(start + 300, start + 500),
        output_starts=(0, 300),
        output_ends=(300, 700),
    )
    report = CheckOut(station="COAT-01", lots=lots, quantities=(700,), consumed=pieces)
    assert codes(driver.submit(report)) == {"interval_invalid"}
    apart = structs.replace(pieces, starts=(start, start + 400))
    driver.check_out(
        "COAT-01", lots=lots, quantities=(700,), consumed=structs.replace(apart, ends=(start + 300, start + 800))
    )


def test_two_stretches_for_one_unit_are_refused(driver: Driver) -> None:
    units = driver.check_in("WIND-01", count=1).units
    taken = driver.takes("WIND-01", 1)
    consumed = Consumed(
        positions=(*taken.positions, "cathode"),
        outputs=(0, 0, 0),
        starts=(*taken.starts, 900),
        ends=(*taken.ends, 950),
    )
    assert codes(driver.submit(CheckOut(station="WIND-01", units=units, consumed=consumed))) == {"interval_invalid"}


def test_what_was_passed_cannot_be_taken_later(driver: Driver) -> None:
    driver.wind(2)
    units = driver.check_in("WIND-01", count=1).units
    taken = driver.takes("WIND-01", 1)
    consumed = structs.replace(taken, starts=(0, 0), ends=(900, 1000))
    assert codes(driver.submit(CheckOut(station="WIND-01", units=units, consumed=consumed))) == {"interval_invalid"}


def test_counter_within_its_tolerance_is_taken_though_the_reel_is_nominally_at_its_end() -> None:
    driver = Driver()
    driver.supply(cells=1)
    driver.wind(1)
    units = driver.check_in("WIND-01", count=1).units
    consumed = Consumed(positions=("cathode", "separator"), outputs=(0, 0), starts=(900, 1000), ends=(2070, 2200))
    driver.check_out("WIND-01", units=units, consumed=consumed)
    assert driver.loading("WIND-01", "cathode").remaining == 0
    assert lot(driver, "WEB-000002").loaded == 0


def test_a_held_lot_blocks_until_released(driver: Driver) -> None:
    driver.person("QA1", "quality")
    driver.person("QA2", "quality")
    driver.must(PlaceHold(subject=HoldSubject.LOT, codes=("SEP-1",), reason="doubt"))
    assert codes(driver.submit(driver.ask("WIND-01", count=1))) == {"lot_held"}
    driver.must(ReleaseHold(hold=1, reason="fine", second_person="QA2"), actor="QA1")
    assert driver.wind(1)


def test_material_of_a_changed_rule_is_wrong_where_it_stands(driver: Driver) -> None:
    uses = operation_uses(driver.plant, "coat")
    other = structs.replace(uses[0], material="separator")
    coat = structs.replace(driver.plant.lot_operations["coat"], materials=(other,))
    driver.adopt(structs.replace(driver.plant, lot_operations={"coat": coat}))
    assert codes(driver.submit(driver.ask("COAT-01", count=1))) == {"material_wrong"}


def test_operation_that_no_file_names_uses_nothing() -> None:
    assert operation_uses(small_plant(), "painting") == ()


def test_lot_of_another_operation_of_the_station_is_not_reported(driver: Driver) -> None:
    other = structs.replace(driver.plant.lot_operations["coat"], code="coat_other", output_material="primer")
    station = structs.replace(driver.plant.stations["COAT-01"], operations=("coat", "coat_other"), capacity_count=2)
    recipe = structs.replace(driver.plant.recipes["coat"], operation="coat_other")
    plant = structs.replace(
        driver.plant,
        lot_operations={**driver.plant.lot_operations, "coat_other": other},
        stations={**driver.plant.stations, "COAT-01": station},
        recipes={**driver.plant.recipes, "coat_other": recipe},
    )
    driver.adopt(plant)
    webs = driver.check_in("COAT-01", operation="coat", count=1).lots
    primers = driver.check_in("COAT-01", operation="coat_other", count=1).lots
    start = driver.loading("COAT-01", "foil").consumed_to
    consumed = foil(start, start + 10, (0, 10))
    report = CheckOut(station="COAT-01", operation="coat", lots=primers, quantities=(10,), consumed=consumed)
    assert codes(driver.submit(report)) == {"lot_not_claimed", "page_mismatch", "interval_invalid"}
    driver.must(structs.replace(report, lots=webs))
    assert driver.loading("COAT-01", "foil").reserved == 1000
    driver.must(
        structs.replace(report, operation="coat_other", lots=primers, consumed=foil(start + 10, start + 20, (0, 10)))
    )
    assert driver.loading("COAT-01", "foil").reserved == 0


def test_lot_without_shelf_life_and_with_missing_required_value() -> None:
    driver = Driver()
    coat = driver.plant.lot_operations["coat"]
    strict = structs.replace(coat, characteristics=(Characteristic(code="width_mm", unit="mm", lower=1.0),))
    web = structs.replace(driver.plant.materials["web"], shelf_life_s=None)
    driver.adopt(
        structs.replace(driver.plant, lot_operations={"coat": strict}, materials={**driver.plant.materials, "web": web})
    )
    driver.receive("FOIL-1", "foil", 5000)
    driver.load("COAT-01", "foil", "FOIL-1", 5000)
    lots = driver.check_in("COAT-01", count=1).lots
    receipt = driver.check_out("COAT-01", lots=lots, quantities=(10,), consumed=foil(0, 10, (0, 10)))
    assert receipt.routing == ("hold",)
    assert lot(driver, lots[0]).expires_us == 0


def test_cells_of_even_pitch_are_one_run_and_a_new_reel_begins_another(driver: Driver) -> None:
    driver.wind(5)
    driver.wind(5)
    lots = driver.coat(10_000)
    driver.unload("WIND-01", "cathode")
    driver.load("WIND-01", "cathode", lots[0], 10_000)
    cells = driver.wind(2)
    runs = sorted((row for row in driver.state.rows(LoadRun) if row.kind == "cathode"), key=lambda row: row.a)
    assert [(row.b - row.a + 1, row.start, row.end) for row in runs] == [(10, 0, 9000), (2, 0, 1800)]
    assert interval_of(runs[1], driver.unit(cells[1]).id) == (900, 1800)
    assert runs[0].tolerance == 70


def test_a_repetition_is_a_layer_of_its_own_and_spares_the_first(driver: Driver) -> None:
    units = driver.wind(3)
    driver.work("ASM-01", units[:2])
    driver.work("SEAL-01", units[:1], results=results(leak_pamin=[9.0]))
    # One page: the third cell for the first time, the first cell again.
    driver.work("ASM-01", (units[2], units[0]))
    runs = {row.key: (row.b - row.a + 1, row.start, row.end) for row in driver.state.rows(LoadRun) if row.kind == "can"}
    first = driver.unit(units[0]).id
    assert runs == {("can", 0, first): (3, 0, 3), ("can", 1, first): (1, 3, 4)}


def test_expiry_and_exposure_allow_their_last_moment(driver: Driver) -> None:
    driver.wait(24 * 3600)
    assert driver.wind(1)
    expires_us = driver.now_us + 5
    driver.receive("CAN-7", "can", 10, expires_us=expires_us)
    driver.unload("ASM-01", "can")
    driver.now_us = expires_us
    driver.load("ASM-01", "can", "CAN-7", 10)


def test_loading_nothing_is_refused(driver: Driver) -> None:
    driver.unload("ASM-01", "can")
    answer = driver.submit(LoadMaterial(station="ASM-01", position="can", lot="CAN-1", quantity=0))
    assert codes(answer) == {"lot_exhausted"}


def test_counters_may_overlap_within_their_tolerance(driver: Driver) -> None:
    driver.wind(1)
    units = driver.check_in("WIND-01", count=2).units
    taken = driver.takes("WIND-01", 2)
    # The reel's counter lags 70 mm behind where the last cell ended, and 70 mm between the two cells.
    starts = (taken.starts[0] - 70, taken.ends[0] - 70, *taken.starts[2:])
    late = structs.replace(taken, starts=starts)
    farther = structs.replace(late, starts=(starts[0] - 1, starts[1] - 1, *starts[2:]))
    answer = driver.submit(CheckOut(station="WIND-01", units=units, consumed=farther))
    assert isinstance(answer, Refusal)
    assert [str(each.code) for each in answer.reasons] == ["interval_invalid", "interval_invalid"]
    driver.check_out("WIND-01", units=units, consumed=late)


def test_a_stretch_from_before_to_the_end_is_invalid_not_exhausted() -> None:
    driver = Driver()
    driver.supply(cells=1)
    driver.wind(1)
    units = driver.check_in("WIND-01", count=1).units
    taken = driver.takes("WIND-01", 1)
    consumed = structs.replace(taken, starts=(0, 1000), ends=(2050, 2000))
    assert codes(driver.submit(CheckOut(station="WIND-01", units=units, consumed=consumed))) == {"interval_invalid"}


def test_two_runs_are_reported_one_by_one(driver: Driver) -> None:
    station = structs.replace(driver.plant.stations["COAT-01"], capacity_count=2)
    driver.adopt(with_station(driver.plant, station))
    first = driver.check_in("COAT-01", count=2).lots
    second = driver.check_in("COAT-01", count=1).lots
    start = driver.loading("COAT-01", "foil").consumed_to
    together = foil(start, start + 10, (0, 10), (0, 10), (0, 10))
    report = CheckOut(station="COAT-01", lots=(*first, *second), quantities=(10,) * 3, consumed=together)
    assert codes(driver.submit(report)) == {"page_mismatch"}
    driver.check_out("COAT-01", lots=first, quantities=(10,) * 2, consumed=foil(start, start + 10, (0, 10), (0, 10)))
    driver.check_out("COAT-01", lots=second, quantities=(10,), consumed=foil(start + 10, start + 20, (0, 10)))


def test_a_report_that_names_no_lots_is_refused(driver: Driver) -> None:
    driver.check_in("COAT-01", count=1)
    assert codes(driver.submit(CheckOut(station="COAT-01"))) == {"lot_not_claimed"}
