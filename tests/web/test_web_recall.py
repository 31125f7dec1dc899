"""Recalls by page and API: what they would touch, what is wrong in a question, and that they are placed once."""

import asyncio
import contextlib
import csv
import io
from collections.abc import AsyncIterator
from typing import Any, Final

import asyncpg
import httpx
import msgspec
import openpyxl
import pyarrow.parquet
import pytest
import pytest_asyncio

from cellwright.model.ids import UnitKind
from cellwright.plant.check import check
from cellwright.testing.access import AUTHOR, browser, make_account, script
from cellwright.testing.database import Databases
from cellwright.testing.deep_plant import CELL_COST, CUT, REEL_MM, Story, deep_web
from cellwright.testing.web import WebPlant
from cellwright.web.access.tokens import TokenWish

PATH: Final = "/api/v1/recalls"
Face = tuple[WebPlant, Story, httpx.AsyncClient]


@contextlib.asynccontextmanager
async def quality(web: WebPlant) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(web, await make_account(web, "Q-1", "quality")) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="read_only")
async def fixture_read_only(databases: Databases) -> AsyncIterator[Face]:
    """The story's pages, for somebody of quality; tests leave it as they found it."""
    async with databases.fresh() as url, deep_web(url) as (web, story), quality(web) as client:
        yield web, story, client


@pytest.fixture(name="face")
async def fixture_face(database_url: str) -> AsyncIterator[Face]:
    async with deep_web(database_url) as (web, story), quality(web) as client:
        yield web, story, client


def wish(story: Story, *, key: str = "recall-key-1", recall: str = "RC-1", **fields: Any) -> dict[str, Any]:
    asked = {"key": key, "recall": recall, "reason": "streak seen", "question": {"lots": [{"lot": story.roll}]}}
    return asked | fields


async def rows_of(web: WebPlant, statement: str, *values: Any) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(web.database_url)
    try:
        return list(await connection.fetch(statement, *values))
    finally:
        await connection.close()


# --- what it would touch ------------------------------------------------------------------------------


@pytest.mark.asyncio(loop_scope="module")
async def test_the_plan_of_a_lot(read_only: Face) -> None:
    _, story, client = read_only
    data = (await client.get("/recall.json", params={"lot": "SEP-1"})).json()
    plan = data["plan"]
    assert plan["levels"] == {UnitKind.CELL: 110, UnitKind.MODULE: 2, UnitKind.PACK: 1}
    assert sum(plan["bases"].values()) == 110
    assert [(each["code"], each["is_subject"]) for each in plan["lots"]] == [("SEP-1", True)]
    assert plan["units_count"] == sum(each["units_count"] for each in plan["places"]) == 103
    costs = {each["kind"]: each["cost"] for each in plan["places"]}
    assert costs["pack"] is None
    assert (plan["cost"], plan["currency"], plan["unpriced_count"]) == (102 * CELL_COST, "CNY", 1)
    assert {each["currency"] for each in plan["places"]} == {"CNY"}
    assert plan["notices"] == [{"to": "SUP", "about": "lot", "count": 1}]
    assert (plan["units"][0]["code"], plan["units"][0]["units_count"]) == (story.pack, 8)
    assert data["lots"][0] | {"material": "separator", "measure": "mm", "quantity": 500_000} == data["lots"][0]
    assert (data["recall"].startswith("RC-20"), data["recall"].endswith("-SEP-1"), data["is_placed"]) == (
        True,
        True,
        False,
    )


@pytest.mark.asyncio(loop_scope="module")
async def test_a_stretch_in_a_lane_a_station_and_several_lots(read_only: Face) -> None:
    _, story, client = read_only

    async def levels(query: list[tuple[str, Any]]) -> dict[str, int]:
        answer = await client.get("/recall.json", params=query)
        assert answer.status_code == 200, answer.text
        found: dict[str, int] = answer.json()["plan"]["levels"]
        return found

    inside: list[tuple[str, Any]] = [("lot", story.roll), ("start", CUT[0] + 1000), ("end", CUT[1] - 1000), ("lane", 2)]
    assert await levels(inside) == {}
    edge: list[tuple[str, Any]] = [("lot", story.roll), ("start", REEL_MM - 3000), ("end", ""), ("lane", 1)]
    few = await levels(edge)
    assert 0 < few["cell"] <= 5
    both: list[tuple[str, Any]] = [
        ("lot", story.roll),
        ("lot", "KIT-1"),
        ("start", REEL_MM - 3000),
        ("start", ""),
        ("lane", 1),
        ("lane", ""),
    ]
    assert (await levels(both))["module"] == 2
    machine: list[tuple[str, Any]] = [("machine", "WIND-01"), ("from", "1970-01-01"), ("to", "2100-01-01T00:00+08:00")]
    assert (await levels(machine))["cell"] == len(story.cells)
    assert (await levels([*machine, *edge]))["cell"] == len(story.cells)


@pytest.mark.asyncio(loop_scope="module")
async def test_outermost_units_come_a_page_at_a_time(read_only: Face) -> None:
    _, story, client = read_only
    codes: list[str] = []
    total = 0
    for offset in range(0, 120, 40):
        params: dict[str, Any] = {"lot": story.roll, "limit": 40, "offset": offset}
        plan = (await client.get("/recall.json", params=params)).json()["plan"]
        assert (plan["offset"], plan["limit"]) == (offset, 40)
        codes += [each["code"] for each in plan["units"]]
        total = plan["units_count"]
    assert len(codes) == len(set(codes)) == total
    assert story.pack in codes


@pytest.mark.asyncio(loop_scope="module")
async def test_its_tables_are_to_be_had_as_files(read_only: Face) -> None:
    _, story, client = read_only
    sheets = {}
    for table in ("places", "lots", "notices", "units"):
        params = {"lot": story.roll, "table": table}
        sheets[table] = list(csv.DictReader(io.StringIO((await client.get("/recall.csv", params=params)).text)))
    assert sheets["places"][0].keys() >= {"\ufeffkind", "station", "units_count", "held_count", "cost", "currency"}
    assert {each["\ufeffcode"] for each in sheets["lots"]} == {story.roll, *story.reels}
    assert len(sheets["units"]) == sum(int(each["units_count"]) for each in sheets["places"])
    book = openpyxl.load_workbook(io.BytesIO((await client.get("/recall.xlsx", params={"lot": story.roll})).content))
    assert book.sheetnames == ["About", "places", "lots", "notices", "units"]
    parquet = (await client.get("/recall.parquet", params={"lot": story.roll, "table": "units"})).content
    assert pyarrow.parquet.read_table(io.BytesIO(parquet)).num_rows == len(sheets["units"])


# --- what is wrong in a question ----------------------------------------------------------------------

BAD: Final[tuple[tuple[dict[str, Any], str, str], ...]] = (
    ({}, "", "nothing"),
    ({"lot": "NO-SUCH"}, "lots.0.lot", "unknown"),
    ({"lot": "{cell}"}, "lots.0.lot", "is_unit"),
    ({"lot": "TRAY-1"}, "lots.0.lot", "is_carrier"),
    ({"lot": "SEP-1", "start": 7, "end": 7}, "lots.0.end", "reversed"),
    ({"lot": "SEP-1", "start": 9, "end": 7}, "lots.0.end", "reversed"),
    ({"lot": "SEP-1", "start": 1, "end": 500_001}, "lots.0.end", "outside"),
    ({"lot": "SEP-1", "start": 500_000}, "lots.0.start", "outside"),
    ({"lot": "SEP-1", "start": "x"}, "lots.0.start", "number"),
    ({"lot": "SEP-1", "start": "9" * 30}, "lots.0.start", "number"),
    ({"lot": "{roll}", "lane": 3}, "lots.0.lane", "no_lane"),
    ({"lot": "SEP-1", "lane": 1}, "lots.0.lane", "not_slit"),
    ({"lot": "SEP-1", "lane": 1001}, "lots.0.lane", "number"),
    ({"lot": ["SEP-1", "CAN-1"], "start": 5}, "start", "uneven"),
    ({"lot": ["SEP-1"] * 101}, "lots", "too_many"),
    ({"machine": "NOWHERE", "from": "2001-01-01", "to": "2001-01-02"}, "stations.0.station", "no_station"),
    ({"machine": "WIND-01"}, "stations.0.from", "time"),
    ({"machine": "WIND-01", "from": "yesterday", "to": "2001-01-02"}, "stations.0.from", "time"),
    ({"machine": "WIND-01", "from": "2001-01-02", "to": "2001-01-01"}, "stations.0.to", "window_reversed"),
    ({"machine": "WIND-01", "from": "2099-01-01", "to": "2099-01-02"}, "stations.0.from", "future"),
)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("query", "path", "code"), BAD, ids=lambda value: value if isinstance(value, str) else "")
async def test_a_bad_question_says_where_and_what_to_do(
    read_only: Face, query: dict[str, Any], path: str, code: str
) -> None:
    _, story, client = read_only
    names = {"{cell}": story.cells[0], "{roll}": story.roll}
    params = {name: names.get(str(value), value) for name, value in query.items()}
    for address in ("/recall.json", "/api/v1/recall", "/recall.csv"):
        answer = await client.get(address, params=params)
        assert answer.status_code == 400, answer.text
        assert answer.headers["content-type"].startswith("application/problem+json")
        problem = answer.json()
        assert (problem["fields"][0]["path"], problem["fields"][0]["code"]) == (path, code)
        assert problem["fields"][0]["text"] in problem["detail"]
        assert len(problem["fields"][0]["text"]) > 20
    page = await client.get("/recall", params=params, headers={"accept": "text/html"})
    assert page.status_code == 200
    boot = msgspec.json.decode(page.text.partition('id="boot">')[2].partition("</script>")[0])
    shown = [(each["path"], each["code"]) for each in boot["data"]["problems"]]
    assert shown == ([] if code == "nothing" else [(path, code)] if path != "stations.0.from" else shown)
    assert boot["data"]["plan"] is None


@pytest.mark.asyncio(loop_scope="module")
async def test_too_much_at_once_is_refused(read_only: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, client = read_only
    monkeypatch.setattr("cellwright.plant.recalls.QUESTION_UNITS_MAX", 50)
    answer = await client.get("/recall.json", params={"lot": "SEP-1"})
    assert (answer.status_code, answer.json()["fields"][0]["code"]) == (400, "too_much")
    assert "110 units took something of this, more than 50 at once; ask for less" in answer.json()["detail"]
    window = {"machine": "WIND-01", "from": "1970-01-01", "to": "2100-01-01"}
    answer = await client.get("/recall.json", params=window)
    assert (answer.status_code, answer.json()["fields"][0]["path"]) == (400, "stations.0.station")


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("fields", "status", "path"),
    [
        ({"question": {"lots": [{"lot": "NO-SUCH"}]}}, 400, "question.lots.0.lot"),
        ({"question": {"lots": [{"lot": "SEP-1", "start": 5, "end": 4}]}}, 400, "question.lots.0.end"),
        ({"question": {}}, 400, "question."),
        ({"question": {"lots": [{"lot": "SEP-1", "start": -1}]}}, 400, None),
        ({"question": {"lots": [{"lot": "SEP-1", "extra": 1}]}}, 400, None),
        ({"question": {"stations": [{"station": "WIND-01"}]}}, 400, None),
        ({"recall": ""}, 400, None),
        ({"reason": ""}, 400, None),
        ({"key": "short"}, 400, None),
    ],
)
async def test_a_bad_order_changes_nothing(read_only: Face, fields: dict[str, Any], status: int, path: str) -> None:
    web, story, client = read_only
    answer = await client.post(PATH, json=wish(story, **fields))
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    if path is not None:
        assert answer.json()["fields"][0]["path"] == path
    assert await rows_of(web, "SELECT 1 FROM hold") == []


# --- placing it ---------------------------------------------------------------------------------------


async def test_a_recall_is_placed_once_and_in_the_name_of_who_asked(face: Face) -> None:
    web, story, client = face
    before = (await client.get("/recall.json", params={"lot": story.roll})).json()["plan"]
    first = await client.post(PATH, json=wish(story))
    assert first.status_code == 200, first.text
    report = first.json()
    assert len(report["holds"]) == 2
    assert (report["lots_count"], report["units_count"]) == (3, before["hold_units_count"])
    facts = await rows_of(web, "SELECT DISTINCT source, actor FROM fact WHERE kind = 'Held'")
    assert [tuple(each) for each in facts] == [("web", "Q-1")]
    (audited,) = await rows_of(
        web,
        "SELECT actor, terminal, request_id, reason FROM audit WHERE action = 'PlaceRecall' AND new ->> 'refused' IS NULL ORDER BY seq LIMIT 1",
    )
    assert (audited["actor"], audited["terminal"], audited["reason"]) == ("Q-1", "127.0.0.1", "streak seen")
    assert len(audited["request_id"]) == 16

    assert (await client.post(PATH, json=wish(story))).json() == report
    again = await client.post(PATH, json=wish(story, key="recall-key-2"))
    assert again.json() == report | {"holds": []}
    assert len(await rows_of(web, "SELECT 1 FROM hold")) == 2
    data = (await client.get("/recall.json", params={"lot": story.roll})).json()
    assert (data["recall"], data["is_placed"]) == ("RC-1", True)
    assert data["plan"]["held_count"] == data["plan"]["hold_units_count"]
    assert all(each["held"] for each in data["plan"]["units"] if each["status"] != "scrapped")
    connection = await asyncpg.connect(web.database_url)
    try:
        assert (await check(connection, story.driver.plant)).equal
    finally:
        await connection.close()


async def test_what_came_since_is_added_under_the_same_key(face: Face) -> None:
    web, story, client = face
    stretch = {"lots": [{"lot": "SEP-1", "start": 0, "end": 5_000}]}
    first = (await client.post(PATH, json=wish(story, question=stretch))).json()
    wider = (await client.post(PATH, json=wish(story, question={"lots": [{"lot": "SEP-1"}]}))).json()
    assert wider["holds"][: len(first["holds"])] == first["holds"]
    assert wider["units_count"] == 103
    held = await rows_of(web, "SELECT sum(cardinality(subjects)) AS n FROM hold WHERE subject = 'unit'")
    assert held[0]["n"] == 103


async def test_a_key_is_for_one_recall_only(face: Face) -> None:
    web, story, client = face
    await client.post(PATH, json=wish(story))
    for other in ({"recall": "RC-2"}, {"reason": "another"}):
        answer = await client.post(PATH, json=wish(story, **other))
        assert answer.status_code == 409
        assert [each["code"] for each in answer.json()["reasons"]] == ["sequence_conflict"]
    async with browser(web, await make_account(web, "Q-2", "quality")) as other_person:
        answer = await other_person.post(PATH, json=wish(story, recall="RC-2"))
    assert len(answer.json()["holds"]) == 2


async def test_a_station_with_nothing_is_refused_with_every_reason(face: Face) -> None:
    web, story, client = face
    window = {"station": "WIND-01", "from_us": 5, "to_us": 6}
    answer = await client.post(PATH, json=wish(story, recall=" ", question={"stations": [window]}))
    assert answer.status_code == 409
    assert [each["code"] for each in answer.json()["reasons"]] == ["recall_invalid"]
    assert (await rows_of(web, "SELECT new FROM audit WHERE action = 'PlaceRecall'")) != []
    assert await rows_of(web, "SELECT 1 FROM hold") == []


async def test_at_once_and_by_two_people_it_is_placed_once(face: Face) -> None:
    web, story, client = face
    async with browser(web, await make_account(web, "Q-2", "quality")) as other:
        asked = [each.post(PATH, json=wish(story)) for each in (client, other, client, other)]
        answers = await asyncio.gather(*asked)
    assert [each.status_code for each in answers] == [200] * 4
    assert len(await rows_of(web, "SELECT 1 FROM hold")) == 2
    assert sorted(len(each.json()["holds"]) for each in answers) == [0, 0, 2, 2]


async def test_who_may_not_hold_is_refused(face: Face) -> None:
    web, story, _ = face
    async with browser(web, await make_account(web, "A-1", "auditor")) as client:
        assert (await client.get("/recall.json", params={"lot": story.roll})).status_code == 200
        answer = await client.post(PATH, json=wish(story))
        assert (answer.status_code, answer.json()["permission"]) == (403, "hold_place")
    async with browser(web) as stranger:
        assert (await stranger.post(PATH, json=wish(story))).status_code == 401
        assert (await stranger.get("/recall.json", params={"lot": story.roll})).status_code == 401
    for scope, status in (("plant_read", 403), ("hold_place", 200)):
        _, text = await web.access.tokens.make("Q-1", TokenWish(name=scope, scopes=(scope,), days=1), AUTHOR)
        async with script(web, text) as program:
            assert (await program.post(PATH, json=wish(story))).status_code == status


async def test_holds_are_narrowed_to_a_recall(face: Face) -> None:
    _, story, client = face
    await client.post(PATH, json=wish(story))
    command = {"type": "PlaceHold", "subject": "lot", "codes": ["CAN-1"], "reason": "dent"}
    await client.post("/api/v1/commands", json={"key": "another-key", "command": command})
    everything = (await client.get("/holds.json")).json()
    assert [each["recall"] for each in everything["rows"]] == ["", "RC-1", "RC-1"]
    assert [each["code"] for each in everything["choices"]["recall"]] == ["RC-1"]
    only = (await client.get("/holds.json", params={"recall": "RC-1"})).json()
    assert (only["total_count"], {each["recall"] for each in only["rows"]}) == (2, {"RC-1"})
    none = (await client.get("/holds.json", params={"recall": "RC-9"})).json()
    assert (none["rows"], none["filters"]["recall"]) == ([], "RC-9")
    lot = (await client.get(f"/lots/{story.roll}.json")).json()
    assert [each["recall"] for each in lot["holds"]] == ["RC-1"]
