"""`cellwright trace`, as built, as maintained and as of a time: what people read, and what they are refused."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec
import pytest

from cellwright.model.commands import ShipUnits
from cellwright.testing.database import prepared_database
from cellwright.testing.deep_plant import Story, make_module, tell_story
from cellwright.testing.replay import through_gate
from cellwright.testing.stories_repair import repair
from cellwright.testing.stories_whereabouts import VINS, install

HOUR_US = 3_600_000_000


@pytest.fixture(scope="module", name="story")
def fixture_story() -> Story:
    """A pack, shipped and in a vehicle, in which a module was replaced an hour before."""
    story = tell_story()
    driver = story.driver
    driver.person("MEND", "maintenance")
    story.modules.append(make_module(story, story.cells[4:8], 3))
    driver.wait(3600)
    driver.must(repair(story.pack, story.modules[0], story.modules[2]), actor="MEND")
    driver.wait(3600)
    driver.must(ShipUnits(units=(story.pack,), partner="OEM-1"))
    driver.must(install(story.pack, VINS[0], positions=("1",)))
    return story


@pytest.fixture(scope="module", name="url")
def fixture_url(story: Story) -> Iterator[str]:
    with prepared_database(partial(through_gate, driver=story.driver)) as address:
        yield address


def said(url: str, *arguments: str | Path, code: int = 0) -> str:
    command = [sys.executable, "-m", "cellwright", "trace", "--database", url, *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, check=False, text=True)
    assert ended.returncode == code, ended.stderr
    return ended.stdout or ended.stderr


def iso(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def test_a_pack_as_maintained_as_built_and_as_of_a_time(url: str, story: Story) -> None:
    first, second, spare = story.modules
    now = said(url, story.pack)
    assert now.startswith(f"{story.pack} backward: 1 pack, 2 module, 8 cell")
    assert (first in now, second in now, spare in now) == (False, True, True)
    built = said(url, story.pack, "--as-built")
    assert built.startswith(f"{story.pack} backward, as built 2026-01-01 ")
    assert (first in built, second in built, spare in built) == (True, True, False)
    before_us = story.driver.now_us - HOUR_US - 1_000_000
    before = said(url, story.pack, "--as-of", iso(before_us))
    assert f"as of {iso(before_us).replace('T', ' ')} UTC: 1 pack" in before
    assert (first in before, spare in before) == (True, False)


def test_a_lot_goes_up_to_vehicles(url: str, story: Story) -> None:
    text = said(url, "POWDER-1", "--forward")
    assert text.splitlines()[0].endswith("3 module, 1 pack, 1 vehicle")
    assert f"vehicle (1)\n  {VINS[0]}  basis lot\n" in text
    before = said(url, "POWDER-1", "--as-of", iso(story.driver.now_us - 1_000_000))
    assert "vehicle" not in before
    cells = msgspec.json.decode(said(url, story.cells[0], "--forward", "--as-built", "--json"))
    assert [node["level"] for node in cells["nodes"]] == ["cell", "module", "pack", "vehicle"]
    assert (cells["as_of"], cells["as_of_us"], cells["links"][-1]["place"]) == ("built", None, "position 1")


def test_a_vehicle_is_traced_by_its_vin(url: str) -> None:
    text = said(url, VINS[0])
    assert text.startswith(f"{VINS[0]} backward: 1 vehicle, 1 pack, 2 module, 8 cell")
    assert said(url, VINS[0], "--forward", code=1) == (
        f"{VINS[0]} is a vehicle, of which nothing is made; trace it --backward\n"
    )
    assert "is a vehicle; --start, --end and --lane choose" in said(url, VINS[0], "--start", "5", code=1)


def test_the_future_is_not_known(url: str, story: Story, tmp_path: Path) -> None:
    clock = tmp_path / "plant.clock"
    clock.write_bytes((story.driver.now_us + HOUR_US).to_bytes(8, "little"))
    asked = iso(story.driver.now_us + 2 * HOUR_US)
    text = said(url, story.pack, "--as-of", asked, "--clock", clock, code=1)
    assert text == (
        f"as of {asked.replace('T', ' ')} UTC nothing is known yet: it is "
        f"{iso(story.driver.now_us + HOUR_US).replace('T', ' ')} UTC here; ask for a time up to now\n"
    )
    assert said(url, story.pack, "--as-of", iso(story.driver.now_us + 1_800_000_000), "--clock", clock)


def test_a_clock_that_is_behind_the_plants_facts_hides_none(url: str, story: Story, tmp_path: Path) -> None:
    clock = tmp_path / "plant.clock"
    clock.write_bytes((1).to_bytes(8, "little"))
    assert said(url, story.pack, "--as-of", str(story.driver.now_us), "--clock", clock)


def test_two_moments_and_none_are_refused(url: str, story: Story) -> None:
    assert "give one of them" in said(url, story.pack, "--as-built", "--as-of", "2026-01-01", code=1)
    assert "write a time like 2026-03-01T14:05" in said(url, story.pack, "--as-of", "yesterday", code=1)
