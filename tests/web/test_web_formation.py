"""The pages of formation as data: batches, a batch with its curves and what stands out, the curve of a cell; what is missing is said."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest
import pytest_asyncio

from cellwright.database.pool import connect
from cellwright.testing.access import browser, make_account
from cellwright.testing.database import Databases
from cellwright.testing.formation import BAD_SLOT, ODD_SLOT, SLOTS, TRAYS, Formed, formed_web
from cellwright.testing.web import WebPlant
from cellwright.views.finding import find_unit
from cellwright.views.tested_at import AskedTest, Place, places_of_tests

Face: TypeAlias = tuple[WebPlant, Formed, httpx.AsyncClient]

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def face(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Face]:
    folder: Path = tmp_path_factory.mktemp("formed")
    async with databases.fresh() as url, formed_web(url, folder) as (web, formed):
        session = await make_account(web, "READER-1", "process")
        async with browser(web, session) as client:
            yield web, formed, client


async def read(face: Face, path: str) -> dict[str, Any]:
    answer = await face[2].get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


# --- the list -----------------------------------------------------------------------------------------


async def test_batches_are_listed_newest_first_with_what_stands_out(face: Face) -> None:
    _, formed, _ = face
    listing = await read(face, "/formation.json")
    assert listing["total_count"] == TRAYS + 1
    starts = [row["start_us"] for row in listing["rows"]]
    assert starts == sorted(starts, reverse=True)
    first = listing["rows"][0]
    assert first["batch"] == formed.batch
    assert (first["station"], first["carrier"]) == ("FORM-01", f"TRAY-{TRAYS - 1}")
    assert (first["first_channel"], first["last_channel"]) == ("FORM-01-000", "FORM-01-015")
    assert (first["cells_count"], first["faults_count"], first["unknown_count"]) == (SLOTS, 1, 0)
    assert first["outliers_count"] == 2
    assert 0 < first["age_us"] < 86_400_000_000
    faults = [row["faults_count"] for row in listing["rows"] if row["operation"] == "form"]
    assert faults == [1, 0, 1, 0, 1, 0]


async def test_what_nobody_could_judge_is_counted_and_its_place_is_unknown(face: Face) -> None:
    listing = await read(face, "/formation.json?operation=grade")
    assert listing["filters"] == {"operation": "grade"}
    assert [each["code"] for each in listing["choices"]["operation"]] == ["form", "grade"]
    (row,) = listing["rows"]
    assert (row["station"], row["carrier"], row["first_channel"]) == ("", "", "")
    assert (row["cells_count"], row["unknown_count"], row["faults_count"], row["outliers_count"]) == (6, 6, 0, 0)


@pytest.mark.parametrize(
    ("begin_s", "end_s", "is_known"),
    [(0, 3600, True), (-7200, 3600, True), (-7200, -3600, False), (20 * 3600, 21 * 3600, False)],
)
async def test_the_place_of_a_test_is_that_of_the_operation_under_way(
    face: Face, *, begin_s: int, end_s: int, is_known: bool
) -> None:
    web, formed, _ = face
    listing = await read(face, "/formation.json?limit=1")
    began_us = listing["rows"][0]["start_us"]
    connection = await connect(web.database_url)
    try:
        number = await find_unit(connection, formed.odd)
        assert number is not None
        test = AskedTest(number, "form", began_us + begin_s * 1_000_000, began_us + end_s * 1_000_000)
        other = AskedTest(number, "grade", test.start_us, test.end_us)
        found = await places_of_tests(connection, [other, test])
    finally:
        await connection.close()
    assert found == [Place(), Place("FORM-01", f"TRAY-{TRAYS - 1}") if is_known else Place()]


async def test_a_part_of_the_list_and_its_file(face: Face) -> None:
    listing = await read(face, "/api/v1/formation?limit=2&offset=1")
    assert len(listing["rows"]) == 2
    assert listing["total_count"] == TRAYS + 1
    answer = await face[2].get("/formation.csv?operation=form")
    lines = answer.text.strip().splitlines()
    assert len(lines) == TRAYS + 1
    assert lines[0].lstrip("\ufeff").startswith("batch,operation,station,carrier")


# --- a batch ------------------------------------------------------------------------------------------


async def test_a_batch_shows_every_curve_by_its_own_samples(face: Face) -> None:
    _, formed, _ = face
    data = await read(face, f"/formation/{formed.batch}.json")
    assert [cell["code"] for cell in data["cells"]] == list(formed.cells)
    assert data["curves_problem"] == ""
    for cell in data["cells"]:
        line = cell["line"]
        assert len(line["times_s"]) == len(line["voltages_mv"]) == len(line["charges_mah"]) <= data["points_count"]
        assert cell["samples_count"] > len(line["times_s"])
        assert line["times_s"] == sorted(line["times_s"])
    line = data["cells"][0]["line"]
    whole = await read(face, f"/units/{formed.cells[0]}/curve.json?operation=form")
    begin = whole["times_us"][0]
    measured = {
        ((at - begin) // 1_000_000, round(volt * 1000))
        for at, volt in zip(whole["times_us"], whole["voltages_v"], strict=True)
    }
    assert set(zip(line["times_s"], line["voltages_mv"], strict=True)) <= measured, "no point is made up"
    grid = np.linspace(0, line["times_s"][-1], 2000)
    times_s = (np.array(whole["times_us"]) - begin) / 1e6
    drawn = np.interp(grid, line["times_s"], np.array(line["voltages_mv"]) / 1000)
    assert np.abs(drawn - np.interp(grid, times_s, whole["voltages_v"])).max() < 0.03
    assert max(line["charges_mah"]) == pytest.approx(1000 * data["cells"][0]["features"]["charge_ah"], abs=10)


async def test_the_odd_cell_and_the_bad_contact_are_told_with_reasons(face: Face) -> None:
    _, formed, _ = face
    data = await read(face, f"/formation/{formed.batch}.json")
    odd, bad = data["cells"][ODD_SLOT], data["cells"][BAD_SLOT]
    assert {cell["code"] for cell in data["cells"] if cell["outliers"]} == {formed.odd, formed.bad}
    assert [cell["code"] for cell in data["cells"] if cell["fault"]] == [formed.bad]
    reasons = {each["feature"]: each for each in odd["outliers"]}
    reason = reasons["discharge_ah"]
    assert reason["value"] == pytest.approx(6.1 * 0.96, abs=0.04)
    assert reason["median"] == pytest.approx(6.1, abs=0.02)
    assert reason["value"] - reason["median"] == pytest.approx(reason["off_sigma"] * reason["sigma"])
    assert reason["off_sigma"] < -data["limit_sigma"]
    assert reason["reason"].startswith("discharge_ah is 5.8")
    offs = [abs(each["off_sigma"]) for each in odd["outliers"]]
    assert offs == sorted(offs, reverse=True)
    assert "test again" in bad["fault_reason"]
    assert bad["signs"]["discharge_ratio"] == pytest.approx(0.6, abs=0.02)
    assert odd["fault_reason"] == ""
    family = {each["feature"]: each for each in data["family"]}
    assert family["discharge_ah"]["median"] == pytest.approx(reason["median"], rel=1e-6)
    assert family["discharge_ah"]["known_count"] == SLOTS


async def test_the_bad_channel_stands_out_and_comes_first(face: Face) -> None:
    _, formed, _ = face
    data = await read(face, f"/formation/{formed.batch}.json")
    assert data["channel_batches_count"] == TRAYS
    rows = data["channels"]
    assert len(rows) == SLOTS
    first = rows[0]
    assert first["channel"] == f"FORM-01-{BAD_SLOT:03d}"
    assert first["stands_out"] == ["contact_faults"]
    assert (first["faults_count"], first["judged_count"], first["tests_count"]) == (3, 6, 6)
    assert first["faults_lower_ratio"] < 0.5 < first["faults_upper_ratio"]
    assert not any(row["stands_out"] for row in rows[1:])
    assert [row["channel"] for row in rows[1:]] == sorted(row["channel"] for row in rows[1:])
    other = rows[1]
    assert abs(other["discharge_off_ratio"]) < 0.01
    assert other["discharge_lower_ratio"] <= other["discharge_off_ratio"] <= other["discharge_upper_ratio"]
    assert other["onset_trend_ratio"] is None, "six batches are no trend"
    assert other["onset_count"] == 6


async def test_a_batch_that_nobody_can_judge_says_so(face: Face) -> None:
    _, formed, _ = face
    data = await read(face, f"/formation/{formed.unjudged}.json")
    assert data["channels"] == []
    assert {cell["fault"] for cell in data["cells"]} == {"not_judged"}
    assert (data["unknown_count"], data["outliers_count"], data["station"], data["carrier"]) == (6, 0, "", "")
    assert all(cell["line"] for cell in data["cells"])


async def test_a_page_of_a_batch_is_no_larger_than_it_says(face: Face) -> None:
    _, formed, client = face
    answer = await client.get(f"/formation/{formed.batch}")
    assert len(answer.content) < 500_000


async def test_files_of_a_batch(face: Face) -> None:
    _, formed, client = face
    answer = await client.get(f"/formation/{formed.batch}.csv")
    assert len(answer.text.strip().splitlines()) == SLOTS + 1
    for name, rows in (("channels", SLOTS), ("outliers", 2), ("points", 16 * 100)):
        file = await client.get(f"/formation/{formed.batch}.parquet?table={name}")
        assert pq.read_table(io.BytesIO(file.content)).num_rows >= rows, name
    assert (await client.get(f"/formation/{formed.batch}.xlsx")).status_code == 200


@pytest.mark.parametrize("code", ["999-form", "1", "form", "x-form", "99999999999999999999-form", "-form"])
async def test_an_unknown_batch_is_said_in_words(face: Face, code: str) -> None:
    answer = await face[2].get(f"/formation/{code}.json")
    assert answer.status_code == 404
    assert "take one of the list at /formation" in answer.json()["detail"]


async def test_a_lost_file_costs_the_curves_and_nothing_else(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder: Path = tmp_path_factory.mktemp("lost")
    async with databases.fresh() as url, formed_web(url, folder) as (web, formed):
        store = web.app.state.services.telemetry
        await store.tidy(everything=True)
        for path in (folder / "telemetry" / "curves").rglob("*.parquet"):
            path.unlink()
        async with browser(web, await make_account(web, "READER-1", "process")) as client:
            data = (await client.get(f"/formation/{formed.batch}.json")).json()
            assert "cellwright check" in data["curves_problem"]
            assert [cell["line"] for cell in data["cells"]] == [None] * SLOTS
            assert data["cells"][ODD_SLOT]["outliers"]
            answer = await client.get(f"/units/{formed.odd}/curve.json")
            assert answer.status_code == 404
            assert "the curve cannot be read" in answer.json()["detail"]


# --- the curve of a cell ------------------------------------------------------------------------------


async def test_the_curve_of_a_cell(face: Face) -> None:
    _, formed, _ = face
    whole = await read(face, f"/units/{formed.bad}/curve.json")
    assert (whole["operation"], whole["attempt"], whole["channel"]) == ("form", 1, f"FORM-01-{BAD_SLOT:03d}")
    assert whole["fault"]
    assert "test again" in whole["fault_reason"]
    assert whole["tests"] == [{"operation": "form", "attempt": 1, "batch": formed.batch}]
    assert len(whole["times_us"]) == whole["samples_count"] > 500
    few = await read(face, f"/units/{formed.bad}/curve.json?operation=form&attempt=1&points=100")
    assert len(few["times_us"]) <= 100
    assert few["samples_count"] == whole["samples_count"]
    assert set(few["times_us"]) <= set(whole["times_us"])
    assert (await read(face, f"/units/{formed.bad}.json"))["curves"] == whole["tests"]


async def test_the_curve_of_a_cell_as_a_file(face: Face) -> None:
    _, formed, client = face
    answer = await client.get(f"/units/{formed.odd}/curve.csv?operation=form&bom=0")
    lines = answer.text.strip().splitlines()
    assert lines[0] == "time_utc,step,voltage_v,current_a,temperature_c,charge_ah"
    assert len(lines) > 500


@pytest.mark.parametrize(
    ("tail", "status", "said"),
    [
        ("curve.json?operation=weld", 404, "tests with curves: form 1"),
        ("curve.json?operation=form&attempt=2", 404, "no curve of"),
        ("curve.json?attempt=x", 400, "attempt=x: give a whole number"),
        ("curve.json?points=3", 400, "points=3: give 8 or more"),
        ("curve.png", 404, "take curve.json or curve.csv"),
    ],
)
async def test_what_is_no_curve_is_said_in_words(face: Face, tail: str, status: int, said: str) -> None:
    answer = await face[2].get(f"/units/{face[1].odd}/{tail}")
    assert answer.status_code == status
    assert said in answer.json()["detail"]


async def test_a_cell_without_tests_has_no_curve(face: Face) -> None:
    answer = await face[2].get("/units/NO-SUCH/curve.json")
    assert answer.status_code == 404
