"""Sample plans: when a sample is due, what waits for it, and what a failed one stops."""

from msgspec import UNSET, structs

from cellwright.model.answers import Admit, Receipt, Refusal
from cellwright.model.commands import CheckOut, ReplaceTool
from cellwright.model.facts import Held, OperationCompleted
from cellwright.model.plant import Plant
from cellwright.model.sample_commands import RecordSample
from cellwright.model.sample_facts import SampleRecorded
from cellwright.rules.sample_rows import SampleRow, SampleStandRow
from cellwright.rules.sampling import Cause, Standing, is_good, standing
from cellwright.testing.flow import Driver, replay, rows_of
from cellwright.testing.stories_samples import PLAN, pulled, sampled_plant


def begun() -> Driver:
    driver = Driver(sampled_plant())
    driver.supply(40)
    return driver


def stand(driver: Driver) -> Standing:
    return standing(PLAN, driver.state.get(SampleStandRow, ("WIND-01", "wind")), driver.now_us)


def codes(answer: object) -> frozenset[str]:
    assert isinstance(answer, Refusal), answer
    return answer.codes


def test_the_first_sample_is_due_at_once_and_a_few_units_may_go_before_it() -> None:
    driver = begun()
    assert stand(driver) == Standing(Cause.FIRST, 0, 2)
    assert driver.check_in("WIND-01", count=2).due == ("wind",)
    answer = driver.submit(driver.ask("WIND-01", count=1))
    assert codes(answer) == {"sample_overdue"}
    assert isinstance(answer, Refusal)
    assert "Pull a tab" in answer.reasons[0].text


def test_after_a_good_sample_the_next_is_due_after_so_many_units() -> None:
    driver = begun()
    driver.must(pulled(80.0, 81.0))
    assert stand(driver) == Standing(None, 0, 6)
    units = driver.check_in("WIND-01", count=3).units
    assert driver.check_out("WIND-01", units=units, consumed=driver.takes("WIND-01", 3)).due is UNSET
    assert stand(driver) == Standing(None, 3, 3)
    units = driver.check_in("WIND-01", count=1).units
    assert driver.check_out("WIND-01", units=units, consumed=driver.takes("WIND-01", 1)).due == ("wind",)
    assert stand(driver) == Standing(Cause.COUNT, 4, 2)
    driver.wind(2)
    assert codes(driver.submit(driver.ask("WIND-01", count=1))) == {"sample_overdue"}
    driver.must(pulled(80.0, 81.0))
    driver.wind(1)


def test_units_in_process_count_before_they_are_reported() -> None:
    driver = begun()
    driver.must(pulled(80.0, 81.0))
    driver.check_in("WIND-01", count=5)
    assert codes(driver.submit(driver.ask("WIND-01", count=2))) >= {"sample_overdue"}
    assert isinstance(driver.submit(driver.ask("WIND-01", count=1)), Admit)


def test_a_new_tool_makes_a_sample_due_and_what_was_made_before_does_not_count() -> None:
    driver = begun()
    driver.must(pulled(80.0, 81.0))
    driver.wind(3)
    driver.must(ReplaceTool(station="WIND-01", tool="cutter"))
    assert stand(driver) == Standing(Cause.TOOL, 3, 2)
    driver.wind(1)
    assert stand(driver) == Standing(Cause.TOOL, 4, 1)
    driver.must(ReplaceTool(station="WIND-01", tool="cutter"))
    assert stand(driver).left_count == 1
    driver.must(pulled(80.0, 81.0))
    assert stand(driver) == Standing(None, 0, 6)


def test_a_tool_that_the_plan_does_not_name_changes_nothing() -> None:
    plan = structs.replace(PLAN, tools=())
    driver = Driver(sampled_plant(plan))
    driver.supply()
    driver.must(pulled(80.0, 81.0))
    driver.must(ReplaceTool(station="WIND-01", tool="cutter"))
    row = driver.state.get(SampleStandRow, ("WIND-01", "wind"))
    assert standing(plan, row, driver.now_us) == Standing(None, 0, 6)


def test_after_a_shift_a_sample_is_due() -> None:
    driver = begun()
    driver.must(pulled(80.0, 81.0))
    driver.wind(1)
    driver.wait(3599)
    assert stand(driver).cause is None
    driver.wait(1)
    assert stand(driver) == Standing(Cause.TIME, 1, 2)
    driver.wind(1)
    assert stand(driver) == Standing(Cause.TIME, 2, 1)


def test_a_failed_sample_holds_what_was_made_since_the_last_good_one_and_stops_the_station() -> None:
    driver = begun()
    before = driver.wind(2)
    driver.must(pulled(80.0, 81.0))
    since = driver.wind(3)
    running = driver.check_in("WIND-01", count=1).units
    answer = driver.must(pulled(80.0, 59.9, units=before[:1]))
    assert isinstance(answer, Receipt)
    assert set(answer.routing) == {"failed", *since, before[0]}
    sample, held = driver.last_facts
    assert isinstance(sample, SampleRecorded)
    assert isinstance(held, Held)
    assert (sample.is_good, sample.hold, held.hold) == (False, 1, 1)
    assert [driver.unit(code).holds for code in (*before, *since)] == [1, 0, 1, 1, 1]
    assert codes(driver.submit(driver.ask("WIND-01", count=1))) == {"sample_failed"}
    out = driver.check_out("WIND-01", units=running, consumed=driver.takes("WIND-01", 1))
    assert out.routing == ("hold",)
    assert driver.unit(running[0]).holds == 1
    driver.must(pulled(80.0, 81.0))
    assert driver.unit(running[0]).holds == 1
    driver.wind(1)


def test_a_failed_sample_of_nothing_holds_nothing() -> None:
    driver = begun()
    answer = driver.must(pulled(80.0, 81.0, modes=("nugget_torn", "interface_parted")))
    assert answer == Receipt(routing=("failed",))
    assert [type(each) for each in driver.last_facts] == [SampleRecorded]
    assert codes(driver.submit(driver.ask("WIND-01", count=1))) == {"sample_failed"}


def test_cells_that_are_in_a_module_are_held_by_their_module() -> None:
    driver = Driver(sampled_plant(structs.replace(PLAN, grace_count=20)))
    driver.supply()
    module, cells = driver.module()
    answer = driver.must(pulled(None, 80.0))
    assert isinstance(answer, Receipt)
    assert answer.routing == ("failed", module)
    assert [driver.unit(code).holds for code in (module, *cells)] == [1, 0, 0, 0, 0]


def test_a_sample_is_as_bad_as_its_worst_piece() -> None:
    assert is_good(PLAN, (60.0, 200.0), ("nugget_torn", "nugget_torn"))
    assert not is_good(PLAN, (60.0, 59.9), ("nugget_torn", "nugget_torn"))
    assert not is_good(PLAN, (60.0, float("nan")), ("nugget_torn", "nugget_torn"))
    assert not is_good(PLAN, (60.0, None), ("nugget_torn", "nugget_torn"))
    assert not is_good(PLAN, (60.0, 80.0), ("nugget_torn", "interface_parted"))


def test_what_says_nothing_is_refused() -> None:
    driver = begun()
    assert codes(driver.submit(RecordSample(station="NO-01", values=(80.0,)))) == {"station_unknown"}
    assert codes(driver.submit(pulled(80.0, 81.0, units=("nothing",)))) == {"code_malformed"}
    assert codes(driver.submit(pulled(80.0, 81.0, modes=()))) == {"sample_invalid"}


def test_a_plant_without_a_plan_counts_nothing_and_the_journal_alone_gives_the_same_rows() -> None:
    plain = Driver()
    plain.supply()
    plain.wind(1)
    assert not any(isinstance(each.fact, OperationCompleted) and each.fact.sampled for each in plain.envelopes)
    assert list(plain.state.rows(SampleStandRow)) == []
    driver = begun()
    driver.wind(2)
    driver.must(pulled(80.0, 20.0))
    driver.must(ReplaceTool(station="WIND-01", tool="cutter"))
    driver.must(pulled(80.0, 90.0))
    assert rows_of(replay(small(driver), driver.envelopes)) == rows_of(driver.state)
    assert [each.is_good for each in driver.state.rows(SampleRow)] == [False, True]


def small(driver: Driver) -> Plant:
    """The plant's files of later, where nobody samples any more: what was, stays."""
    return structs.replace(driver.plant, samples={})


def test_not_good_units_count_too() -> None:
    driver = begun()
    units = driver.check_in("WIND-01", count=2).units
    consumed = driver.takes("WIND-01", 2)
    driver.must(CheckOut(station="WIND-01", units=units, verdicts=(False, True), consumed=consumed))
    assert stand(driver).since_count == 2
