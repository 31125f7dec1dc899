"""Traces and genealogies as the record was known at a time: before a correction, between two, and today."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from cellwright.model.correction_commands import CorrectRuns
from cellwright.testing.access import browser, make_account
from cellwright.testing.deep_plant import Story, tell_story
from cellwright.testing.replay import through_gate
from cellwright.testing.web import running_web

Known = tuple[httpx.AsyncClient, Story, dict[str, int]]


def correct(story: Story, was: str, now: str, start: int) -> None:
    """Cells 10 to 29 took another box of cans than was recorded."""
    story.driver.must(
        CorrectRuns(
            position="can",
            firsts=(story.cells[10],),
            lasts=(story.cells[29],),
            recorded=(was,),
            lots=(now,),
            starts=(start,),
            reason=f"it was {now}",
            second_person="QA2",
        ),
        actor="QA1",
    )


def tell() -> tuple[Story, dict[str, int]]:
    """A pack, and two corrections of its cans, an hour apart."""
    story = tell_story()
    driver, times = story.driver, {}
    driver.receive("CAN-2", "can", 500)
    for person in ("QA1", "QA2"):
        driver.person(person, "quality")
    for name, was, now, start in (("reported", "CAN-1", "CAN-2", 100), ("first", "CAN-2", "CAN-2", 200)):
        driver.wait(3600)
        times[name] = driver.now_us
        driver.wait(3600)
        correct(story, was, now, start)
    return story, times


@pytest.fixture(name="known")
async def fixture_known(database_url: str) -> AsyncIterator[Known]:
    story, times = tell()
    await through_gate(database_url, story.driver)
    async with running_web(database_url) as web:
        web.times.plant_us = story.driver.now_us + 1
        async with browser(web, await make_account(web, "B-1", "quality")) as client:
            yield client, story, times


async def asked(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def cans_of(client: httpx.AsyncClient, cell: str, query: str = "") -> list[tuple[str, int]]:
    data = await asked(client, f"/trace/{cell}.json{query}")
    return [(each["consumed"], each["start"]) for each in data["parts"] if each["place"] == "can"]


async def test_a_trace_tells_the_record_as_it_was_known(known: Known) -> None:
    client, story, times = known
    cell, other = story.cells[12], story.cells[5]
    assert await cans_of(client, cell) == [("CAN-2", 202)]
    assert await cans_of(client, cell, f"?known={times['first']}") == [("CAN-2", 102)]
    ((lot, start),) = await cans_of(client, cell, f"?known={times['reported']}")
    assert lot == "CAN-1"
    ((_, before),) = await cans_of(client, other)
    assert start == before + 7, "they lie one behind another in the box that was scanned"
    assert await cans_of(client, cell) == [("CAN-2", 202)], "the connections that answered know today's record again"

    data = await asked(client, f"/trace/{cell}.json?known={times['reported']}")
    assert (data["known_us"], data["known_differs"]) == (times["reported"], True)
    assert [each["reason"] for each in data["later"]] == ["it was CAN-2", "it was CAN-2"]
    assert data["corrections"] == []
    now = await asked(client, f"/trace/{cell}.json")
    assert (now["known_us"], now["known_differs"], now["later"]) == (None, False, [])
    same = await asked(client, f"/trace/{story.cells[40]}.json?known={times['reported']}")
    assert same["known_differs"] is False


async def test_a_lot_leads_where_it_was_known_to_lead(known: Known) -> None:
    client, story, times = known
    moved = set(story.cells[10:30])
    for page, key in (("trace", "nodes"), ("genealogy", "levels")):
        now = str((await asked(client, f"/{page}/CAN-1.json?direction=forward"))[key])
        then = await asked(client, f"/{page}/CAN-1.json?direction=forward&known={times['reported']}")
        assert then["known_differs"] is True
        assert len(then["later"]) == 1, "the second correction does not touch this box"
        assert {code for code in moved if code in str(then[key])} == moved, page
        assert not {code for code in moved if code in now}, page


async def test_a_tree_and_files_open_as_they_were_known(known: Known) -> None:
    client, story, times = known
    query = f"known={times['reported']}"
    steps = await asked(client, f"/api/v1/genealogy-steps/{story.cells[12]}?{query}")
    assert "CAN-1" in [each["code"] for each in steps["nodes"]]
    steps = await asked(client, f"/api/v1/genealogy-steps/{story.cells[12]}")
    assert "CAN-2" in [each["code"] for each in steps["nodes"]]
    lots = await asked(client, f"/genealogy/{story.cells[12]}/lots.json?{query}")
    assert {"CAN-1", "CAN-2"} & {each["code"] for each in lots} == {"CAN-1"}


async def test_nothing_is_known_from_before_it_was_taken(known: Known) -> None:
    client, story, _ = known
    data = await asked(client, f"/genealogy/{story.cells[12]}.json?known=2001-01-01")
    assert [each["level"] for each in data["levels"]] == ["cell"]


@pytest.mark.parametrize("page", ["trace", "genealogy"])
@pytest.mark.parametrize(
    ("text", "complaint"), [("soon", "write a time"), ("built", "write a time"), ("9999-01-01", "ask for a time up to")]
)
async def test_what_is_no_time_is_refused(known: Known, page: str, text: str, complaint: str) -> None:
    client, story, _ = known
    answer = await client.get(f"/{page}/{story.cells[0]}.json?known={text}")
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("known: ")
    assert complaint in answer.json()["detail"]
