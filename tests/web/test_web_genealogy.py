"""The genealogy as data: levels, pages of nodes and steps, errors that say what to ask, and files of every length."""

import gc
import io
import os
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx
import msgspec
import pyarrow.parquet
import pytest
import pytest_asyncio

from cellwright.database.pool import connect
from cellwright.model.ids import UnitKind
from cellwright.rules.positions import Direction
from cellwright.testing.access import browser, make_account
from cellwright.testing.database import Databases
from cellwright.testing.objects import Face, read
from cellwright.testing.plant_year import make_plant_year
from cellwright.testing.plant_year_store import lot_code, store_plant_year
from cellwright.testing.web import running_web
from cellwright.views.spread import Section, Spread, find_spread

pytestmark = pytest.mark.asyncio(loop_scope="module")

GROWTH_BYTES_MAX: Final = 60 << 20


async def test_levels_come_with_their_first_nodes(face: Face) -> None:
    _, told, _ = face
    found = await read(face, f"/genealogy/{told.module}.json")
    assert [(each["level"], each["nodes_count"]) for each in found["levels"]][:2] == [("module", 1), ("cell", 4)]
    assert {node["code"] for node in found["levels"][1]["nodes"]} == set(told.cells)
    assert (found["direction"], found["subject_kind"], found["kind"]) == (Direction.BACKWARD, "unit", "module")
    assert found == await read(face, f"/api/v1/genealogy/{told.module}")


async def test_a_tree_opens_step_by_step(face: Face) -> None:
    _, told, _ = face
    steps = (await read(face, f"/api/v1/genealogy-steps/{told.module}"))["nodes"]
    assert [(each["code"], each["place"]) for each in steps[:4]] == [
        (code, f"slot {slot}") for slot, code in enumerate(told.cells)
    ]
    taken = (await read(face, f"/api/v1/genealogy-steps/{told.module}?of={told.cells[1]}"))["nodes"]
    web = next(each for each in taken if each["code"] == told.web)
    assert (web["place"], web["stretch_measure"], web["basis"], web["has_steps"]) == ("cathode", "mm", "interval", True)
    assert web["stretches"][0]["tolerance"] > 0
    page = await read(face, f"/api/v1/genealogy-level/{told.module}?level=cell&offset=3&limit=9")
    assert (page["total_count"], [each["code"] for each in page["nodes"]]) == (4, [told.cells[3]])
    flow = await read(face, f"/api/v1/genealogy-flow/{told.module}")
    assert {node["level"] for node in flow["nodes"]} >= {"web", "cell", "module"}


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/genealogy/nothing.json", 404, "'nothing' is unknown"),
        ("/genealogy/TRAY-7.json", 404, "is a carrier; ask for the units in it"),
        ("/genealogy/CAN-1.json?start=9&end=3", 400, "is no stretch of lot CAN-1; give 0 <= start < end <= "),
        ("/genealogy/CAN-1.json?direction=forward&start=5&end=99999999", 400, "is no stretch of lot CAN-1"),
        (
            "/genealogy/CAN-1.json?start=1e3",
            400,
            "start=1e3: write a whole number in the lot's measure, or leave it out",
        ),
        ("/genealogy/FOIL-1.json?direction=forward&lane=x", 400, "lane=x: write the number of a lane, or leave it out"),
        ("/genealogy/FOIL-1.json?direction=forward&lane=7", 400, "lot FOIL-1 has no lane 7; it was slit into 1: give"),
        ("/trace/FOIL-1.json?direction=forward&lane=7", 400, "lot FOIL-1 has no lane 7; it was slit into 1: give"),
        ("/trace/FOIL-1.json?end=-4", 400, "end=-4: write a whole number in the lot's measure, or leave it out"),
        ("/api/v1/genealogy-level/CAN-1?level=moon", 400, "level 'moon' is none of this genealogy; ask for one of can"),
        ("/api/v1/genealogy-steps/CAN-1?of=FOIL-1", 404, "'FOIL-1' is no part of this genealogy; ask for one of its"),
        ("/api/v1/genealogy-steps/CAN-1?of=nothing", 404, "'nothing' is unknown"),
        ("/genealogy/CAN-1/units.xlsx", 404, "'units.xlsx' is no file of this; take units.csv or units.parquet or"),
        ("/genealogy/nothing/units.csv", 404, "'nothing' is unknown"),
        ("/genealogy/CAN-1/units.csv?start=9&end=3", 400, "is no stretch of lot CAN-1"),
    ],
)
async def test_what_cannot_be_answered_is_said(face: Face, path: str, status: int, text: str) -> None:
    answer = await face[2].get(path)
    assert answer.status_code == status
    assert text in answer.json()["detail"]


async def test_files_hold_what_was_reached(face: Face) -> None:
    web, told, client = face
    del web
    rows = await read_list(client, f"/genealogy/{told.web}/units.json?direction=forward")
    trace = await read(face, f"/trace/{told.web}.json?direction=forward")
    units = {node["code"]: node for node in trace["nodes"] if node["is_unit"]}
    assert {row["code"]: (row["kind"], row["status"], row["basis"]) for row in rows} == {
        code: (node["level"], node["status"], node["basis"]) for code, node in units.items()
    }
    by_code = {row["code"]: row for row in rows}
    for part in trace["parts"]:
        if part["consumed"] == told.web:
            row = by_code[part["made"]]
            assert (row["lot"], row["position"]) == (told.web, part["place"])
            assert (row["start"], row["end"], row["tolerance"]) == (part["start"], part["end"], part["tolerance"])
    assert {by_code[code]["outermost"] for code in (*told.cells, told.module)} == {told.module}
    assert by_code[told.waiting]["outermost"] == told.waiting
    assert by_code[told.held]["held"] is True
    assert by_code[told.module]["takes_count"] == 0
    lots = await read_list(client, f"/genealogy/{told.module}/lots.json")
    assert {row["code"] for row in lots} == {
        node["code"] for node in await nodes_of(face, told.module) if not node["is_unit"]
    }


async def nodes_of(face: Face, code: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await read(face, f"/trace/{code}.json"))["nodes"]
    return found


async def read_list(client: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(path)).json()
    return found


async def test_a_code_may_look_like_a_file(face: Face) -> None:
    for code in ("LOT.json", "A/B.C", "批次-一", "../etc/passwd"):
        answer = await face[2].get(f"/genealogy/{quote(code, safe='')}/lots.csv")
        assert answer.status_code == 200
        assert answer.content.startswith(b"\xef\xbb\xbfcode,material")
        assert code in answer.text
        plain = await face[2].get(f"/genealogy/{quote(code, safe='')}/lots.csv?bom=0")
        assert plain.content.startswith(b"code,")
        assert "lots-" in answer.headers["content-disposition"]


# --- a plant-year ---------------------------------------------------------------------------


Year = tuple[httpx.AsyncClient, str, Spread, str]


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="year")
async def fixture_year(databases: Databases) -> AsyncIterator[Year]:
    """A client of a plant of 120,000 cells, a lot that is in all of them, how far it has spread, and a foil."""
    async with databases.fresh() as url:
        plant, connection = make_plant_year(120_000, seed=5), await connect(url)
        await store_plant_year(connection, plant, is_packed=True)
        lot = plant.blocks["anode_binder"].first
        spread = await find_spread(connection, Section(lot=lot))
        await connection.close()
        async with running_web(url) as web, browser(web, await make_account(web, "READER-1", "operator")) as client:
            yield client, lot_code(lot), spread, lot_code(plant.blocks["anode_foil"].first)


async def fetched(client: httpx.AsyncClient, path: str) -> tuple[bytes, int]:
    """Return a file, and by how much the server's process grew while it was sent, beyond the file itself."""
    gc.collect()
    content, before, most = bytearray(), resident_bytes(), 0
    async with client.stream("GET", path, timeout=60) as answer:
        assert answer.status_code == 200
        assert "content-length" not in answer.headers
        async for portion in answer.aiter_raw():
            content += portion
            most = max(most, resident_bytes() - before - len(content))
    return bytes(content), most


def resident_bytes() -> int:
    """The memory of this process, in which the server runs too."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("suffix", ["csv", "parquet", "json"])
async def test_a_file_of_a_hundred_thousand_units_is_sent_in_portions(year: Year, suffix: str) -> None:
    client, code, spread, _ = year
    content, growth = await fetched(client, f"/genealogy/{code}/units.{suffix}?direction=forward")
    codes, kinds = read_file(suffix, content)
    assert Counter(kinds) == spread.outermost.levels
    assert len(codes) == len(set(codes)) == sum(spread.outermost.levels.values()) > 120_000
    assert growth < GROWTH_BYTES_MAX


def read_file(suffix: str, content: bytes) -> tuple[list[str], list[str]]:
    """Return codes and kinds."""
    if suffix == "csv":
        rows = [line.split(",") for line in content.decode("utf-8-sig").splitlines()[1:]]
        return [row[0] for row in rows], [row[1] for row in rows]
    if suffix == "json":
        records = msgspec.json.decode(content)
        return [each["code"] for each in records], [each["kind"] for each in records]
    table = pyarrow.parquet.read_table(io.BytesIO(content), columns=["code", "kind"])
    return table["code"].to_pylist(), table["kind"].to_pylist()


async def test_a_reader_that_leaves_takes_no_connection_along(year: Year) -> None:
    client, code, *_ = year
    for _ in range(8):
        async with client.stream("GET", f"/genealogy/{code}/units.csv?direction=forward") as answer:
            async for _portion in answer.aiter_raw():
                break
    assert (await client.get(f"/genealogy/{code}.json?direction=forward", timeout=20)).status_code == 200


async def test_the_page_of_a_large_lot_is_bounded(year: Year) -> None:
    client, code, spread, _ = year
    answer = await client.get(f"/genealogy/{code}.json?direction=forward")
    assert len(answer.content) < 100_000
    levels = {each["level"]: each for each in answer.json()["levels"]}
    assert levels["cell"]["nodes_count"] == spread.outermost.levels[UnitKind.CELL]
    assert levels["cell"]["nodes"] == []
    path = f"/api/v1/genealogy-level/{code}?direction=forward&level=cell&limit=999999&offset=110000"
    page = (await client.get(path)).json()
    assert 0 < len(page["nodes"]) <= 5000
    assert sum(len(each["nodes"]) for each in levels.values()) <= 200


async def test_what_a_long_stretch_became_is_counted_and_its_first_are_listed(year: Year) -> None:
    client, _, _, foil = year
    length_mm = (await client.get(f"/api/v1/roll-maps/{foil}?bins=1")).json()["lot"]["quantity"]
    path = f"/api/v1/roll-maps/{foil}?bins=1&brush_start=0&brush_end={length_mm}"
    reach = (await client.get(path, timeout=60)).json()["reach"]
    files = (await client.get(f"/genealogy/{foil}/units.json?direction=forward", timeout=60)).json()
    counts = Counter(each["kind"] for each in files)
    assert counts["cell"] > 50_000
    assert {each["kind"]: (each["units_count"], each["shown_count"]) for each in reach["counts"]} == {
        kind: (count, min(count, 200)) for kind, count in counts.items()
    }
    known = {each["code"]: (each["kind"], each["product"], each["status"], each["basis"]) for each in files}
    assert len({each["code"] for each in reach["units"]}) == sum(min(count, 200) for count in counts.values())
    for each in reach["units"]:
        assert known[each["code"]] == (each["kind"], each["product"], each["status"], each["basis"])
