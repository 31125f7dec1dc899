"""Siblings by page, API and files; a recall narrowed to a channel or carrier; and where what was traced was worked on."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import openpyxl
import pytest
import pytest_asyncio

from cellwright.testing.access import browser, make_account
from cellwright.testing.database import Databases
from cellwright.testing.deep_plant import Story, deep_web
from cellwright.testing.web import WebPlant

Face = tuple[WebPlant, Story, httpx.AsyncClient]
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="face")
async def fixture_face(databases: Databases) -> AsyncIterator[Face]:
    """The story's pages, for somebody of quality; tests leave it as they found it."""
    async with (
        databases.fresh() as url,
        deep_web(url) as (web, story),
        browser(web, await make_account(web, "Q-1", "quality")) as client,
    ):
        yield web, story, client


async def test_the_api_says_what_the_page_does(face: Face) -> None:
    _, story, client = face
    cell = story.cells[1]
    data = (await client.get(f"/api/v1/siblings/{cell}")).json()
    assert data == (await client.get(f"/siblings/{cell}.json")).json()
    assert (data["subject"], data["kind"], data["minutes"], data["days"]) == (cell, "cell", 15, 3)
    counts = [group["siblings_count"] for group in data["groups"]]
    assert counts == sorted(counts)
    assert data["units_count"] == len(data["units"]) == 109
    assert all(group["held_count"] == 0 for group in data["groups"])


async def test_each_link_leads_to_as_many(face: Face) -> None:
    _, story, client = face
    data = (await client.get(f"/api/v1/siblings/{story.cells[1]}")).json()
    seen = set()
    for group in data["groups"]:
        for cause in group["causes"]:
            seen.add(cause["kind"])
            if cause["kind"] == "member":
                assert (await client.get(f"{cause['path']}.json")).json()["unit"]["code"] == cause["code"]
                continue
            path = cause["path"].replace("/recall?", "/api/v1/recall?", 1)
            answer = await client.get(path)
            assert answer.status_code == 200, (path, answer.text)
            assert answer.json()["plan"]["levels"]["cell"] == group["levels"]["cell"] + 1, path
    assert seen == {"stretch", "lane", "lot", "machine", "channel", "carrier", "member"}


async def test_groups_and_units_are_to_be_had_as_files(face: Face) -> None:
    _, story, client = face
    path = f"/siblings/{story.cells[1]}"
    groups = list(csv.DictReader(io.StringIO((await client.get(f"{path}.csv")).text)))
    assert groups[0].keys() >= {"\ufeffgroup", "kind", "siblings_count", "together_count", "path", "from_utc"}
    units = list(csv.DictReader(io.StringIO((await client.get(f"{path}.csv", params={"table": "units"})).text)))
    assert len(units) == 109
    book = openpyxl.load_workbook(io.BytesIO((await client.get(f"{path}.xlsx")).content))
    assert book.sheetnames == ["About", "groups", "units"]


async def test_units_come_a_page_at_a_time(face: Face) -> None:
    _, story, client = face
    codes: list[str] = []
    for offset in range(0, 120, 40):
        answer = await client.get(f"/api/v1/siblings/{story.cells[1]}", params={"limit": 40, "offset": offset})
        codes += [each["code"] for each in answer.json()["units"]]
    assert len(codes) == len(set(codes)) == 109


@pytest.mark.parametrize(
    ("code", "query", "status", "text"),
    [
        ("NO-SUCH", {}, 404, "is unknown: no lot and no carrier"),
        ("CAN-1", {}, 404, "is a lot, not a unit"),
        ("TRAY-1", {}, 404, "is a carrier, not a unit"),
        ("{cell}", {"minutes": "x"}, 400, "minutes=x: give a whole number from 0 to 1440"),
        ("{cell}", {"days": 61}, 400, "days=61: give a whole number from 0 to 60"),
        ("{cell}", {"minutes": -1}, 400, "minutes=-1"),
    ],
)
async def test_what_cannot_be_asked_is_told(
    face: Face, code: str, query: dict[str, Any], status: int, text: str
) -> None:
    _, story, client = face
    answer = await client.get(f"/api/v1/siblings/{code.format(cell=story.cells[1])}", params=query)
    assert (answer.status_code, text in answer.json()["detail"]) == (status, True), answer.text


WINDOW: Final = {"machine": "FORM-01", "from": "1970-01-01", "to": "2100-01-01"}


async def test_a_recall_is_narrowed_to_a_channel_or_a_carrier(face: Face) -> None:
    _, _, client = face

    async def cells(**narrowing: Any) -> int:
        answer = await client.get("/api/v1/recall", params=WINDOW | narrowing)
        assert answer.status_code == 200, answer.text
        assert answer.json()["stations"][0] | narrowing == answer.json()["stations"][0]
        return int(answer.json()["plan"]["levels"]["cell"])

    assert [await cells(), await cells(channel=1), await cells(carrier="TRAY-1")] == [8, 2, 4]
    assert await cells(channel=1, carrier="TRAY-1") == 1


@pytest.mark.parametrize(
    ("narrowing", "field", "code"),
    [
        ({"channel": 8}, "channel", "no_channel"),
        ({"channel": "left"}, "channel", "channel"),
        ({"carrier": "TRAY-99"}, "carrier", "no_carrier"),
        ({"tool": "knives"}, "tool", "no_tools"),
        ({"machine": "WIND-01", "channel": 1}, "channel", "no_carriers"),
    ],
)
async def test_what_a_station_has_not_is_told_at_its_field(
    face: Face, narrowing: dict[str, Any], field: str, code: str
) -> None:
    _, _, client = face
    answer = await client.get("/api/v1/recall", params=WINDOW | narrowing)
    assert answer.status_code == 400
    told = answer.json()["fields"][0]
    assert (told["path"], told["code"], len(told["text"]) > 40) == (f"stations.0.{field}", code, True)


async def test_what_stood_in_a_channel_is_held_and_nothing_else(database_url: str) -> None:
    async with deep_web(database_url) as (web, _), browser(web, await make_account(web, "Q-1", "quality")) as client:
        station = {"station": "FORM-01", "from_us": 0, "to_us": 1 << 51, "channel": 1}
        wish = {"key": "channel-key", "recall": "RC-9", "reason": "cell burst", "question": {"stations": [station]}}
        report = (await client.post("/api/v1/recalls", json=wish)).json()
        assert (report["lots_count"], report["units_count"], len(report["holds"])) == (0, 1, 1), (
            "the pack of both cells"
        )


async def test_a_recall_of_no_channel_is_not_placed(face: Face) -> None:
    _, _, client = face
    station = {"station": "FORM-01", "from_us": 0, "to_us": 1 << 51, "channel": 9}
    wish = {"key": "channel-key", "recall": "RC-9", "reason": "cell burst", "question": {"stations": [station]}}
    answer = await client.post("/api/v1/recalls", json=wish)
    assert (answer.status_code, answer.json()["fields"][0]["code"]) == (400, "no_channel")


async def test_a_trace_tells_where_it_was_worked_on(face: Face) -> None:
    _, story, client = face
    data = (await client.get(f"/api/v1/trace/{story.pack}", params={"direction": "backward"})).json()
    form = next(row for row in data["work"] if row["operation"] == "form")
    assert (form["station"], form["carriers"], form["channels"]) == ("FORM-01", ["TRAY-1", "TRAY-2"], [0, 1, 2, 3])
    assert (form["recipe"], form["recipe_revision"], form["basis"], form["roles"]) == ("form_recipe", 1, "exact", [])
    assert len(form["codes"]) == form["count"] == 8
    assert data["work_left_out_count"] == 0
    assert "person" not in str(data["work"])
    forward = (await client.get(f"/api/v1/trace/{story.pack}", params={"direction": "forward"})).json()
    assert forward["work"] == []
    rows = list(csv.DictReader(io.StringIO((await client.get(f"/trace/{story.pack}.csv?table=work")).text)))
    assert len(rows) == len(data["work"])
