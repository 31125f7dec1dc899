"""People, tools, calibrations and the release of the plant's files."""

from cellwright.model.answers import Refusal
from cellwright.model.commands import AddPerson, DisablePerson, RecordCalibration, ReleasePlant, ReplaceTool
from cellwright.model.facts import RouteReleased
from cellwright.model.routes import Route
from cellwright.rules.state import CalibrationRow, PersonRow, ToolRow
from cellwright.testing.flow import Driver, results
from cellwright.testing.plants import route_texts, small_plant


def codes(answer: object) -> frozenset[str]:
    assert isinstance(answer, Refusal), answer
    return answer.codes


def test_unchanged_files_release_nothing_new() -> None:
    driver = Driver()
    driver.must(ReleasePlant(plant="TST1", routes=route_texts(driver.plant)))
    assert driver.last_facts == ()


def test_a_changed_route_becomes_the_next_revision_with_a_new_number() -> None:
    driver = Driver()
    text = route_texts(small_plant())[1].replace("Test the module", "Test it")
    driver.must(ReleasePlant(plant="TST1", routes=(text,)))
    (fact,) = driver.last_facts
    assert isinstance(fact, RouteReleased)
    assert (fact.route.id, fact.route.key, fact.route.revision) == (3, 3, 2)
    newest = driver.state.newest_route("module")
    assert newest == fact.route
    driver.state.load([row for row in driver.state.rows(Route) if row.id == 2])
    assert driver.state.newest_route("module") == fact.route


def test_a_route_named_twice_is_refused() -> None:
    texts = route_texts(small_plant())
    answer = Driver().submit(ReleasePlant(plant="TST1", routes=(*texts, texts[0])))
    assert codes(answer) == {"payload_malformed"}


def test_roles_may_change_and_a_disabled_person_comes_back_only_by_being_added() -> None:
    driver = Driver()
    driver.person("EVE", "quality")
    driver.must(DisablePerson(person="EVE"))
    assert driver.state.get(PersonRow, "EVE") == PersonRow("EVE", ("quality",), disabled=True)
    driver.person("EVE", "operator", "auditor")
    assert driver.state.get(PersonRow, "EVE") == PersonRow("EVE", ("operator", "auditor"))


def test_a_person_needs_a_badge_and_a_role() -> None:
    driver = Driver()
    assert codes(driver.submit(AddPerson(person="", roles=("operator",)))) == {"person_unknown"}
    assert codes(driver.submit(AddPerson(person="EVE", roles=()))) == {"person_unknown"}


def test_a_tool_wears_by_a_use_per_unit_until_it_is_replaced() -> None:
    driver = Driver()
    driver.supply()
    driver.wind(3)
    driver.wind(2)
    assert driver.state.get(ToolRow, ("WIND-01", "cutter")) == ToolRow("WIND-01", "cutter", 5)
    driver.must(ReplaceTool(station="WIND-01", tool="cutter"))
    assert driver.state.get(ToolRow, ("WIND-01", "cutter")) == ToolRow("WIND-01", "cutter", 0)
    assert codes(driver.submit(ReplaceTool(station="NO-01", tool="cutter"))) == {"station_unknown"}


def test_calibration_is_valid_to_its_last_microsecond() -> None:
    driver = Driver()
    driver.supply()
    driver.tray(driver.sealed(1))
    driver.wait(900)
    driver.check_in("FORM-01", carrier="TRAY-1")
    driver.check_out("FORM-01", carrier="TRAY-1")
    driver.must(RecordCalibration(station="GRADE-01", valid_until_us=driver.now_us, certificate_sha256="e" * 64))
    assert driver.state.get(CalibrationRow, "GRADE-01") == CalibrationRow("GRADE-01", driver.now_us, "e" * 64)
    driver.now_us += 1
    assert codes(driver.submit(driver.ask("GRADE-01", carrier="TRAY-1"))) == {"calibration_expired"}
    driver.now_us -= 1
    assert driver.check_in("GRADE-01", carrier="TRAY-1").operation == "grade"
    assert codes(driver.submit(RecordCalibration(station="NO-01", valid_until_us=0))) == {"station_unknown"}


def test_qualification_is_tested_at_the_moment_of_asking() -> None:
    driver = Driver()
    driver.supply()
    module, _ = driver.module()
    driver.person("EVE", qualification="hv_work")
    driver.wait(366 * 86400)
    assert codes(driver.submit(driver.ask("TEST-01", units=(module,), person="EVE"))) == {"qualification_missing"}
    driver.person("EVE", qualification="hv_work")
    assert driver.work("TEST-01", (module,), person="EVE", results=results(voltage_v=[13.0])).routing == ("done",)
