"""Certificates of a pack that went through the gate: every cell on paper, limits of then, and what a repair leaves."""

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import asyncpg
import pytest
from msgspec import structs

from cellwright.cli.certificate import certificate_lines
from cellwright.database.pool import connect
from cellwright.model.certificates import Certificate, CertificateVerdict, LackKind
from cellwright.model.commands import RecordCalibration
from cellwright.model.plant import Plant
from cellwright.plant.config import find_plant, load_plant
from cellwright.testing.access import browser, make_account
from cellwright.testing.database import prepared_database
from cellwright.testing.flow import START_US, results
from cellwright.testing.pack_story import PackTold, tell_pack
from cellwright.testing.pdf_text import pdf_texts
from cellwright.testing.replay import RecordingDriver, caught_up, through_gate
from cellwright.testing.stories_repair import module_and_spares, repair
from cellwright.testing.web import running_web
from cellwright.views.certificate import read_certificate
from cellwright.views.finding import find_unit
from cellwright.web.certificates.printing import has_chinese_font

END_US = START_US + 30 * 86_400_000_000


@pytest.fixture(scope="module", name="plant")
def fixture_plant() -> Plant:
    return load_plant(find_plant("lfp32700"))


@pytest.fixture(scope="module", name="story")
def fixture_story(plant: Plant) -> tuple[RecordingDriver, PackTold]:
    return tell_pack(plant, END_US)


@pytest.fixture(scope="module", name="url")
def fixture_url(story: tuple[RecordingDriver, PackTold]) -> Iterator[str]:
    with prepared_database(partial(through_gate, driver=story[0]), caught_up) as url:
        yield url


@pytest.fixture(name="connection")
async def fixture_connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(url)
    yield opened
    await opened.close()


async def certificate_of(connection: asyncpg.Connection, plant: Plant, code: str) -> Certificate:
    number = await find_unit(connection, code)
    assert number is not None
    return await read_certificate(connection, plant, number)


async def test_a_shipped_pack_has_a_complete_certificate_of_all_its_cells(
    connection: asyncpg.Connection, plant: Plant, story: tuple[RecordingDriver, PackTold]
) -> None:
    told = story[1]
    found = await certificate_of(connection, plant, told.pack)
    assert (found.is_complete, found.verdict, found.order) == (True, CertificateVerdict.GOOD, "WO-3"), found.lacks
    assert [unit.slot for unit in found.units] == [None, 0, 1, 2, 3]
    assert [len(unit.members) for unit in found.units] == [0, 80, 80, 80, 80]
    assert len({member.code for unit in found.units for member in unit.members}) == 320
    assert all(member.grade == "A" and member.values[0] == 6.1 for unit in found.units for member in unit.members)
    tests = {test.operation: test for test in found.units[0].tests}
    assert list(tests) == [operation.code for operation in plant.routes["pack"].operations]
    assert tests["pack_eol"].person == "B-0001"
    assert tests["pack_eol"].calibration is not None
    assert tests["pack_eol"].began_us is not None
    sources = {each.characteristic.code: each.characteristic.source for each in tests["insulation_test"].values}
    assert "GB 38031-2025, 6.1.5: 100 ohm/V" in sources.values()
    assert {lot.position for lot in found.units[0].lots} == {"bms", "housing", "bolts", "label"}
    assert all(lot.lot and lot.material for lot in found.units[0].lots)
    assert (await certificate_of(connection, plant, told.pack)).sha256 == found.sha256


async def test_limits_are_those_of_the_units_own_revision(
    connection: asyncpg.Connection, plant: Plant, story: tuple[RecordingDriver, PackTold]
) -> None:
    """Today's files may say anything: what held when the pack was made was released to the journal."""
    told = story[1]
    empty = {code: structs.replace(route, operations=()) for code, route in plant.routes.items()}
    assert (await certificate_of(connection, structs.replace(plant, routes=empty), told.pack)) == (
        await certificate_of(connection, plant, told.pack)
    )


async def test_modules_and_cells_have_one_too(
    connection: asyncpg.Connection, plant: Plant, story: tuple[RecordingDriver, PackTold]
) -> None:
    told = story[1]
    module = await certificate_of(connection, plant, told.module)
    assert (module.is_complete, len(module.units), len(module.units[0].members)) == (True, 1, 80)
    cell = await certificate_of(connection, plant, told.cell)
    assert (cell.is_complete, cell.units[0].members) == (True, ())
    by_operation = {test.operation: test for test in cell.units[0].tests}
    assert by_operation["grading"].channel is not None
    assert {"cathode", "anode", "can", "cap"} <= {lot.position for lot in cell.units[0].lots}


async def test_a_cell_on_its_way_has_a_draft(
    connection: asyncpg.Connection, plant: Plant, story: tuple[RecordingDriver, PackTold]
) -> None:
    driver, told = story
    slots = {unit for unit in await connection.fetchval("SELECT slots FROM carrier WHERE code = $1", told.tray) if unit}
    found = await read_certificate(connection, plant, min(slots))
    assert driver.plant.code == found.plant
    assert (found.is_complete, found.verdict) == (False, CertificateVerdict.OPEN)
    assert [lack.operation for lack in found.lacks] == ["ageing", "grading", "sorting", "resort"]
    assert "DRAFT" in next(iter(certificate_lines(found)))


def test_the_verb_writes_what_it_says(url: str, story: tuple[RecordingDriver, PackTold], tmp_path: Path) -> None:
    told, html, pdf = story[1], tmp_path / "c.html", tmp_path / "c.pdf"
    verb = [sys.executable, "-m", "cellwright", "certificate", told.pack, "--database", url]
    done = subprocess.run(
        [*verb, "--json", "--html", html, "--pdf", pdf, "--language", "zh"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    text = html.read_text("utf-8")
    for unit in data["units"]:
        assert unit["code"] in text
        assert all(member["code"] in text for member in unit["members"])
    assert data["sha256"] in text
    printed = [each.replace("\u200b", "") for each in pdf_texts(pdf.read_bytes())]
    codes = [code for unit in data["units"] for code in (unit["code"], *(each["code"] for each in unit["members"]))]
    assert len(codes) == 325
    assert not [code for code in codes if not any(code in each for each in printed)]
    assert any("出生证书" in each for each in printed) == has_chinese_font()
    unknown = subprocess.run([*verb[:4], "NO-SUCH", *verb[5:]], capture_output=True, text=True, check=False, timeout=60)
    assert unknown.returncode == 1
    assert "is unknown" in unknown.stderr


async def test_page_pdf_and_json_say_the_same(url: str, plant: Plant, story: tuple[RecordingDriver, PackTold]) -> None:
    told = story[1]
    async with running_web(url, plant=plant) as web, browser(web, await make_account(web, "Q-1", "quality")) as client:
        base = f"/units/{told.pack}/certificate"
        data = (await client.get(f"{base}.json")).json()
        assert data["is_complete"] is True
        for language, word in (("en", "Birth certificate"), ("zh", "出生证书")):
            page = await client.get(f"{base}?lang={language}")
            assert page.headers["content-type"].startswith("text/html")
            assert word in page.text
            assert data["sha256"] in page.text
            assert 'class="banner"' not in page.text
        state = (await client.get(f"{base}-state.json")).json()
        assert (state["is_complete"], state["missing"], state["sha256"]) == (True, [], data["sha256"])
        answer = await client.get(f"{base}.pdf")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
        for wrong in (
            f"/units/{told.pack}x/certificate",
            f"{base}.docx",
            f"{base}-state.pdf",
            "/units/NO-SUCH/certificate.pdf",
        ):
            assert (await client.get(wrong)).status_code == 404, wrong


async def test_what_is_not_through_its_route_is_a_draft_on_every_sheet(
    url: str, connection: asyncpg.Connection, plant: Plant, story: tuple[RecordingDriver, PackTold]
) -> None:
    """Of the tray that ages, each cell lacks four operations, and is told so in the reader's language."""
    slots = await connection.fetchval("SELECT slots FROM carrier WHERE code = $1", story[1].tray)
    found = await read_certificate(connection, plant, min(unit for unit in slots if unit))
    async with running_web(url, plant=plant) as web, browser(web, await make_account(web, "Q-2", "quality")) as client:
        base = f"/units/{found.code}/certificate"
        state = (await client.get(f"{base}-state.json")).json()
        assert (state["is_complete"], state["verdict"]) == (False, "open")
        missing = [(each["kind"], each["operation"], each["units_count"]) for each in state["missing"]]
        assert missing == [("not_done", code, 1) for code in ("ageing", "grading", "sorting", "resort")]
        said = {
            "en": "DRAFT - not for delivery</strong> This paper is no certificate yet. Not done: Ageing, Grading,",
            "zh": "草稿 - 不得交付</strong> 本文件尚不是证书。未完成",
        }
        for language, text in said.items():
            assert text in (await client.get(f"{base}?lang={language}")).text
        printed = pdf_texts((await client.get(f"{base}.pdf?lang=en")).content)
    sheets_count = int(next(at[1] for each in printed if (at := re.search(r"page ?1 ?/ ?(\d+)", each))))
    assert max(each.count("DRAFT - not for delivery") for each in printed) == 1 + 2 * sheets_count


async def test_a_repair_and_a_failed_test_are_shown(database_url: str) -> None:
    driver = RecordingDriver()
    module, cells, spares = module_and_spares(driver, 1)
    driver.person("P-1", qualification="hv_work")
    driver.must(RecordCalibration(station="TEST-01", valid_until_us=driver.now_us + 60 * 1_000_000))
    driver.work("TEST-01", [module], person="P-1", results=results(voltage_v=[13.2]))
    driver.wait(60)
    driver.must(repair(module, cells[1], spares[0], operation="test"), actor="MEND")
    await through_gate(database_url, driver)
    await caught_up(database_url)
    opened = await connect(database_url)
    found = await certificate_of(opened, driver.plant, module)
    await opened.close()
    assert [each.kind for each in found.incidents] == ["Disassembled", "Assembled", "Dispositioned"]
    incident = found.incidents[1]
    assert (incident.actor, incident.others, incident.replaced) == ("MEND", (spares[0],), (cells[1],))
    assert spares[0] in {member.code for member in found.units[0].members}
    assert cells[1] not in {member.code for member in found.units[0].members}
    (again,) = [lack for lack in found.lacks if lack.operation == "test"]
    assert again.kind is LackKind.NOT_DONE
    assert "once more" in again.text
    assert [test.calibration.valid_until_us for test in found.units[0].tests if test.calibration] == [
        START_US + (driver.now_us - START_US)
    ]
