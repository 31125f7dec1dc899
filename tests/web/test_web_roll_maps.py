"""Roll maps as data: what the page, the API and the files say of a web, and what they say to a question that cannot be."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from cellwright.testing.access import browser, make_account
from cellwright.testing.database import Databases
from cellwright.testing.objects import Face, read, told_web

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(name="face", scope="module", loop_scope="module")
async def fixture_face(databases: Databases) -> AsyncIterator[Face]:
    async with databases.fresh() as url, told_web(url) as (web, told):
        cookie = await make_account(web, "READER-1", "operator")
        async with browser(web, cookie) as client:
            yield web, told, client


async def map_of(face: Face, query: str = "") -> dict[str, Any]:
    return await read(face, f"/api/v1/roll-maps/{face[1].web}{query}")


async def test_a_map_tells_lanes_flaws_limits_and_what_was_wound(face: Face) -> None:
    data = await map_of(face)
    assert (data["start"], data["end"], data["lot"]["code"]) == (0, 31_000, face[1].web)
    assert [(lane["lane"], lane["source"]) for lane in data["lanes"]] == [(each, face[1].web) for each in (1, 2, 3, 4)]
    assert [len(lane["bins"]["values"]) for lane in data["lanes"]] == [62] * 4
    assert data["lanes"][0]["bins"]["values"][3] is None, "not measured is unknown, never a number"
    (limit,) = data["limits"]
    assert (limit["characteristic"], limit["unit"], limit["lower"], limit["upper"]) == (
        "areal_weight_gsm",
        "g/m2",
        180.0,
        220.0,
    )
    assert [(mark["defect"], mark["lane"]) for mark in data["marks"]] == [
        ("missing_coat", 2),
        ("coating_streak", 3),
        ("<b>scratch</b>", 0),
    ]
    assert sum(run["units_count"] for run in data["runs"]) == 11
    assert {(run["lane"], run["position"], run["is_reversed"]) for run in data["runs"]} == {(0, "cathode", False)}
    assert data["reach"] is None


async def test_a_zoom_tells_only_its_section_and_bins_as_many_as_wanted(face: Face) -> None:
    data = await map_of(face, "?start=2000&end=4000&bins=2")
    (first, *_) = data["lanes"]
    assert (data["start"], data["end"], len(first["bins"]["values"])) == (2000, 4000, 2)
    assert [mark["start"] for mark in data["marks"]] == []
    assert {run["unit_from"] for run in data["runs"]} == {face[1].cells[2]}


async def test_what_is_brushed_leads_to_cells_modules_and_packs(face: Face) -> None:
    told = face[1]
    reach = (await map_of(face, "?brush_start=1000&brush_end=1700&lane=2"))["reach"]
    assert [(each["kind"], each["units_count"]) for each in reach["counts"]] == [
        ("cell", 1),
        ("module", 1),
        ("pack", 0),
    ]
    assert [unit["code"] for unit in reach["units"]] == [told.cells[1], told.module]
    traced = await read(face, f"/api/v1/trace/{told.web}?direction=forward&start=1000&end=1700&lane=2")
    assert {node["code"] for node in traced["nodes"] if node["is_unit"]} == {unit["code"] for unit in reach["units"]}


@pytest.mark.parametrize(
    "query",
    [
        "start=500&end=100",
        "start=0&end=31001",
        "start=31000",
        "start=-5&end=10",
        "start=x",
        "end=1e3",
        "brush_start=7&brush_end=7",
        "brush_start=99999999999999999999",
    ],
)
async def test_a_stretch_that_is_none_is_answered_with_what_would_be_one(face: Face, query: str) -> None:
    for path in (f"/api/v1/roll-maps/{face[1].web}?{query}", f"/roll-maps/{face[1].web}.csv?{query}"):
        answer = await face[2].get(path)
        assert answer.status_code == 400
        assert f"is no stretch of lot {face[1].web}" in answer.json()["detail"]
        assert "<= 31000 mm" in answer.json()["detail"]


async def test_what_has_no_places_has_no_map(face: Face) -> None:
    answer = await face[2].get("/api/v1/roll-maps/CAN-1")
    assert (answer.status_code, "counted in count" in answer.json()["detail"]) == (404, True)
    assert (await face[2].get("/api/v1/roll-maps/NO-SUCH-WEB")).status_code == 404


async def test_a_bought_web_without_profile_still_shows_what_was_made_of_it(face: Face) -> None:
    data = await read(face, "/api/v1/roll-maps/SEP-1")
    assert data["lanes"] == data["marks"] == []
    assert sum(run["units_count"] for run in data["runs"]) == 11


async def test_a_foil_shows_the_cells_of_its_webs(face: Face) -> None:
    data = await read(face, "/api/v1/roll-maps/FOIL-1")
    assert {(run["lot"], run["lane"]) for run in data["runs"]} == {(face[1].web, 1)}


async def test_files_hold_every_value(face: Face) -> None:
    answer = await face[2].get(f"/roll-maps/{face[1].web}.csv?bom=0")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 4 * 62
    assert rows[0] == {
        "characteristic": "areal_weight_gsm",
        "source": face[1].web,
        "source_lane": "1",
        "lane": "1",
        "start": "0",
        "end": "500",
        "value": "203.0",
        "lower": "203.0",
        "upper": "203.0",
        "measured_count": "1",
    }
    marks = await face[2].get(f"/roll-maps/{face[1].web}.csv?table=marks")
    assert "missing_coat" in marks.text
    for suffix in ("xlsx", "parquet"):
        assert (await face[2].get(f"/roll-maps/{face[1].web}.{suffix}")).status_code == 200
