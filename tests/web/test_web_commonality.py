"""What programs ask of commonality: JSON by the API, files, and errors that say what to do."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from cellwright.testing.access import browser, make_account
from cellwright.testing.database import Databases
from cellwright.testing.many_lots import CELLS, ManyLots, tell_many_lots
from cellwright.testing.replay import through_gate
from cellwright.testing.web import running_web

pytestmark = pytest.mark.asyncio(loop_scope="module")

Face = tuple[ManyLots, httpx.AsyncClient]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plant() -> AsyncIterator[Face]:
    told = tell_many_lots()
    databases = await Databases.start()
    async with databases.fresh() as url:
        await through_gate(url, told.driver)
        async with running_web(url, told.driver.plant) as web:
            web.times.plant_us = told.driver.now_us + 1_000_000
            async with browser(web, await make_account(web, "QUALITY-1", "quality")) as client:
                yield told, client
    await databases.stop()


async def test_the_api_ranks_what_bad_units_share(plant: Face) -> None:
    told, client = plant
    code, cells = list(told.causes["can"].items())[2]
    answer = await client.get("/api/v1/commonality", params={"codes": ",".join(told.bad(1, cells)), "limit": "3"})
    assert answer.status_code == 200, answer.text
    found = answer.json()["answer"]
    first = found["findings"][0]
    assert {"factor": "lot", "of": "can", "code": code, "basis": "exact"} in first["levels"]
    assert first["low_ratio"] < first["ratio"] < first["high_ratio"]
    assert first["p_value"] <= first["holm_p_value"] <= first["q_value"] < 1e-6
    assert found["population"]["count"] == CELLS
    assert len(found["findings"]) == max(3, found["found_count"])


async def test_files_hold_a_row_for_each_level(plant: Face) -> None:
    told, client = plant
    cells = list(told.causes["can"].values())[2]
    query = {"codes": " ".join(told.bad(1, cells))}
    text = (await client.get("/commonality.csv", params={**query, "bom": "0"})).text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["code"] for row in rows if row["rank"] == "1"] == ["CAN-3", "ROLL-000021"]
    assert rows[0]["factor"] == "lot"
    assert float(rows[0]["q_value"]) < 1e-6
    for suffix in ("xlsx", "parquet", "json"):
        assert (await client.get(f"/commonality.{suffix}", params=query)).status_code == 200


async def test_as_many_codes_fit_into_an_address_as_the_page_says(plant: Face) -> None:
    told, client = plant
    prefix = told.cells[0][:-7]
    codes = [*told.cells, *(f"{prefix}{8_000_000 + each}" for each in range(2400 - CELLS))]
    # The client of these tests sends no address of this length.
    place = client.base_url
    reader, writer = await asyncio.open_connection(place.host, place.port)
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    head = f"GET /api/v1/commonality?codes={'+'.join(codes)} HTTP/1.1\r\nHost: {place.host}:{place.port}\r\n"
    writer.write(f"{head}Cookie: {cookies}\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    assert answer.startswith("HTTP/1.1 404"), answer[:200]
    assert f"{prefix}8000000" in answer


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ({}, 400, "give the codes of the bad units"),
        ({"codes": "WRONG-1 CAN-1"}, 404, "'CAN-1' is a lot and no unit"),
        ({"codes": "{cell}", "from": "yesterday"}, 400, "write a time like"),
        ({"codes": "{cell}", "product": "pack"}, 404, "none of the units is a pack"),
        ({"codes": "{cell}", "from": "2099-01-01"}, 404, "widen --from and --to"),
        ({"codes": " ".join(f"X{each}" for each in range(10_001))}, 404, "at most 10000"),
    ],
)
async def test_what_cannot_be_answered_says_why(plant: Face, query: dict[str, str], status: int, text: str) -> None:
    told, client = plant
    filled = {name: value.replace("{cell}", told.cells[0]) for name, value in query.items()}
    answer = await client.get("/api/v1/commonality", params=filled)
    assert answer.status_code == status, answer.text
    assert text in answer.json()["detail"]
    page = await client.get("/commonality", params=filled)
    assert page.status_code == (400 if "yesterday" in filled.values() else 200)
