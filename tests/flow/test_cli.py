"""Verbs that ask, started as a person starts them, on a database that a real gate filled."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cellwright.model.commands import HoldSubject, PlaceHold, ReleaseHold
from cellwright.plant.config import find_plant, load_plant
from cellwright.testing.database import Databases
from cellwright.testing.replay import RecordingDriver, through_gate


def tell() -> RecordingDriver:
    driver = RecordingDriver()
    driver.supply()
    driver.person("P-1", "quality")
    driver.person("P-2", "quality")
    driver.person("P-3", "operator")
    units = driver.wind(8)
    driver.must(PlaceHold(subject=HoldSubject.UNIT, codes=units[:7], reason="dropped"), actor="P-3")
    driver.must(PlaceHold(subject=HoldSubject.LOT, codes=("SEP-1",), reason="odour"), actor="P-1")
    driver.must(ReleaseHold(hold=2, reason="fine", second_person="P-2"), actor="P-1")
    driver.submit(driver.ask("WIND-99", count=1))
    return driver


@pytest.fixture(scope="module")
def driver() -> RecordingDriver:
    return tell()


@pytest.fixture(scope="module")
def databases() -> Iterator[Databases]:
    started = asyncio.run(Databases.start())
    yield started
    asyncio.run(started.stop())


@pytest.fixture
def empty_url(databases: Databases) -> Iterator[str]:
    with asyncio.Runner() as runner:
        fresh = databases.fresh()
        yield runner.run(fresh.__aenter__())
        runner.run(fresh.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def url(databases: Databases, driver: RecordingDriver) -> Iterator[str]:
    with databases.prepared(partial(through_gate, driver=driver)) as address:
        yield address


@pytest.fixture
def clock(driver: RecordingDriver, tmp_path: Path) -> Path:
    """The plant's clock, an hour after the story."""
    path = tmp_path / "plant.clock"
    path.write_bytes((driver.now_us + 3_600_000_000).to_bytes(8, "little"))
    return path


def said(*arguments: str | Path, code: int = 0) -> str:
    command = [sys.executable, "-m", "cellwright", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, check=False, text=True)
    assert ended.returncode == code, ended.stderr
    return ended.stdout or ended.stderr


def test_open_holds_say_what_why_since_when_and_who_may_lift_them(
    url: str, driver: RecordingDriver, clock: Path
) -> None:
    lines = said("holds", "--database", url, "--clock", clock).splitlines()
    (held,) = (each for each in driver.submissions if isinstance(each[1].command, PlaceHold) and each[1].actor == "P-3")
    codes = held[1].command.codes  # type: ignore[union-attr]
    assert lines[0] == f"hold 1: 7 units: {', '.join(codes[:5])}, ... 2 more; all with --json"
    assert lines[1] == "  reason: dropped"
    assert lines[2].startswith("  placed: ")
    assert lines[2].endswith(" ago) by P-3")
    assert "(1 h 0 min" in lines[2]
    assert lines[3:] == ["a hold is lifted by two different people of the role quality: P-1, P-2"]


def test_all_holds_have_who_lifted_them(url: str, clock: Path) -> None:
    lines = said("holds", "--all", "--database", url, "--clock", clock).splitlines()
    assert "hold 2: 1 lot: SEP-1" in lines
    assert lines[-2].endswith(" by P-1 and P-2")


def test_holds_as_json_have_every_code(url: str, driver: RecordingDriver) -> None:
    found: dict[str, Any] = json.loads(said("holds", "--all", "--json", "--database", url))
    assert [len(each["codes"]) for each in found["holds"]] == [7, 1]
    assert [bool(each["released_us"]) for each in found["holds"]] == [False, True]
    assert all(driver.unit(code).holds == 1 for code in found["holds"][0]["codes"])
    assert (found["releasing_roles"], found["releasing_people"]) == (["quality"], ["P-1", "P-2"])


def test_status_has_plant_time_with_ages(url: str, clock: Path) -> None:
    lines = said("status", "--database", url, "--clock", clock).splitlines()
    assert lines[0].startswith("plant time: ")
    assert "(1 h 0 min ago)" in lines[1]
    assert lines[-1] == "open holds: 1"
    winder = next(each for each in lines if each.startswith("  WIND-01 wind: "))
    assert re.fullmatch(r"  WIND-01 wind: 8 good, .*; last fact .* UTC \(.* ago\)", winder), winder


def test_submit_says_one_reason_a_line(empty_url: str, tmp_path: Path) -> None:
    command = {"type": "CheckIn", "station": "WIND-01", "count": 10_000}
    line = {"source": "desk", "epoch": 1, "seq": 1, "time_us": 1, "actor": "P-1", "command": command}
    (tmp_path / "ask.jsonl").write_text(json.dumps(line) + "\nnonsense\n")
    lines = said("submit", tmp_path / "ask.jsonl", "--database", empty_url, code=1).splitlines()
    firsts = [line for line in lines if line.startswith("refused: ")]
    assert len(firsts) == 2
    assert lines[0].startswith("refused: clock_skewed: ")
    assert lines[-1].startswith("refused: payload_malformed: ")
    assert len(lines) > len(firsts)
    assert all(line.startswith(("refused: ", "         ")) for line in lines)


# --- the plant's recipes ------------------------------------------------------------------------


def test_recipes_are_those_that_the_gate_expects() -> None:
    plant = load_plant(find_plant("lfp32700"))
    found = json.loads(said("plant", "recipes", "--json"))
    expected = {(each.code, name) for each in plant.stations.values() for name in each.operations}
    assert {(each["station"], each["operation"]) for each in found} == expected
    assert all(each["digest"] == plant.recipes[each["operation"]].digest and each["released"] for each in found)


def test_recipes_of_one_station() -> None:
    plant = load_plant(find_plant("lfp32700"))
    line = said("plant", "recipes", "--station", "WIND-01").strip()
    assert line == f"WIND-01 winding: WIND revision 1 digest {plant.recipes['winding'].digest}"
    assert "its stations: RCV-01" in said("plant", "recipes", "--station", "WIND-99", code=1)


def test_recipes_that_cannot_run_are_named(checkout: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(checkout / "tests" / "golden" / "plants" / "base", tmp_path / "plant")
    recipes = folder / "recipes.toml"
    kept = recipes.read_text().partition('[[recipes]]\ncode = "JOIN"')[0]
    recipes.write_text(kept.replace('operation = "mix"\n', 'operation = "mix"\nreleased = false\n'))
    lines = said("plant", "recipes", folder).splitlines()
    assert lines[0].startswith("MIX-01 mix: MIX revision 1 digest ")
    assert lines[0].endswith(" (not released, so it cannot start)")
    assert lines[-1] == "JOIN-01 joining: no recipe, so it cannot start; add one to recipes.toml"
