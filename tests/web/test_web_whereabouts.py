"""Pages of what was repaired and what left: members and vehicles as of a time, codes given later, reuse by people."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from cellwright.model.commands import AssignCode, RemovePack, ShipUnits
from cellwright.testing.access import browser, make_account
from cellwright.testing.deep_plant import Story, make_module, make_pack, tell_story
from cellwright.testing.replay import through_gate
from cellwright.testing.stories_repair import repair
from cellwright.testing.stories_whereabouts import SECOND_LIFE, VINS, install
from cellwright.testing.web import WebPlant, running_web

HOUR_US = 3_600_000_000


def tell() -> tuple[Story, int]:
    """A pack whose first module was replaced, and which moved from one vehicle to another; and when that began."""
    story = tell_story()
    driver = story.driver
    driver.person("MEND", "maintenance")
    story.modules.append(make_module(story, story.cells[4:8], 3))
    spare = [make_module(story, story.cells[8 + each : 12 + each], 4 + each) for each in (0, 4)]
    driver.must(ShipUnits(units=(story.pack,), partner="OEM-1", reference="DN-7"))
    driver.must(install(story.pack, VINS[0]))
    began_us = driver.now_us
    driver.wait(3600)
    driver.must(RemovePack(packs=(story.pack,), reason="swap"))
    driver.must(install(story.pack, VINS[1], positions=("2",)))
    driver.must(AssignCode(units=(story.pack,), codes=(SECOND_LIFE,), reason="second use"))
    other = make_pack(story, spare)
    driver.wait(3600)
    driver.must(repair(other, spare[0], story.modules[2]), actor="MEND")
    story.modules += [other, *spare]
    return story, began_us


@pytest.fixture(name="face")
async def fixture_face(database_url: str) -> AsyncIterator[tuple[WebPlant, Story, int]]:
    story, began_us = tell()
    await through_gate(database_url, story.driver)
    async with running_web(database_url) as web:
        web.times.plant_us = story.driver.now_us + HOUR_US
        yield web, story, began_us


@contextlib.asynccontextmanager
async def signed_in(web: WebPlant, *roles: str) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(web, await make_account(web, "B-1", *roles)) as client:
        yield client


async def test_a_pack_tells_its_vehicles_partners_and_codes(face: tuple[WebPlant, Story, int]) -> None:
    web, story, began_us = face
    async with signed_in(web, "quality") as client:
        data = (await client.get(f"/units/{story.pack}.json")).json()
        by_given = (await client.get(f"/units/{SECOND_LIFE}.json")).json()
        sheet = (await client.get(f"/units/{story.pack}.csv?table=vehicles")).text
    assert data["unit"]["status"] == "installed"
    assert [(each["vehicle"], each["position"], each["to_us"]) for each in data["vehicles"]] == [
        (VINS[1], "2", None),
        (VINS[0], "", began_us + HOUR_US),
    ]
    assert [(each["partner"], each["reference"]) for each in data["shipments"]] == [("OEM-1", "DN-7")]
    assert [each["code"] for each in data["given_codes"]] == [SECOND_LIFE]
    assert by_given["unit"]["code"] == story.pack
    assert (VINS[0] in sheet, VINS[1] in sheet) == (True, True)


async def test_a_unit_says_what_its_printed_codes_say(database_url: str) -> None:
    story, _ = tell()
    code = "001PB01J2X0000042RP"
    story.driver.must(AssignCode(units=(story.pack,), codes=(code,), reason="second use"))
    await through_gate(database_url, story.driver)
    async with running_web(database_url) as web, signed_in(web, "quality") as client:
        data = (await client.get(f"/units/{story.pack}.json")).json()
        sheet = (await client.get(f"/units/{story.pack}.csv?table=printed")).text
    # The codes of this small plant have no product type, so only the second one is a code of GB/T 34014.
    assert {each["code"] for each in data["printed"]} == {code}
    found = {each["name"]: each for each in data["printed"]}
    assert (found["kind"]["value"], found["battery_type"]["value"]) == ("pack", "B")
    assert found["year"]["years"] == [2028, 2029]
    assert (found["month"]["value"], found["day"]["value"], found["serial"]["value"]) == ("2", "29", "42")
    assert found["reuse_kind"]["value"] == "pack"
    assert "".join(each["text"] for each in data["printed"]) == code
    assert sheet.count(code) == 10


async def test_a_trace_page_answers_as_of_any_time(face: tuple[WebPlant, Story, int]) -> None:
    web, story, began_us = face
    pack, gone, come = story.modules[3], story.modules[4], story.modules[2]

    async with signed_in(web, "process") as client:

        async def codes(question: str) -> set[str]:
            answer = await client.get(f"/trace/{question}")
            assert answer.status_code == 200, answer.text
            return {each["code"] for each in answer.json()["nodes"]}

        now, built = await codes(f"{pack}.json"), await codes(f"{pack}.json?as_of=built")
        assert (gone in now, come in now, gone in built, come in built) == (False, True, True, False)
        cell = story.cells[0]
        then = datetime.fromtimestamp(began_us / 1_000_000 + 60, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        assert VINS[1] in await codes(f"{cell}.json?direction=forward")
        assert VINS[0] in await codes(f"{cell}.json?direction=forward&as_of={then}")
        assert VINS[0] in await codes(f"{cell}.json?direction=forward&as_of={began_us}")
        assert VINS[0] in await codes(f"{cell}.json?direction=forward&as_of=built")
        assert not {*VINS} & await codes(f"{cell}.json?direction=forward&as_of={began_us - 1}")
        vehicle = (await client.get(f"/trace/{VINS[1]}.json")).json()
    assert (vehicle["subject"], vehicle["subject_kind"], vehicle["direction"]) == (VINS[1], "vehicle", "backward")
    line = next(each for each in vehicle["nodes"] if each["level"] == "vehicle")
    assert (line["code"], line["is_unit"], line["quantity"], line["reached"]) == (VINS[1], False, None, None)
    assert {"consumed": story.pack, "made": VINS[1], "place": "position 2"}.items() <= vehicle["parts"][0].items()


async def test_times_that_are_none_or_to_come_are_refused(face: tuple[WebPlant, Story, int]) -> None:
    web, story, _ = face
    async with signed_in(web, "process") as client:
        for asked, complaint in (
            (str(web.times.plant_us + 1), "ask for a time up to now"),
            ("9999-01-01", "ask for a time up to now"),
            ("soon", "write a time like"),
        ):
            answer = await client.get(f"/trace/{story.pack}.json?as_of={asked}")
            assert answer.status_code == 400, answer.text
            assert complaint in answer.json()["detail"]
        page = await client.get(f"/trace/{story.pack}?as_of=soon", headers={"accept": "text/html"})
        assert page.status_code == 400


async def test_search_knows_vehicles_and_given_codes(face: tuple[WebPlant, Story, int]) -> None:
    web, _, _ = face
    async with signed_in(web, "process") as client:
        vehicle = (await client.get(f"/search.json?q={VINS[0].lower()}")).json()["hits"]
        unit = (await client.get(f"/search.json?q={SECOND_LIFE}")).json()["hits"]
    assert [(each["kind"], each["path"]) for each in vehicle] == [("vehicle", f"/trace/{VINS[0]}")]
    assert [(each["kind"], each["path"], each["status"]) for each in unit] == [
        ("pack", f"/units/{SECOND_LIFE}", "installed")
    ]


async def test_a_person_lets_a_removed_module_be_used_again(face: tuple[WebPlant, Story, int]) -> None:
    web, story, _ = face
    gone = story.modules[4]
    command = {"type": "Disposition", "units": [gone], "action": "reuse", "reason": "connector was loose"}
    async with signed_in(web, "quality") as client:
        assert (await client.get(f"/units/{gone}.json")).json()["unit"]["status"] == "removed"
        answer = await client.post("/api/v1/commands", json={"key": "reuse-it-once", "command": command})
        assert answer.json() == {"type": "Receipt", "routing": ["done"]}
        data = (await client.get(f"/units/{gone}.json")).json()
    assert data["unit"]["status"] == "finished"
    assert (data["history"][0]["kind"], data["history"][0]["action"]) == ("Dispositioned", "reuse")
    assert data["part_of"][0]["to_us"] is not None
